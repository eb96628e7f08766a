# SPDX-License-Identifier: Apache-2.0
"""Bad bytes below a BTT, on real mounts: their place decides what fails, and a full write repairs it."""

import errno
import mmap
import os
import struct
import subprocess

from tests.support import arenas, images, mounting, runner

MIB = images.MIB
SIZE = 32 * MIB  # in the namespace, which starts at the DIMM's first byte
ENTRIES_PER_UNIT = 512 // 4


def refused(call):
    """The errno that the call fails with, or None."""
    try:
        call()
    except OSError as error:
        return error.errno
    return None


class BttMediaErrorsTest(mounting.MountTestCase):
    def make(self, sector_size):
        """A namespace whose first sectors contain their own number; its arena."""
        self.sector = 4096 if sector_size >= 4096 else 512
        self.image = images.initialised(self.scratch_path("a.img"), SIZE + 16 * MIB, 128 << 10, 2)
        with mounting.Mount(self.image) as mount:
            mount.write(
                f"size={SIZE} mode=sector sector_size={sector_size}", "ndbus0/region0/x/create"
            )
            with self.open(mount) as file:
                for lba in range(1000):
                    os.pwrite(file.fileno(), self.numbered(lba), lba * self.sector)
        return arenas.Arena(self.image)

    def numbered(self, lba):
        return struct.pack("<Q", lba) * (self.sector // 8)

    def poisoned(self, *offsets):
        """A source with a bad byte at each of these offsets of the image."""
        path = self.scratch_path("t.toml")
        places = ", ".join(f"{{ offset = {at}, length = 1 }}" for at in offsets)
        with open(path, "w", encoding="utf-8") as out:
            out.write(f'[[bus]]\n[[bus.dimm]]\nimage = "a.img"\npoison = [{places}]\n')
        return path

    def open(self, mount):
        flags = os.O_RDWR | os.O_DIRECT
        return open(os.open(mount.join("dev/pmem0s"), flags), "r+b", buffering=0)

    def get(self, file, lba):
        page = mmap.mmap(-1, 4096)
        view = memoryview(page)[: self.sector]
        os.preadv(file.fileno(), [view], lba * self.sector)
        return bytes(view)

    def put(self, file, lba, data):
        page = mmap.mmap(-1, 4096)
        page[: self.sector] = data
        os.pwritev(file.fileno(), [memoryview(page)[: self.sector]], lba * self.sector)

    def expect(self, file, lbas, code=None):
        for lba in lbas:
            if code is None:
                self.assertEqual(self.numbered(lba), self.get(file, lba), lba)
            else:
                self.assertEqual(code, refused(lambda n=lba: self.get(file, n)), lba)

    def check(self, source, *flags):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), "check", source, *flags],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_a_bad_byte_of_data_loses_its_sector_until_that_is_written(self):
        for sector_size in (512, 4096, 4160):
            with self.subTest(sector_size=sector_size):
                arena = self.make(sector_size)
                # In the middle: blocks of 4160 bytes share 512-byte units with their neighbours.
                source = self.poisoned(arena.block_of(300) + self.sector // 2)
                with mounting.Mount(source) as mount, self.open(mount) as file:
                    self.assertNotIn("badblocks", os.listdir(mount.join("block/pmem0s")))
                    self.assertRegex(mount.read("ndbus0/region0/badblocks"), r"^\d+ 1\n$")
                    self.expect(file, [298, 299, 301, 302])
                    self.expect(file, [300], errno.EIO)
                    with open(mount.join("dev/pmem0s"), "rb", buffering=0) as cached:
                        code = refused(lambda: os.pread(cached.fileno(), 512, 300 * self.sector))
                        self.assertEqual(errno.EIO, code)
                # The loss is now recorded on the media: another reader must not take zeros for data.
                self.assertEqual(1, arena.entry(300) >> 30)
                self.assertIn("btt.map.error", self.check(self.image).stdout)
                with mounting.Mount(source) as mount, self.open(mount) as file:
                    self.expect(file, [300], errno.EIO)
                    self.put(file, 300, self.numbered(300))
                    self.expect(file, range(290, 310))
                    # The write freed the bad block and cleared its poison.
                    self.assertEqual("", mount.read("ndbus0/region0/badblocks"))
                done = self.check(self.image)
                self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_a_bad_byte_of_the_map_loses_the_sectors_behind_it_alone(self):
        arena = self.make(4096)
        source = self.poisoned(arena.map + 512)
        lost = range(ENTRIES_PER_UNIT, 2 * ENTRIES_PER_UNIT)
        with mounting.Mount(source) as mount, self.open(mount) as file:
            self.expect(file, [0, lost.start - 1, lost.stop, 999])
            self.expect(file, [lost.start, lost.stop - 1], errno.EIO)
            code = refused(lambda: self.put(file, lost.start, self.numbered(lost.start)))
            self.assertEqual(errno.EIO, code)
            self.put(file, 5, self.numbered(5))
            self.expect(file, [5])
        done = self.check(source)
        self.assertEqual(4, done.returncode, done)
        self.assertIn("btt.map.unreadable", done.stdout)
        # The failed write changed nothing.
        with mounting.Mount(self.image) as mount, self.open(mount) as file:
            self.expect(file, range(1000))

    def test_a_bad_byte_of_the_flog_costs_eight_lanes_and_no_sector(self):
        arena = self.make(512)
        source = self.poisoned(*(arena.flog + 512 * unit for unit in range(31)))
        with mounting.Mount(source) as mount, self.open(mount) as file:
            self.expect(file, range(1000))
            for lba in range(0, 1000, 7):
                self.put(file, lba, self.numbered(lba + 5000))
            self.assertEqual(self.numbered(5000), self.get(file, 0))
            self.assertEqual(self.numbered(5994), self.get(file, 994))
        done = self.check(source)
        self.assertEqual(4, done.returncode, done)
        self.assertIn("btt.flog.unreadable", done.stdout)
        done = self.check(self.image)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_without_any_flog_the_btt_does_not_start_and_says_why(self):
        arena = self.make(512)
        source = self.poisoned(*(arena.flog + 512 * unit for unit in range(32)))
        with mounting.Mount(source) as mount:
            self.assertFalse(os.path.exists(mount.join("dev/pmem0s")))
            self.assertEqual("btt0.1\n", mount.read("ndbus0/region0/namespace0.0/holder"))
            self.assertIn("flog", mount.read("ndbus0/region0/btt0.1/x/last_error"))
        with mounting.Mount(self.image) as mount, self.open(mount) as file:
            self.expect(file, range(1000))

    def test_an_arena_flagged_with_an_error_is_read_only(self):
        arena = self.make(4096)
        info = bytearray(arena.read(0, 4096))
        struct.pack_into("<I", info, 48, 1)
        struct.pack_into("<Q", info, 4088, 0)
        struct.pack_into("<Q", info, 4088, images.fletcher64(bytes(info)))
        with open(self.image, "r+b") as file:
            for at in (0, arena.info2):
                os.pwrite(file.fileno(), info, at)
        with mounting.Mount(self.image) as mount, self.open(mount) as file:
            self.expect(file, [0, 500, 999])
            self.assertEqual(errno.EIO, refused(lambda: self.put(file, 0, self.numbered(1))))
            self.expect(file, [0])
        done = self.check(self.image)
        self.assertEqual(4, done.returncode)
        self.assertIn("btt.info.flags", done.stdout)
        self.check(self.image, "--repair")
        done = self.check(self.image)
        self.assertEqual((0, ""), (done.returncode, done.stdout))
        with mounting.Mount(self.image) as mount, self.open(mount) as file:
            self.put(file, 0, self.numbered(0))
            self.expect(file, range(1000))

    def test_a_bad_info_block_hides_the_btt_and_harms_nothing(self):
        arena = self.make(4096)
        before = images.sha256(self.image)
        source = self.poisoned(0)
        with mounting.Mount(source) as mount:
            self.assertFalse(os.path.exists(mount.join("dev/pmem0s")))
        done = self.check(source)
        self.assertEqual(4, done.returncode, done)
        self.assertIn("namespace0.0: offset 0: info block of arena 0", done.stdout)
        self.assertEqual(before, images.sha256(self.image))
        # Only check notices a bad copy.
        source = self.poisoned(arena.info2)
        self.assertIn("btt.info.backup", self.check(source).stdout)
        with mounting.Mount(source) as mount, self.open(mount) as file:
            self.expect(file, range(1000))


if __name__ == "__main__":
    runner.main()
