# SPDX-License-Identifier: Apache-2.0
"""The places of a BTT's parts in an image."""

import os
import struct


class Arena:
    """The places in the only arena of the namespace, read from the image."""

    def __init__(self, image):
        self.image = image
        info = self.read(0, 4096)
        assert info[:14] == b"BTT_ARENA_INFO", info[:16]
        fields = struct.unpack_from("<IIII", info, 56)
        self.sectors, self.block_size = fields[1], fields[2]
        self.data, self.map, self.flog, self.info2 = struct.unpack_from("<QQQQ", info, 88)

    def read(self, at, count):
        with open(self.image, "rb") as file:
            return os.pread(file.fileno(), count, at)

    def entry(self, lba):
        return struct.unpack("<I", self.read(self.map + 4 * lba, 4))[0]

    def block_of(self, lba):
        entry = self.entry(lba)
        return self.data + (entry & 0x3FFFFFFF if entry >> 30 else lba) * self.block_size
