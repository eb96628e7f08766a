# SPDX-License-Identifier: Apache-2.0
"""Mounting and unmounting by users, mount(8), fstab and init systems."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from tests.support import images, mounting, patterns, runner, session

MIB = images.MIB


class CommandLineTest(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.nvdimmfs = mounting.program("tools/nvdimmfs")
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)
        self.mountpoint = tempfile.mkdtemp(prefix="mnt.", dir=self.scratch)
        self.addCleanup(self.force_unmount)

    def force_unmount(self):
        if mounting.is_mounted(self.mountpoint):
            mounting.unmount(self.mountpoint)

    def run_nvdimmfs(self, *arguments):
        return subprocess.run(
            [self.nvdimmfs, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def assert_refused(self, *arguments, says, exit_code=1):
        """Expects a refusal by the time the command returns: a message on stderr, nothing mounted."""
        done = self.run_nvdimmfs(*arguments, self.mountpoint)
        self.assertEqual(exit_code, done.returncode, done)
        self.assertEqual("", done.stdout)
        self.assertRegex(done.stderr, says)
        self.assertFalse(mounting.is_mounted(self.mountpoint))
        return done.stderr

    def assert_unmounts(self):
        """A plain unmount, after which no process has the image open."""
        self.assertTrue(mounting.unmount(self.mountpoint), "busy")
        with mounting.Mount(self.image, "ro"):
            pass

    def assert_is_our_mount(self):
        self.assertTrue(mounting.is_mounted(self.mountpoint))
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            line = next(line for line in mounts if self.mountpoint in line)
        self.assertEqual("fuse.nvdimmfs", line.split(" ")[2], line)
        self.assertTrue(os.path.exists(f"{self.mountpoint}/ndbus0/region0/size"))

    def test_help_and_version(self):
        for flag in ("-h", "--help"):
            done = self.run_nvdimmfs(flag)
            self.assertEqual(0, done.returncode, done)
            self.assertRegex(done.stdout, r"nvdimmfs .*SOURCE")
        done = self.run_nvdimmfs("-V")
        self.assertEqual(0, done.returncode, done)
        self.assertRegex(done.stdout, r"\d")

    def test_no_arguments_is_a_usage_error(self):
        done = self.run_nvdimmfs()
        self.assertIn(done.returncode, (1, 2), done)
        self.assertNotEqual("", done.stderr)

    def test_daemon_is_mounted_when_the_command_returns(self):
        done = self.run_nvdimmfs(self.image, self.mountpoint)
        self.assertEqual(0, done.returncode, done)
        self.assert_is_our_mount()
        self.assert_unmounts()

    def test_daemon_works_with_a_relative_image_path(self):
        done = subprocess.run(
            [self.nvdimmfs, "dimm.img", os.path.basename(self.mountpoint)],
            cwd=self.scratch,
            capture_output=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(0, done.returncode, done)
        self.assert_is_our_mount()
        self.assert_unmounts()

    def test_bad_sources_are_refused_before_the_command_returns(self):
        absent = self.scratch_path("absent.img")
        self.assert_refused(absent, says="absent.img")
        self.assert_refused("-f", absent, says="absent.img")
        empty = self.scratch_path("empty.img")
        images.blank(empty, 0, 0)
        self.assert_refused(empty, says="empty.img")
        self.assert_refused(self.scratch, says=re.escape(self.scratch))

    def test_a_bad_mount_point_is_refused(self):
        done = self.run_nvdimmfs(self.image, self.scratch_path("nowhere"))
        self.assertEqual(1, done.returncode, done)
        self.assertIn("nowhere", done.stderr)

    def test_an_unknown_option_is_refused_with_the_known_ones(self):
        said = self.assert_refused(
            "-o", "frobnicate", self.image, says="frobnicate", exit_code=2
        )
        for known in ("ro", "uid", "gid", "umask", "allow_other", "force"):
            self.assertIn(known, said)

    def test_mount_helper(self):
        self.check_mount_8(["-t", "fuse.nvdimmfs", self.image, self.mountpoint])

    def test_mount_helper_with_options(self):
        self.check_mount_8(["-t", "fuse.nvdimmfs", "-o", "ro", self.image, self.mountpoint])

    def test_fstab(self):
        fstab = self.scratch_path("fstab")
        with open(fstab, "w", encoding="utf-8") as out:
            out.write(f"{self.image} {self.mountpoint} fuse.nvdimmfs noauto,nosuid,nodev 0 0\n")
        self.check_mount_8(["--fstab", fstab, self.mountpoint])

    def check_mount_8(self, arguments):
        """`mount ARGUMENTS`, with nvdimmfs where mount.fuse3 looks for it: a private /usr/local/sbin."""
        if os.geteuid() != 0:
            self.skipTest("mount(8) needs root")
        if not os.path.exists("/sbin/mount.fuse3"):
            self.skipTest("no /sbin/mount.fuse3 on this machine")
        script = """
            mount --bind "$1" /usr/local/sbin || exit 99
            mountpoint=$2
            shift 2
            mount "$@" || exit
            grep " $mountpoint fuse.nvdimmfs " /proc/self/mounts && cat "$mountpoint/ndbus0/region0/size"
            umount "$mountpoint"
        """
        directory = self.scratch_path("sbin")
        os.mkdir(directory)
        shutil.copy(self.nvdimmfs, directory)
        command = ["unshare", "--mount", "sh", "-c", script, "sh", directory, self.mountpoint]
        done = subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode == 99:
            self.skipTest(f"no private mounts here: {done.stderr}")
        self.assertEqual(0, done.returncode, done)
        self.assertIn(f"{64 * MIB}\n", done.stdout)

    def test_signals_unmount(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number):
                with mounting.Mount(self.image) as mount:
                    mount.daemon.send_signal(number)
                    mount.daemon.wait(mounting.PATIENCE)
                    self.assertFalse(mounting.is_mounted(mount.path))
                self.assertEqual(0, mount.exit_code, mount.log)

    def test_killed_daemon_leaves_a_usable_image(self):
        mount = mounting.Mount(self.image)
        mount.__enter__()
        try:
            name = mount.read(session.REGION, "namespace_seed").strip()
            mount.write("9d6d5f67-7a5e-4b6e-9d8a-111111111111", session.device(name, "uuid"))
            mount.write(16 * MIB, session.device(name, "size"))
            mount.daemon.kill()
        finally:
            mount.close()
        with mounting.Mount(self.image) as again:
            self.assertEqual([""], list(session.namespaces(again)))

    def test_a_second_user_is_refused(self):
        with mounting.Mount(self.image):
            self.assert_refused(self.image, says="dimm.img")
            with mounting.Mount(self.image, "ro,force"):
                pass
        with mounting.Mount(self.image):
            pass

    def test_read_only(self):
        before = images.sha256(self.image)
        with mounting.Mount(self.image, "ro") as mount:
            seed = mount.read(session.REGION, "namespace_seed").strip()
            for path in (session.device(seed, "uuid"), "bus/nd/drivers/nd_pmem/bind"):
                with self.assertRaises(OSError) as caught:
                    mount.write("0", path)
                self.assertEqual(errno.EROFS, caught.exception.errno)
        self.assertEqual(before, images.sha256(self.image))

    def test_create_refuses_what_it_would_destroy(self):
        before = images.sha256(self.image)
        done = self.run_nvdimmfs("create", self.image, "--size", "64M")
        self.assertEqual(1, done.returncode, done)
        self.assertIn("dimm.img", done.stderr)
        self.assertEqual(before, images.sha256(self.image))

    def test_create_refuses_nonsense(self):
        for arguments in (["--size", "0"], ["--size", "much"], ["--size", "64M", "--label-size", "1"]):
            with self.subTest(arguments=arguments):
                path = self.scratch_path("new.img")
                done = self.run_nvdimmfs("create", path, *arguments)
                self.assertIn(done.returncode, (1, 2), done)
                self.assertNotEqual("", done.stderr)
                self.assertFalse(os.path.exists(path))

    def test_created_sizes(self):
        for label_size in (128 << 10, 256 << 10, MIB):
            path = images.create(self.scratch_path(f"{label_size}.img"), 32 * MIB, label_size)
            self.assertEqual(32 * MIB + label_size, os.path.getsize(path))


class AttributeFileTest(mounting.MountTestCase):
    """Attribute files, opened and written as by shells, editors and libndctl."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)

    def test_shell_redirection_truncates_and_writes_once(self):
        with mounting.Mount(self.image) as mount:
            subprocess.run(
                "echo 5e9f2a11-0a55-4f5e-8a9f-0f6f1e6b7c01 > uuid && echo 16777216 > size"
                " && printf name > alt_name && cat uuid size alt_name",
                shell=True,
                cwd=mount.join(session.device("namespace0.0")),
                check=True,
                timeout=20,
                stdout=subprocess.DEVNULL,
            )
            self.assertEqual("name\n", mount.read(session.device("namespace0.0", "alt_name")))
            self.assertEqual("16777216\n", mount.read(session.device("namespace0.0", "size")))

    def test_write_with_the_terminating_nul(self):
        # As libndctl does: O_WRONLY, one write of the text and its NUL, the full count expected back.
        with mounting.Mount(self.image) as mount:
            path = mount.join(session.device("namespace0.0", "uuid"))
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            data = b"5e9f2a11-0a55-4f5e-8a9f-0f6f1e6b7c02\0"
            try:
                self.assertEqual(len(data), os.write(descriptor, data))
            finally:
                os.close(descriptor)
            self.assertEqual(
                "5e9f2a11-0a55-4f5e-8a9f-0f6f1e6b7c02\n",
                mount.read(session.device("namespace0.0", "uuid")),
            )

    def test_attributes_are_4096_bytes_to_stat(self):
        with mounting.Mount(self.image) as mount:
            status = os.stat(mount.join(session.REGION, "size"))
            self.assertEqual(4096, status.st_size)
            self.assertEqual(0o444, status.st_mode & 0o777)

    def test_mode_bits_hold_for_everyone(self):
        with mounting.Mount(self.image) as mount:
            for path, flags in (
                (f"{session.REGION}/size", os.O_WRONLY),
                ("bus/nd/drivers/nd_pmem/bind", os.O_RDONLY),
            ):
                with self.assertRaises(OSError) as caught:
                    os.close(os.open(mount.join(path), flags))
                self.assertEqual(errno.EACCES, caught.exception.errno, path)

    def test_nothing_can_be_made_or_removed(self):
        with mounting.Mount(self.image) as mount:
            for attempt in (
                lambda: os.mkdir(mount.join("new")),
                lambda: os.close(os.open(mount.join("new"), os.O_CREAT | os.O_WRONLY)),
                lambda: os.unlink(mount.join(session.REGION, "size")),
                lambda: os.rename(mount.join(session.REGION, "size"), mount.join("size")),
                lambda: os.symlink("a", mount.join("b")),
            ):
                with self.assertRaises(OSError) as caught:
                    attempt()
                self.assertIn(
                    caught.exception.errno, (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS)
                )

    def test_the_last_error_explains(self):
        with mounting.Mount(self.image) as mount:
            with self.assertRaises(OSError) as caught:
                mount.write(16 * MIB, session.device("namespace0.0", "size"))
            self.assertEqual(errno.ENXIO, caught.exception.errno)
            self.assertIn("uuid", mount.read(session.device("namespace0.0", "x/last_error")))


    def test_list_json_of_a_bus_is_what_list_prints(self):
        image = images.create(self.scratch_path("listed.img"), 64 * MIB, 128 << 10)
        with mounting.Mount(image) as mount:
            mount.write("size=32M name=log", session.REGION, "x/create")
            with open(mount.join("ndbus0/x/list.json"), encoding="utf-8") as listing:
                shown = json.load(listing)
        command = [mounting.program("tools/nvdimmfs"), "list", "--schema", "1", image]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        printed = json.loads(done.stdout)
        for listing in (shown, printed):
            # `list` opens the image read-only.
            listing["buses"][0]["regions"][0]["read_only"] = None
        self.assertEqual(printed, shown)


class DataFileTest(mounting.MountTestCase):
    """Data files, used as by dd, stat and block editors."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)

    def created(self, mount, line):
        mount.write(line, session.REGION, "x/create")
        return mount.read(session.REGION, "x/create").strip()

    def check_dd(self, mount, node, size):
        """Writes random bytes with dd, reads them back, and checks the ends as on a block device."""
        reference = self.scratch_path("random")
        with open(reference, "wb") as out:
            out.write(os.urandom(3 * MIB))
        path = mount.join("dev", node)
        self.assertEqual(size, os.stat(path).st_size)
        for flags in ([], ["oflag=direct"], ["conv=fsync,notrunc"]):
            command = ["dd", f"if={reference}", f"of={path}", "bs=64K", "conv=notrunc", *flags]
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        self.assertEqual(size, os.stat(path).st_size, "dd changed the size")
        with open(path, "rb") as data, open(reference, "rb") as expected:
            self.assertEqual(expected.read(), data.read(3 * MIB))
        descriptor = os.open(path, os.O_RDWR)
        try:
            self.assertEqual(b"", os.pread(descriptor, 512, size))
            self.assertEqual(512, len(os.pread(descriptor, 4096, size - 512)))
            self.assertEqual(512, os.pwrite(descriptor, bytes(1024), size - 512))
            with self.assertRaises(OSError) as caught:
                os.pwrite(descriptor, bytes(512), size)
            self.assertEqual(errno.ENOSPC, caught.exception.errno)
        finally:
            os.close(descriptor)

    def test_raw(self):
        with mounting.Mount(self.image) as mount:
            name = self.created(mount, "size=16M mode=raw name=vol")
            self.check_dd(mount, session.block_name(mount, name), 16 * MIB)

    def test_sector_4096(self):
        self.check_sector(4096)

    def test_sector_512(self):
        self.check_sector(512)

    def check_sector(self, sector_size):
        with mounting.Mount(self.image) as mount:
            line = f"size=32M mode=sector sector_size={sector_size} name=log"
            name = self.created(mount, line)
            holder = session.word(mount, session.device(name, "holder"))
            size = int(session.word(mount, session.device(holder, "size")))
            self.check_dd(mount, session.block_name(mount, name), size)

    def test_names_that_stay_put(self):
        with mounting.Mount(self.image) as mount:
            name = self.created(mount, "size=16M mode=raw name=vol")
            node = session.block_name(mount, name)
            uuid = session.word(mount, session.device(name, "uuid"))
            for link in ("dev/by-name/vol", f"dev/by-uuid/{uuid}"):
                self.assertEqual(
                    os.path.realpath(mount.join("dev", node)), os.path.realpath(mount.join(link))
                )

    def test_a_namespace_whose_file_is_open_is_not_destroyed(self):
        with mounting.Mount(self.image) as mount:
            name = self.created(mount, "size=16M mode=raw name=vol")
            destroy = mount.join("ndbus0/region0/x/destroy")
            with open(mount.join("dev", session.block_name(mount, name)), "rb"):
                with self.assertRaises(OSError) as caught:
                    with open(destroy, "w") as file:
                        file.write(name)
                self.assertEqual(errno.EBUSY, caught.exception.errno)
            with open(destroy, "w") as file:
                file.write(name)

    def test_unbinding_asks_nobody_and_ends_the_io_of_open_files(self):
        with mounting.Mount(self.image) as mount:
            name = self.created(mount, "size=16M mode=raw name=vol")
            descriptor = os.open(mount.join("dev", session.block_name(mount, name)), os.O_RDWR)
            try:
                session.unbind(mount, name)
                with self.assertRaises(OSError):
                    os.pread(descriptor, 4096, 0)
            finally:
                os.close(descriptor)

    def test_bytes_survive_remounting(self):
        with mounting.Mount(self.image) as mount:
            writer = session.Writer()
            self.created(mount, "size=16M mode=raw name=vol")
            self.created(mount, "size=32M mode=sector name=log")
            writer.write(mount, "vol", 1, 0, 16 * MIB // 512)
            writer.write(mount, "log", 2, 7, 5000)
        with mounting.Mount(self.image) as mount:
            self.assertEqual([], patterns.check_all(mount.join("dev"), writer.expected(mount)))


if __name__ == "__main__":
    runner.main()
