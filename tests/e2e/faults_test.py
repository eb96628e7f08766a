# SPDX-License-Identifier: Apache-2.0
"""Power cuts (crash_after) and faults of I/O (x/faults) on real mounts."""

import errno
import hashlib
import mmap
import os
import subprocess
import time

from tests.support import images, mounting, runner

MIB = 1 << 20
SECTOR = 4096


def sector(lba, generation):
    """The content of a sector: its number and generation in every 16 bytes."""
    return (lba.to_bytes(8, "little") + generation.to_bytes(8, "little")) * (SECTOR // 16)


def numbers(text):
    return {name: int(value) for name, value in (line.split(" ") for line in text.splitlines())}


class PowerCut(mounting.MountTestCase):
    """A BTT with 8 sectors of generation 1, and a raw namespace, in a pristine image."""

    def setUp(self):
        super().setUp()
        self.pristine = images.create(self.scratch_path("pristine.img"), 64 * MIB, 128 << 10)
        with mounting.Mount(self.pristine) as mount:
            mount.write("size=32M mode=sector name=log", "ndbus0/region0/x/create")
            mount.write("size=16M mode=raw name=data", "ndbus0/region0/x/create")
            with open(mount.join("dev/by-name/log"), "r+b", buffering=0) as file:
                for lba in range(8):
                    file.write(sector(lba, 1))
                os.fsync(file.fileno())

    def write_until_cut(self, options):
        """Writes generation 2; returns the image, x/fences before and after it, and what was acknowledged."""
        image = self.scratch_path("victim.img")
        subprocess.run(["cp", "--sparse=always", self.pristine, image], check=True)
        acknowledged = []
        with mounting.Mount(image, options) as mount:
            before = numbers(mount.read("ndbus0/x/fences"))
            try:
                with open(mount.join("dev/by-name/log"), "r+b", buffering=0) as file:
                    for lba in range(8):
                        file.seek(lba * SECTOR)
                        file.write(sector(lba, 2))
                        os.fsync(file.fileno())
                        acknowledged.append(lba)
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                self.assertIn('"reason":"media.power_cut"', mount.read("ndbus0/x/last_error.json"))
                with self.assertRaises(OSError):
                    os.close(os.open(mount.join("ndbus0/region0/namespace0.0/size"), os.O_RDWR))
                    mount.write("size=1M", "ndbus0/region0/x/create")
            after = numbers(mount.read("ndbus0/x/fences"))
        return image, before, after, acknowledged

    def test_every_sector_is_old_or_new_and_the_cut_repeats(self):
        _, before, after, _ = self.write_until_cut("crash_after=0")
        first, last = before["fences"] + 1, after["fences"]
        self.assertGreater(last - first, 24)
        for fence in (first, first + 1, first + 2, (first + last) // 2, last - 2):
            digests = set()
            for _ in range(2):
                image, _, after, acknowledged = self.write_until_cut(f"crash_after={fence},crash_seed=5")
                self.assertEqual((after["cut"], after["fences"]), (1, fence))
                digests.add(images.sha256(image))
            self.assertEqual(len(digests), 1, f"fence {fence}")
            with mounting.Mount(image) as mount, open(mount.join("dev/by-name/log"), "rb") as file:
                for lba in range(8):
                    seen = file.read(SECTOR)
                    allowed = [sector(lba, 2)] if lba in acknowledged else [sector(lba, 1), sector(lba, 2)]
                    self.assertIn(seen, allowed, f"fence {fence}, sector {lba}")
            checked = subprocess.run([mounting.program("tools/nvdimmfs"), "check", image], capture_output=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_raw_bytes_are_torn_and_synced_ones_are_not(self):
        seen = set()
        for seed in range(6):
            image = self.scratch_path("raw.img")
            subprocess.run(["cp", "--sparse=always", self.pristine, image], check=True)
            # The fences of opening the mount come before those of the two syncs.
            with mounting.Mount(image, "crash_after=0") as mount:
                before = numbers(mount.read("ndbus0/x/fences"))["fences"]
            # Sync is a drain and a flush; the second sync's drain is cut.
            with mounting.Mount(image, f"crash_after={before + 3},crash_seed={seed}") as mount:
                with open(mount.join("dev/by-name/data"), "r+b", buffering=0) as file:
                    file.write(b"s" * 8192)
                    os.fsync(file.fileno())
                    file.write(b"u" * 8192)
                    with self.assertRaises(OSError):
                        os.fsync(file.fileno())
            with mounting.Mount(image) as mount, open(mount.join("dev/by-name/data"), "rb") as file:
                self.assertEqual(file.read(8192), b"s" * 8192)
                torn = file.read(8192)
            words = {torn[at:at + 8] for at in range(0, len(torn), 8)}
            self.assertLessEqual(words, {bytes(8), b"u" * 8})
            seen.add(hashlib.sha256(torn).hexdigest())
        self.assertEqual(len(seen), 6)

    def test_a_cut_that_never_comes_changes_nothing(self):
        digests = set()
        for options in ("crash_after=0", "crash_after=1000000"):
            image = self.scratch_path("whole.img")
            subprocess.run(["cp", "--sparse=always", self.pristine, image], check=True)
            with mounting.Mount(image, options) as mount:
                with open(mount.join("dev/by-name/log"), "r+b", buffering=0) as file:
                    for lba in range(8):
                        file.write(sector(lba, 2))
                self.assertEqual(numbers(mount.read("ndbus0/x/fences"))["cut"], 0)
            digests.add(images.sha256(image))
        self.assertEqual(len(digests), 1)
        with mounting.Mount(image) as mount, open(mount.join("dev/by-name/log"), "rb") as file:
            self.assertFalse(os.path.exists(mount.join("ndbus0/x/fences")))
            self.assertEqual(file.read(8 * SECTOR), b"".join(sector(lba, 2) for lba in range(8)))

    def test_options_are_checked(self):
        for options in ("crash_after=x", "crash_after=-1", "crash_seed="):
            with self.assertRaises(AssertionError) as refused:
                self.mount(self.pristine, options)
            self.assertIn("source.option", str(refused.exception))


class Faults(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        image = images.create(self.scratch_path("faults.img"), 64 * MIB, 128 << 10)
        self.tree = self.mount(image)
        self.tree.write("size=16M mode=raw name=raw", "ndbus0/region0/x/create")
        self.raw = self.tree.read("ndbus0/region0/x/create").strip()
        self.tree.write("size=32M mode=sector name=log", "ndbus0/region0/x/create")
        self.log = self.tree.read("ndbus0/region0/x/create").strip()

    def faults(self, line, name=None):
        self.tree.write(line, f"ndbus0/region0/{name or self.raw}/x/faults")

    def stats(self, name=None):
        return numbers(self.tree.read(f"ndbus0/region0/{name or self.raw}/x/stats"))

    def error_of(self, call):
        try:
            call()
        except OSError as error:
            return error.errno
        return 0

    def open(self, name, flags=os.O_RDWR | os.O_DIRECT):
        descriptor = os.open(self.tree.join("dev/by-name", name), flags)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def page(self, fill=b"x", size=SECTOR):
        """Memory that O_DIRECT takes."""
        page = mmap.mmap(-1, size)
        page.write(fill * size)
        return page

    def test_off_by_default_and_read_back(self):
        path = f"ndbus0/region0/{self.raw}/x/faults"
        self.assertEqual(self.tree.read(path), "none\n")
        self.assertNotIn("faults_eio", self.stats())
        self.faults("eio=0.010, latency=1000us..2ms")
        self.assertEqual(self.tree.read(path), "eio=0.01 latency=1ms..2ms\n")
        self.faults("none")
        self.assertEqual(self.tree.read(path), "none\n")
        self.assertEqual(self.stats()["faults_eio"], 0)

    def test_refusals(self):
        for line, reason in (
            ("eio=2", "faults.syntax"),
            ("eio=0+17M", "faults.range"),
            ("poison=1G+512", "faults.range"),
        ):
            self.assertEqual(self.error_of(lambda: self.faults(line)), errno.EINVAL, line)
            self.assertIn(reason, self.tree.read(f"ndbus0/region0/{self.raw}/x/last_error"))
        self.assertEqual(self.error_of(lambda: self.faults("torn=1", self.log)), errno.EINVAL)
        self.assertEqual(self.error_of(lambda: self.faults("poison=0+512", self.log)), errno.EOPNOTSUPP)
        seed = self.tree.read("ndbus0/region0/namespace_seed").strip()
        self.assertEqual(self.error_of(lambda: self.faults("eio=1", seed)), errno.ENXIO)

    def test_errors_by_range_and_operation(self):
        descriptor = self.open("raw")
        os.pwrite(descriptor, self.page(size=4 * SECTOR), 0)
        self.faults("read:eio=4096+512")
        page = self.page()
        self.assertEqual(self.error_of(lambda: os.preadv(descriptor, [page], 4096)), errno.EIO)
        self.assertEqual(self.error_of(lambda: os.preadv(descriptor, [page], 8192)), 0)
        self.assertEqual(self.error_of(lambda: os.pwrite(descriptor, page, 4096)), 0)
        self.assertIn("fault.eio", self.tree.read(f"ndbus0/region0/{self.raw}/x/last_error"))
        self.assertEqual(self.stats()["faults_eio"], 1)
        self.faults("flush:eio=1")
        self.assertEqual(self.error_of(lambda: os.fsync(descriptor)), errno.EIO)
        self.faults("none")
        self.assertEqual(self.error_of(lambda: os.fsync(descriptor)), 0)

    def test_pages_that_the_kernel_keeps_do_not_hide_faults(self):
        descriptor = self.open("raw", os.O_RDWR)
        os.pwrite(descriptor, b"x" * SECTOR, 0)
        os.fsync(descriptor)
        self.assertEqual(os.pread(descriptor, SECTOR, 0), b"x" * SECTOR)
        self.faults("read:eio=1")
        # They are dropped in the background.
        refused = mounting.wait_until(lambda: self.error_of(lambda: os.pread(descriptor, SECTOR, 0)) == errno.EIO)
        self.assertTrue(refused)

    def test_rates_are_the_same_again(self):
        descriptor = self.open("log")
        page = self.page()
        runs = []
        for line in ("write:eio=0.2 seed=3", "write:eio=0.2 seed=3", "write:eio=0.2 seed=4"):
            self.faults(line, self.log)
            runs.append([self.error_of(lambda: os.pwrite(descriptor, page, lba * SECTOR)) for lba in range(100)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertTrue(5 < runs[0].count(errno.EIO) < 40, runs[0])
        self.assertEqual(sum(run.count(errno.EIO) for run in runs), self.stats(self.log)["faults_eio"])

    def test_short_of_space(self):
        self.faults("space=8K")
        descriptor = self.open("raw")
        errors = [self.error_of(lambda: os.pwrite(descriptor, self.page(), 0)) for _ in range(4)]
        self.assertEqual(errors, [0, 0, errno.ENOSPC, errno.ENOSPC])

    def test_latency(self):
        descriptor = self.open("raw")
        page = self.page()
        self.faults("read:latency=100ms")
        start = time.monotonic()
        os.preadv(descriptor, [page], 0)
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        self.assertEqual(self.stats()["faults_delayed"], 1)

    def test_torn_write(self):
        descriptor = self.open("raw")
        os.pwrite(descriptor, self.page(b"o"), 0)
        self.faults("torn=1 seed=2")
        self.assertEqual(self.error_of(lambda: os.pwrite(descriptor, self.page(b"n"), 0)), errno.EIO)
        self.faults("none")
        page = self.page()
        os.preadv(descriptor, [page], 0)
        words = [page[at:at + 8] for at in range(0, SECTOR, 8)]
        self.assertLessEqual(set(words), {b"o" * 8, b"n" * 8})
        self.assertIn(b"o" * 8, words)

    def test_poison_shows_in_badblocks(self):
        self.faults("poison=8192+1024")
        disk = os.path.basename(os.path.realpath(self.tree.join("dev/by-name/raw")))
        self.assertEqual(self.tree.read(f"ndbus0/region0/{self.raw}/block/{disk}/badblocks"), "16 2\n")
        descriptor = self.open("raw")
        self.assertEqual(self.error_of(lambda: os.preadv(descriptor, [self.page()], 8192)), errno.EIO)
        os.pwrite(descriptor, self.page(), 8192)
        self.assertEqual(self.error_of(lambda: os.preadv(descriptor, [self.page()], 8192)), 0)

    def test_gone_when_the_namespace_is_enabled_again(self):
        self.faults("eio=1")
        self.tree.write(self.raw, "bus/nd/drivers/nd_pmem/unbind")
        self.tree.write(self.raw, "bus/nd/drivers/nd_pmem/bind")
        self.assertEqual(self.tree.read(f"ndbus0/region0/{self.raw}/x/faults"), "none\n")
        descriptor = self.open("raw")
        self.assertEqual(self.error_of(lambda: os.pwrite(descriptor, self.page(), 0)), 0)


if __name__ == "__main__":
    runner.main()
