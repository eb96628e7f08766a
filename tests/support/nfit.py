# SPDX-License-Identifier: Apache-2.0
"""Writes ACPI NFIT tables (ACPI specification, section 5.2.25), for tests: without help from nvdimmfs.

    table = nfit.Table()
    index = table.range(nfit.PMEM, 0x100000000, 256 << 20)
    table.map(handle=1, range_index=index, control=1, size=256 << 20)
    table.control(1, serial=7)
    table.bytes()
"""

import struct
import uuid

PMEM = "66f0d379-b4f3-4074-ac43-0d3318b78cdb"
VOLATILE = "7305944f-fdda-44e3-b16c-3f22d252e5d0"
CONTROL = "92f701f6-13b4-405d-910b-299367e8234c"
BLOCK_WINDOW = "91af0530-5d86-470e-a6b0-0a2db9408249"
VOLATILE_DISK = "77ab535a-45fc-624b-5560-f7b281d1f96e"
PERSISTENT_DISK = "5cea02c9-4d07-69d3-269f-4496fbe096f9"


class Table:
    def __init__(self):
        self.structures = b""
        self.ranges = 0

    def add(self, kind, body):
        """A structure of this type; returns its offset in the table."""
        offset = 40 + len(self.structures)
        self.structures += struct.pack("<HH", kind, 4 + len(body)) + body
        return offset

    def range(self, guid, address, length, node=None, index=None):
        if index is None:
            self.ranges += 1
            index = self.ranges
        flags = 0 if node is None else 2
        self.add(
            0,
            struct.pack("<HHII", index, flags, 0, node or 0)
            + uuid.UUID(guid).bytes_le
            + struct.pack("<QQQ", address, length, 0x8008),
        )
        return index

    def map(self, handle, size, range_index=0, control=0, offset=0, dpa=0, interleave=0, ways=1,
            flags=0, physical_id=0, region_id=0):
        self.add(
            1,
            struct.pack("<IHHHHQQQHHHH", handle, physical_id, region_id, range_index, control,
                        size, offset, dpa, interleave, ways, flags, 0),
        )

    def interleave(self, index, line_size, line_offsets):
        self.add(
            2,
            struct.pack("<HHII", index, 0, len(line_offsets), line_size)
            + struct.pack(f"<{len(line_offsets)}I", *line_offsets),
        )

    def control(self, index, serial, vendor=0x8086, device=1, revision=1, subsystem=(0, 0, 0),
                code=0x0301, made=None):
        """`made`: (location, date), or None if the fields are not valid."""
        self.add(
            4,
            struct.pack("<HHHHHHHBBHHIHH", index, vendor, device, revision, *subsystem,
                        0 if made is None else 1, made[0] if made else 0, made[1] if made else 0,
                        0, serial, code, 0)
            + bytes(48),
        )

    def flush_hints(self, handle, addresses):
        self.add(
            6,
            struct.pack("<IH6x", handle, len(addresses))
            + struct.pack(f"<{len(addresses)}Q", *addresses),
        )

    def capabilities(self, highest, bits):
        self.add(7, struct.pack("<B3xII", highest, bits, 0))

    def bytes(self):
        head = struct.pack("<4sIBB6s8sI4sII", b"NFIT", 40 + len(self.structures), 1, 0, b"TESTNV",
                           b"HANDMADE", 1, b"TEST", 1, 0)
        whole = bytearray(head + self.structures)
        whole[9] = -sum(whole) & 0xFF
        return bytes(whole)

