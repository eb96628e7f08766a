# SPDX-License-Identifier: Apache-2.0
"""A shell is private, passes streams, signals and exit statuses on, and leaves nothing behind."""

import glob
import os
import shutil
import signal
import subprocess
import time

from tests.shell import shells
from tests.support import images, leftovers, mounting, runner

MIB = images.MIB

# A machine whose kernel has no libnvdimm, as seen inside a container: /sys has nothing of it, and
# cannot be written.
BARE_HOST = """
for place in /sys/bus /sys/class /sys/devices/platform /sys/module /sys/dev /sys/block; do
  mount -t tmpfs -o ro none $place || exit
done
exec "$@"
"""


class LifeTest(shells.ShellTestCase):
    def setUp(self):
        super().setUp()
        self.image = images.initialised(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10, 2)

    def assert_nothing_left(self):
        self.assertTrue(
            mounting.wait_until(lambda: leftovers.processes(self.image) == []),
            f"still there: {leftovers.processes(self.image)}",
        )
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            self.assertNotIn(self.image, mounts.read())
        # And no process has the image open any more.
        self.output_of(self.image, "true")

    def start(self, *arguments):
        """A shell that runs in the background and has printed that it is ready."""
        command = self.command(self.image, "sh", "-c", 'echo ready; exec "$@"', "sh", *arguments)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertEqual("ready\n", process.stdout.readline())
        return process

    def test_the_exit_code_is_the_commands(self):
        for script, code in (("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)):
            with self.subTest(script=script):
                self.assertEqual(code, self.run_in(self.image, "sh", "-c", script).returncode)

    def test_what_cannot_be_run_has_the_codes_of_a_shell(self):
        self.assertEqual(127, self.run_in(self.image, "no-such-program").returncode)
        self.assertEqual(126, self.run_in(self.image, self.scratch).returncode)
        self.assertEqual(125, self.run_in(self.scratch_path("none.img"), "true").returncode)
        done = self.run_in(self.scratch, "true")
        self.assertEqual(125, done.returncode)
        self.assertIn("not an nvdimmfs mount", done.stderr)

    def test_arguments_and_standard_files_go_through(self):
        done = subprocess.run(
            self.command(self.image, "sh", "-c", 'cat; printf "%s|" "$@" >&2', "sh", "a b", "", "-x"),
            input="text",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        self.assertEqual(("text", "a b||-x|"), (done.stdout, done.stderr))

    def test_only_the_command_sees_it(self):
        before = sorted(glob.glob("/sys/bus/nd/devices/*") + os.listdir("/dev"))
        shell = self.start("sh", "-c", "ls /sys/bus/nd/devices | grep nmem; exec sleep 1000")
        self.assertEqual("nmem0\n", shell.stdout.readline())
        self.assertEqual(before, sorted(glob.glob("/sys/bus/nd/devices/*") + os.listdir("/dev")))
        shell.terminate()
        shell.communicate(timeout=60)
        self.assert_nothing_left()

    def test_the_hosts_devices_are_there_too(self):
        script = "echo x > /dev/null && head -c 4 /dev/zero | wc -c && ls /sys/class/block /sys/dev/char"
        listed = self.output_of(self.image, "sh", "-c", script).split()
        self.assertEqual("4", listed[0])
        self.assertLessEqual(set(os.listdir("/sys/dev/char")), set(listed))

    def test_nodes_come_and_go_at_once(self):
        script = """
            cd /sys/bus/nd/devices/region0 && ns=$(cat namespace_seed) && test ! -e /dev/pmem0 &&
            cat /proc/sys/kernel/random/uuid > $ns/uuid && echo 16777216 > $ns/size &&
            echo $ns > /sys/bus/nd/drivers/nd_pmem/bind && ls /dev | grep -x pmem0 &&
            ls /sys/block /sys/class/block | grep -xc pmem0 &&
            echo bytes > /dev/pmem0 && head -n 1 /dev/pmem0 &&
            echo $ns > /sys/bus/nd/drivers/nd_pmem/unbind && test ! -e /dev/pmem0 &&
            test ! -e /sys/block/pmem0"""
        self.assertEqual("pmem0\n2\nbytes\n", self.output_of(self.image, "sh", "-c", script))

    def test_character_devices_have_sysfs_numbers(self):
        script = "cat /sys/bus/nd/devices/nmem0/dev; stat -c %F:%t:%T /dev/nmem0"
        number, shown = self.output_of(self.image, "sh", "-c", script).split("\n")[:2]
        major, minor = (int(part) for part in number.split(":"))
        self.assertEqual(f"character special file:{major:x}:{minor:x}", shown)

    def test_a_mount_that_exists(self):
        with mounting.Mount(self.image) as mount:
            one, two = (
                subprocess.Popen(
                    self.command(mount.path, "cat", "/sys/bus/nd/devices/region0/size"),
                    stdout=subprocess.PIPE,
                )
                for _ in range(2)
            )
            for shell in (one, two):
                self.assertEqual(b"67108864\n", shell.communicate(timeout=60)[0])
            self.assertEqual("67108864\n", mount.read("ndbus0/region0/size"))

    def test_a_shell_in_a_shell(self):
        other = images.initialised(self.scratch_path("other.img"), 32 * MIB, 128 << 10, 2)
        size = "/sys/bus/nd/devices/region0/size"
        inner = " ".join(self.command(other, "cat", size))
        again = " ".join(self.command("$NVDIMMFS_TREE", "cat", size))
        outer = self.output_of(self.image, "sh", "-c", f"{inner}; cat {size}; {again}")
        self.assertEqual("33554432\n67108864\n67108864\n", outer)

    def test_an_image_below_dev(self):
        image = f"/dev/shm/nvdimmfs-test.{os.getpid()}.img"
        shutil.copy(self.image, image)
        self.addCleanup(os.unlink, image)
        self.output_of(image, "ls", "/sys/bus/nd/devices/nmem0", image)

    def test_the_command_ends_with_a_killed_shell(self):
        shell = self.start("sleep", "1000")
        shell.kill()
        shell.communicate(timeout=60)
        self.assert_nothing_left()

    def test_a_shell_passes_a_signal_on(self):
        shell = self.start("sleep", "1000")
        shell.terminate()
        shell.communicate(timeout=60)
        self.assertEqual(128 + signal.SIGTERM, shell.returncode)
        self.assert_nothing_left()

    def test_interrupts_are_the_commands(self):
        shell = self.start("sh", "-c", "trap 'exit 7' INT; echo $$; while :; do sleep 0.05; done")
        command = int(shell.stdout.readline())
        os.kill(shell.pid, signal.SIGINT)
        time.sleep(0.1)
        self.assertIsNone(shell.poll())
        os.kill(command, signal.SIGINT)
        shell.communicate(timeout=60)
        self.assertEqual(7, shell.returncode)

    def test_a_host_without_persistent_memory(self):
        if os.geteuid() != 0:
            self.skipTest("only root can hide the host's")
        script = "ls /sys/bus/nd/devices/nmem0/dev && ls /sys/class/nd /sys/devices/platform"
        bare = ("unshare", "-m", "sh", "-c", BARE_HOST, "sh")
        listed = self.output_of(self.image, "sh", "-c", script, wrapper=bare)
        self.assertEqual(["ndctl0", "nvdimmfs.0"], [w for w in listed.split() if "nmem" not in w
                                                    and not w.startswith("/sys")])

    def test_an_ordinary_user(self):
        user = self.ordinary_user()
        image = images.initialised(user.path("dimm.img"), 64 * MIB, 128 << 10, 2)
        script = "echo region0 > /sys/bus/nd/drivers/nd_region/unbind && cat /sys/bus/nd/devices/nmem0/state"
        done = user.run(image, "sh", "-c", script)
        self.assertEqual((0, "idle\n"), (done.returncode, done.stdout), done.stderr)


if __name__ == "__main__":
    runner.main()
