# SPDX-License-Identifier: Apache-2.0
"""Events: each kind that needs no broken hardware is provoked, and is then in x/events, the metrics and the log."""

import contextlib
import errno
import json
import mmap
import os
import re
import select
import subprocess
import threading

from tests.support import arenas, images, mounting, runner, session

MIB = images.MIB
AREA = 128 << 10
SECTOR = 4096
X_CREATE = "ndbus0/region0/x/create"
SAMPLE = re.compile(r'[a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? [0-9]+')


def whole(mount, *path):
    with open(mount.join(*path), encoding="utf-8") as file:
        return file.read()


def refused(call):
    """The errno that the call fails with, or None."""
    try:
        call()
    except OSError as error:
        return error.errno
    return None


def page(fill=b"x"):
    """Memory that O_DIRECT takes."""
    memory = mmap.mmap(-1, SECTOR)
    memory.write(fill * SECTOR)
    return memory


class EventTestCase(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("a.img"), 64 * MIB, AREA)

    def make(self, *lines):
        """Makes namespaces in the image; their data files."""
        with mounting.Mount(self.image) as mount:
            for line in lines:
                mount.write(line, X_CREATE)

    def patch(self, offset, data, path=None):
        with open(path or self.image, "r+b") as file:
            os.pwrite(file.fileno(), data, offset)

    def flip(self, offset):
        with open(self.image, "r+b") as file:
            old = os.pread(file.fileno(), 1, offset)
            os.pwrite(file.fileno(), bytes([old[0] ^ 0x55]), offset)

    def events(self, mount):
        """The entries of x/events.json, which must say the same as x/events."""
        entries = [json.loads(line) for line in whole(mount, "x/events.json").splitlines()]
        self.assertEqual(
            [(str(entry["number"]), entry["level"], entry["event"]) for entry in entries],
            [(words[0], words[2], words[3]) for words in map(str.split, whole(mount, "x/events").splitlines())],
        )
        return entries

    def count(self, mount, name):
        found = re.search(rf'^nvdimmfs_events_total{{event="{name}",level="[a-z]+"}} (\d+)$',
                          whole(mount, "x/metrics"), re.MULTILINE)
        self.assertIsNotNone(found, name)
        return int(found[1])

    def assert_told(self, mount, name, target, reason=None, of_bus=True):
        """The event is in x/events and both metrics; its entry."""
        mounting.wait_until(lambda: self.count(mount, name) > 0, 10)
        entries = [entry for entry in self.events(mount) if entry["event"] == name and entry["object"] == target]
        self.assertTrue(entries, f"{name} of {target}: {whole(mount, 'x/events')}")
        if reason is not None:
            self.assertEqual(entries[-1]["reason"], reason)
        self.assertGreaterEqual(self.count(mount, name), sum(entry["count"] for entry in entries))
        line = f'nvdimmfs_bus_events_total{{bus="ndbus0",object="{target}",event="{name}"}} '
        self.assertEqual(line in whole(mount, "ndbus0/x/metrics"), of_bus, line)
        self.told = getattr(self, "told", set()) | {name}
        return entries[-1]

    def assert_logged(self, mount):
        """After the mount's end: all events that were told are in the log, too."""
        for name in self.told:
            self.assertIn(f"[{name}]", mount.log)
        self.told = set()


class FileTest(EventTestCase):
    """What happens to data files, by x/faults and badblocks."""

    def setUp(self):
        super().setUp()
        self.make("size=16M mode=raw name=raw")
        self.mounted = self.enterContext(contextlib.ExitStack())
        self.tree = self.mounted.enter_context(mounting.Mount(self.image))
        self.disk = os.path.basename(os.path.realpath(self.tree.join("dev/by-name/raw")))
        self.namespace = session.namespaces(self.tree)["raw"]
        self.file = os.open(self.tree.join("dev", self.disk), os.O_RDWR | os.O_DIRECT)
        self.addCleanup(self.shut)

    def shut(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None

    def faults(self, line):
        self.tree.write(line, f"ndbus0/region0/{self.namespace}/x/faults")

    def finish(self):
        """Ends the mount; its log is complete then."""
        self.shut()
        self.mounted.close()
        self.assert_logged(self.tree)

    def test_refused_io(self):
        target = f"dev/{self.disk}"
        self.assertEqual(self.events(self.tree), [])
        self.faults("read:eio=1")
        self.assertIn("read:eio=1", self.assert_told(self.tree, "faults.set", self.namespace)["sentence"])
        self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 0)), errno.EIO)
        entry = self.assert_told(self.tree, "io.read_failed", target, "fault.eio")
        self.assertEqual((entry["level"], entry["count"]), ("error", 1))
        self.faults("write:eio=1")
        self.assertEqual(refused(lambda: os.pwrite(self.file, page(), 0)), errno.EIO)
        self.assert_told(self.tree, "io.write_failed", target, "fault.eio")
        self.faults("flush:eio=1")
        self.assertEqual(refused(lambda: os.fsync(self.file)), errno.EIO)
        self.assert_told(self.tree, "flush.failed", target, "fault.eio")
        self.faults("enospc=1")
        self.assertEqual(refused(lambda: os.pwrite(self.file, page(), 0)), errno.ENOSPC)
        self.assert_told(self.tree, "io.no_space", target, "fault.enospc")
        self.faults("none")
        self.assert_told(self.tree, "faults.set", self.namespace, "faults.ended")
        before = whole(self.tree, "x/metrics")
        self.assertEqual(refused(lambda: os.pwrite(self.file, page(), 16 * MIB)), errno.ENOSPC)
        self.assertEqual(whole(self.tree, "x/metrics"), before, "a write beyond the end is no event")
        self.finish()

    def test_bad_bytes(self):
        self.tree.write("16 2", f"ndbus0/region0/{self.namespace}/block/{self.disk}/badblocks")
        self.assertIn("1024 bytes went bad", self.assert_told(self.tree, "media.bad_bytes", "region0")["sentence"])
        self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 8192)), errno.EIO)
        self.assert_told(self.tree, "io.read_failed", f"dev/{self.disk}", "media.poison")
        os.pwrite(self.file, page(), 8192)
        self.assert_told(self.tree, "media.healed", "region0")
        self.finish()

    def test_a_storm_is_one_line(self):
        self.faults("read:eio=1")
        for _ in range(500):
            self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 0)), errno.EIO)
        entries = [entry for entry in self.events(self.tree) if entry["event"] == "io.read_failed"]
        self.assertEqual(sum(entry["count"] for entry in entries), 500)
        # One for each ten seconds, however slow the machine is.
        self.assertLess(len(entries), 30)
        self.assertIn(" times, last at ", whole(self.tree, "x/events"))
        self.told = {"faults.set", "io.read_failed"}
        self.finish()
        self.assertLess(self.tree.log.count("[io.read_failed]"), 300)
        self.assertRegex(self.tree.log, r"\d+ more messages like this were not logged \[fault.eio\]")

    def test_poll_waits_for_events(self):
        with open(self.tree.join("x/events"), encoding="utf-8") as file, \
                open(self.tree.join("x/events.json"), encoding="utf-8") as lines:
            pollers = []
            for each in (file, lines):
                self.assertEqual(each.read(), "")
                poller = select.poll()
                poller.register(each, select.POLLPRI)
                self.assertEqual(poller.poll(0), [])
                pollers.append(poller)
            waiting = threading.Thread(target=lambda: found.extend(pollers[0].poll(60_000)))
            found = []
            waiting.start()
            self.faults("read:eio=1")
            waiting.join(60)
            self.assertTrue(found and found[0][1] & select.POLLPRI, found)
            self.assertTrue(pollers[1].poll(60_000))
            for each in (file, lines):
                each.seek(0)
                self.assertIn("faults.set", each.read())
            self.assertEqual(pollers[0].poll(0), [], "it was read again")
            # A repetition wakes as well.
            self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 0)), errno.EIO)
            self.assertTrue(pollers[0].poll(60_000))
            file.seek(0)
            file.read()
            self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 0)), errno.EIO)
            self.assertTrue(pollers[0].poll(60_000))
            file.seek(0)
            self.assertIn("(2 times, last at ", file.read())

    def test_metrics_are_well_formed(self):
        self.faults("read:eio=1")
        self.assertEqual(refused(lambda: os.preadv(self.file, [page()], 0)), errno.EIO)
        for path in ("x/metrics", "ndbus0/x/metrics"):
            lines = whole(self.tree, path).splitlines()
            self.assertEqual(lines[-1], "# EOF")
            families = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE ")}
            for line in lines[:-1]:
                if line.startswith("#"):
                    continue
                self.assertRegex(line, SAMPLE)
                name = re.split(r"[{ ]", line)[0]
                self.assertEqual(families[name.removesuffix("_total")],
                                 "counter" if name.endswith("_total") else "gauge", line)
        # All kinds are counted from the start, so that their rates are right.
        self.assertEqual(self.count(self.tree, "btt.recovered"), 0)


class MountTest(EventTestCase):
    """What a mount finds, and what happens to it."""

    def btt(self, mount):
        return session.word(mount, session.device("namespace0.0", "holder"))

    def test_power_cut_and_labels_that_cannot_be_written(self):
        self.make("size=16M mode=raw name=raw")
        with mounting.Mount(self.image, "crash_after=0") as mount:
            fences = int(mount.read("ndbus0/x/fences").split()[1])
        with mounting.Mount(self.image, f"crash_after={fences + 1}") as mount:
            with open(mount.join("dev/by-name/raw"), "r+b", buffering=0) as file:
                file.write(b"x" * SECTOR)
                self.assertEqual(refused(lambda: os.fsync(file.fileno())), errno.EIO)
            self.assert_told(mount, "media.power_cut", None, of_bus=False)
            session.unbind(mount, "namespace0.0")
            self.assertEqual(refused(lambda: mount.write("new", session.device("namespace0.0", "alt_name"))), errno.EIO)
            self.assert_told(mount, "label.write_failed", "nmem0", "media.power_cut")
        self.assert_logged(mount)

    def test_an_interrupted_sector_write_is_completed(self):
        self.make("size=32M mode=sector name=log")
        entries = []
        for fill in (b"1", b"2"):
            with mounting.Mount(self.image) as mount, \
                    open(mount.join("dev/by-name/log"), "r+b", buffering=0) as file:
                file.write(fill * SECTOR)
            arena = arenas.Arena(self.image)
            entries.append(arena.entry(0))
        self.assertNotEqual(*entries)
        # As if the power had been cut after the flog entry, before the map's.
        self.patch(arena.map, entries[0].to_bytes(4, "little"))
        with mounting.Mount(self.image) as mount:
            told = self.assert_told(mount, "btt.recovered", self.btt(mount))
            self.assertIn("completed 1 sector write", told["sentence"])
            with open(mount.join("dev/by-name/log"), "rb") as file:
                self.assertEqual(file.read(SECTOR), b"2" * SECTOR)
        self.assert_logged(mount)

    def test_an_arena_whose_map_is_damaged_is_read_only(self):
        self.make("size=32M mode=sector name=log")
        self.patch(arenas.Arena(self.image).map + 4, (0xFFFFFFF0).to_bytes(4, "little"))
        with mounting.Mount(self.image) as mount:
            self.assert_told(mount, "btt.arena.read_only", self.btt(mount))
        self.assert_logged(mount)

    def test_a_lost_info_block_comes_back_from_its_copy(self):
        self.make("size=32M mode=sector name=log")
        with mounting.Mount(self.image) as mount:
            uuid = session.word(mount, session.device(self.btt(mount), "uuid"))
        self.patch(0, bytes(SECTOR))
        with mounting.Mount(self.image) as mount:
            with contextlib.suppress(OSError):
                session.unbind(mount, "namespace0.0")
            seed = session.claim_with_btt(mount, "namespace0.0", uuid, 4096)
            self.assert_told(mount, "btt.info.restored", seed)
        self.assert_logged(mount)

    def test_damaged_labels(self):
        self.make("size=16M mode=raw name=a", "size=16M mode=raw name=b")
        area = os.path.getsize(self.image) - AREA
        self.flip(area + 20)
        with mounting.Mount(self.image, "ro") as mount:
            self.assert_told(mount, "label.index.lost", "nmem0", "label.index.checksum")
        self.assert_logged(mount)
        self.flip(area + 256 + 20)
        with mounting.Mount(self.image, "ro") as mount:
            self.assert_told(mount, "label.damaged", "nmem0")
            self.assertEqual(self.count(mount, "label.index.lost"), 0)
        self.assert_logged(mount)

    def test_an_image_that_is_replaced_or_cut_short(self):
        self.make("size=32M mode=raw name=raw")
        with mounting.Mount(self.image) as mount:
            moved = self.scratch_path("moved.img")
            os.rename(self.image, moved)
            self.assert_told(mount, "image.gone", self.image, of_bus=False)
            with open(mount.join("dev/by-name/raw"), "r+b", buffering=0) as file:
                file.write(b"x" * MIB)
                os.truncate(moved, 4 * SECTOR)
                self.assertEqual(refused(lambda: os.pwrite(file.fileno(), b"x" * SECTOR, 16 * MIB)), errno.EIO)
                # A short read is sent straight from the mapping, and found to have failed afterwards.
                self.assertEqual(refused(lambda: os.pread(file.fileno(), SECTOR, 20 * MIB)), errno.EIO)
                self.assert_told(mount, "io.read_failed", "dev/pmem0", "media.sigbus")
                entry = self.assert_told(mount, "source.lost", self.image, "media.sigbus", of_bus=False)
                self.assertIn("truncated", entry["sentence"])
                os.truncate(moved, 64 * MIB + AREA)
        self.assert_logged(mount)

    def test_a_full_file_system(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small tmpfs")
        small = self.scratch_path("small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "none", small], check=True)
        try:
            image = images.create(os.path.join(small, "a.img"), 64 * MIB, AREA)
            with mounting.Mount(image) as mount:
                mount.write("size=32M mode=raw name=raw", X_CREATE)
                disk = os.path.basename(os.path.realpath(mount.join("dev/by-name/raw")))
                with open(mount.join("dev", disk), "r+b", buffering=0) as file:
                    errors = {refused(lambda at=at: os.pwrite(file.fileno(), b"x" * MIB, at * MIB)) for at in range(4)}
                self.assertIn(errno.ENOSPC, errors)
                self.assert_told(mount, "io.no_space", f"dev/{disk}", "media.full")
            self.assert_logged(mount)
        finally:
            subprocess.run(["umount", small], check=True)


if __name__ == "__main__":
    runner.main()
