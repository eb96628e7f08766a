# SPDX-License-Identifier: Apache-2.0
"""The sides: each gives fio one file with the same bytes below it, on tmpfs."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import time

MIB = 1 << 20
PATIENCE = 20  # seconds until a side serves, or is gone


class Unavailable(Exception):
    """A side that this machine cannot run, with the reason."""


def _wait(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Unavailable(f"{what}: not ready after {PATIENCE} s")
        time.sleep(0.01)


def _need(tool, package):
    if shutil.which(tool) is None:
        raise Unavailable(f"{tool} is not installed (package {package})")


def _sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def _is_mounted(path):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split(" ")[1] == path for line in mounts)


class Bench:
    """A directory on tmpfs, the program to measure, and what must be ended."""

    def __init__(self, program, directory, mebibytes):
        self.program = program
        self.directory = directory
        self.size = mebibytes * MIB
        self.ends = contextlib.ExitStack()

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)

    def start(self, command, mountpoint, ready):
        """Runs a daemon in the foreground until the benchmark ends; `ready` says when it serves."""
        log = open(self.path(os.path.basename(command[0]) + ".log"), "ab")
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ends.callback(self._end, daemon, mountpoint)
        self.ends.callback(log.close)
        _wait(lambda: ready() or daemon.poll() is not None, command[0])
        if daemon.poll() is not None:
            raise Unavailable(f"{' '.join(command)} ended with {daemon.returncode}; see {log.name}")
        return daemon

    @staticmethod
    def _end(daemon, mountpoint):
        for _ in range(3):
            if mountpoint and _is_mounted(mountpoint):
                subprocess.run(["umount", mountpoint], capture_output=True, check=False)
        if mountpoint and _is_mounted(mountpoint):
            subprocess.run(["umount", "-l", mountpoint], capture_output=True, check=False)
        # Not every daemon ends with its mount.
        for stop in (lambda: None, daemon.terminate, daemon.kill):
            stop()
            try:
                daemon.wait(2)
                return
            except subprocess.TimeoutExpired:
                continue

    # --- nvdimmfs ---

    def mount(self, name, image, options=()):
        """Mounts an image; the mount point and the daemon."""
        mountpoint = self.folder(name)
        command = [self.program, "-f"]
        for option in options:
            command += ["-o", option]
        daemon = self.start(
            command + [image, mountpoint], mountpoint, lambda: _is_mounted(mountpoint)
        )
        os.listdir(mountpoint)
        return mountpoint, daemon

    def image(self, name, size, *arguments):
        """An empty image of `size` bytes for data."""
        path = self.path(name)
        subprocess.run(
            [self.program, "create", path, "--size", str(size), "--labels", "1.2", *arguments],
            check=True,
            capture_output=True,
        )
        return path

    def namespace(self, mountpoint, line):
        """Makes a namespace through x/create; the path of its data file."""
        before = set(os.listdir(os.path.join(mountpoint, "dev")))
        with open(os.path.join(mountpoint, "ndbus0/region0/x/create"), "w", encoding="ascii") as file:
            file.write(line + "\n")
        (made,) = {
            entry
            for entry in set(os.listdir(os.path.join(mountpoint, "dev"))) - before
            if not entry.startswith("by-")
        }
        return os.path.join(mountpoint, "dev", made)


# --- One function per side: the file that fio gets. ---


def plain(bench):
    path = bench.path("plain")
    _sparse(path, bench.size)
    return path


def raw(bench):
    mountpoint, _ = bench.mount("mnt.raw", bench.image("raw.img", bench.size + 32 * MIB))
    return bench.namespace(mountpoint, f"size={bench.size} mode=raw")


def passthrough(bench):
    path = bench.path("labelless.img")
    _sparse(path, bench.size)
    mountpoint, _ = bench.mount("mnt.pass", path, ["passthrough=writes"])
    return os.path.join(mountpoint, "dev/pmem0")


@contextlib.contextmanager
def _offered_uring():
    """Mounts made meanwhile are offered FUSE over io_uring; the kernel's parameter is restored afterwards."""
    switch = "/sys/module/fuse/parameters/enable_uring"
    try:
        file = open(switch, "r+", encoding="ascii")
    except OSError as error:
        raise Unavailable(f"FUSE over io_uring: {switch}: {error.strerror}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.read().strip()
        try:
            os.pwrite(file.fileno(), b"Y", 0)
            yield
        finally:
            os.pwrite(file.fileno(), before.encode(), 0)


def uring(bench):
    image = bench.image("uring.img", bench.size + 32 * MIB)
    with _offered_uring():
        mountpoint, _ = bench.mount("mnt.uring", image, ["uring"])
    return bench.namespace(mountpoint, f"size={bench.size} mode=raw")


def uring_btt(bench):
    with _offered_uring():
        return _btt(bench, 4096, "uring")


def _btt(bench, sector, *options):
    name = "".join([*options, "btt", str(sector)])
    image = bench.image(f"{name}.img", bench.size + 128 * MIB)
    mountpoint, _ = bench.mount(f"mnt.{name}", image, options)
    size = bench.size + 64 * MIB
    return bench.namespace(mountpoint, f"size={size} mode=sector sector_size={sector}")


def btt4096(bench):
    return _btt(bench, 4096)


def btt512(bench):
    return _btt(bench, 512)


def qemu(bench):
    _need("qemu-storage-daemon", "qemu-system-common")
    image, mountpoint = bench.path("qemu.img"), bench.path("qemu")
    _sparse(image, bench.size)
    _sparse(mountpoint, 0)
    bench.start(
        [
            "qemu-storage-daemon",
            "--blockdev",
            f"driver=file,filename={image},node-name=disk",
            "--export",
            f"type=fuse,id=export,node-name=disk,mountpoint={mountpoint},writable=on",
        ],
        mountpoint,
        lambda: _is_mounted(mountpoint),
    )
    return mountpoint


def nbdfuse(bench):
    _need("nbdfuse", "libnbd-bin")
    _need("nbdkit", "nbdkit")
    image, mountpoint = bench.path("nbd.img"), bench.folder("mnt.nbd")
    _sparse(image, bench.size)
    bench.start(
        ["nbdfuse", mountpoint, "--command", "nbdkit", "-s", "file", image],
        mountpoint,
        lambda: os.path.exists(os.path.join(mountpoint, "nbd")),
    )
    return os.path.join(mountpoint, "nbd")


def example(bench):
    """libfuse's own passthrough_ll, from the sources that come with the library, compiled here."""
    sources = "/usr/share/doc/libfuse3-dev/examples"
    source = os.path.join(sources, "passthrough_ll.c")
    if not os.path.exists(source):
        raise Unavailable(f"{source} is not there (libfuse3-dev, documentation excluded?)")
    program = bench.path("passthrough_ll")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "fuse3"], check=True, capture_output=True, text=True
    ).stdout.split()
    built = subprocess.run(
        ["gcc", "-O2", "-w", "-D_GNU_SOURCE", "-I", sources, source, "-o", program, *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise Unavailable(f"passthrough_ll.c does not compile: {built.stderr.splitlines()[0]}")
    _sparse(os.path.join(bench.folder("example"), "file"), bench.size)
    mountpoint = bench.folder("mnt.example")
    bench.start(
        [program, "-f", "-o", f"source={bench.path('example')}", mountpoint],
        mountpoint,
        lambda: _is_mounted(mountpoint),
    )
    return os.path.join(mountpoint, "file")


def fill(path, size):
    """Allocates every page before anything is measured."""
    descriptor = os.open(path, os.O_RDWR)
    block = os.urandom(MIB)
    for offset in range(0, size, MIB):
        os.pwrite(descriptor, block, offset)
    os.close(descriptor)


def pmemblk(bench):
    """A pool of libpmemblk, for fio's own engine: in process, without a mount."""
    path = bench.path("pmemblk.pool")
    return f"{path},4096,{bench.size // MIB + 64}"


ALL = {
    "plain": plain,
    "raw": raw,
    "uring": uring,
    "pass": passthrough,
    "btt": btt4096,
    "uring-btt": uring_btt,
    "btt512": btt512,
    "qemu": qemu,
    "nbdfuse": nbdfuse,
    "example": example,
    "pmemblk": pmemblk,
}
