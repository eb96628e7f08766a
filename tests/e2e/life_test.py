# SPDX-License-Identifier: Apache-2.0
"""The life of a daemon: signals, closed streams, dead mounts, the last flush, the log."""

import contextlib
import errno
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading

from tests.support import images, mounting, runner

MIB = images.MIB

# By number, since some have no name in Python. SIGKILL and SIGSTOP cannot be caught.
ENDING = {
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPWR, signal.SIGXCPU,
    signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV,
    signal.SIGSYS,
}
UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}
IGNORED = set(range(1, 65)) - ENDING - UNCATCHABLE


class LifeTestCase(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.nvdimmfs = mounting.program("tools/nvdimmfs")
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)
        self.mountpoint = self.make_mountpoint("mnt")

    def make_mountpoint(self, name):
        path = self.scratch_path(name)
        os.mkdir(path)
        self.addCleanup(self.clear, path)
        return path

    def clear(self, path):
        while mounting.is_mounted(path) and mounting.unmount(path):
            pass

    def run_nvdimmfs(self, *arguments, **options):
        return subprocess.run(
            [self.nvdimmfs, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def start(self, source, mountpoint, *options):
        """Starts it in the background, as users do; returns its messages."""
        done = self.run_nvdimmfs(*options, source, mountpoint)
        self.assertEqual(0, done.returncode, done)
        return done.stderr

    def daemon_of(self, image):
        """The process that has `image` open."""
        wanted = os.stat(image)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                for descriptor in os.listdir(f"/proc/{pid}/fd"):
                    found = os.stat(f"/proc/{pid}/fd/{descriptor}")
                    if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                        return int(pid)
            except OSError:
                continue
        return None

    def kill(self, image):
        """Kills the daemon with SIGKILL and waits for its end."""
        pid = self.daemon_of(image)
        self.assertIsNotNone(pid)
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(mounting.wait_until(lambda: self.daemon_of(image) is None))

    def assert_works(self, mountpoint):
        with open(f"{mountpoint}/ndbus0/region0/size", encoding="ascii") as size:
            self.assertEqual(f"{64 * MIB}\n", size.read())

    def mounts_below(self, path):
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            return sum(line.split(" ")[1].startswith(path) for line in mounts)


class SignalTest(LifeTestCase):
    def test_signals_that_end_a_mount_end_it_cleanly(self):
        for number in sorted(ENDING):
            with self.subTest(signal=number):
                with mounting.Mount(self.image) as mount:
                    mount.daemon.send_signal(number)
                    self.assertEqual(0, mount.daemon.wait(mounting.PATIENCE))
                    self.assertFalse(mounting.is_mounted(mount.path))
                self.assertIn("[mount.end]", mount.log)

    def test_all_other_signals_are_ignored(self):
        with mounting.Mount(self.image) as mount:
            for number in sorted(IGNORED):
                with self.subTest(signal=number):
                    mount.daemon.send_signal(number)
                    self.assert_works(mount.path)
                    self.assertIsNone(mount.daemon.poll())


class StreamsTest(LifeTestCase):
    def provoke(self, mountpoint):
        """Refused I/O of many kinds, each of which is logged."""
        with open(f"{mountpoint}/dev/pmem0", "r+b", buffering=0) as data:
            for _ in range(20):
                data.seek(64 * MIB)
                with self.assertRaises(OSError) as caught:
                    data.write(b"x")
                self.assertEqual(errno.ENOSPC, caught.exception.errno)
        os.truncate(self.image, 32 * MIB)
        with self.assertRaises(OSError):
            with open(f"{mountpoint}/dev/pmem0", "rb", buffering=0) as data:
                data.seek(48 * MIB)
                data.read(4096)

    def serve_with_stderr(self, stderr):
        blank = images.blank(self.scratch_path("whole.img"), 64 * MIB, 0)
        self.image = blank
        daemon = subprocess.Popen(
            [self.nvdimmfs, "-f", blank, self.mountpoint], stdin=subprocess.DEVNULL, stderr=stderr
        )
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.assertTrue(
            mounting.wait_until(lambda: os.path.exists(f"{self.mountpoint}/dev/pmem0"))
        )
        return daemon

    def assert_ends(self, daemon):
        self.assertTrue(mounting.unmount(self.mountpoint))
        self.assertEqual(0, daemon.wait(mounting.PATIENCE))

    def test_a_reader_of_standard_error_that_goes_away_takes_nothing_along(self):
        reader, writer = os.pipe()
        daemon = self.serve_with_stderr(writer)
        os.close(writer)
        os.close(reader)
        self.provoke(self.mountpoint)
        self.assert_works(self.mountpoint)
        self.assert_ends(daemon)

    def test_a_reader_of_standard_error_that_does_not_read_holds_nothing_up(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        daemon = self.serve_with_stderr(writer)
        os.close(writer)
        self.provoke(self.mountpoint)
        self.assert_works(self.mountpoint)
        self.assert_ends(daemon)

    def test_a_shell_whose_standard_error_is_gone_goes_on(self):
        reader, writer = os.pipe()
        os.close(reader)
        out = self.scratch_path("out")
        done = subprocess.run(
            [self.nvdimmfs, "shell", self.image, "--", "sh", "-c",
             f"cat /sys/bus/nd/devices/region0/size >{out}; kill -PIPE $$"],
            stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, timeout=60, check=False,
        )
        os.close(writer)
        with open(out, encoding="ascii") as size:
            self.assertEqual(f"{64 * MIB}\n", size.read())
        self.assertEqual(128 + signal.SIGPIPE, done.returncode, "the command's SIGPIPE is its own")

    def test_closed_standard_streams_do_not_become_the_image(self):
        command = f"exec '{self.nvdimmfs}' '{self.image}' '{self.mountpoint}' <&- >&- 2>&-"
        subprocess.run(["sh", "-c", command], timeout=60, check=True)
        pid = self.daemon_of(self.image)
        for stream in (0, 1, 2):
            self.assertEqual("/dev/null", os.readlink(f"/proc/{pid}/fd/{stream}"))

    def check_inherited(self, *options):
        """Descriptors of the starting process are not kept open: neither a pipe nor its standard streams."""
        reader, writer = os.pipe()
        lock = os.open(self.scratch_path("lock"), os.O_CREAT | os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [self.nvdimmfs, *options, self.image, self.mountpoint],
            stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, pass_fds=(writer, lock),
            timeout=60, check=False,
        )
        self.assertEqual(0, done.returncode)
        os.close(writer)
        os.close(lock)
        # End of file arrives once no process has the other end.
        ready, _, _ = select.select([reader], [], [], mounting.PATIENCE)
        self.assertTrue(ready, "some process keeps the pipe")
        self.assertEqual(b"", os.read(reader, 1))
        os.close(reader)
        again = os.open(self.scratch_path("lock"), os.O_RDWR)
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if it is kept
        os.close(again)
        self.assert_works(self.mountpoint)

    def test_a_daemon_keeps_nothing_that_it_inherited(self):
        self.check_inherited()

    def test_nor_does_the_helper_that_unmounts_after_it(self):
        self.check_inherited("-o", "auto_unmount")

    def test_a_descriptor_that_is_the_source_is_kept(self):
        descriptor = os.open(self.image, os.O_RDWR)
        os.set_inheritable(descriptor, True)
        path = f"/proc/self/fd/{descriptor}"
        # Read-only, so that this test's own descriptor is not a reason to refuse.
        done = self.run_nvdimmfs("-o", "ro,force", path, self.mountpoint, pass_fds=(descriptor,))
        os.close(descriptor)
        self.assertEqual(0, done.returncode, done)
        self.assert_works(self.mountpoint)


class DeadMountTest(LifeTestCase):
    def check_replaced(self, mountpoint):
        for cached in (False, True):
            with self.subTest(cached=cached):
                self.start(self.image, mountpoint)
                if cached:
                    os.stat(mountpoint)
                    os.stat(f"{mountpoint}/ndbus0")
                self.kill(self.image)
                said = self.start(self.image, mountpoint)
                self.assertIn("[mount.dead]", said)
                self.assert_works(mountpoint)
                self.assertEqual(1, self.mounts_below(self.scratch))
                self.assertTrue(mounting.unmount(mountpoint))

    def test_the_next_start_replaces_it(self):
        self.check_replaced(self.mountpoint)

    def test_what_was_read_by_passthrough_does_not_hold_up_the_next_start(self):
        """The kernel keeps the image open, and locked, until the dead mount is gone."""
        whole = images.blank(self.scratch_path("whole.img"), 64 * MIB, 0)
        self.start(f"{whole},label_size=0", self.mountpoint)
        reader = os.open(f"{self.mountpoint}/dev/pmem0", os.O_RDONLY)
        os.read(reader, 4096)
        self.kill(whole)
        with contextlib.suppress(OSError):  # the daemon cannot be notified
            os.close(reader)
        refused = self.run_nvdimmfs("list", f"{whole},label_size=0")
        if refused.returncode != 0:  # if this kernel passes reads through
            self.assertIn(f"umount -l {self.mountpoint};", refused.stderr)
        self.assertIn("[mount.dead]", self.start(f"{whole},label_size=0", self.mountpoint))
        self.assert_works(self.mountpoint)

    def test_a_path_with_blanks_and_backslashes(self):
        path = self.scratch_path("a\\ b\tc")
        os.mkdir(path)
        self.addCleanup(subprocess.run, ["umount", "-l", path], capture_output=True)
        self.start(self.image, path)
        self.kill(self.image)
        self.assertIn("[mount.dead]", self.start(self.image, path))
        self.assert_works(path)

    def test_one_that_is_busy(self):
        self.start(self.image, self.mountpoint)
        inside = subprocess.Popen(["sleep", "60"], cwd=self.mountpoint)
        self.addCleanup(inside.wait)
        self.addCleanup(inside.kill)
        held = os.open(f"{self.mountpoint}/dev/nmem0", os.O_RDONLY)
        self.kill(self.image)
        self.start(self.image, self.mountpoint)
        with contextlib.suppress(OSError):  # nothing answers the flush of a close
            os.close(held)
        self.assert_works(self.mountpoint)
        self.assertEqual(1, self.mounts_below(self.scratch))

    def require_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount something else")

    def test_copies_are_named_and_can_be_replaced_too(self):
        self.require_root()
        copy = self.make_mountpoint("copy")
        self.start(self.image, self.mountpoint)
        subprocess.run(["mount", "--bind", self.mountpoint, copy], check=True)
        self.kill(self.image)
        said = self.start(self.image, self.mountpoint)
        self.assertIn(f"umount -l {copy}", said)
        self.assertTrue(mounting.unmount(self.mountpoint))
        self.start(self.image, copy)
        self.assert_works(copy)
        self.assertEqual(1, self.mounts_below(self.scratch))

    def test_several_upon_each_other(self):
        self.require_root()
        self.start(self.image, self.mountpoint)
        os.stat(f"{self.mountpoint}/ndbus0")
        for _ in range(2):
            subprocess.run(["mount", "--bind", self.mountpoint, self.mountpoint], check=True)
        self.kill(self.image)
        self.start(self.image, self.mountpoint)
        self.assertEqual(1, self.mounts_below(self.scratch))

    def test_what_lives_in_it_is_not_taken_along(self):
        self.require_root()
        self.start(self.image, self.mountpoint)
        inner = f"{self.mountpoint}/dev"
        subprocess.run(["mount", "-t", "tmpfs", "none", inner], check=True)
        self.addCleanup(subprocess.run, ["umount", inner], capture_output=True)
        self.kill(self.image)
        done = self.run_nvdimmfs(self.image, self.mountpoint)
        self.assertEqual(1, done.returncode, done)
        self.assertIn(f"umount {inner}", done.stderr)
        subprocess.run(["umount", inner], check=True)
        self.start(self.image, self.mountpoint)
        self.assert_works(self.mountpoint)

    def test_nothing_is_mounted_inside_of_one(self):
        self.start(self.image, self.mountpoint)
        os.listdir(f"{self.mountpoint}/ndbus0")
        self.kill(self.image)
        done = self.run_nvdimmfs(self.image, f"{self.mountpoint}/ndbus0")
        self.assertEqual(1, done.returncode, done)
        self.assertIn("[ENOTCONN, mount.dead]", done.stderr)
        self.assertRegex(done.stderr, f"(umount -l|fusermount3 -uz) {self.mountpoint}")

    def test_an_ordinary_user_replaces_it_too(self):
        if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("fusermount3"):
            self.skipTest("needs root, setpriv and fusermount3")
        if not os.stat(shutil.which("fusermount3")).st_mode & stat.S_ISUID:
            self.skipTest("fusermount3 is not setuid here")
        folder = tempfile.mkdtemp(prefix="nvdimmfs-user.", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        shutil.copy(self.nvdimmfs, f"{folder}/nvdimmfs")
        shutil.copy(self.image, f"{folder}/dimm.img")
        os.mkdir(f"{folder}/m n")
        for path in ("dimm.img", "m n"):
            os.chown(f"{folder}/{path}", 65534, 65534)
        # Ordinary systems let all users open /dev/fuse.
        script = f"""set -e
            mknod -m 666 '{folder}/fuse' c 10 229
            mount --bind '{folder}/fuse' /dev/fuse
            as_user() {{ setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }}
            cd '{folder}'
            as_user ./nvdimmfs dimm.img 'm n'
            as_user cat 'm n/ndbus0/region0/size'
            for process in /proc/[0-9]*; do
                [ "$(readlink $process/exe)" != '{folder}/nvdimmfs' ] || kill -9 ${{process#/proc/}}
            done
            until flock -n dimm.img true; do sleep 0.05; done
            as_user ./nvdimmfs dimm.img 'm n' 2>err
            grep mount.dead err
            as_user cat 'm n/ndbus0/region0/size'
            [ $(grep -c '{folder}' /proc/self/mounts) = 1 ]
            as_user fusermount3 -u 'm n'"""
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", script],
            capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertEqual(0, done.returncode, done)
        self.assertEqual(2, done.stdout.count(f"{64 * MIB}\n"), done)

    def test_auto_unmount_leaves_nothing_for_fstab_to_stumble_over(self):
        self.start(self.image, self.mountpoint, "-o", "auto_unmount")
        self.kill(self.image)
        self.assertTrue(mounting.wait_until(lambda: not mounting.is_mounted(self.mountpoint)))
        self.start(self.image, self.mountpoint, "-o", "auto_unmount")
        self.assert_works(self.mountpoint)


class LastFlushTest(LifeTestCase):
    def setUp(self):
        super().setUp()
        self.held = self.scratch_path("held")
        self.count = self.scratch_path("count")
        self.preload = mounting.program("tests/e2e/slow_flush.so")
        if "sanitize" in os.environ.get("TEST_TARGET", ""):
            self.skipTest("a sanitizer's runtime comes first")

    def environment(self, **more):
        return {**os.environ, "LD_PRELOAD": self.preload, **more}

    def leave_while_flushing(self):
        """A mount that was detached, whose daemon is held in its last flush."""
        done = self.run_nvdimmfs(
            self.image, self.mountpoint, env=self.environment(FLUSH_HELD=self.held)
        )
        self.assertEqual(0, done.returncode, done)
        with open(self.held, "w", encoding="ascii"):
            pass
        self.assertTrue(mounting.unmount(self.mountpoint))

    def check_waits(self, *arguments):
        self.leave_while_flushing()
        other = subprocess.Popen(
            [self.nvdimmfs, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        self.addCleanup(other.stderr.close)
        self.addCleanup(other.wait)
        self.addCleanup(lambda: os.path.exists(self.held) and os.unlink(self.held))
        self.assertIn("[image.closing]", other.stderr.readline())
        self.assertIsNone(other.poll())
        os.unlink(self.held)
        self.assertEqual(0, other.wait(mounting.PATIENCE))

    def test_list_waits_for_it(self):
        self.check_waits("list", self.image)

    def test_check_waits_for_it(self):
        self.check_waits("check", self.image)

    def test_map_waits_for_it(self):
        self.check_waits("map", self.image)

    def test_the_next_start_waits_for_it(self):
        self.check_waits(self.image, self.mountpoint)
        self.assert_works(self.mountpoint)

    def test_each_file_is_flushed_once(self):
        twin = images.create(self.scratch_path("twin.img"), 64 * MIB, 128 << 10)
        for source, files in ((self.image, 1), (self.interleaved(self.image, twin), 2)):
            with self.subTest(source=source):
                if os.path.exists(self.count):
                    os.unlink(self.count)
                daemon = subprocess.Popen(
                    [self.nvdimmfs, "-f", source, self.mountpoint], stdin=subprocess.DEVNULL,
                    env=self.environment(FLUSH_COUNT=self.count),
                )
                self.assertTrue(
                    mounting.wait_until(lambda: os.path.exists(f"{self.mountpoint}/ndbus0"))
                )
                before = self.flushes()
                self.assertTrue(mounting.unmount(self.mountpoint))
                self.assertEqual(0, daemon.wait(mounting.PATIENCE))
                self.assertEqual(files, self.flushes() - before)

    def flushes(self):
        return os.path.getsize(self.count) if os.path.exists(self.count) else 0

    def interleaved(self, *files):
        path = self.scratch_path("box.toml")
        with open(path, "w", encoding="ascii") as topology:
            topology.write("[[bus]]\n")
            for file in files:
                topology.write(f'[[bus.dimm]]\nimage = "{os.path.basename(file)}"\n')
            mapped = ", ".join(f'"{os.path.basename(file)}"' for file in files)
            topology.write(f"[[bus.region]]\ndimms = [{mapped}]\n")
        return path

    def test_an_update_of_labels_does_not_wait_for_data(self):
        done = self.run_nvdimmfs(
            self.image, self.mountpoint, env=self.environment(FLUSH_HELD=self.held)
        )
        self.assertEqual(0, done.returncode, done)
        region = f"{self.mountpoint}/ndbus0/region0"
        with open(self.held, "w", encoding="ascii"):
            pass
        self.addCleanup(lambda: os.path.exists(self.held) and os.unlink(self.held))
        with open(f"{region}/namespace_seed", encoding="ascii") as seed:
            ns = f"{region}/{seed.read().strip()}"
        # Would hang in the flush of the whole file, and every attribute read with it.
        for attribute, value in (
            ("uuid", "9d6d5f67-7a5e-4b6e-9d8a-111111111111"), ("size", "16777216"),
            ("alt_name", "a"),
        ):
            with open(f"{ns}/{attribute}", "w", encoding="ascii") as file:
                file.write(value)
        self.assertTrue(os.path.exists(self.held))
        os.unlink(self.held)
        self.assertTrue(mounting.unmount(self.mountpoint))
        done = self.run_nvdimmfs("list", "-Ni", self.image)
        self.assertIn('"name":"a"', done.stdout)

    def test_a_failed_one_is_loud(self):
        done = subprocess.Popen(
            [self.nvdimmfs, "-f", self.image, self.mountpoint], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, env=self.environment(FLUSH_FAILS="1"),
        )
        self.assertTrue(
            mounting.wait_until(lambda: os.path.exists(f"{self.mountpoint}/ndbus0"))
        )
        self.assertTrue(mounting.unmount(self.mountpoint))
        _, said = done.communicate(timeout=mounting.PATIENCE)
        self.assertEqual(1, done.returncode, said)
        self.assertIn("error: flush", said)
        self.assertIn("media.flush]", said)


class TrueSizeTest(LifeTestCase):
    def grow(self):
        """An image that a program extended by passthrough before its daemon was killed."""
        whole = images.blank(self.scratch_path("whole.img"), 64 * MIB, 0)
        self.image = whole
        with mounting.Mount(whole, "passthrough=writes") as mount:
            data = os.open(mount.join("dev/pmem0"), os.O_WRONLY)
            os.pwrite(data, b"x", 0)
            try:
                os.pwrite(data, b"labels?" * 1000, 64 * MIB)
            except OSError as error:
                self.assertEqual(errno.ENOSPC, error.errno)
                os.close(data)
                self.skipTest("this kernel, or this file system, passes no writes through")
            mount.daemon.kill()
            mount.daemon.wait()
            with contextlib.suppress(OSError):  # nothing answers the flush of a close
                os.close(data)
            mounting.unmount(mount.path)
            mount.daemon = subprocess.Popen(["true"])
        self.assertEqual(64 * MIB + 7000, os.path.getsize(whole))
        return whole

    def test_what_a_killed_daemon_left_behind_the_end_is_not_taken_for_labels(self):
        whole = self.grow()
        # check recognises nothing in the data, so it cannot tell.
        for command, code in ((["list", "-N", whole], 0), (["check", whole], 8)):
            done = self.run_nvdimmfs(*command)
            self.assertIn(f"truncate -s {64 * MIB} ", done.stderr, done)
            self.assertEqual(code, done.returncode, done)
        said = self.start(whole, self.mountpoint)
        self.assertIn("[image.surplus]", said)
        self.assert_works(self.mountpoint)
        self.assertEqual(64 * MIB, os.path.getsize(f"{self.mountpoint}/dev/pmem0"))
        self.assertTrue(mounting.unmount(self.mountpoint))
        self.assertEqual(64 * MIB + 7000, os.path.getsize(whole), "nothing is cut on a guess")
        os.truncate(whole, 64 * MIB)
        self.assertNotIn("[image.surplus]", self.start(whole, self.mountpoint))


class LogTest(LifeTestCase):
    """In a private mount namespace with its own /dev, and so its own /dev/log."""

    def in_private_dev(self, script, *, listen=True):
        """Runs `script` where /dev/log is this test's; (the finished process, the messages)."""
        if os.geteuid() != 0:
            self.skipTest("needs root for a /dev of its own")
        # A socket's path is limited to 107 bytes.
        folder = tempfile.mkdtemp(prefix="nvdimmfs-", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "log")
        messages = []
        reader = None
        if listen:
            log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(log.close)
            log.bind(path)
            # A socket holds ten messages; further ones are lost.
            reader = threading.Thread(target=self.receive, args=(log, messages))
            reader.start()
        dev = self.scratch_path("dev")
        os.mkdir(dev)
        setup = f"""set -e
            mount -t tmpfs none '{dev}'
            for node in null:1:3 zero:1:5 urandom:1:9 tty:5:0 fuse:10:229; do
                IFS=: read name major minor <<END
$node
END
                mknod -m 666 "{dev}/$name" c $major $minor
            done
            ln -s /proc/self/fd '{dev}/fd'
            ln -s '{path}' '{dev}/log'
            mount --move '{dev}' /dev
            """
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "bash", "-c", setup + script],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False,
        )
        if reader:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", path)
            reader.join(mounting.PATIENCE)
        return done, messages

    @staticmethod
    def receive(log, messages):
        while (message := log.recv(8192).decode()) != "end":
            messages.append(message)

    def test_a_daemon_logs_its_life_and_refused_io_to_syslog(self):
        script = f"""
            '{self.nvdimmfs}' '{self.image}' '{self.mountpoint}'
            cd '{self.mountpoint}/ndbus0/region0'
            echo 'size=16M name=a' >x/create
            ns=$(cat x/create)
            echo '8 1' >$ns/block/*/badblocks
            for i in $(seq 50); do dd if={self.mountpoint}/dev/pmem0 of=/dev/null bs=4096 skip=1 count=1 || true; done
            cat $ns/x/last_error x/last_error ../x/last_error
            cd /
            umount '{self.mountpoint}'
            until flock -n '{self.image}' true; do sleep 0.05; done
            """
        done, messages = self.in_private_dev(script)
        self.assertEqual(0, done.returncode, (done, messages))
        self.assertEqual(3, done.stdout.count("[EIO, media.poison]"), done)
        text = "\n".join(messages)
        self.assertRegex(messages[0], r"^<30>.* nvdimmfs\[\d+\]: " + self.mountpoint)
        for reason in ("mount.start", "mount.end", "mount.closed"):
            self.assertEqual(1, text.count(f"[{reason}]"), text)
        self.assertRegex(text, r"(?m)^<27>.*: dev/pmem0: read 4096 bytes.*\[media.poison\]$")
        shown = text.count(": read 4096 bytes")
        more = re.findall(r"(\d+) more messages like this were not logged \[media.poison\]", text)
        self.assertTrue(more, text)
        self.assertGreaterEqual(shown + sum(map(int, more)), 50, "the kernel asks once or twice")
        self.assertNotIn("nvdimmfs:", done.stderr)

    def test_a_shell_logs_there_and_not_on_the_terminal(self):
        blank = images.blank(self.scratch_path("whole.img"), 64 * MIB, 0)
        script = f"""
            '{self.nvdimmfs}' shell '{blank}' -- sh -c '
                ! dd if=/dev/zero of=/dev/pmem0 bs=1M seek=64 count=1 conv=notrunc'
            """
        done, messages = self.in_private_dev(script)
        self.assertEqual(0, done.returncode, (done, messages))
        self.assertIn("[data.end]", "\n".join(messages))
        self.assertNotIn("[data.end]", done.stderr)

    def test_without_a_system_log_all_else_works(self):
        script = f"""
            '{self.nvdimmfs}' '{self.image}' '{self.mountpoint}'
            cat '{self.mountpoint}/ndbus0/region0/size'
            umount '{self.mountpoint}'
            """
        done, _ = self.in_private_dev(script, listen=False)
        self.assertEqual((0, f"{64 * MIB}\n"), (done.returncode, done.stdout), done)


if __name__ == "__main__":
    runner.main()
