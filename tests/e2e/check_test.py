# SPDX-License-Identifier: Apache-2.0
"""`nvdimmfs check` on damage: what it finds, plans, repairs and leaves, and what a mount reports about it."""

import errno
import json
import os
import struct
import subprocess

from tests.support import arenas, images, mounting, runner

MIB = images.MIB
SIZE = 32 * MIB  # in the namespace, which starts at the DIMM's first byte
WRITTEN = 3000  # sectors of 4096


def numbered(lba):
    return struct.pack("<Q", lba + 1) * 512


class CheckTestCase(mounting.MountTestCase):
    limit = 280

    def create(self, request):
        self.image = images.initialised(self.scratch_path("a.img"), SIZE + 16 * MIB, 128 << 10, 2)
        with mounting.Mount(self.image) as mount:
            mount.write(f"size={SIZE} {request}", "ndbus0/region0/x/create")
            if "sector" in request:
                with open(mount.join("dev/pmem0s"), "r+b") as disk:
                    disk.write(b"".join(numbered(lba) for lba in range(WRITTEN)))

    def check(self, *flags):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), "check", self.image, *flags],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def put(self, at, data):
        with open(self.image, "r+b") as file:
            os.pwrite(file.fileno(), data, at)

    def sectors(self, mount):
        """The content of each written sector: its number, or None if it cannot be read."""
        numbers = []
        file = os.open(mount.join("dev/pmem0s"), os.O_RDONLY)
        try:
            for lba in range(WRITTEN):
                try:
                    numbers.append(struct.unpack("<Q", os.pread(file, 8, lba * 4096))[0] - 1)
                except OSError as error:
                    self.assertEqual(errno.EIO, error.errno)
                    numbers.append(None)
        finally:
            os.close(file)
        return numbers


class DamagedMapTest(CheckTestCase):
    def damaged(self):
        self.create("mode=sector")
        arena = arenas.Arena(self.image)
        self.put(arena.map + 4 * 500, bytes(4 * 455))
        self.put(arena.map + 4 * 100, arena.read(arena.map + 4 * 200, 4))
        return arena

    def test_what_read_right_does_so_after_repair(self):
        self.damaged()
        before = images.sha256(self.image)
        with mounting.Mount(self.image, "ro") as mount:
            read = self.sectors(mount)
        right = {lba for lba in range(WRITTEN) if read[lba] == lba}
        self.assertGreater(len(right), WRITTEN - 460)

        planned = self.check("--dry-run")
        self.assertEqual(4, planned.returncode, planned)
        self.assertIn("copy it first: cp --sparse=always ", planned.stdout)
        self.assertIn("[btt.repair.cost]", planned.stdout)
        self.assertIn(": planned: ", planned.stdout)
        self.assertEqual(before, images.sha256(self.image), "--dry-run stored something")
        self.assertEqual(["a.img"], [n for n in os.listdir(os.path.dirname(self.image)) if "a.img" in n])

        done = self.check("--repair")
        self.assertIn(done.returncode, (1, 5), done)
        self.assertRegex(done.stdout, r"a\.img: \d+ found, \d+ mended\n$")
        self.assertLess(done.stdout.count("\n"), 40)
        self.assertTrue(os.path.exists(self.image + ".repair-1"))
        with mounting.Mount(self.image) as mount:
            after = self.sectors(mount)
            self.assertEqual([], [lba for lba in right if after[lba] != lba])
            # It accepts writes again, and they go to the right sectors.
            with open(mount.join("dev/pmem0s"), "r+b") as disk:
                disk.write(b"".join(numbered(lba) for lba in range(WRITTEN)))
            self.assertEqual(list(range(WRITTEN)), self.sectors(mount))
        done = self.check()
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_until_then_it_can_be_read_and_not_written(self):
        self.damaged()
        before = images.sha256(self.image)
        mount = mounting.Mount(self.image)
        with mount:
            self.assertIn("is read-only, since its media is damaged", mount.read("ndbus0/region0/btt0.1/x/last_error"))
            file = os.open(mount.join("dev/pmem0s"), os.O_RDWR | os.O_DSYNC)
            try:
                with self.assertRaises(OSError) as caught:
                    os.pwrite(file, numbered(7), 2000 * 4096)
                    os.fsync(file)
                self.assertEqual(errno.EIO, caught.exception.errno)
            finally:
                os.close(file)
            self.assertEqual(2000, self.sectors(mount)[2000])
        self.assertIn("is read-only, since its media is damaged", mount.log)
        self.assertEqual(before, images.sha256(self.image))

    def test_a_btt_without_a_sound_flog_can_be_read_read_only(self):
        self.create("mode=sector")
        arena = arenas.Arena(self.image)
        for slot in (0, 1):  # both with the same sequence number
            self.put(arena.flog + 64 * 200 + 16 * slot + 12, struct.pack("<I", 1))
        with mounting.Mount(self.image) as mount:
            self.assertFalse(os.path.exists(mount.join("dev/pmem0s")))
        with mounting.Mount(self.image, "ro") as mount:
            self.assertEqual(list(range(WRITTEN)), self.sectors(mount))
        self.assertEqual(1, self.check("--repair").returncode)
        with mounting.Mount(self.image) as mount:
            self.assertEqual(list(range(WRITTEN)), self.sectors(mount))


class PromiseTest(CheckTestCase):
    """The label names a claim that the media does not have."""

    def expect_finding(self, reason, words):
        done = self.check()
        self.assertEqual(4, done.returncode, done)
        self.assertIn(f"[{reason}]", done.stdout)
        self.assertIn(words, done.stdout)
        found = json.loads(self.check("--json").stdout)
        self.assertEqual(["namespace0.0"], [entry["subject"] for entry in found])
        mount = mounting.Mount(self.image)
        with mount:
            self.assertIn("is shown raw", mount.read("ndbus0/region0/namespace0.0/x/last_error"))
        self.assertIn("is shown raw", mount.log)

    def test_both_info_blocks_of_a_btt(self):
        for filler in (bytes(4096), os.urandom(4096)):
            self.create("mode=sector")
            arena = arenas.Arena(self.image)
            self.put(0, filler)
            self.put(arena.info2, filler)
            self.expect_finding("btt.info.none", "the label says that this is a BTT")
            os.unlink(self.image)

    def test_the_info_block_of_fsdax_and_devdax(self):
        for mode in ("fsdax", "devdax"):
            self.create(f"mode={mode}")
            with open(self.image, "rb") as file:
                block = os.pread(file.fileno(), 4096, 4096)
            foreign = bytearray(block)
            foreign[32:48] = os.urandom(16)
            foreign[4088:] = bytes(8)
            struct.pack_into("<Q", foreign, 4088, images.fletcher64(bytes(foreign)))
            for reason, damage in (
                ("info.signature", bytes(4096)),
                ("info.signature", os.urandom(4096)),
                ("info.parent", bytes(foreign)),
                ("info.checksum", block[:100] + b"\xee" + block[101:]),
            ):
                with self.subTest(mode=mode, reason=reason):
                    self.put(4096, damage)
                    self.expect_finding(reason, f"the label says {mode}")
            os.unlink(self.image)


class UnknownTest(CheckTestCase):
    def test_a_file_of_which_nothing_is_known_is_not_called_sound(self):
        self.image = self.scratch_path("a.img")
        for content, code in ((os.urandom(MIB), 8), (b"", 0), (b"hsqs" + bytes(36) + struct.pack("<Q", MIB), 0)):
            with open(self.image, "wb") as file:
                file.write(content)
                file.truncate(32 * MIB)
            with self.subTest(content=content[:4]):
                done = self.check()
                self.assertEqual((code, ""), (done.returncode, done.stdout), done.stderr)
                self.assertEqual(code == 8, "cannot tell whether it is sound" in done.stderr)


class ReportTest(CheckTestCase):
    def test_exit_codes_are_summed_and_json_names_what_cannot_be_opened(self):
        self.create("mode=sector")
        done = self.check("-v")
        self.assertEqual((0, f"{self.image}: sound\n"), (done.returncode, done.stdout))
        self.put(0, bytes(64))
        done = self.check(self.scratch_path("none.img"), "--json")
        self.assertEqual(12, done.returncode, done)
        found, refused = json.loads(done.stdout)
        self.assertEqual("found", found["outcome"])
        self.assertEqual(("cannot tell", "ENOENT"), (refused["outcome"], refused["errno"]))
        done = self.check("--repair")
        self.assertEqual((1, f"{self.image}: 1 found, 1 mended"), (done.returncode, done.stdout.splitlines()[-1]))
        self.assertEqual(16, self.check("--no-such-flag").returncode)


if __name__ == "__main__":
    runner.main()
