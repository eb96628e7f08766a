# SPDX-License-Identifier: Apache-2.0
"""Data files that the kernel reads and writes without the daemon: same bytes, same errors, never stale."""

import errno
import gzip
import mmap
import os
import platform

from tests.support import images, mounting, runner

MIB = images.MIB
SIZE = 32 * MIB
PAGE = 4096


def why_no_passthrough():
    """Why this kernel passes nothing through to us, or None."""
    if os.geteuid() != 0:
        return "needs CAP_SYS_ADMIN"
    version = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    if version < (6, 9):
        return f"Linux {platform.release()} is older than 6.9"
    for path, opener in (
        ("/proc/config.gz", gzip.open),
        (f"/boot/config-{platform.release()}", open),
    ):
        if os.path.exists(path):
            with opener(path, "rt", encoding="ascii") as config:
                if "CONFIG_FUSE_PASSTHROUGH=y" not in config.read():
                    return "the kernel has no CONFIG_FUSE_PASSTHROUGH"
            return None
    return None


class PassthroughTest(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        # A label-less image is one namespace, as long as the file. On tmpfs if there is one: a
        # test directory on an old file system without O_DIRECT would pass nothing through.
        self.image = images.blank(self.scratch_path("whole.img"), SIZE, 0)

    def require_passthrough(self):
        if reason := why_no_passthrough():
            self.skipTest(reason)

    def open(self, mount, flags):
        descriptor = os.open(mount.join("dev/pmem0"), flags)
        self.addCleanup(lambda: self.close(descriptor))
        return descriptor

    def close(self, descriptor):
        try:
            os.close(descriptor)
        except OSError as error:
            self.assertEqual(errno.EBADF, error.errno)

    def assert_refused(self, number, action, *arguments):
        with self.assertRaises(OSError) as caught:
            action(*arguments)
        self.assertEqual(number, caught.exception.errno)

    def unbind(self, mount):
        mount.write("namespace0.0", "bus/nd/drivers/nd_pmem/unbind")

    def test_reads_do_not_come_to_the_daemon(self):
        self.require_passthrough()
        with open(self.image, "r+b") as file:
            file.write(b"old!")
        with mounting.Mount(self.image, "debug") as mount:
            reader = self.open(mount, os.O_RDONLY)
            self.assertEqual(b"old!", os.pread(reader, 4, 0))
            self.assertEqual(100, len(os.pread(reader, PAGE, SIZE - 100)))
            self.assertEqual(b"", os.pread(reader, PAGE, SIZE))
            os.close(reader)
        self.assertNotIn("opcode: READ (", mount.log)
        self.assertIn("opcode: OPEN (", mount.log)

    def test_everybody_sees_every_write_at_once(self):
        mount = self.mount(self.image)
        reader = self.open(mount, os.O_RDONLY)
        direct = self.open(mount, os.O_RDONLY | os.O_DIRECT)
        buffer = mmap.mmap(-1, PAGE)
        mapped = mmap.mmap(reader, PAGE, prot=mmap.PROT_READ)
        self.addCleanup(mapped.close)

        def assert_seen(word):
            self.assertEqual(word, os.pread(reader, 4, 0))
            os.preadv(direct, [buffer], 0)
            self.assertEqual(word, buffer[:4])
            self.assertEqual(word, mapped[:4])

        writer = self.open(mount, os.O_RDWR)
        os.pwrite(writer, b"one.", 0)
        assert_seen(b"one.")
        self.assertEqual(b"one.", os.pread(writer, 4, 0))
        direct_writer = self.open(mount, os.O_RDWR | os.O_DIRECT)
        buffer[:4] = b"two."
        os.pwritev(direct_writer, [buffer], 0)
        assert_seen(b"two.")
        with mmap.mmap(writer, PAGE) as shared:
            shared[:4] = b"tri."
        assert_seen(b"tri.")
        os.fsync(writer)
        with open(self.image, "rb") as file:
            self.assertEqual(b"tri.", file.read(4))

    def test_pages_from_before_a_passthrough_are_not_used_after_it(self):
        mount = self.mount(self.image)
        for round_number in range(3):
            word = b"%04d" % round_number
            # Without passthrough: the kernel keeps the page.
            ordinary = self.open(mount, os.O_RDWR)
            os.pread(ordinary, PAGE, 0)
            os.close(ordinary)
            # With passthrough, and a concurrent writer.
            reader = self.open(mount, os.O_RDONLY)
            writer = self.open(mount, os.O_RDWR)
            os.pwrite(writer, word, 0)
            self.assertEqual(word, os.pread(reader, 4, 0))
            os.close(writer)
            os.close(reader)
            ordinary = self.open(mount, os.O_RDWR)
            self.assertEqual(word, os.pread(ordinary, 4, 0))
            os.close(ordinary)

    def test_writes_stop_at_the_end(self):
        mount = self.mount(self.image)
        self.open(mount, os.O_RDONLY)
        writer = self.open(mount, os.O_RDWR)
        self.assertEqual(PAGE, os.pwrite(writer, bytes(2 * PAGE), SIZE - PAGE))
        self.assert_refused(errno.ENOSPC, os.pwrite, writer, b"x", SIZE)
        self.assertEqual(SIZE, os.stat(self.image).st_size)

    def test_what_is_passed_through_is_not_taken_away(self):
        self.require_passthrough()
        mount = self.mount(self.image)
        reader = self.open(mount, os.O_RDONLY)
        self.assert_refused(errno.EBUSY, self.unbind, mount)
        self.assertIn(
            "data.on_loan", mount.read("ndbus0/region0/namespace0.0/x/last_error")
        )
        badblocks = "ndbus0/region0/namespace0.0/block/pmem0/badblocks"
        self.assert_refused(errno.EBUSY, mount.write, "8 1", badblocks)
        self.assert_refused(errno.EBUSY, mount.write, "1", "ndbus0/region0/read_only")
        os.close(reader)
        mount.write("1", "ndbus0/region0/read_only")
        mount.write("0", "ndbus0/region0/read_only")
        mount.write("8 1", badblocks)
        self.unbind(mount)

    def test_bad_bytes_are_never_passed_through(self):
        mount = self.mount(self.image)
        mount.write("8 1", "ndbus0/region0/namespace0.0/block/pmem0/badblocks")
        reader = self.open(mount, os.O_RDONLY)
        self.assert_refused(errno.EIO, os.pread, reader, 512, PAGE)

    def test_a_namespace_that_ends_before_the_file_is_not_passed_through(self):
        image = images.blank(self.scratch_path("labels.img"), SIZE, 128 << 10)
        mount = self.mount(image, "passthrough=writes")
        reader = self.open(mount, os.O_RDONLY)
        self.assertEqual(b"", os.pread(reader, 512, SIZE))
        writer = self.open(mount, os.O_RDWR)
        self.assert_refused(errno.ENOSPC, os.pwrite, writer, b"x", SIZE)
        self.unbind(mount)

    def test_off_means_off(self):
        mount = self.mount(self.image, "passthrough=off")
        self.open(mount, os.O_RDONLY)
        self.unbind(mount)

    def test_writes_by_passthrough_are_cut_off_at_the_end_when_closed(self):
        self.require_passthrough()
        with mounting.Mount(self.image, "passthrough=writes,debug") as mount:
            writer = self.open(mount, os.O_RDWR)
            self.assertEqual(8, os.pwrite(writer, b"past the", SIZE - 4))
            appender = self.open(mount, os.O_WRONLY | os.O_APPEND)
            self.assert_refused(errno.ENOSPC, os.write, appender, b"x")
            os.close(appender)
            os.fsync(writer)
            os.close(writer)
            self.assertTrue(mounting.wait_until(lambda: os.stat(self.image).st_size == SIZE))
            path = mount.join("dev/pmem0")
            self.assertTrue(mounting.wait_until(lambda: os.stat(path).st_size == SIZE))
            reader = self.open(mount, os.O_RDONLY)
            self.assertEqual(b"past", os.pread(reader, 8, SIZE - 4))
            os.close(reader)
        self.assertIn("opcode: FSYNC (", mount.log)
        # The appender's write came to the daemon, as it must.
        self.assertEqual(1, mount.log.count("opcode: WRITE ("))


if __name__ == "__main__":
    runner.main()
