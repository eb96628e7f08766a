# SPDX-License-Identifier: Apache-2.0
"""Runs random commands in a guest and in a shell on the same images, and prints where the answers differ.

    bazel run //tests/shell:differ -- FOLDER FIRST [LAST]

Seeds FIRST to LAST; 1000 to 1999 use the DIMMs of firmware_tables.py, those from 2000 on use devices as memory. A
guest's answers are kept in FOLDER/SEED, so a second run asks only the shell. A guest takes a minute or more.

The following are not differences: numbers of btt, pfn and dax devices, bytes of page structs in former fsdax or devdax,
addresses and health of DIMMs made of ACPI methods, and what DESIGN.md lists.
"""

import difflib
import os
import re
import shutil
import struct
import subprocess
import sys

from tests.shell import random_commands, record, sessions
from tests.support import guest, images, mounting, nfit

MIB = images.MIB
BASE = 4 << 30  # where a guest has its first DIMM
SLOT = 1 << 30
STEPS = 160
GOLDEN = {"k12": 128 << 10, "k11": MIB, "kll": 0}


def seal(block, at):
    block[at:at + 8] = bytes(8)
    block[at:at + 8] = struct.pack("<Q", images.fletcher64(bytes(block)))


def labels_of(area):
    """[(offset, size, dpa, raw size)] of the used slots of an intact area."""
    if area[:16] != b"NAMESPACE_INDEX\0":
        return []
    size = 128 << area[19]
    first, = struct.unpack_from("<Q", area, 48)
    slots, = struct.unpack_from("<I", area, 56)
    current = max((0, 1), key=lambda block: area[block * first // 2 + 20])
    found = []
    for slot in range(min(slots, 64)):
        if not area[current * first // 2 + 72 + slot // 8] >> slot % 8 & 1:
            at = first + slot * size
            dpa, raw = struct.unpack_from("<QQ", area, at + 104)
            found.append((at, size, dpa, raw))
    return found


def damage(path, label_size, choices):
    """Makes a few changes to labels and info blocks of an image; returns their description."""
    told = []
    with open(path, "r+b") as image:
        end = os.path.getsize(path) - label_size
        image.seek(end)
        area = bytearray(image.read(label_size))
        labels = labels_of(area)
        spaces = [(dpa, raw) for _, _, dpa, raw in labels if dpa + raw <= end] or [(0, end)]
        for _ in range(1 + choices.below(3)):
            kind = choices.choose(["index", "label", "label", "info", "info", "info", "copy", "meta"])
            reseal = choices.chance(0.65)
            if kind in ("index", "label") and labels:
                if kind == "index":
                    size, = struct.unpack_from("<Q", area, 32)
                    at, checksum = choices.below(2) * size, 64
                    spot = at + choices.choose([choices.below(72), choices.below(72), choices.below(min(size, 100))])
                else:
                    at, size, _, _ = choices.choose(labels)
                    checksum = 248 if size == 256 else None
                    spot = at + choices.below(min(size, 180))
                area[spot] ^= 1 << choices.below(8) if choices.chance(0.5) else 1 + choices.below(255)
                if reseal and checksum:
                    block = area[at:at + size]
                    seal(block, checksum)
                    area[at:at + size] = block
                told.append(f"{kind} {at}+{spot - at}{' sealed' if reseal and checksum else ''}")
            else:
                dpa, raw = choices.choose(spaces)
                at = dpa + (4096 if raw > 65536 else 0)
                image.seek(at)
                if kind == "copy":
                    at = dpa + raw - 4096
                elif kind == "meta":
                    at = dpa + raw - 4096 * (2 + choices.below(60))
                image.seek(at)
                block = bytearray(image.read(4096))
                spot = choices.choose([choices.below(140), choices.below(140), choices.below(140), choices.below(4096)])
                block[spot] ^= 1 << choices.below(8) if choices.chance(0.5) else 1 + choices.below(255)
                if reseal and kind in ("info", "copy"):
                    seal(block, 4088)
                image.seek(at)
                image.write(block)
                told.append(f"{kind} {at:#x}+{spot}{' sealed' if reseal else ''}")
        image.seek(end)
        image.write(area)
    return ", ".join(told)


SETUP = """
u=a11ce000-0000-4000-8000-00000000000
ndctl disable-region all; ndctl init-labels -f -V 1.{minor} all; ndctl enable-region all
c() {{ ndctl create-namespace -r region0 -u $u"$@"; }}
c 1 -m sector -s 16M -n sec; c 2 -m fsdax -M dev -s 32M -n fs; c 3 -m devdax -M mem -a 4K -s 16M; c 4 -m raw -s 16M -n raw
c 5 -m sector -l 512 -s 16M; c 6 -m fsdax -M mem -s 16M
yes data | head -c 65536 >/dev/pmem0s
"""


class OnTables:
    """Like Scenario, with DIMMs that exist only in the guest's firmware: nothing is left of them afterwards."""

    def __init__(self, seed):
        self.seed, self.told, self.name, self.kind = seed, "", "", ["sets", "errors"][seed % 2]
        self.tables = {"sets": sessions.Sets, "errors": sessions.Scrubbed}[self.kind]()
        self.dimms, self.label_sizes = [], []

    def script(self):
        some = {"regions": 3, "dimms": 7} if self.kind == "sets" else {"profile": "errors"}
        with open(os.path.join(sessions.FOLDER, "prelude.sh"), encoding="utf-8") as prelude:
            return prelude.read() + random_commands.generate(self.seed, STEPS, label_size=self.tables.label_size, **some)

    def make(self, place):
        return []

    def source(self, folder, paths):
        return self.tables.source(folder)

    def run(self, script, place):
        return record.answers_to(script, self.tables, place)


class Scenario:
    """The DIMMs and the commands of a seed."""

    def __init__(self, seed):
        choices = random_commands.Choices(seed * 7919)
        self.seed = seed
        self.told = ""
        self.profile = "memory" if seed >= 2000 else ""
        self.kind = ["blank", "initialised", "blank", "golden", "initialised", "damaged", "damaged", "damaged"][seed % 8]
        self.choices = choices
        if self.kind == "golden":
            self.name = choices.choose(["k12", "k11", "kll"])
            self.dimms = [(None, GOLDEN[self.name])]
        elif self.kind == "damaged":
            self.name = choices.choose(["k12", "k11", "kll", "s1", "s2", "s2", "s1"])
            self.dimms = [(None, GOLDEN.get(self.name, 128 << 10))]
        else:
            self.name = ""
            count = choices.choose([1, 1, 1, 2, 2, 4])
            self.dimms = []
            for _ in range(count):
                size = choices.choose([64, 96, 128, 192, 256, 256, 512, 100, 130]) * MIB
                self.dimms.append((size, choices.choose([128 << 10, 128 << 10, 256 << 10, 640 << 10, 132 << 10, 0])))
        self.label_sizes = [labels for _, labels in self.dimms]

    def script(self):
        random_part = random_commands.generate(
            self.seed, STEPS, regions=len(self.dimms), dimms=len(self.dimms), label_size=max(self.label_sizes),
            profile=self.profile)
        with open(os.path.join(sessions.FOLDER, "prelude.sh"), encoding="utf-8") as prelude:
            return prelude.read() + random_part

    def make(self, place):
        """The images, created once."""
        folder = os.path.join(place, "initial")
        paths = [os.path.join(folder, f"dimm{number}.img") for number in range(len(self.dimms))]
        told = os.path.join(folder, "told")
        if os.path.exists(told):
            with open(told, encoding="utf-8") as text:
                self.told = text.read()
            return paths
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        choices = self.choices
        if self.name.startswith("k"):
            images.unpack(os.path.abspath(f"tests/golden/{self.name}.img.xz"), paths[0])
        elif self.name:
            images.blank(paths[0], 192 * MIB, 128 << 10)
            setup = SETUP.format(minor=self.name[1])
            subprocess.run([mounting.program("tools/nvdimmfs"), "shell", f"{paths[0]},label_size=128K", "--", "sh", "-c", setup],
                           capture_output=True, check=True, timeout=60)
        else:
            for path, (size, label_size) in zip(paths, self.dimms):
                if self.kind == "initialised" and label_size and choices.chance(0.9):
                    images.initialised(path, size, label_size, choices.choose([1, 2, 2]))
                else:
                    images.blank(path, size, label_size)
        if self.kind == "damaged":
            self.told = damage(paths[0], self.label_sizes[0], choices)
        with open(told, "w", encoding="utf-8") as text:
            text.write(self.told)
        return paths

    def source(self, folder, paths):
        """The images as SOURCEs of nvdimmfs."""
        if len(paths) == 1:
            return f"{paths[0]},label_size={self.label_sizes[0]}"
        table = nfit.Table()
        # QEMU describes four DIMMs in this order.
        for number in (0, 2, 1, 3) if len(paths) == 4 else range(len(paths)):
            path, label_size = paths[number], self.label_sizes[number]
            size = os.path.getsize(path) - label_size
            index = table.range(nfit.PMEM, BASE + number * SLOT, size, node=0)
            table.map(handle=number + 1, range_index=index, control=number + 1, size=size)
            table.control(number + 1, serial=0x123456 + number)
        name = os.path.join(folder, "table.nfit")
        with open(name, "wb") as out:
            out.write(table.bytes())
        return f"nfit:{name}," + ",".join(f"dimm={path}" for path in paths)

    def run(self, script, place):
        """The output of a guest with the images in `place`."""
        paths = [os.path.join(place, f"dimm{number}.img") for number in range(len(self.dimms))]
        arguments = []
        for slot, (path, label_size) in enumerate(zip(paths, self.label_sizes)):
            arguments += guest.nvdimm(path, label_size, slot)
            arguments[-1] += f",addr={BASE + slot * SLOT}"
        return guest.run(arguments, script, seconds=1800, kernel_arguments=record.QUIET)[""]




CLAIM = re.compile(r"(?m)(^\+ (?:cat |echo ).*?\b(?:btt|pfn|dax)\d+\.)\d+")


def normalised(text):
    """Like sessions.normalised, but keeps UUIDs that a command specified."""
    given = (random_commands.OURS, "a11ce")
    text = sessions.UUID.sub(lambda found: found[0] if found[0].startswith(given) else "UUID", sessions.LIBRARY.sub("", text))
    text = CLAIM.sub(r"\1#", text)
    return sessions.ADDRESS.sub("addr = ADDRESS", sessions.BUS.sub('"path":"', text))


def answers(text):
    """The answers, one for each command."""
    return re.split(r"(?m)^(?=\+ )", normalised(text))


def copied(paths, folder):
    os.makedirs(folder, exist_ok=True)
    for path in paths:
        subprocess.run(["cp", "--sparse=always", path, folder], check=True)
    return [os.path.join(folder, os.path.basename(path)) for path in paths]


def in_guest(scenario, place):
    """The answers of a guest; its images stay in `place`."""
    said = os.path.join(place, "guest.txt")
    if not os.path.exists(said):
        copied(scenario.make(place), os.path.join(place, "guest"))
        with open(os.path.join(place, "script.sh"), "w", encoding="utf-8") as out:
            out.write(scenario.script())
        text = scenario.run(scenario.script(), os.path.join(place, "guest"))
        with open(said + ".part", "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(said + ".part", said)
    with open(said, encoding="utf-8") as text:
        return text.read()


def in_shell(scenario, place):
    folder = os.path.join(place, "shell")
    paths = copied(scenario.make(place), folder)
    with open(os.path.join(place, "script.sh"), encoding="utf-8") as text:
        script = text.read()
    done = subprocess.run([mounting.program("tools/nvdimmfs"), "shell", f"{scenario.source(folder, paths)},kernel=6.1", "--", "sh", "-c",
                           script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
                          errors="replace")
    with open(os.path.join(place, "shell.txt"), "w", encoding="utf-8") as out:
        out.write(done.stdout)
    if done.returncode or done.stderr:
        print(f"  shell: exit {done.returncode}: {done.stderr[:2000]}")
    return done.stdout


def area_of(path, label_size):
    with open(path, "rb") as image:
        image.seek(os.path.getsize(path) - label_size)
        return image.read(label_size)


def compare_images(scenario, place):
    told = []
    for number, label_size in enumerate(scenario.label_sizes):
        one, other = (os.path.join(place, side, f"dimm{number}.img") for side in ("guest", "shell"))
        if not os.path.exists(one):
            continue
        theirs, ours = area_of(one, label_size), area_of(other, label_size)
        for at in range(0, label_size, 128):
            if theirs[at:at + 128] != ours[at:at + 128]:
                told.append(f"dimm{number}: labels differ at {at}")
                break
        spaces = [(dpa, raw) for _, _, dpa, raw in labels_of(theirs)] or [(0, os.path.getsize(one) - label_size)]
        with open(one, "rb") as guests, open(other, "rb") as shells:
            for dpa, raw in spaces:
                if raw < 8192 or dpa + raw > os.path.getsize(one):
                    continue
                for at in (dpa + 4096, dpa + raw - 4096):
                    guests.seek(at)
                    shells.seek(at)
                    their, our = guests.read(4096), shells.read(4096)
                    # Except for the UUID, which ndctl generates, and the checksum.
                    offsets = [i for i in range(4088) if their[i] != our[i] and not 16 <= i < 32]
                    if offsets and (their[:6] in (b"BTT_AR", b"NVDIMM") or our[:6] in (b"BTT_AR", b"NVDIMM")):
                        told.append(f"dimm{number}: info block {at:#x} differs at {offsets[:8]}...")
    return told


def print_differences(theirs, ours):
    """The number of answers that differ, which are printed."""
    commands = [[answer.split("\n")[0] for answer in side] for side in (theirs, ours)]
    count = 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, *commands, autojunk=False).get_opcodes():
        if kind != "equal":
            count += max(b - a, d - c)
            print(f"  commands: {commands[0][a:b]} in the guest, {commands[1][c:d]} in the shell")
            continue
        for one, other in zip(theirs[a:b], ours[c:d]):
            if one != other:
                count += 1
                lines = list(difflib.unified_diff(one.splitlines(), other.splitlines(), n=1, lineterm=""))[2:]
                print(f"  {one.splitlines()[0]}\n    " + "\n    ".join(lines))
    return count


def differ(seed, folder):
    """(Commands, those that differ) of a seed; the differences are printed."""
    place = os.path.join(folder, str(seed))
    os.makedirs(place, exist_ok=True)
    scenario = (OnTables if 1000 <= seed < 2000 else Scenario)(seed)
    theirs = answers(in_guest(scenario, place))
    ours = answers(in_shell(scenario, place))
    different = print_differences(theirs, ours)
    for line in compare_images(scenario, place):
        print(f"  {line}")
    what = f"{scenario.kind} {scenario.name} {scenario.told}".strip()
    print(f"seed {seed} ({what}): {len(theirs) - 1} commands, {different} differ", flush=True)
    return len(theirs) - 1, different


if __name__ == "__main__":
    first = int(sys.argv[2])
    last = int(sys.argv[3]) if len(sys.argv) > 3 else first
    totals = [0, 0]
    for each in range(first, last + 1):
        try:
            totals = [a + b for a, b in zip(totals, differ(each, sys.argv[1]))]
        except (guest.GuestFailed, subprocess.TimeoutExpired, subprocess.CalledProcessError) as failure:
            print(f"seed {each}: {failure}")
    print(f"{totals[0]} commands, {totals[1]} differ")
