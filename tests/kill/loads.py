# SPDX-License-Identifier: Apache-2.0
"""What uses a victim while it is killed, and what must be true of that afterwards.

A load gives the commands that a script runs beside each other, says how far they are, and checks what they left once the
victim runs again. LOADS is the table.
"""

import http.client
import json
import os
import re
import signal
import struct
import threading

from tests.kill import storm
from tests.support import mounting
from tests.volumes import plugin as plugins

UNITS = 48  # of each writer; few, so that each is overwritten often
WRITERS = 2  # of each node
RECORD = 512
STORM = os.path.join(os.path.dirname(__file__), "storm.py")
# Of each node: behind what the writers use.
FIO_OFFSET, FIO_SIZE = 1 << 20, 8 << 20


class Load:
    """`random` decides everything that is up to chance; `place` is a directory for this round."""

    def __init__(self, victim, random, place):
        self.victim = victim
        self.random = random
        self.place = place

    def path(self, name):
        return os.path.join(self.place, name)

    def commands(self):
        """[(name, command)] for the script."""
        return []

    def begin(self):
        """After the commands have started."""

    def progress(self):
        """How much was done; grows by one with each operation, more or less."""
        return 0

    def target(self):
        """How much to wait for before the kill."""
        return 0

    def at_most(self, number):
        """A random target; a smaller one where each step waits for the disk."""
        return self.random.randrange(1, number // 8 if self.victim.durability == "power" else number)

    def end(self):
        """Asks it to end, where its victim lives on."""

    def ended(self, name, status):
        """The exit status of a command; None if it was killed with its victim."""
        if status in (0, None):
            return
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            said = file.read()
        # It had not yet opened its file when its victim died, and the tree with it.
        if not re.fullmatch(r"acked: open \S+: No such file or directory\n", said):
            raise AssertionError(f"{name}: exit {status}: {said}")

    def done(self):
        """After its commands have ended."""

    def excuses(self, _name, _configuration):
        """Whether a namespace that `check` complains about may be in that state."""
        return False

    def checks(self):
        """Commands, each of which must exit with 0."""
        return []

    def verify(self, before_start, after_start):
        """Checks the configurations found on the media (None: in use) and in the victim that was started again."""

    def count(self):
        """What to print at the end: {what: how many}."""
        return {}


class Writers(Load):
    """Programs that write to all namespaces, and know what was acknowledged (acked.c)."""

    each = WRITERS

    def __init__(self, victim, random, place):
        super().__init__(victim, random, place)
        self._acked = mounting.program("tests/guest/acked")
        self._writers = []
        for name in victim.nodes:
            for number in range(self.each):
                ledger = victim.path(f"ledger.{name}.{number}")
                if not os.path.exists(ledger):
                    with open(ledger, "xb") as new:
                        new.truncate(UNITS * RECORD)
                self._writers.append((name, number, ledger))
        self._started = self._generations()
        self._written = 0

    def commands(self):
        for name, number, ledger in self._writers:
            how = self.random.choice(self.victim.ways[name])
            place = f'write "{self.victim.nodes[name]}" {number * UNITS} {ledger} 0 {UNITS} {how}'
            yield f"writer.{name}.{number}", f"{self._acked} {place} {self.random.getrandbits(63)}"

    def _generations(self):
        total = 0
        for _name, _number, ledger in self._writers:
            with open(ledger, "rb") as file:
                records = file.read()
            total += sum(struct.unpack_from("<Q", records, i * RECORD)[0] for i in range(UNITS))
        return total

    def progress(self):
        return self._generations() - self._started

    def target(self):
        return self.at_most(2400)

    def end(self):
        for name, number, _ledger in self._writers:
            with open(self.path(f"writer.{name}.{number}.pid"), encoding="ascii") as file:
                os.kill(int(file.read()), signal.SIGTERM)

    def checks(self):
        # Also what an earlier round wrote.
        for name, number, ledger in self._writers:
            place = f'check "{self.victim.nodes[name]}" {number * UNITS} {ledger} 0 {UNITS}'
            yield f"{self._acked} {place} {self.victim.atoms[name]}"

    def done(self):
        self._written = self.progress()

    def count(self):
        return {"acknowledged sectors": self._written}


class FewWriters(Writers):
    """One for each namespace, beside another load."""

    each = 1

    def target(self):
        return 0


class Fio(Load):
    """fio writes blocks with checksums, and verifies those of which it knows that they were acknowledged."""

    def __init__(self, victim, random, place):
        super().__init__(victim, random, place)
        os.mkdir(self.path("fio.state"))
        self._seed = random.randrange(1, 1 << 31)
        self._written = 0

    def _command(self, *more):
        words = ["fio", "--thread", f"--aux-path={self.path('fio.state')}", "--rw=randwrite", "--bs=4k", "--direct=1"]
        words += ["--ioengine=psync", "--verify=crc32c", f"--randseed={self._seed}", "--allow_file_create=0"]
        words += [f"--offset={FIO_OFFSET}", f"--size={FIO_SIZE}", "--fallocate=none", "--overwrite=1", *more]
        for name, node in self.victim.nodes.items():
            words += [f"--name={name}", f'--filename="{node}"']
        return " ".join(words)

    def commands(self):
        yield "fio", self._command("--do_verify=0", "--verify_state_save=1")

    def progress(self):
        """Write calls of the process so far."""
        try:
            with open(self.path("fio.pid"), encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/io", encoding="ascii") as counters:
                calls = int(counters.read().split("syscw: ")[1].split()[0])
        except (OSError, ValueError, IndexError):
            calls = self._written  # it has ended, or not yet begun
        self._written = max(self._written, calls)
        return self._written

    def target(self):
        return self.at_most(1600)

    def end(self):
        with open(self.path("fio.pid"), encoding="ascii") as file:
            pid = int(file.read())
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has written everything

    def ended(self, name, status):
        # It fails when its files do. What it saves then says what was acknowledged.
        if not os.listdir(self.path("fio.state")):
            super().ended(name, status or -1)

    def checks(self):
        yield self._command("--verify_only", "--verify_state_load=1")

    def count(self):
        return {"writes of fio": self._written}


class TreeStorm(Load):
    """Changes of configuration (storm.py)."""

    def __init__(self, victim, random, place):
        super().__init__(victim, random, place)
        self._journal = self.path("journal")
        self._steps = 0

    def commands(self):
        yield "storm", f'python3 {STORM} "$TREE" {self._journal} {self.random.getrandbits(63)}'

    def _lines(self):
        try:
            with open(self._journal, "rb") as journal:
                return journal.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    def progress(self):
        return len(self._lines())

    def target(self):
        return self.at_most(40)

    def _last(self):
        return json.loads(self._lines()[-1])

    def allowed(self):
        """The configurations that are valid after the kill; it leaves one of them."""
        return self._last()["configurations"]

    def _half_destroyed(self, configuration):
        """The name of the namespace that has lost its mode, and not yet its label; or None."""
        last = self._last()
        name = last["name"]
        before = last["configurations"][0].get(name)
        if last["step"] != "destroy" or name not in configuration or configuration[name] == before:
            return None
        return name

    def excuses(self, name, configuration):
        return name is not None and name == self._half_destroyed(configuration)

    def verify(self, before_start, after_start):
        for when, found in (("on the media", before_start), ("after the start", after_start)):
            if found is not None and not storm.is_one_of(found, self.allowed()):
                raise AssertionError(f"{when}: {found}; the step that was cut: {self._last()}")
        if self._half_destroyed(after_start):
            # It can be finished.
            self.victim.destroy(self._last()["name"])

    def done(self):
        self._steps = self.progress()

    def count(self):
        return {"steps": self._steps}


class VolumeStorm(Load):
    """Volumes are created, mounted, unmounted and removed."""

    kinds = ({"mode": "raw", "size": "16M"}, {"mode": "sector", "size": "16M"}, {"mode": "fs", "size": "16M"})

    def __init__(self, victim, random, place):
        super().__init__(victim, random, place)
        self._thread = threading.Thread(target=self._run)
        self._ended = False
        self._steps = 0
        self._wrong = None
        self._allowed = []

    def begin(self):
        self._thread.start()

    def _run(self):
        plugin = self.victim.plugin
        there = set(plugin.names())
        mounted = set()
        self._allowed = [there]
        try:
            for name in there:
                if name.startswith(storm.PREFIX):
                    plugin.unmount(name)  # what an earlier round left
            while not self._ended:
                name = f"{storm.PREFIX}{self.random.randrange(3)}"
                if name not in there:
                    self._allowed = [there, there | {name}]
                    plugin.create(name, **self.random.choice(self.kinds))
                    there = there | {name}
                elif name in mounted:
                    plugin.unmount(name)
                    mounted.remove(name)
                elif self.random.randrange(2):
                    plugin.mount(name)
                    mounted.add(name)
                else:
                    self._allowed = [there, there - {name}]
                    plugin.remove(name)
                    there = there - {name}
                self._allowed = [there]
                self._steps += 1
        except (plugins.Died, plugins.Refused, OSError, http.client.HTTPException) as error:
            # Because something was killed; before that, no call may fail.
            self._wrong = error
        except AssertionError as error:
            self._wrong = error

    def progress(self):
        if self._wrong is not None:
            raise AssertionError(f"a call failed before the kill: {self._wrong!r}")
        return self._steps

    def target(self):
        return self.random.randrange(1, 12)

    def end(self):
        self._ended = True

    def done(self):
        # Where the plugin lives on, its calls may all succeed.
        self._ended = True
        self._thread.join(mounting.PATIENCE)
        if self._thread.is_alive():
            raise AssertionError("a call hangs")
        if isinstance(self._wrong, AssertionError):
            raise self._wrong

    def verify(self, before_start, after_start):
        volumes, namespaces = after_start
        if set(volumes) not in self._allowed or volumes != namespaces:
            raise AssertionError(f"volumes {volumes}, namespaces {namespaces}; allowed were {self._allowed}")

    def count(self):
        return {"calls": self._steps}


def changes(victim, random, place):
    """The changes of configuration that fit the victim."""
    return (VolumeStorm if victim.volumes else TreeStorm)(victim, random, place)


# {name: (the loads that run together, the program that they need or None)}.
LOADS = {
    "writers": ((Writers,), None),
    "fio": ((Fio,), "fio"),
    "reconfiguration": ((changes, FewWriters), None),
}
