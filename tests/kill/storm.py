# SPDX-License-Identifier: Apache-2.0
"""A storm of changes to a device tree, and a journal that says what may be found if it is cut.

    storm.py TREE JOURNAL SEED

Creates, destroys, renames, resizes, renumbers, disables and enables namespaces called storm-N until the tree dies, which
is a good end. Each line of JOURNAL is a step: before it is made, the configurations of which one must be found if the
step is interrupted. A configuration is {name: [mode, allocated bytes, uuid]} of all named namespaces; null as a uuid
stands for any. A refusal, or a result that is neither of them, ends it with exit status 1.
"""

import errno
import json
import os
import random
import signal
import sys
import uuid

MIB = 1 << 20
PREFIX = "storm-"
MOST = 3  # namespaces of its own
MODES = ("raw", "sector", "fsdax", "devdax")
DRIVERS = {"devdax": "dax_pmem"}  # of the other modes: nd_pmem
# What serves the tree is gone, whatever was asked of it. (That of a killed shell is also unmounted.)
DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV)
# Growing may need room that a neighbour has.
NO_ROOM = (errno.ENOSPC, errno.ENXIO)


class Dead(Exception):
    """Nothing serves the tree."""


def configuration(listed):
    """That of a bus as `list --schema 1` describes it."""
    return {
        ns["name"]: [ns["mode"], ns["raw_size"], ns["raw_uuid"]]
        for region in listed["regions"]
        for ns in region["namespaces"]
        if ns["raw_size"]
    }


def is_one_of(found, expected):
    """Whether `found` is one of the configurations of a step."""
    return any(
        found.keys() == wanted.keys()
        and all(
            have[:2] == want[:2] and want[2] in (None, have[2])
            for have, want in ((found[name], wanted[name]) for name in found)
        )
        for wanted in expected
    )


class Storm:
    def __init__(self, tree, journal, seed):
        self.tree = tree
        self.random = random.Random(seed)
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.name = None  # of the namespace of the current step
        self.ended = False
        self.steps = 0
        self.refused = 0

    # The tree.

    def _access(self, flags, action, *path):
        try:
            file = os.open(os.path.join(self.tree, *path), flags)
            try:
                return action(file)
            finally:
                os.close(file)
        except OSError as error:
            if error.errno in DEAD or not os.path.exists(os.path.join(self.tree, "ndbus0")):
                raise Dead from error
            raise

    def _write(self, value, *path):
        self._access(os.O_WRONLY | os.O_TRUNC, lambda file: os.write(file, f"{value}\n".encode()), *path)

    def _listed(self):
        def read(file):
            pieces = []
            while piece := os.read(file, 1 << 20):
                pieces.append(piece)
            return b"".join(pieces)

        return json.loads(self._access(os.O_RDONLY, read, "ndbus0/x/list.json"))["buses"][0]

    def _namespaces(self):
        """Its own namespaces."""
        return {
            ns["name"]: ns
            for region in self._listed()["regions"]
            for ns in region["namespaces"]
            if ns["raw_size"] and (ns["name"] or "").startswith(PREFIX)
        }

    def _bind(self, ns, verb):
        driver = DRIVERS.get(ns["mode"], "nd_pmem")
        self._write(ns["claim"] or ns["dev"], "bus/nd/drivers", driver, verb)

    # The steps: each returns what it may leave, besides what was there, and what makes it.

    def _create(self, there, now):
        number = next(i for i in range(MOST + 1) if f"{PREFIX}{i}" not in there)
        name = self.name = f"{PREFIX}{number}"
        mode = self.random.choice(MODES)
        words = f"size={16 * MIB} mode={mode} name={name}"
        return [now | {name: [mode, 16 * MIB, None]}], lambda: self._write(words, "ndbus0/region0/x/create")

    def _destroy(self, there, now):
        name, ns = self._choose(there)
        rest = {other: what for other, what in now.items() if other != name}
        # The mode goes first, then the label.
        raw = now | {name: ["raw", *now[name][1:]]}
        return [rest, raw], lambda: self._write(ns["dev"], "ndbus0/region0/x/destroy")

    def _rename(self, there, now):
        name, ns = self._choose(there)
        other = f"{PREFIX}{self.random.choice([i for i in range(100, 200) if f'{PREFIX}{i}' not in now])}"
        renamed = {(other if key == name else key): what for key, what in now.items()}
        return [renamed], lambda: self._while_disabled(ns, "alt_name", other)

    def _resize(self, there, now):
        name, ns = self._choose(there)
        size = 16 * MIB if ns["raw_size"] != 16 * MIB else 32 * MIB
        return [now | {name: ["raw", size, now[name][2]]}], lambda: self._while_disabled(ns, "size", size)

    def _renumber(self, there, now):
        name, ns = self._choose(there)
        other = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return [now | {name: [*now[name][:2], other]}], lambda: self._while_disabled(ns, "uuid", other)

    def _toggle(self, there, _now):
        _name, ns = self._choose(there)
        return [], lambda: self._bind(ns, "unbind" if ns["enabled"] else "bind")

    def _choose(self, there):
        self.name = self.random.choice(sorted(there))
        return self.name, there[self.name]

    def _while_disabled(self, ns, attribute, value):
        """A namespace's own attributes can be written while it is disabled."""
        if ns["enabled"]:
            self._bind(ns, "unbind")
        try:
            self._write(value, "bus/nd/devices", ns["dev"], attribute)
        finally:
            self._bind(ns, "bind")

    def step(self):
        there = self._namespaces()
        now = configuration(self._listed())
        raw = {name: ns for name, ns in there.items() if ns["mode"] == "raw"}
        steps = []
        if len(there) < MOST:
            steps += [(self._create, there)] * 3
        if there:
            steps += [(self._destroy, there), (self._toggle, there)]
        if raw:
            steps += [(step, raw) for step in (self._rename, self._resize, self._renumber)]
        make, of_these = self.random.choice(steps)
        allowed, action = make(of_these, now)
        step = {"step": make.__name__[1:], "name": self.name, "configurations": [now, *allowed]}
        line = json.dumps(step)
        os.write(self.journal, f"{line}\n".encode())
        try:
            action()
        except OSError as error:
            if error.errno not in NO_ROOM or make != self._resize:
                raise
            self.refused += 1
            allowed = [now]
        found = configuration(self._listed())
        if not is_one_of(found, allowed[:1] or [now]):
            raise AssertionError(f"{line} left {found}")
        self.steps += 1

    def run(self):
        """Until the tree is dead, or SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ended", True))
        try:
            while not self.ended:
                self.step()
        except Dead:
            pass
        print(f"{self.steps} steps, {self.refused} refused")


if __name__ == "__main__":
    Storm(sys.argv[1], sys.argv[2], int(sys.argv[3])).run()
