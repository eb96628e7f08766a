# SPDX-License-Identifier: Apache-2.0
"""Random label layouts over one bus of eight DIMMs, as scripts for replay.c.

    layouts.py SEED [COUNT]        prints one

Each layout gives the DIMMs of a few regions new labels (extents and gaps of any size, also where no
namespace of the region claims them), reads what is free at several values of align, and makes
namespaces. The bus is that of table(): mappings at and above DPA 0, sets of two and four DIMMs, two
regions on one DIMM. The same seed gives the same script everywhere and always: random.Random is used
only through random(), whose output Python promises to keep.
"""

import os
import random
import struct
import sys

from tests.support import images, nfit

FOLDER = os.path.abspath("tests/guest/layouts")
MIB = 1 << 20
LABEL_SIZE = 128 << 10
DIMMS = 8
FIRST_ADDRESS = 0x200000000
LINE = 4096
FOREIGN = 7  # a cookie that no set here has

# For each region: (handle, DPA, bytes) of each mapping.
REGIONS = [
    [(1, 0, 256 * MIB)],
    [(2, 0, 128 * MIB)],
    [(3, 17 * MIB, 64 * MIB)],
    [(3, 96 * MIB, 128 * MIB)],
    [(4, 0, 64 * MIB), (5, 4 * MIB, 64 * MIB)],
    [(5, 80 * MIB, 32 * MIB), (6, 0, 32 * MIB), (7, MIB, 32 * MIB), (8, 4096, 32 * MIB)],
    [(8, 48 * MIB, 3 * MIB)],
]
# Regions that share DIMMs get their labels together.
GROUPS = [[0], [0], [1], [2, 3], [2, 3], [4, 5, 6], [4, 5, 6]]


def serial(handle):
    return 0xABCD0000 + handle


def table():
    """The NFIT, for a guest (with label_devices.aml) and for a mount."""
    made = nfit.Table()
    address = FIRST_ADDRESS
    for number, mappings in enumerate(REGIONS):
        size = sum(mapping[2] for mapping in mappings)
        index = made.range(nfit.PMEM, address, size)
        address += 1 << 30
        ways = len(mappings)
        for place, (handle, dpa, length) in enumerate(mappings):
            made.map(handle=handle, size=length, range_index=index, control=handle,
                     offset=LINE * place, dpa=dpa, interleave=ways if ways > 1 else 0, ways=ways,
                     region_id=number)
    made.interleave(2, LINE, [0, 2, 4, 6])
    made.interleave(4, LINE, [0, 4, 8, 12])
    for handle in range(1, DIMMS + 1):
        made.control(handle, serial=serial(handle))
    return made.bytes()


def cookie(region, minor):
    """The cookie of the region's set, for labels of version 1.`minor`."""
    records = b""
    for place, (handle, _, _) in enumerate(REGIONS[region]):
        if minor < 2:
            records += struct.pack("<QII", LINE * place, serial(handle), 0)
        else:
            records += struct.pack("<QIH34x", LINE * place, serial(handle), 0x8086)
    return images.fletcher64(records)


class Layouts:
    def __init__(self, seed):
        self._random = random.Random(seed)
        self._next_uuid = 1
        self.lines = [f"# layouts.py {seed}"]

    def choose(self, options):
        return options[int(self._random.random() * len(options))]

    def chance(self, probability):
        return self._random.random() < probability

    def number(self):
        self._next_uuid += 1
        return self._next_uuid - 1

    def write(self, path, value):
        self.lines.append(f"W {path} {value}\\n")

    def read(self, *paths):
        self.lines.extend(f"R devices/{path}" for path in paths)

    def extents(self, length, least=4096):
        """[(offset, bytes)]: random parts of the range below `length`, ascending; all multiples of `least`."""
        found, at = [], 0
        for _ in range(self.choose([0, 1, 1, 2, 2, 3, 4, 6])):
            unit = self.choose([least, 4096, 65536, MIB, 4 * MIB, 16 * MIB])
            gap = self.choose([0, 0, 1, 1, 2, 3, 7]) * self.choose([unit, 4096, least, 4 * MIB])
            size = self.choose([1, 1, 2, 3, 4, 5]) * unit
            if at + gap + size > length:
                break
            found.append((at + gap, size))
            at += gap + size
        return found

    def label(self, handle, dpa, size, cookie_value, ways=1, place=0, number=None):
        fields = {"number": number or self.number(), "nlabel": ways, "position": place}
        return handle, dpa, size, fields | {"cookie": cookie_value}

    def labels_of_region(self, region, minor, uneven):
        """[(handle, DPA, bytes, fields of its label)]: whole sets first, then extents of single DIMMs."""
        mappings = REGIONS[region]
        length = mappings[0][2]
        labels, taken = [], 0
        # A namespace must begin at a page boundary, or no driver takes it.
        all_foreign = self.chance(0.3)
        for offset, size in self.extents(length, 512 if all_foreign else 4096):
            number, of_other_set = self.number(), all_foreign or self.chance(0.3)
            taken = offset + size
            set_cookie = cookie(region, minor) + of_other_set
            for place, (handle, dpa, _) in enumerate(mappings):
                labels.append(
                    self.label(handle, dpa + offset, size, set_cookie, len(mappings), place, number)
                )
        for handle, dpa, _ in mappings if uneven else []:
            for offset, size in self.extents(length - taken, 512 if all_foreign else 4096):
                labels.append(self.label(handle, dpa + taken + offset, size, FOREIGN))
        return labels

    def strays(self, handle, taken):
        """Labels outside of the mappings, and across their edges."""
        found = []
        for region in REGIONS:
            for owner, dpa, length in region:
                if owner != handle or not self.chance(0.25):
                    continue
                size = self.choose([512, 4096, MIB, 4 * MIB])
                edge = self.choose([dpa, dpa + length])
                start = edge - self.choose([0, size, size // 2 // 512 * 512])
                others = taken + found
                if start < 0 or any(start < o[1] + o[2] and o[1] < start + size for o in others):
                    continue
                found.append(self.label(handle, start, size, FOREIGN))
        return found

    def set_labels(self, handle, labels, minor):
        used = (1 << len(labels)) - 1
        blocks = images.index_blocks(LABEL_SIZE, minor, used)
        self.bytes(handle, 0, blocks)
        slot_size = 128 if minor < 2 else 256
        for slot, (_, dpa, size, fields) in enumerate(labels):
            fields = dict(fields)
            label = images.label(slot, fields.pop("number"), dpa, size, **fields)
            self.bytes(handle, len(blocks) + slot * slot_size, label[:slot_size])

    def bytes(self, handle, offset, data):
        text = "".join(f"\\x{byte:02x}" for byte in data)
        self.lines.append(f"B nmem{handle - 1} {offset} {text}")

    def unbind(self, regions):
        for region in regions:
            self.write("drivers/nd_region/unbind", f"region{region}")
        for handle in self.dimms(regions):
            self.write("drivers/nvdimm/unbind", f"nmem{handle - 1}")

    def bind(self, regions):
        for handle in self.dimms(regions):
            self.write("drivers/nvdimm/bind", f"nmem{handle - 1}")
        for region in regions:
            self.write("drivers/nd_region/bind", f"region{region}")

    def dimms(self, regions):
        return sorted({mapping[0] for region in regions for mapping in REGIONS[region]})

    def refresh(self, regions):
        """Clears what a kernel leaves behind: if max_available_extent is 0, it may have kept space.

        A store to `size` depends on it, too.
        """
        self.unbind(regions)
        self.bind(regions)

    def align(self, region, align):
        self.write(f"devices/region{region}/align", align)

    def free(self, region):
        self.read(f"region{region}/available_size", f"region{region}/max_available_extent")

    def allocate(self, region, size):
        self.lines.append(f"S region{region}")
        seed = f"{{region{region}/namespace_seed}}"
        self.write(f"devices/{seed}/uuid", f"cdcdcdcd-0000-4000-8000-{self.number():012d}")
        self.write(f"devices/{seed}/size", size)
        self.read(f"{seed}/size", f"{seed}/resource")

    def ask(self, region, regions, allocates):
        ways = len(REGIONS[region])
        for _ in range(self.choose([2, 3])):
            align = self.choose([4096, 65536, MIB, 4 * MIB, 16 * MIB, 16 * MIB, 32 * MIB]) * ways
            self.align(region, align)
            self.free(region)
            self.refresh(regions)
        # A set's DIMMs are examined one after the other, and space kept on one of them affects all.
        if ways > 1:
            align = 4096 * ways
            self.align(region, align)
        for _ in range(self.choose([1, 2]) if allocates else 0):
            self.allocate(region, self.choose([1, 1, 2, 3, 8]) * align)
            self.refresh(regions)
            self.free(region)
            self.refresh(regions)

    def layout(self, number):
        self.lines.append(f"# layout {number}")
        regions = self.choose(GROUPS)
        minor = self.choose([1, 2])
        uneven = self.chance(0.4)
        labels = [l for region in regions for l in self.labels_of_region(region, minor, uneven)]
        for region in regions:
            self.align(region, 4096 * len(REGIONS[region]))
        self.unbind(regions)
        for handle in self.dimms(regions):
            mine = [label for label in labels if label[0] == handle]
            self.set_labels(handle, mine + (self.strays(handle, mine) if uneven else []), minor)
        self.bind(regions)
        for region in regions:
            self.free(region)
            self.refresh(regions)
            # On an uneven set, a kernel makes namespaces whose stripes do not fit; a mount refuses.
            self.ask(region, regions, len(REGIONS[region]) == 1 or not uneven)


def generate(seed, count=40):
    layouts = Layouts(seed)
    for number in range(count):
        layouts.layout(number)
    return "\n".join(layouts.lines) + "\n"


def answers_path(seed):
    return os.path.join(FOLDER, f"{seed}.answers")


if __name__ == "__main__":
    sys.stdout.write(generate(*map(int, sys.argv[1:3])))
