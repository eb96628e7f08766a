# SPDX-License-Identifier: Apache-2.0
"""Mounts for tests: limited in time, and gone afterwards in all cases."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

# Seconds for a mount to appear, and for a daemon to end after its unmount.
PATIENCE = 60


def program(path):
    """The absolute path of a built program ("tools/nvdimmfs"), as Bazel lays them out for tests.

    NVDIMMFS_BIN names another root, for running a test by hand.
    """
    root = os.environ.get("NVDIMMFS_BIN", os.getcwd())
    return os.path.abspath(os.path.join(root, path))


def why_not_mountable():
    """Why this machine cannot mount FUSE filesystems, or None."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"cannot open /dev/fuse: {error.strerror}"
    if os.geteuid() != 0 and not shutil.which("fusermount3"):
        return "neither root nor fusermount3"
    return None


def is_mounted(mountpoint):
    """Whether something is mounted there; true also for a mount whose daemon has died."""
    target = os.path.realpath(os.path.dirname(mountpoint)) + "/" + os.path.basename(mountpoint)
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split(" ")[1] == target for line in mounts)


def unmount(mountpoint):
    """Unmounts; a busy or dead mount is detached. True if the plain unmount was sufficient."""
    command = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
    for flags in ([], ["-l" if os.geteuid() == 0 else "-z"]):
        done = subprocess.run(
            command + flags + [mountpoint], capture_output=True, timeout=PATIENCE, check=False
        )
        if done.returncode == 0:
            return not flags
    return False


def wait_until(condition, seconds=PATIENCE):
    """Polls `condition` until it is true; returns whether it became true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Mount:
    """`nvdimmfs -f SOURCE` on a fresh directory, for a with statement.

    path is the mount point. After the with block `log` is what the daemon wrote to stderr and
    `exit_code` how it ended.
    """

    def __init__(self, source, options=None):
        self.path = tempfile.mkdtemp(prefix="mnt.")
        self.log = ""
        self.exit_code = None
        self._log_file = tempfile.TemporaryFile()
        command = [program("tools/nvdimmfs"), "-f"]
        if options:
            command += ["-o", options]
        self._command = command + [str(source), self.path]
        self.daemon = None

    def __enter__(self):
        self.daemon = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log_file, stderr=self._log_file
        )
        wait_until(lambda: is_mounted(self.path) or self.daemon.poll() is not None)
        if self.daemon.poll() is not None or not is_mounted(self.path):
            self.close()
            raise AssertionError(f"{' '.join(self._command)}: exit {self.exit_code}: {self.log}")
        # An entry in the mount table does not mean ready: this is answered once the daemon serves.
        os.listdir(self.path)
        return self

    def __exit__(self, kind, value, traceback):
        clean = self.close()
        if kind is None and not clean:
            raise AssertionError(f"the mount did not end cleanly: exit {self.exit_code}: {self.log}")

    def close(self):
        """Unmounts and ends the daemon; returns whether both went as they should."""
        clean = not is_mounted(self.path) or unmount(self.path)
        try:
            self.exit_code = self.daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.exit_code = self.daemon.wait(PATIENCE)
            clean = False
        self._log_file.seek(0)
        self.log = self._log_file.read().decode(errors="replace")
        self._log_file.close()
        if is_mounted(self.path):
            unmount(self.path)
        os.rmdir(self.path)
        return clean and self.exit_code == 0

    # Verbs of a session; paths are relative to the mount.

    def join(self, *parts):
        return os.path.join(self.path, *parts)

    def read(self, *parts):
        """One read(2) of an attribute."""
        descriptor = os.open(self.join(*parts), os.O_RDONLY)
        try:
            return os.read(descriptor, 8192).decode(errors="surrogateescape")
        finally:
            os.close(descriptor)

    def write(self, value, *parts):
        """One write(2) to an attribute, like `echo VALUE >`."""
        descriptor = os.open(self.join(*parts), os.O_WRONLY | os.O_TRUNC)
        try:
            data = f"{value}\n".encode()
            written = os.write(descriptor, data)
            assert written == len(data), f"short write of {value!r}: {written}"
        finally:
            os.close(descriptor)


class TimedOut(BaseException):
    """A test case exceeded its limit. Not an Exception, so that nothing takes it for an errno."""


class MountTestCase(unittest.TestCase):
    """A case with a scratch directory and a time limit; skipped if nothing can be mounted."""

    limit = 240  # seconds

    def setUp(self):
        reason = why_not_mountable()
        if reason:
            self.skipTest(reason)
        self.scratch = tempfile.mkdtemp(prefix="nvdimmfs-test.", dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(self.limit)
        self.addCleanup(signal.alarm, 0)

    def _too_late(self, _signal, _frame):
        raise TimedOut(f"{self.id()}: more than {self.limit} s")

    def scratch_path(self, name):
        return os.path.join(self.scratch, name)

    def mount(self, source, options=None):
        """A Mount that ends with the test case at the latest."""
        mount = Mount(source, options)
        self.enterContext(mount)
        return mount
