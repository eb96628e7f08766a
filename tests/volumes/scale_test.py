# SPDX-License-Identifier: Apache-2.0
"""The cost of a call does not depend on the number of volumes.

Time is not meaningful on a busy machine, so work is counted: what the plugin reads, what it and its server send
to each other, and the calls by which it changes or controls something (kill_at.c).
"""

import json
import os

from tests.support import runner
from tests.volumes import plugin as plugins

MIB = plugins.MIB
FEW, MANY = 4, 40
# Read-only: the kernel itself writes to a new ext4 for a while after it is mounted.
KINDS = {
    "raw": {"size": "16M", "mode": "raw", "ro": "yes"},
    "fs": {"size": "20M", "ro": "yes"},
}
REPEATS = 3
# Allowance for the longer names and numbers of more volumes.
SLACK = 1.15


def bytes_of(pid, *counters):
    """How many bytes the process has read ("rchar") or written ("wchar"), by all means."""
    with open(f"/proc/{pid}/io", encoding="ascii") as io:
        counts = dict(line.split(": ") for line in io.read().splitlines())
    return sum(int(counts[counter]) for counter in counters)


class ScaleTest(plugins.PluginTestCase):
    limit = 400

    def work(self, plugin, calls):
        """The least that one of `calls` makes the plugin and its server do: nothing else goes on then."""

        def now():
            (server,) = plugin.servers()
            return {
                "read": bytes_of(plugin.process.pid, "rchar"),
                "talk": bytes_of(server, "rchar", "wchar"),
                "calls": plugin.steps(),
            }

        least = {}
        for call in calls:
            before = now()
            call()
            for name, count in now().items():
                least[name] = min(least.get(name, count), count - before[name])
        return least

    def look(self, plugin, kind):
        """The work of each call for one more volume, by verb."""
        names = [f"more{number}" for number in range(REPEATS)]
        steps = {
            "unknown": lambda name: self.assertRaises(plugins.Refused, plugin.status, name),
            "create": lambda name: plugin.create(name, **KINDS[kind]),
            "get": plugin.status,
            "mount": plugin.mount,
            "unmount": plugin.unmount,
            "remove": plugin.remove,
        }
        found = {}
        for verb, step in steps.items():
            plugin.settle()
            found[verb] = self.work(plugin, [lambda name=name: step(name) for name in names])
            if verb in ("mount", "unmount", "remove") or plugin.volume_mounts():
                # The mount tables of all processes are read, by the call or in parallel.
                del found[verb]["read"]
        return found

    def grow(self, plugin, count):
        for number in range(len(plugin.names()), count):
            plugin.create(f"v{number}", **KINDS["fs" if number % 2 else "raw"])

    def compare(self, few, many):
        for verb, work in few.items():
            for name, count in work.items():
                self.assertLessEqual(many[verb][name], count * SLACK + 2, (verb, name, few, many))

    def say_seen(self, plugin):
        """No mount is left to search for: the mount tables are no longer read in parallel to a start."""
        for entry in os.scandir(plugin.root + "/journal"):
            with open(entry.path, "r+", encoding="utf-8") as file:
                record = json.load(file)
                record["seen_in_use"] = True
                file.seek(0)
                file.truncate()
                json.dump(record, file)

    def large(self):
        return self.image(size=32 * MIB * (MANY + REPEATS + 1))

    def test_a_call_costs_the_same_with_few_volumes_and_with_many(self):
        plugin = self.plugin(self.large())
        found = {}
        for count in (FEW, MANY):
            self.grow(plugin, count)
            for kind in KINDS:
                found[count, kind] = self.look(plugin, kind)
        for kind in KINDS:
            self.compare(found[FEW, kind], found[MANY, kind])

    def test_a_call_costs_the_same_with_few_mounts_and_with_many(self):
        plugin = self.plugin(self.large())
        found = {}
        for count in (FEW, MANY):
            self.grow(plugin, count)
            for name in plugin.names():
                plugin.mount(name)
            for kind in KINDS:
                found[count, kind] = self.look(plugin, kind)
        for kind in KINDS:
            self.compare(found[FEW, kind], found[MANY, kind])

    def test_a_list_asks_for_names_alone(self):
        plugin = self.plugin(self.large())
        self.grow(plugin, MANY)
        plugin.names()
        talk = self.work(plugin, [plugin.names] * REPEATS)["talk"]
        # One or two names in a directory for each volume; its description takes ten times that.
        self.assertLess(talk, 2 * MANY * 128 + 4096)
        plugin.create("more", **KINDS["raw"])
        after = self.work(plugin, [plugin.names])["talk"]
        self.assertLess(after, talk + 4096)

    def test_a_start_costs_the_same_for_each_volume(self):
        plugin = self.plugin(self.large())
        costs = {}
        for count in (FEW, MANY):
            self.grow(plugin, count)
            for name in plugin.names():
                plugin.mount(name)
            plugin.kill()
            self.say_seen(plugin)
            plugin.start()
            costs[count] = bytes_of(plugin.process.pid, "rchar") / count
            self.assertEqual(count, len(plugin.volume_places()))
        self.assertLess(costs[MANY], costs[FEW] * SLACK, costs)


if __name__ == "__main__":
    runner.main()
