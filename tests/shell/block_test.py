# SPDX-License-Identifier: Apache-2.0
"""Real block devices in a shell: what works on them, and that they disappear with the shell."""

import os
import select
import signal
import subprocess
import tempfile

from tests.shell import shells
from tests.support import images, mounting, runner

MIB = images.MIB
SYS_BLOCK = "/sys/block"


def attached():
    """This machine's loop devices over data files, as (name, file), without those of other programs."""
    found = set()
    for name in os.listdir(SYS_BLOCK):
        try:
            with open(f"{SYS_BLOCK}/{name}/loop/backing_file", encoding="utf-8") as source:
                file = source.read().strip()
        except OSError:
            continue
        if "/dev/pmem" in file:
            found.add((name, file))
    return found


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as source:
        return [int(word) for word in source.read().split()]


def has_open(pid, name):
    """Whether a process has a file of that name open; its other files may come and go."""
    folder = f"/proc/{pid}/fd"
    for descriptor in os.listdir(folder):
        try:
            if os.readlink(f"{folder}/{descriptor}").endswith(name):
                return True
        except FileNotFoundError:
            pass
    return False


def kill_whole(pid):
    """Kills a process and its children such that none of them notices another's end; returns when all are gone."""
    # A stopped process does nothing about its children, and they do not lose their parent.
    os.kill(pid, signal.SIGSTOP)
    processes = [os.pidfd_open(each) for each in [*children(pid), pid]]
    for process in processes:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    for process in processes:
        ended, _, _ = select.select([process], [], [], mounting.PATIENCE)
        os.close(process)
        assert ended, "a killed process goes on"


class BlockTest(shells.ShellTestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may have loop devices")
        try:
            os.close(os.open("/dev/loop-control", os.O_RDWR))
        except OSError as error:
            self.skipTest(f"no loop devices: {error.strerror}")
        self.image = images.blank(self.scratch_path("dimm.img"), 64 * MIB, 0)
        self.before = attached()
        # Leftovers of one case must fail that case, not the next one: this is the last cleanup.
        self.addCleanup(self.detach_what_is_left)

    def tearDown(self):
        self.assertTrue(mounting.wait_until(lambda: not self.left()), f"left attached: {self.left()}")
        super().tearDown()

    def left(self):
        return attached() - self.before

    def detach_what_is_left(self):
        for name, _ in self.left():
            subprocess.run(["losetup", "--detach", f"/dev/{name}"], timeout=60, check=False)

    def command(self, source, *arguments):
        return [mounting.program("tools/nvdimmfs"), "shell", "--block", source, "--", *arguments]

    def shell(self, script, source=None):
        return self.output_of(source or self.image, "sh", "-ec", script, cwd=self.scratch)

    def test_it_is_a_block_device_of_the_namespaces_size(self):
        script = "test -b /dev/pmem0; blockdev --getsize64 --getss --getro /dev/pmem0"
        self.assertEqual(f"{64 * MIB}\n512\n0\n", self.shell(script))

    def test_a_file_system_outlives_the_shell(self):
        self.shell("mkfs.ext4 -q /dev/pmem0; mkdir m; mount /dev/pmem0 m; echo kept >m/file")
        self.assertEqual("kept\n", self.shell("mount /dev/pmem0 m; cat m/file"))

    def test_what_is_closed_is_in_the_namespace(self):
        script = """printf bytes | dd of=/dev/pmem0 conv=notrunc status=none
            echo namespace0.0 >/sys/bus/nd/drivers/nd_pmem/unbind
            echo namespace0.0 >/sys/bus/nd/drivers/nd_pmem/bind
            head -c 5 /dev/pmem0"""
        self.assertEqual("bytes", self.shell(script))
        with open(self.image, "rb") as image:
            self.assertEqual(b"bytes", image.read(5))

    def test_a_device_that_is_mounted_is_busy(self):
        if self.run_in(self.image, "which", "ndctl").returncode:
            self.skipTest("ndctl is not installed")
        script = """mkfs.ext4 -q /dev/pmem0; mkdir m; mount /dev/pmem0 m
            ! ndctl disable-namespace namespace0.0 2>&1; umount m
            ndctl disable-namespace namespace0.0 2>&1; ! test -e /dev/pmem0"""
        shown = self.shell(script).splitlines()
        self.assertIn("busy", shown[0].lower() + shown[1].lower())
        self.assertEqual("disabled 1 namespace", shown[-1])

    def test_the_test_modules_buses_have_them_unasked(self):
        program = [mounting.program("tools/nvdimmfs"), "shell"]
        kinds = [
            subprocess.run([*program, *options, "preset:nfit_test", "--", "stat", "-L", "-c", "%F",
                            "/dev/pmem0"], capture_output=True, text=True, timeout=60, check=True)
            .stdout.strip()
            for options in ([], ["--block"], ["--no-block"])
        ]
        self.assertEqual(["block special file", "block special file", "regular file"], kinds)

    def test_partitions(self):
        script = """addpart /dev/pmem0 1 2048 8192; test -b /dev/pmem0p1
            blockdev --getsz /dev/pmem0p1; ls /dev | grep pmem
            delpart /dev/pmem0 1; ! test -e /dev/pmem0p1; ls /dev | grep pmem"""
        self.assertEqual("8192\npmem0\npmem0p1\npmem0\n", self.shell(script))

    def test_partitions_have_the_names_of_a_kernel(self):
        labelled = images.initialised(self.scratch_path("labelled.img"), 64 * MIB, 128 << 10, 2)
        script = """create=/sys/bus/nd/devices/region0/x/create
            echo size=16M mode=sector >$create; echo size=16M >$create
            for disk in pmem0s pmem0.1; do addpart /dev/$disk 1 64 128; done
            for name in pmem0s1 pmem0.1p1; do
              test -b /dev/$name; stat -c %Hr:%Lr /dev/$name; cat /sys/class/block/$name/dev
              cat /sys/block/*/$name/size; basename $(readlink /sys/dev/block/$(stat -c %Hr:%Lr /dev/$name))
            done; test ! -e /dev/pmem0.11; test ! -e /dev/pmem0sp1"""
        shown = self.shell(script, labelled).split()
        self.assertEqual([shown[0], shown[0], "128", "pmem0s1", shown[4], shown[4], "128", "pmem0.1p1"], shown)

    def test_numbers_and_nodes_agree_before_anybody_looks_into_dev(self):
        script = """cat /sys/bus/nd/devices/namespace0.0/block/pmem0/dev; stat -c %F:%Hr:%Lr /dev/pmem0
            cat /sys/class/block/pmem0/dev; basename $(readlink /sys/dev/block/$(cat /sys/block/pmem0/dev))
            ls /sys/class/block /sys/block /dev | grep -c loop65... || true
            ls /sys/dev/block | while read -r number; do readlink /sys/dev/block/$number; done | grep -c loop65... || true"""
        number, shown, again, name, *loops = self.shell(script).splitlines()
        self.assertEqual([f"block special file:{number}", number, "pmem0", ["0", "0"]], [shown, again, name, loops])

    def test_a_name_keeps_its_number(self):
        # Otherwise a process that has looked up the node before would write to another disk.
        labelled = images.initialised(self.scratch_path("labelled.img"), 64 * MIB, 128 << 10, 2)
        script = """create=/sys/bus/nd/devices/region0/x/create; echo size=16M >$create; echo size=16M >$create
            say() { for disk in pmem0 pmem0.1; do stat -c %n:%Hr:%Lr /dev/$disk; printf $disk >/dev/$disk
              blockdev --flushbufs /dev/$disk; head -c 7 /dev/$disk | tr -d '\\0'; echo; done; }
            say; cd /sys/bus/nd/drivers/nd_pmem; echo namespace0.0 >unbind; echo namespace0.1 >unbind
            echo namespace0.1 >bind; echo namespace0.0 >bind; say"""
        shown = self.shell(script, labelled).splitlines()
        self.assertEqual(shown[:4], shown[4:])
        self.assertEqual(["pmem0", "pmem0.1"], shown[1:4:2])

    def test_no_loop_device_is_left(self):
        before = set(os.listdir(SYS_BLOCK))
        self.shell("test -b /dev/pmem0; addpart /dev/pmem0 1 2048 8192; test -b /dev/pmem0p1")
        self.assertLessEqual(set(os.listdir(SYS_BLOCK)), before)

    def test_two_shells_on_one_mount(self):
        with mounting.Mount(self.image) as mount:
            first = subprocess.Popen(self.command(mount.path, "sh", "-ec", "test -b /dev/pmem0; echo ready; read -r line; "
                                                  "printf first | dd of=/dev/pmem0 conv=notrunc status=none"),
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.addCleanup(first.kill)
            self.assertEqual("ready\n", first.stdout.readline())
            script = "stat -c %Hr:%Lr /dev/pmem0; cat /sys/block/pmem0/dev; blockdev --getsz /dev/pmem0"
            shown = self.shell(script, mount.path).splitlines()
            self.assertEqual([shown[0], shown[0], str(64 * 2048)], shown)
            first.communicate("\n", timeout=60)
            self.assertEqual(0, first.returncode)
            self.assertEqual("first", self.shell("head -c 5 /dev/pmem0", mount.path))

    def test_a_read_only_region_over_a_whole_file_can_be_disabled(self):
        script = """test -b /dev/pmem0; head -c 4096 /dev/pmem0 >/dev/null; cd /sys/bus/nd/drivers/nd_region
            echo region0 >unbind; test ! -e /dev/pmem0; echo region0 >bind; blockdev --getro /dev/pmem0"""
        topology = self.scratch_path("region.toml")
        with open(topology, "w", encoding="utf-8") as out:
            out.write('[[bus]]\n[[bus.region]]\nimage = "dimm.img"\nread_only = true\n')
        self.assertEqual("1\n", self.shell(script, topology))
        # A source that is opened read-only cannot be reconfigured, but its disks come and go.
        for source in (f"{self.image},ro", f"e820:{self.image},ro"):
            with self.subTest(source=source):
                self.assertEqual("1\n", self.shell("blockdev --getro /dev/pmem0", source))

    def test_the_test_modules_buses_beside_others(self):
        with open(self.scratch_path("buses.toml"), "w", encoding="utf-8") as out:
            out.write('[[bus]]\n[[bus.dimm]]\nimage = "dimm.img"\n[[bus]]\npreset = "nfit_test"\n')
        script = """say() { cat /sys/bus/nd/devices/ndbus*/provider | sort; ls /dev | grep -c pmem; }
            say; printf kept | dd of=/dev/pmem0 conv=notrunc status=none; modprobe -r nfit_test; say
            head -c 4 /dev/pmem0; echo; modprobe nfit_test; say; readlink -f /sys/class/nd/ndctl1/device"""
        both = ["ACPI.NFIT", "nfit_test.0", "nfit_test.1", "5"]
        self.assertEqual([*both, "ACPI.NFIT", "1", "kept", *both, "/sys/devices/platform/nfit_test.0/ndbus1"],
                         self.shell(script, self.scratch_path("buses.toml")).splitlines())

    def test_proc_partitions_has_the_names_of_dev(self):
        script = """addpart /dev/pmem0 1 2048 8192; head -n 2 /proc/partitions
            while read -r major minor blocks name; do
              case $name in pmem*) echo $blocks $name ;; esac
            done </proc/partitions"""
        self.assertEqual(["major minor  #blocks  name", "", "65536 pmem0", "4096 pmem0p1"],
                         self.shell(script).splitlines())
        with open("/proc/partitions", encoding="utf-8") as host:
            self.assertNotIn("pmem0p1", host.read())

    def test_bad_sectors_are_errors_until_they_are_written(self):
        script = """cd /dev; echo 16 8 >/sys/block/pmem0/badblocks
            ! dd if=pmem0 of=/dev/null bs=4096 skip=2 count=1 status=none 2>&1
            dd if=/dev/zero of=pmem0 bs=4096 seek=2 count=1 oflag=direct status=none
            dd if=pmem0 bs=4096 skip=2 count=1 iflag=direct status=none | tr -d '\\0'
            cat /sys/block/pmem0/badblocks"""
        self.assertIn("Input/output error", self.shell(script))

    def test_a_read_only_source(self):
        shown = self.shell("blockdev --getro /dev/pmem0", f"{self.image},ro")
        self.assertEqual("1\n", shown)

    def test_sector_mode_has_its_own_sector_size(self):
        labelled = images.initialised(self.scratch_path("labelled.img"), 64 * MIB, 128 << 10, 2)
        script = """echo size=32M mode=sector >/sys/bus/nd/devices/region0/x/create
            blockdev --getss /dev/pmem0s"""
        self.assertEqual("4096\n", self.shell(script, labelled))

    def start(self, script):
        process = subprocess.Popen(
            self.command(self.image, "sh", "-ec", script),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.scratch,
        )
        self.addCleanup(process.kill)
        self.assertEqual("ready\n", process.stdout.readline())
        return process

    def test_a_killed_shell_leaves_no_device_and_loses_nothing(self):
        shell = self.start("""mkfs.ext4 -q /dev/pmem0; mkdir m; mount /dev/pmem0 m; echo kept >m/file
            echo ready; exec sleep 1000""")
        self.assertTrue(self.left())
        shell.kill()
        shell.communicate(timeout=60)
        self.assertTrue(mounting.wait_until(lambda: not self.left()))
        self.assertEqual("kept\n", self.shell("e2fsck -fn /dev/pmem0 >&2; mount /dev/pmem0 m; cat m/file"))

    def test_a_killed_helper_leaves_no_device(self):
        shell = self.start("test -b /dev/pmem0; echo ready; exec sleep 1000")
        [helper] = (pid for pid in children(shell.pid) if has_open(pid, "loop-control"))
        os.kill(helper, signal.SIGKILL)
        shell.terminate()
        shell.communicate(timeout=60)

    def test_what_a_shell_leaves_that_is_killed_whole_goes_with_the_next(self):
        shell = self.start("test -b /dev/pmem0; echo ready; exec sleep 1000")
        kill_whole(shell.pid)
        shell.communicate(timeout=60)
        self.assertTrue(self.left())
        # Not while there are other shells, so try again if necessary.
        mounting.wait_until(lambda: (self.shell("true"), not self.left())[1])

    def test_no_loop_devices_is_said(self):
        with tempfile.TemporaryDirectory() as empty:
            hidden = ("unshare", "-m", "sh", "-c", f'mount --bind {empty} /mnt; mount -t tmpfs none '
                      '/dev && mknod -m 666 /dev/fuse c 10 229 && mknod -m 666 /dev/null c 1 3 && '
                      'exec "$@"', "sh")
            done = self.run_in(self.image, "true", wrapper=hidden)
        self.assertEqual(125, done.returncode)
        self.assertIn("loop-control", done.stderr)


if __name__ == "__main__":
    runner.main()
