# SPDX-License-Identifier: Apache-2.0
"""The programs for modules, and the nodes' ioctls, reach all programs, however these are started."""

import os
import platform
import shutil

from tests.shell import shells
from tests.support import images, runner

MIB = images.MIB
FOLDER = f"/lib/modules/{platform.release()}/extra"

ASK_LABEL_SIZE = """import fcntl
answer = bytearray(12)
with open("/dev/nmem0", "r+b", buffering=0) as device:
    print(fcntl.ioctl(device, 0xc00c4e04, answer), int.from_bytes(answer[4:8], "little"))"""

ASK_IN_C = r"""#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
int main(void) {
  unsigned char answer[12] = {0};
  unsigned size;
  const int result = ioctl(open("/dev/nmem0", O_RDWR), 0xc00c4e04, answer);
  memcpy(&size, answer + 4, sizeof size);
  return printf("%d %u\n", result, size) < 0;
}
"""

ASK_BLOCK = """import fcntl, os, struct
def ask(file, request, size):
    try:
        return int.from_bytes(fcntl.ioctl(file, request, bytes(8))[:size], "little")
    except OSError as error:
        return error.strerror
with open("/dev/pmem0", "rb") as disk, open("/dev/null", "rb") as other:
    print([ask(disk, *each) for each in ((0x80081272, 8), (0x1260, 8), (0x125e, 4), (0x1268, 4), (0x127b, 4),
                                         (0x80081270, 4), (0x1278, 4), (0x127a, 4), (0x127e, 2), (0x1261, 0))])
    print(ask(disk, 0x1277, 8), ask(disk, 0x12ff, 8), ask(other, 0x80081272, 8), ask(os.dup(disk.fileno()), 0x1260, 8))"""


class ProgramsTest(shells.ShellTestCase):
    def setUp(self):
        super().setUp()
        self.image = images.blank(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)

    def shell(self, script, source=None):
        return self.output_of(source or self.image, "sh", "-ec", script, cwd=self.scratch)

    def test_the_whole_paths_of_the_modules_programs_lead_to_ours(self):
        path = shutil.which("modprobe", path="/sbin:/usr/sbin:/bin:/usr/bin")
        if not path:
            self.skipTest("the host has no modprobe")
        script = f"""{path} nfit_test; env -i {path} -D nfit; {path} -r nfit_test
            test ! -e /sys/module/nfit_test; env -i {path} nfit_test; cat /sys/module/nfit_test/initstate"""
        self.assertEqual(f"insmod {FOLDER}/nfit.ko \nlive\n", self.shell(script))

    def test_the_host_keeps_its_programs(self):
        path = shutil.which("modprobe")
        if not path:
            self.skipTest("the host has no modprobe")
        before = os.lstat(path)
        self.shell("modprobe nfit_test")
        self.assertEqual(before.st_ino, os.lstat(path).st_ino)
        # Other options and modules are passed to the host's programs, under their own names.
        self.assertIn("kmod", self.shell("modprobe --version; rmmod --version; modinfo --version"))

    def test_a_dry_run_changes_nothing(self):
        script = """for words in '-n -r' '-nr' '--dry-run --remove' '-rn' '--show -r'; do
              modprobe $words nfit_test; test -e /sys/module/nfit_test; done
            modprobe -nvr nfit_test; modprobe -r nfit_test; modprobe -n nfit_test; modprobe -nv nfit-test
            test ! -e /sys/module/nfit_test"""
        self.assertEqual(f"rmmod nfit_test\ninsmod {FOLDER}/nfit_test.ko \n",
                         self.shell(script, "preset:nfit_test"))

    def test_options_of_modprobe(self):
        script = """modprobe -C /nowhere nfit_test; modprobe -w 5000 -r nfit_test; test ! -e /sys/module/nfit_test
            modprobe --wait 5 -qr nfit_test; ! modprobe -r --first-time nfit_test 2>&1; ! modprobe -r --first-time -q nfit_test
            modprobe -qC/nowhere nfit_test force=1; modprobe -a nfit nd_pmem; modprobe nfit -- dm_mod
            modprobe -R nd-btt; modprobe --show-depends nd_pmem; ! modprobe --first-time nfit 2>&1
            rmmod -v nfit-test; ! rmmod nfit_test 2>&1; insmod /nowhere/nfit_test.ko.xz
            ! insmod -f nfit_test.ko 2>&1"""
        self.assertEqual(
            ["modprobe: FATAL: Module nfit_test is not in kernel.", "nd_btt", f"insmod {FOLDER}/nd_pmem.ko ",
             "modprobe: ERROR: could not insert 'nfit': Module already in kernel", "rmmod nfit_test",
             "rmmod: ERROR: Module nfit_test is not currently loaded",
             "insmod: ERROR: could not insert module nfit_test.ko: File exists"],
            self.shell(script, "preset:nfit_test").splitlines())

    def test_what_is_ours_goes_with_what_is_not(self):
        done = self.run_in("preset:nfit_test", "sh", "-c", "modprobe -r nfit_test no_such_module; "
                           "test -e /sys/module/nfit_test || echo gone")
        self.assertEqual("gone\n", done.stdout)
        self.assertIn("no_such_module", done.stderr)
        self.assertNotIn("nfit_test", done.stderr)

    def test_modinfo(self):
        script = """modinfo -n nfit_test; modinfo -F license nfit; modinfo --field=name nd-pmem
            modinfo -Fname nd_btt; modinfo --field filename device_dax; modinfo -F none nfit
            modinfo -0 -F name kmem nfit | tr '\\0' ,; echo; modinfo nfit_test | head -n 1"""
        self.assertEqual(
            [f"{FOLDER}/nfit_test.ko", "GPL v2", "nd_pmem", "nd_btt", f"{FOLDER}/device_dax.ko",
             "kmem,nfit,", f"filename:       {FOLDER}/nfit_test.ko"], self.shell(script).splitlines())

    def test_nodes_take_their_ioctls_in_any_environment(self):
        python = shutil.which("python3")
        with open(self.scratch_path("ask.py"), "w", encoding="utf-8") as out:
            out.write(ASK_LABEL_SIZE)
        os.chmod(self.scratch, 0o755)
        ways = [f"{python} ask.py", f"env -i {python} ask.py", f"sh -lc '{python} {self.scratch}/ask.py'",
                f"PATH= LD_PRELOAD= {python} ask.py"]
        if os.geteuid() == 0 and shutil.which("su"):
            ways.append(f"su - root -s /bin/sh -c '{python} {self.scratch}/ask.py'")
            ways.append(f"su - root -s /bin/sh -c 'modprobe nfit_test && {python} {self.scratch}/ask.py'")
        for way in ways:
            with self.subTest(way=way):
                self.assertEqual("0 131072\n", self.shell(way))

    def test_a_program_of_another_c_library_is_given_the_library(self):
        if not shutil.which("musl-gcc"):
            self.skipTest("musl-gcc is not installed")
        with open(self.scratch_path("ask.c"), "w", encoding="utf-8") as out:
            out.write(ASK_IN_C)
        script = "musl-gcc -o ask ask.c; LD_PRELOAD=/dev/.nvdimmfs/preload.so ./ask"
        self.assertEqual("0 131072\n", self.shell(script))

    def test_an_ordinary_users_too(self):
        user = self.ordinary_user()
        python = shutil.which("python3", path="/usr/bin:/bin")
        if not python:
            self.skipTest("every user's folders have no python3")
        image = images.blank(user.path("dimm.img"), 64 * MIB, 128 << 10)
        with open(user.path("ask.py"), "w", encoding="utf-8") as out:
            out.write(ASK_LABEL_SIZE)
        script = f"env -i {python} ask.py; env -i /sbin/modprobe -D nfit"
        done = user.run(image, "sh", "-c", script)
        self.assertEqual((0, f"0 131072\ninsmod {FOLDER}/nfit.ko \n"), (done.returncode, done.stdout), done)

    def test_libraries_that_the_host_preloads_stay(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give the host such a list")
        if not os.path.exists("/etc/ld.so.preload"):
            self.skipTest("the host has no /etc/ld.so.preload")
        with open("/etc/ld.so.preload", encoding="utf-8") as source:
            self.assertIn(source.read(), self.shell("cat /dev/.nvdimmfs/pre"))

    def test_what_a_block_device_is_asked(self):
        shown = self.output_of(self.image, "python3", "-c", ASK_BLOCK).splitlines()
        size = 64 * MIB
        self.assertEqual([str([size, size // 512, 0, 512, 4096, 4096, 4096, 0, 0, 0]),
                          "Operation not supported Inappropriate ioctl for device "
                          f"Inappropriate ioctl for device {size // 512}"], shown)

    def test_blockdev_needs_no_block_device(self):
        if not shutil.which("blockdev"):
            self.skipTest("blockdev is not installed")
        script = "blockdev --getsize64 --getsz --getss --getpbsz --getro --flushbufs /dev/pmem0"
        self.assertEqual(f"{64 * MIB}\n{64 * 2048}\n512\n4096\n1\n",
                         self.shell(script, f"{images.blank(self.scratch_path('plain.img'), 64 * MIB, 0)},ro"))

    def test_zeros_are_written(self):
        script = """import fcntl, struct
with open("/dev/pmem0", "r+b", buffering=0) as disk:
    disk.write(b"x" * 8192)
    fcntl.ioctl(disk, 0x127f, struct.pack("QQ", 4096, 4096))
    disk.seek(0)
    print(set(disk.read(4096)), set(disk.read(4096)))
    for start, length in (1, 512), (0, 100):
        try:
            fcntl.ioctl(disk, 0x127f, struct.pack("QQ", start, length))
        except OSError as error:
            print(error.strerror)"""
        self.assertEqual("{120} {0}\nInvalid argument\nInvalid argument\n",
                         self.output_of(self.image, "python3", "-c", script))

    def test_devices_of_systemds_library(self):
        if not shutil.which("udevadm"):
            self.skipTest("udevadm is not installed")
        script = """env -i PATH="$PATH" udevadm info --query=property /sys/class/block/pmem0
            udevadm info --query=path /sys/bus/nd/devices/region0"""
        shown = self.shell(script)
        self.assertIn("DEVNAME=/dev/pmem0\n", shown)
        self.assertIn("/ndbus0/region0\n", shown)

    def test_a_shell_in_a_shell_finds_the_hosts_programs(self):
        inner = " ".join(self.command("preset:demo", "modprobe", "no_such_module"))
        done = self.run_in(self.image, "sh", "-c", inner)
        self.assertNotIn(done.returncode, (0, 125), done)


if __name__ == "__main__":
    runner.main()
