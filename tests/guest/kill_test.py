# SPDX-License-Identifier: Apache-2.0
"""A kernel, the want of memory, and a power cut: one guest in which, or for which, the daemon is killed.

- A kernel reads the labels and the contents of an image whose daemon was killed several times, as the last kill left it.
- In the guest, the kernel kills the daemon for want of memory, under writes. The next start takes its mount over.
- The power of the guest is cut (SIGKILL for QEMU) while a daemon with `durability=power` is written to. Everything that
  was acknowledged is on the disk. Moreover, each moment of the disk's log is a power cut of its own, which may also leave
  any part of what the guest had not flushed. Two controls must lose something: a daemon with `durability=process` under
  the same cut, and the log without its flushes.

NVDIMMFS_ROUNDS=N for N guests, each of which also reads what the one before left; NVDIMMFS_CUTS=N for more cuts of each
log, NVDIMMFS_SEEDS=N for another seed.
"""

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest

from tests.kill import loads, rounds, victims
from tests.support import guest, images, leftovers, mounting, runner, session, write_log

MIB = images.MIB
SEED = int(os.environ.get("NVDIMMFS_SEEDS", "1").split()[0])
ROUNDS = int(os.environ.get("NVDIMMFS_ROUNDS", "1"))
CUTS = int(os.environ.get("NVDIMMFS_CUTS", "12"))
KILLS = 3  # of the daemon on the host, before a kernel reads its image
UNITS = 32  # of each namespace on the guest's disks
# {namespace on the disks: (its mode for x/create, what acknowledges a write there, the bytes that are never torn)}. Each
# of these is durable when it returns.
NAMESPACES = {
    "raw": ("mode=raw", "dsync", 8),
    "sector": ("mode=sector sector_size=4096", "direct", 4096),
    "fsdax": ("mode=fsdax", "fsync", 8),
    "devdax": ("mode=devdax", "msync", 8),
}
PASSING = "come-and-go"  # a namespace that is created and destroyed meanwhile
LOST = "an acknowledged write is lost"
RECORDS = len(NAMESPACES) * UNITS * loads.RECORD

SCRIPT = """
node_of() { # NAME: the node that this kernel gives to a namespace
  for ns in /sys/bus/nd/devices/namespace*; do
    [ "$(cat $ns/alt_name 2>/dev/null)" = $1 ] && [ "$(cat $ns/size)" != 0 ] || continue
    holder=$(cat $ns/holder 2>/dev/null)
    place=/sys/bus/nd/devices/${holder:-${ns##*/}}
    if [ -d $place/block ]; then ls $place/block; else cd $place && echo dax[0-9]*.[0-9]*; cd /; fi
  done
}
mount_with() { # DURABILITY SOURCE PLACE
  mkdir -p $3
  nvdimmfs -o $SAME_KERNEL,durability=$1 $2 $3
}
modprobe fuse

section listed
ndctl list -N
section kernel
KERNEL_CHECKS

section again
AGAIN

section oom
# The daemon is the first to be killed; then the program that uses up the memory, and nothing else.
echo -1000 >/proc/self/oom_score_adj
try mount_with process /dev/vdb1 /mnt
daemon=$(pidof nvdimmfs)
echo 1000 >/proc/$daemon/oom_score_adj
try acked write /mnt/dev/by-name/sector 0 /dev/vdb2 32 32 direct SEED 40
try acked write /mnt/dev/by-name/raw 0 /dev/vdb2 0 32 plain SEED 40
acked write /mnt/dev/by-name/sector 0 /dev/vdb2 32 32 direct 1SEED & sector=$!
acked write /mnt/dev/by-name/raw 0 /dev/vdb2 0 32 plain 1SEED & raw=$!
(echo 0 >/proc/self/oom_score_adj; exec eat kill)
try wait $sector
try wait $raw
dmesg | grep -o "Killed process [0-9]* (nvdimmfs)"
echo "the daemon was $daemon"
ls /mnt 2>&1
try mount_with process /dev/vdb1 /mnt
try acked check /mnt/dev/by-name/sector 0 /dev/vdb2 32 32 4096
try acked check /mnt/dev/by-name/raw 0 /dev/vdb2 0 32 8

section power
sync
# From here on, this kernel writes back only what it is told to.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
echo 360000 >/proc/sys/vm/dirty_expire_centisecs
echo 80 >/proc/sys/vm/dirty_background_ratio
echo 90 >/proc/sys/vm/dirty_ratio
try mount_with power /dev/vda1 /power
ARMED
try acked write /mnt/dev/by-name/sector 0 /dev/vdb2 32 32 direct 2SEED 40
echo "@@ARMED"
ENDLESS
while :; do
  echo 'size=16M mode=sector name=PASSING' >/power/ndbus0/region0/x/create
  cat /power/ndbus0/region0/x/create >/power/ndbus0/region0/x/destroy
done
"""


AFTER = """try umount /again
while pidof nvdimmfs >/dev/null; do sleep 0.1; done
"""


def on_disk(verb, tree, ledger, more):
    """Commands of acked for all namespaces; more(name) gives their last words."""
    return "".join(
        f"{verb} {tree}/dev/by-name/{name} 0 {ledger} {number * UNITS} {UNITS} {more(name)}\n"
        for number, name in enumerate(NAMESPACES)
    )


def checks(tree, ledger):
    return on_disk("try acked check", tree, ledger, lambda name: NAMESPACES[name][2])


def script(ledgers, again):
    """The guest's script; `ledgers` is [(namespace, first unit, file name, atom)] of what its kernel reads."""
    kernel = "".join(
        f"try acked check /dev/$(node_of {name}) {at} /x/{file} 0 {loads.UNITS} {atom}\n"
        for name, at, file, atom in ledgers
    )
    before = "try mount_with power /dev/vdc1 /again\n" + checks("/again", "/dev/vdc2") + AFTER
    armed = on_disk("try acked write", "/power", "/dev/vda2", lambda name: f"{NAMESPACES[name][1]} SEED 25")
    endless = on_disk("acked write", "/power", "/dev/vda2", lambda name: f"{NAMESPACES[name][1]} 1SEED &")
    text = SCRIPT.replace("KERNEL_CHECKS\n", kernel).replace("AGAIN\n", before if again else "")
    text = text.replace("ARMED\n", armed, 1).replace("ENDLESS\n", endless)
    return text.replace("SEED", str(SEED)).replace("PASSING", PASSING)


class KilledImage:
    """An image whose daemon was killed several times, and not started after the last kill."""

    def __init__(self, scratch, number):
        self.victim = victims.Daemon(scratch)
        self.victim.start()
        self.victim.prepare()
        for step in range(KILLS):
            self.round = rounds.Round(self.victim, "reconfiguration", SEED, f"{number}-{step}")
            left = self.round.kill()
            if step + 1 < KILLS:
                self.round.check(left)
        self.ledgers = [
            (name, 0, f"ledger.{name}.0", atom) for name, atom in self.victim.atoms.items()
        ]

    def files(self):
        return [self.victim.path(file) for _name, _at, file, _atom in self.ledgers]

    def verify(self, listed):
        """What ndctl listed in the guest must be a configuration that the last kill may leave."""
        found = {ns["name"]: ns["mode"] for ns in json.loads(listed)}
        allowed = [
            {name: what[0] for name, what in wanted.items()} for wanted in self.round.loads[0].allowed()
        ]
        if found not in allowed:
            raise AssertionError(f"the kernel found {found}; allowed were {allowed}")


def complaint(image, ledger):
    """What is wrong with an image that a power cut left, or ""."""
    program = mounting.program("tests/guest/acked")
    with mounting.Mount(image) as mount:
        commands = on_disk(f"{program} check", mount.path, ledger, lambda name: NAMESPACES[name][2])
        checked = subprocess.run(
            ["sh", "-c", "status=0\n" + commands.replace("\n", " || status=1\n") + "exit $status"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        passing = session.namespaces(mount).get(PASSING)
        if passing:
            # Its destruction may have been cut.
            mount.write(passing, "ndbus0/region0/x/destroy")
    if checked.returncode != 0:
        return checked.stdout + checked.stderr
    sound = subprocess.run(
        [mounting.program("tools/nvdimmfs"), "check", image], capture_output=True, text=True, timeout=120, check=False
    )
    return "" if sound.returncode == 0 else sound.stdout + sound.stderr


class KillTest(unittest.TestCase):
    """One guest for all: each case looks at its part."""

    @classmethod
    def setUpClass(cls):
        reason = mounting.why_not_mountable()
        if not shutil.which("qemu-system-x86_64"):
            reason = "no qemu-system-x86_64 on this machine"
        if reason:
            raise unittest.SkipTest(reason)
        cls.scratch = tempfile.mkdtemp(prefix="nvdimmfs-test.", dir=os.environ.get("TEST_TMPDIR"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.addClassCleanup(leftovers.remove, cls.scratch)
        janitor = leftovers.Janitor(cls.scratch)
        cls.addClassCleanup(janitor.close)
        cls.rounds = []
        for number in range(ROUNDS):
            cls.rounds.append(Guest(os.path.join(cls.scratch, str(number)), number, cls.rounds))

    def test_a_kernel_reads_what_killed_daemons_left(self):
        for one in self.rounds:
            one.killed.verify(one.said["listed"])
            self.assertEqual(len(one.killed.ledgers), one.said["kernel"].count("no acknowledged write is lost"))

    def test_a_daemon_killed_for_want_of_memory_loses_nothing(self):
        for one in self.rounds:
            said = one.said["oom"]
            (daemon,) = [line.split()[-1] for line in said.splitlines() if line.startswith("the daemon was ")]
            self.assertIn(f"Killed process {daemon} (nvdimmfs)", said)
            self.assertIn("not connected", said)
            self.assertEqual(2, said.count("no acknowledged write is lost"), said)

    def test_a_guest_that_boots_again_finds_everything(self):
        if ROUNDS < 2:
            self.skipTest("with NVDIMMFS_ROUNDS=2 or more")
        for one in self.rounds[1:]:
            self.assertEqual(len(NAMESPACES), one.said["again"].count("no acknowledged write is lost"))

    def test_a_power_cut_loses_nothing_with_durability_power(self):
        for one in self.rounds:
            self.assertEqual("", complaint(one.image, one.records))

    def test_a_power_cut_loses_something_with_durability_process(self):
        for one in self.rounds:
            self.assertIn(LOST, complaint(one.control, one.control_records))

    def test_every_moment_of_the_log_is_a_power_cut_that_loses_nothing(self):
        for number, one in enumerate(self.rounds):
            log = list(write_log.entries(one.log))
            chance = random.Random(f"{SEED} {number}")
            wanted = sorted(chance.sample(range(len(log)), min(CUTS, len(log))))
            image, records = one.fresh("replayed")
            disk = write_log.Disk(image, records)
            flushed = 0
            for place, entry in enumerate(log):
                disk.apply(*entry)
                if place in wanted:
                    with self.subTest(seed=SEED, guest=number, entry=place):
                        out, ledger = one.path("cut.img"), one.path("cut.records")
                        write_log.cut(disk, chance, image, out)
                        shutil.copy(records, ledger)
                        self.assertEqual("", complaint(out, ledger))
                flushed = disk.flushed
            print(f"guest {number}: {len(wanted)} cuts among {len(log)} operations of the disk, {flushed} flushes")
            self.assertGreater(flushed, 100)

    def test_the_log_without_its_flushes_loses_something(self):
        for one in self.rounds:
            image, records = one.fresh("unflushed")
            disk = write_log.Disk(image, records, flushes=False)
            for entry in write_log.entries(one.log):
                disk.apply(*entry)
            self.assertIn(LOST, complaint(image, records))


class Guest:
    """One guest, from its boot to its end by SIGKILL, and what it left."""

    def __init__(self, scratch, number, earlier):
        os.mkdir(scratch)
        self._scratch = scratch
        self.killed = KilledImage(scratch, number)
        start = images.create(self.path("start.img"), 96 * MIB, victims.LABELS)
        with mounting.Mount(start) as mount:
            for name, (mode, _how, _atom) in NAMESPACES.items():
                mount.write(f"size=16M {mode} name={name}", "ndbus0/region0/x/create")
        self._start = start
        power, process = (write_log.make_disk(self.path(f"{name}.disk"), start, RECORDS) for name in "ab")
        self.log = self.path("log")
        devices = guest.nvdimm(self.killed.victim.image, victims.LABELS)
        devices += write_log.arguments(power, self.log) + guest.disk(process)
        if earlier:
            devices += guest.disk(earlier[-1].disk)
        programs = [mounting.program(name) for name in ("tools/nvdimmfs", "tests/guest/acked", "tests/guest/eat")]
        running = guest.Running(
            devices, script(self.killed.ledgers, bool(earlier)), [*programs, *self.killed.files()],
            memory="256M,slots=2,maxmem=4G",
        )  # fmt: skip
        with running:
            running.await_line("@@ARMED", guest.SECONDS)
            time.sleep(random.Random(f"{SEED} {number}").uniform(0.2, 3))
            running.kill()
            self.said = running.sections()
        self.disk = power
        self.image, self.records = self.path("image"), self.path("records")
        write_log.split_disk(power, os.path.getsize(start), self.image, self.records)
        self.control, self.control_records = self.path("control"), self.path("control.records")
        write_log.split_disk(process, os.path.getsize(start), self.control, self.control_records)

    def path(self, name):
        return os.path.join(self._scratch, name)

    def fresh(self, name):
        """(image, records) as they were before the guest's boot, in new files."""
        image, records = self.path(f"{name}.img"), self.path(f"{name}.records")
        shutil.copy(self._start, image)
        with open(records, "wb") as file:
            file.truncate(RECORDS)
        return image, records


if __name__ == "__main__":
    runner.main()
