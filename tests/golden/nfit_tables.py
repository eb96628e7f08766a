# SPDX-License-Identifier: Apache-2.0
"""The hand-made NFITs of nfit/: their contents, and the bytes (README.md says how they were used)."""

import struct

from tests.support import nfit

MIB = 1 << 20


def sets():
    """A 2-way and a 4-way set, a volatile range, an unmapped DIMM."""
    table = nfit.Table()
    pair = table.range(nfit.PMEM, 0x40000000, 128 * MIB, node=0)
    table.range(nfit.VOLATILE, 0x48000000, 32 * MIB)
    four = table.range(nfit.PMEM, 0x4A000000, 64 * MIB)
    table.map(handle=3, size=64 * MIB, range_index=pair, control=3, offset=256, interleave=1,
              ways=2, physical_id=0x31)
    table.map(handle=1, size=64 * MIB, range_index=pair, control=1, offset=0, interleave=1, ways=2,
              physical_id=0x11)
    for place, handle in enumerate([4, 2, 6, 5]):
        table.map(handle=handle, size=16 * MIB, range_index=four, control=handle,
                  offset=4096 * place, dpa=MIB, interleave=2, ways=4,
                  flags=1 << 1 | 1 << 4 if handle == 5 else 0)
    table.map(handle=7, size=0, control=7, flags=0x48)
    table.interleave(1, 256, [0, 2, 4, 6])
    table.interleave(2, 4096, [0, 4, 8, 12])
    for handle in range(1, 8):
        table.control(handle, serial=0xABCD0000 + handle, vendor=0x8980 + handle,
                      device=0x100 + handle, revision=handle, subsystem=(0x8086, handle, 2),
                      made=(handle, 0x1522) if handle % 2 else None,
                      code=0x0101 if handle == 3 else 0x0301)
    table.flush_hints(1, [0x4F000000, 0x4F000040])
    table.flush_hints(3, [0x4F001000])
    table.capabilities(1, 3)
    return table.bytes()


def ranges():
    """Every type of range, and structures that are skipped."""
    table = nfit.Table()
    control = table.range(nfit.CONTROL, 0x4F800000, MIB)
    table.range(nfit.BLOCK_WINDOW, 0x4F900000, MIB)
    memory = table.range(nfit.PMEM, 0x40000000, 32 * MIB)
    table.range(nfit.VOLATILE_DISK, 0x42000000, 16 * MIB, index=0)
    table.range(nfit.PERSISTENT_DISK, 0x43000000, 16 * MIB, index=0)
    table.range(nfit.PERSISTENT_DISK, 0x44000000, 16 * MIB)
    table.range(nfit.PMEM, 0x46000000, 32 * MIB)  # without a DIMM
    table.range("11111111-2222-3333-4444-555555555555", 0x4F700000, MIB)
    table.range(nfit.PMEM, 0x48000000, 16 * MIB, index=0)
    # One DIMM, two control regions: the second has block windows.
    table.map(handle=8, size=4096, range_index=control, control=10, physical_id=0x88, flags=0x10)
    table.map(handle=8, size=32 * MIB, range_index=memory, control=11, physical_id=0x99, flags=0x8)
    for index, windows, serial, code in [(10, 0, 0x11223344, 0x0201), (11, 1, 0x55667788, 0x0101)]:
        table.add(4, struct.pack("<HHHHHHHBBHHIHH", index, 0x1234, 0x5678, 0x9A, 1, 2, 3, 0, 7,
                                 0x1999, 0, serial, code, windows)
                  + struct.pack("<5QH6x", 4096, 0, 8, 8, 8, 0))
    table.add(3, bytes(4) + b"smbios..")
    table.add(5, struct.pack("<HHQQQQ", 11, 1, 0, 4096, MIB, 0))
    table.add(42, b"future..")
    table.capabilities(0, 0xFF)
    table.capabilities(4, 2)  # the last one is used
    return table.bytes()
