# SPDX-License-Identifier: Apache-2.0
"""Many clients on all kinds of files of one mount, while namespaces and regions are reconfigured.

Every byte that is read back is checked. The daemon must answer each call with what it did or one of the errnos that a
reconfiguration explains, end cleanly, and leave a sound image; its memory, descriptors and threads must stay flat. Its
locks are checked for their order (NVDIMMFS_LOCK_ORDER).

NVDIMMFS_LOAD_CLIENTS=32 NVDIMMFS_LOAD_SECONDS=600 is the long form, NVDIMMFS_LOAD_SEED=N chooses other sequences; with
`--config=tsan`, the daemon is built with the thread sanitizer, and memory is not judged.
"""

import contextlib
import errno
import json
import mmap
import os
import random
import select
import struct
import subprocess
import threading
import time

from tests.support import images, mounting, runner, session

MIB = images.MIB
AREA = 128 << 10
CLIENTS = int(os.environ.get("NVDIMMFS_LOAD_CLIENTS", "12"))
SECONDS = float(os.environ.get("NVDIMMFS_LOAD_SECONDS", "20"))
SEED = int(os.environ.get("NVDIMMFS_LOAD_SEED", "1"))
SECTOR = 4096
WORD = struct.Struct("<QQ")
OWN = MIB  # bytes of a client's part of a shared namespace

# What a call may meet while what it uses is removed, disabled or being created.
GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENOTDIR, errno.EISDIR}
BUSY = {errno.EBUSY, errno.EAGAIN, errno.ENOSPC, errno.EINVAL, errno.EACCES, errno.EEXIST}

TOPOLOGY = """
[[bus]]
[[bus.dimm]]
image = "a.img"
[[bus.dimm]]
image = "b.img"
"""


def filled(place, generation):
    """A sector that has its place and generation in every 16 bytes."""
    return WORD.pack(place, generation) * (SECTOR // WORD.size)


def names_of(mount, region=0):
    """{alt_name: device} of a region, of what does not vanish while it is looked at."""
    found = {}
    for name in os.listdir(mount.join(f"ndbus0/region{region}")):
        if name.startswith("namespace"):
            try:
                found[session.word(mount, session.device(name, "alt_name"))] = name
            except OSError as error:
                if error.errno not in GONE:
                    raise
    return found


def destroy(mount, name, region=0):
    """Destroys the namespace of that name, once the kernel has closed its file, which it does in the background."""

    def is_done():
        try:
            mount.write(names_of(mount, region)[name], f"ndbus0/region{region}/x/destroy")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
        return True

    if not mounting.wait_until(is_done):
        raise AssertionError(f"{name} stays busy")


class Client(threading.Thread):
    """Repeats step() until it is told to stop; keeps what went wrong."""

    def __init__(self, load, number):
        super().__init__(name=f"{type(self).__name__} {number}")
        self.load = load
        self.mount = load.tree
        self.number = number
        self.random = random.Random(SEED * 1000 + number)
        self.steps = 0
        self.wrong = None

    def run(self):
        try:
            self.begin()
            while not self.load.stop.is_set():
                self.step()
                self.steps += 1
            self.end()
        except BaseException as error:  # pylint: disable=broad-except
            self.wrong = error
            self.load.stop.set()

    def begin(self):
        pass

    def step(self):
        raise NotImplementedError

    def end(self):
        pass

    def attempt(self, allowed, call, *arguments):
        """The call's result, or None if it fails with an allowed errno."""
        try:
            return call(*arguments)
        except OSError as error:
            if error.errno in allowed:
                return None
            raise

    def expect(self, condition, what):
        if not condition:
            raise AssertionError(f"{self.name}, step {self.steps}: {what}")


class DataClient(Client):
    """Writes and reads back its part of a shared namespace that is never reconfigured."""

    node = None  # its name in dev/by-name
    flags = 0

    def begin(self):
        path = self.mount.join("dev/by-name", self.node)
        self.file = os.open(path, os.O_RDWR | self.flags)
        self.start = self.load.part(self.node)
        self.written = {}
        self.buffer = mmap.mmap(-1, SECTOR)

    def step(self):
        place = self.start + self.random.randrange(OWN // SECTOR) * SECTOR
        if self.random.random() < 0.5:
            generation = self.written.get(place, 0) + 1
            self.buffer[:] = filled(place, generation)
            self.expect(os.pwrite(self.file, self.buffer, place) == SECTOR, "a short write")
            self.written[place] = generation
            if self.random.random() < 0.02:
                os.fsync(self.file)
        self.check(place)

    def check(self, place):
        self.expect(os.preadv(self.file, [self.buffer], place) == SECTOR, "a short read")
        generation = self.written.get(place, 0)
        wanted = filled(place, generation) if generation else bytes(SECTOR)
        self.expect(self.buffer[:] == wanted, f"{self.node} at {place}: not generation {generation}")

    def end(self):
        os.fsync(self.file)
        for place in sorted(self.written):
            self.check(place)
        os.close(self.file)


class RawClient(DataClient):
    node = "raw"


class DirectClient(DataClient):
    node = "raw"
    flags = os.O_DIRECT


class SectorClient(DataClient):
    node = "log"


class FsdaxClient(DataClient):
    node = "dax"

    def step(self):
        super().step()
        if self.random.random() < 0.05:
            place = self.start + self.random.randrange(OWN // SECTOR) * SECTOR
            with mmap.mmap(self.file, OWN, mmap.MAP_SHARED, mmap.PROT_READ, offset=self.start) as mapped:
                at = place - self.start
                generation = self.written.get(place, 0)
                wanted = filled(place, generation) if generation else bytes(SECTOR)
                self.expect(mapped[at:at + SECTOR] == wanted, f"mapping at {place}")


class TreeReader(Client):
    """Lists directories and reads attributes, of whatever is there at that moment."""

    def step(self):
        top = self.random.choice(["ndbus0", "bus/nd/devices", "dev", "class", "x", "block", "ndbus0/region1"])
        for folder, folders, files in os.walk(self.mount.join(top)):
            folders[:] = self.random.sample(folders, min(3, len(folders)))
            for name in self.random.sample(files, min(8, len(files))):
                path = os.path.join(folder, name)
                if "/dev/" not in path and not name.startswith("ioctl"):
                    self.attempt(GONE | BUSY | {errno.EPERM}, self.read, path)
            if self.load.stop.is_set():
                return
        for path in ("ndbus0/x/list.json",):
            json.loads(self.read(self.mount.join(path)))
        self.expect(self.read(self.mount.join("ndbus0/x/metrics")).endswith(b"# EOF\n"), "metrics")
        for line in self.read(self.mount.join("x/events.json")).splitlines():
            json.loads(line)

    @staticmethod
    def read(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            text = b""
            while piece := os.read(descriptor, 1 << 16):
                text += piece
                if len(text) > 4 * MIB:
                    break
            return text
        finally:
            os.close(descriptor)


class Maker(Client):
    """Creates namespaces of all modes, uses them, and destroys them."""

    def step(self):
        region = "ndbus0/region0"
        mode = self.random.choice(["raw", "sector", "fsdax", "devdax"])
        name = f"made{self.number}.{self.steps}"
        size = self.random.choice([16, 32])
        self.attempt({errno.ENOSPC}, self.mount.write, f"size={size}M mode={mode} name={name}", region, "x/create")
        if name not in names_of(self.mount):
            return  # the region is full
        path = self.mount.join("dev/by-name", name)
        if mode in ("raw", "sector", "fsdax"):
            with open(path, "r+b", buffering=0) as file:
                for generation in (1, 2):
                    place = self.random.randrange(16) * SECTOR
                    os.pwrite(file.fileno(), filled(place, generation), place)
                    self.expect(os.pread(file.fileno(), SECTOR, place) == filled(place, generation), f"{name} {mode}")
        destroy(self.mount, name)
        self.expect(not os.path.lexists(path), f"{name} is still there")


class Binder(Client):
    """Disables, renames and enables a namespace of its own, whose bytes stay."""

    def begin(self):
        self.label = f"bound{self.number}"
        self.mount.write(f"size=16M name={self.label}", "ndbus0/region0/x/create")
        self.namespace = names_of(self.mount)[self.label]
        self.generation = 0

    def open(self):
        return open(self.mount.join("dev/by-name", self.label), "r+b", buffering=0)

    def step(self):
        with self.open() as file:
            if self.generation:
                self.expect(os.pread(file.fileno(), SECTOR, 0) == filled(0, self.generation), "its bytes are lost")
            self.generation += 1
            os.pwrite(file.fileno(), filled(0, self.generation), 0)
            stale = os.dup(file.fileno())
        try:
            session.unbind(self.mount, self.namespace)
            self.expect(self.attempt({errno.EIO}, os.pwrite, stale, b"x" * SECTOR, 0) is None, "a stale write")
        finally:
            os.close(stale)
        self.label = f"bound{self.number}.{self.steps}"
        attribute = f"ndbus0/region0/{self.namespace}/alt_name"
        self.mount.write(self.label, attribute)
        self.expect(session.word(self.mount, attribute) == self.label, "its name")
        session.bind(self.mount, self.namespace)

    def end(self):
        destroy(self.mount, self.label)


class Injector(Client):
    """Makes bytes of its own namespace bad and good, injects faults, and waits for both by poll."""

    def begin(self):
        self.label = f"bad{self.number}"
        self.mount.write(f"size=16M name={self.label}", "ndbus0/region0/x/create")
        self.namespace = names_of(self.mount)[self.label]
        self.home = f"ndbus0/region0/{self.namespace}"
        disk = os.listdir(self.mount.join(self.home, "block"))[0]
        self.badblocks = f"{self.home}/block/{disk}/badblocks"
        self.buffer = mmap.mmap(-1, SECTOR)

    def step(self):
        with open(self.mount.join(self.badblocks), encoding="ascii") as bad, \
                open(self.mount.join("x/events"), encoding="utf-8") as events:
            pollers = []
            for file in (bad, events):
                file.read()
                poller = select.poll()
                poller.register(file, select.POLLPRI)
                pollers.append(poller)
            sector = self.random.randrange(0, 1000) * 8
            self.mount.write(f"{sector} 8", self.badblocks)
            for poller in pollers:
                self.expect(poller.poll(60_000), "poll did not return")
        file = os.open(self.mount.join("dev/by-name", self.label), os.O_RDWR | os.O_DIRECT)
        try:
            self.expect(self.attempt({errno.EIO}, os.preadv, file, [self.buffer], sector * 512) is None, "a bad read")
            self.buffer[:] = filled(sector, self.steps)
            os.pwrite(file, self.buffer, sector * 512)
            self.expect(os.preadv(file, [self.buffer], sector * 512) == SECTOR, "a healed read")
            self.mount.write("read:eio=1", self.home, "x/faults")
            self.expect(self.attempt({errno.EIO}, os.preadv, file, [self.buffer], 0) is None, "an injected error")
            self.mount.write("none", self.home, "x/faults")
        finally:
            os.close(file)

    def end(self):
        destroy(self.mount, self.label)


class LabelReader(Client):
    """Reads the label areas, and tries to write to those in use."""

    def step(self):
        for name in ("dev/nmem0", "dev/nmem1"):
            with open(self.mount.join(name), "rb", buffering=0) as file:
                self.expect(len(file.read(AREA)) == AREA, "a short label area")
        file = os.open(self.mount.join("dev/nmem0"), os.O_RDWR)
        try:
            self.expect(self.attempt({errno.EBUSY}, os.pwrite, file, b"x" * 16, 0) is None, "labels in use were written")
        finally:
            os.close(file)


class RegionStormer(Client):
    """Alone on region1: disables and enables it with everything on it, and fills and empties it."""

    lock = threading.Lock()  # several of them take turns

    def step(self):
        with self.lock:
            name = f"storm{self.number}.{self.steps}"
            mode = self.random.choice(["raw", "sector", "fsdax"])
            self.mount.write(f"size=32M mode={mode} name={name}", "ndbus0/region1/x/create")
            with open(self.mount.join("dev/by-name", name), "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), filled(7, self.steps), 0)
                os.fsync(file.fileno())
                self.mount.write("region1", "bus/nd/drivers/nd_region/unbind")
                self.expect(self.attempt({errno.EIO}, os.pwrite, file.fileno(), b"x" * SECTOR, 0) is None, "stale")
            self.mount.write("region1", "bus/nd/drivers/nd_region/bind")
            with open(self.mount.join("dev/by-name", name), "rb") as file:
                self.expect(file.read(SECTOR) == filled(7, self.steps), f"{name}: lost when its region was disabled")
            destroy(self.mount, name, 1)


KINDS = (RawClient, SectorClient, Maker, TreeReader, Binder, Injector, RegionStormer, FsdaxClient, DirectClient,
         LabelReader, Maker, TreeReader)


class LoadTest(mounting.MountTestCase):
    limit = int(SECONDS) * 2 + 300

    def setUp(self):
        super().setUp()
        self.paths = [images.initialised(self.scratch_path(name), size * MIB, AREA, 2)
                      for name, size in (("a.img", 512), ("b.img", 64))]
        topology = self.scratch_path("t.toml")
        with open(topology, "w", encoding="utf-8") as out:
            out.write(TOPOLOGY)
        self.stop = threading.Event()
        self.parts = {}
        self.parts_lock = threading.Lock()
        self.mounted = self.enterContext(contextlib.ExitStack())
        self.tree = self.mounted.enter_context(mounting.Mount(topology, "passthrough=off"))
        for line in ("size=48M mode=raw name=raw", "size=48M mode=sector name=log", "size=48M mode=fsdax name=dax"):
            self.tree.write(line, "ndbus0/region0/x/create")
        with open(mounting.program("tools/nvdimmfs"), "rb") as file, \
                mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as program:
            self.sanitized = program.find(b"ThreadSanitizer") >= 0

    def part(self, node):
        """The start of the next client's part of a shared namespace."""
        with self.parts_lock:
            start = self.parts.get(node, 0)
            self.parts[node] = start + OWN
            return start

    def sample(self):
        """(KiB of anonymous memory, descriptors, threads) of the daemon."""
        numbers = {}
        with open(f"/proc/{self.tree.daemon.pid}/status", encoding="utf-8") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("RssAnon", "Threads"):
                    numbers[name] = int(value.split()[0])
        return numbers["RssAnon"], len(os.listdir(f"/proc/{self.tree.daemon.pid}/fd")), numbers["Threads"]

    def run_clients(self, seconds):
        """Runs all clients for that time; the samples meanwhile, and the steps by kind."""
        self.stop.clear()
        self.parts = {}
        clients = [KINDS[number % len(KINDS)](self, number) for number in range(CLIENTS)]
        samples = []
        for client in clients:
            client.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stop.is_set():
            time.sleep(min(0.5, seconds / 20))
            samples.append(self.sample())
        self.stop.set()
        steps = {}
        for client in clients:
            client.join(120)
            self.assertFalse(client.is_alive(), f"{client.name} hangs")
            steps[type(client).__name__] = steps.get(type(client).__name__, 0) + client.steps
        for client in clients:
            if client.wrong is not None:
                raise AssertionError(f"{client.name}: {client.wrong!r}; {self.tree.read('ndbus0/x/last_error')}"
                                     ) from client.wrong
        return samples, steps

    def test_all_kinds_of_files_at_once(self):
        # Parts of the shared namespaces start as zeros: the first round is short, and then they are made again.
        self.run_clients(min(2, SECONDS / 10))
        for name in ("raw", "log", "dax"):
            destroy(self.tree, name)
        for line in ("raw name=raw", "sector name=log", "fsdax name=dax"):
            self.tree.write(f"size=48M mode={line}", "ndbus0/region0/x/create")
            self.clear(line.rpartition("=")[2])
        idle = self.settled()
        samples, steps = self.run_clients(SECONDS)
        for kind, count in steps.items():
            self.assertGreater(count, 0, f"{kind} did nothing: {steps}")
        after = self.settled()
        print(f"{CLIENTS} clients, {SECONDS:g} s, seed {SEED}: steps {steps}; idle (KiB, descriptors, threads) "
              f"{idle} before, {after} after; at most {tuple(map(max, zip(*samples)))}")
        # Flat: from the second third to the last one, and from idle to idle.
        third = len(samples) // 3
        middle, last = (tuple(map(max, zip(*samples[at:at + third]))) for at in (third, 2 * third))
        self.assertLessEqual(after[1], idle[1], "descriptors are left open")
        self.assertLessEqual(last[2], middle[2] + CLIENTS // 4 + 2, "threads")
        self.assertLessEqual(last[1], middle[1] + 2 * CLIENTS, "descriptors")
        if not self.sanitized:
            self.assertLessEqual(last[0], middle[0] * 1.05 + 4096, "memory (KiB) grows under load")
            self.assertLessEqual(after[0], idle[0] * 1.05 + 8192, "memory (KiB) is not given back")
        self.mounted.close()
        self.assertNotIn("WARNING: ThreadSanitizer", self.tree.log)
        self.assertNotIn("Potential Mutex deadlock", self.tree.log)
        for path in self.paths:
            checked = subprocess.run([mounting.program("tools/nvdimmfs"), "check", path], capture_output=True,
                                     text=True, timeout=300, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def clear(self, name):
        """Zeroes a shared namespace."""
        with open(self.tree.join("dev/by-name", name), "r+b", buffering=0) as file:
            zeros = bytes(MIB)
            size = os.fstat(file.fileno()).st_size
            for at in range(0, size, MIB):
                os.pwrite(file.fileno(), zeros[:size - at], at)
            os.fsync(file.fileno())

    def settled(self):
        """A sample once the last files are closed, which the kernel does in the background."""
        last = self.sample()
        for _ in range(50):
            time.sleep(0.1)
            now = self.sample()
            if now[1:] == last[1:]:
                return now
            last = now
        return last


if __name__ == "__main__":
    runner.main()
