# SPDX-License-Identifier: Apache-2.0
"""Random sequences of legal and illegal attribute writes, as scripts for replay.c.

    random_sequence.py SEED [COUNT]        prints one

The same seed gives the same sequence everywhere and always: random.Random is used only through
random(), whose output Python promises to keep.

The first namespace (an anchor of 16 MiB at the region's start, enabled) is left alone. It keeps a
defect of the kernel out of reach that DESIGN.md lists as dropped: a namespace that cannot grow in place
would get a second extent at the region's start if that is free.
"""

import random
import sys
import uuid

MIB = 1 << 20
ANCHOR = "3f5d2a9e-0000-4000-8000-0000000000aa"
UUIDS = [str(uuid.UUID(int=0x7C0FFEE0_0000_4000_8000_000000000000 + i)) for i in range(1, 6)]

NAMESPACES = [f"namespace0.{i}" for i in (1, 2, 3, 4)] + ["{region0/namespace_seed}"] * 3
BTTS = ["btt0.0", "btt0.1", "btt0.2"] + ["{region0/btt_seed}"] * 3

# Attribute values: those of a careful user come first, and are chosen most of the time.
SANE = {
    "uuid": UUIDS,
    "size": [str(n * MIB) for n in (16, 32, 48, 64)] + ["0", "0", "0x2000000"],
    "alt_name": ["db", "log", "a name with blanks", "x" * 63],
    "sector_size": ["512", "4096"],
    "holder_class": ["btt", ""],
    "force_raw": ["0", "1", "0"],
    "btt uuid": [str(uuid.UUID(int=0xB7_0000_4000_8000_000000000000 + i)) for i in (1, 2, 3)],
    "btt sector_size": ["512", "4096", "520", "4224"],
    "btt namespace": NAMESPACES + [""],
}
ODD = {
    "uuid": ["", "xyz", UUIDS[0].upper(), UUIDS[1] + "tail", "{%s}" % UUIDS[0][:-2], UUIDS[2][:-1]],
    "size": ["4096", "16777217", "-1", "", " 16777216", "+16777216", "0100000000", "16M",
             "18446744073709551616", "18446744073709551615", "0x", "536870912"],
    "alt_name": ["", "y" * 64, "  padded\\x09 ", "\\x01\\xff", "two\\nlines"],
    "sector_size": ["0", "520", "0x200", "01000", "512 ", "x", "-512"],
    "holder_class": ["none", "btt2", " btt", "pfnx", "<unknown>"],
    "force_raw": ["2", "x", "", "yes", "oFf", "on", "ok", "T"],
    "btt uuid": ["", "nonsense"],
    "btt sector_size": ["0", "513", "", "4096 ", "0x1000"],
    "btt namespace": ["namespace9.9", "nonsense", " namespace0.1", "namespace", "btt0.0"],
}
ENDINGS = ["\\n"] * 8 + ["", "\\n\\x00", "\\x00"]

STATE = [
    "region0/available_size",
    "region0/max_available_extent",
    "region0/namespace_seed",
    "region0/btt_seed",
    "nmem0/available_slots",
]


class Sequence:
    def __init__(self, seed):
        self._random = random.Random(seed)
        self.lines = [f"# random_sequence.py {seed}"]

    def choose(self, options):
        return options[int(self._random.random() * len(options))]

    def chance(self, probability):
        return self._random.random() < probability

    def value(self, kind):
        return self.choose(ODD[kind] if self.chance(0.15) else SANE[kind])

    def write(self, path, value):
        self.lines.append(f"W {path} {value}{self.choose(ENDINGS)}")

    def read(self, *paths):
        self.lines.extend(f"R devices/{path}" for path in paths)

    def anchor(self):
        for attribute, value in (("uuid", ANCHOR), ("size", str(16 * MIB))):
            self.lines.append(f"W devices/namespace0.0/{attribute} {value}\\n")
        self.lines.append("W drivers/nd_pmem/bind namespace0.0\\n")
        self.lines.append("L devices")

    def set_namespace(self):
        ns = self.choose(NAMESPACES)
        attribute = self.choose(
            ["uuid", "size", "size", "alt_name", "sector_size", "holder_class", "force_raw"]
        )
        self.write(f"devices/{ns}/{attribute}", self.value(attribute))
        self.read(*(f"{ns}/{a}" for a in (attribute, "uuid", "size", "resource", "mode", "holder")))

    def new_namespace(self):
        ns = "{region0/namespace_seed}"
        for attribute in ("uuid", "size", "alt_name", "sector_size"):
            self.write(f"devices/{ns}/{attribute}", self.choose(SANE[attribute]))
        self.read(*(f"{ns}/{a}" for a in ("uuid", "size", "resource", "alt_name", "sector_size")))

    def set_btt(self):
        btt = self.choose(BTTS)
        attribute = self.choose(["uuid", "sector_size", "namespace", "namespace"])
        self.write(f"devices/{btt}/{attribute}", self.value(f"btt {attribute}"))
        self.read(*(f"{btt}/{a}" for a in ("namespace", "uuid", "sector_size", "size")))

    def new_btt(self):
        btt = "{region0/btt_seed}"
        for attribute in ("uuid", "sector_size", "namespace"):
            self.write(f"devices/{btt}/{attribute}", self.choose(SANE[f"btt {attribute}"]))
        self.lines.append(f"W drivers/nd_pmem/bind {btt}\\n")
        self.lines.append("L drivers/nd_pmem")

    def switch(self):
        verb = self.choose(["bind", "bind", "unbind"])
        target = self.choose(NAMESPACES + BTTS + ["nmem0", "nonsense", ""])
        self.write(f"drivers/nd_pmem/{verb}", target)
        self.lines.append("L drivers/nd_pmem")

    def step(self):
        act = self.choose(
            [self.set_namespace] * 5
            + [self.new_namespace] * 2
            + [self.set_btt] * 3
            + [self.new_btt] * 2
            + [self.switch] * 4
        )
        act()
        self.read(*STATE)

    def finish(self):
        self.lines.append("L devices")
        for ns in [f"namespace0.{i}" for i in range(6)]:
            self.read(*(f"{ns}/{a}" for a in ("uuid", "size", "resource", "alt_name", "dpa_extents")))


def generate(seed, steps=120):
    sequence = Sequence(seed)
    sequence.anchor()
    for _ in range(steps):
        sequence.step()
    sequence.finish()
    return "\n".join(sequence.lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(generate(*map(int, sys.argv[1:3])))
