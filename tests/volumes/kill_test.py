# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the plugin before every single call that changes something, and during its starts.

Two volumes go through their lives repeatedly. In round N, each step is cut before its N-th changing
call (kill_at.c), the plugin is started again (and killed once more during its recovery), and the
step is requested again. Rounds continue until no step is long enough to be cut.
"""

import os

from tests.support import runner
from tests.volumes import plugin as plugins

MIB = plugins.MIB
MOST_ROUNDS = 200


class KillTest(plugins.PluginTestCase):
    limit = 560

    def cut(self, plugin, steps, action):
        """Does it with a cut before the `steps`-th call; returns whether it was cut. Afterwards the plugin runs."""
        plugin.arm(steps)
        try:
            action()
            plugin.settle()
        except (plugins.Died, OSError):
            plugin.process.wait(10)
        if plugin.disarm():
            return False
        # Once more, during recovery; at a point that moves with the round.
        plugin.spawn(kill_at=1 + steps % 13)
        try:
            plugins.mounting.wait_until(
                lambda: plugin.process.poll() is not None or plugin.answers(), 15
            )
        finally:
            plugin.kill()
        plugin.start()
        plugin.settle()
        return True

    def check(self, plugin, volumes, mounted):
        """Checks that exactly these exist, and are complete."""
        self.assertEqual(volumes, plugin.names())
        self.assertEqual(volumes, plugin.namespaces())
        for name in volumes:
            status = plugin.status(name)
            self.assertEqual("ready", status["state"], status)
            self.assertEqual("good", status["health"], status)
        self.assertEqual(mounted, bool(plugin.volume_mounts()), plugin.volume_mounts())
        if not mounted:
            self.assertTrue(plugins.mounting.wait_until(lambda: not plugin.loops(), 5))

    def live(self, options, file_of):
        """The life of one volume, cut everywhere. `file_of` is the file in it for the test's bytes."""
        image = self.image(size=64 * MIB)
        plugin = self.plugin(image)
        free = plugin.available()
        cuts = dict.fromkeys(("create", "mount", "unmount", "remove"), 0)
        for steps in range(1, MOST_ROUNDS):
            secret = b"secret of round %d " % steps
            before = sum(cuts.values())

            cuts["create"] += self.cut(plugin, steps, lambda: plugin.create("v", **options))
            there = plugin.names()
            self.assertIn(there, ([], ["v"]))
            self.check(plugin, there, False)
            plugin.create("v", **options)  # whether it exists or not
            self.check(plugin, ["v"], False)

            cuts["mount"] += self.cut(plugin, steps, lambda: plugin.mount("v"))
            self.check(plugin, ["v"], bool(plugin.status("v")["mounts"]))
            path = os.path.join(plugin.mount("v"), file_of)
            with open(path, "r+b" if os.path.exists(path) else "xb", buffering=0) as file:
                file.write(secret)
                os.fsync(file.fileno())

            cuts["unmount"] += self.cut(plugin, steps, lambda: plugin.unmount("v"))
            self.check(plugin, ["v"], bool(plugin.status("v")["mounts"]))
            with open(os.path.join(plugin.mount("v"), file_of), "rb") as file:
                self.assertEqual(secret, file.read(len(secret)))
            plugin.unmount("v")
            self.check(plugin, ["v"], False)
            self.assertTrue(plugins.contains(image, secret))

            cuts["remove"] += self.cut(plugin, steps, lambda: plugin.remove("v"))
            there = plugin.names()
            self.assertIn(there, ([], ["v"]))
            self.check(plugin, there, False)
            plugin.remove("v")  # whether it exists or not
            plugin.settle()
            self.check(plugin, [], False)
            self.assertEqual(free, plugin.available())
            self.assertFalse(plugins.contains(image, b"secret of round"))

            if sum(cuts.values()) == before:
                break
        else:
            self.fail("there is always one more step")
        print(f"cuts: {cuts}")
        self.assertTrue(all(count > 3 for count in cuts.values()), cuts)

    def test_a_file_system_survives_a_kill_at_every_step(self):
        self.live({"size": "20M"}, "file")

    def test_a_raw_volume_survives_a_kill_at_every_step(self):
        self.live({"size": "16M", "mode": "raw"}, "data")

    def test_between_any_two_calls_nothing_changes(self):
        plugin = self.plugin()
        calls = [
            lambda: plugin.create("v", size="20M"),
            lambda: plugin.mount("v", "one"),
            lambda: plugin.mount("v", "two"),
            lambda: plugin.unmount("v", "one"),
            lambda: plugin.unmount("v", "two"),
            lambda: plugin.remove("v"),
        ]
        for call in calls:
            call()
            plugin.settle()
            before = (plugin.names(), plugin.namespaces(), plugin.volume_mounts())
            mounts = [plugin.status(name)["mounts"] for name in plugin.names()]
            servers = plugin.servers()
            plugin.kill()
            plugin.start()
            self.assertEqual(before, (plugin.names(), plugin.namespaces(), plugin.volume_mounts()))
            self.assertEqual(mounts, [plugin.status(name)["mounts"] for name in plugin.names()])
            self.assertEqual(servers, plugin.servers())


if __name__ == "__main__":
    runner.main()
