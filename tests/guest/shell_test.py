# SPDX-License-Identifier: Apache-2.0
"""A shell in a guest: /dev/nmemN and /dev/ndctlN as real character devices (CUSE), for programs
without the preloaded library; and a file system on its block device in a guest with little memory.
"""

import shutil
import tempfile
import unittest

from tests.support import guest, images, mounting, runner

MIB = images.MIB

# A moment after a shell's end, nothing of it may be left.
LEFT = """
modprobe fuse; modprobe cuse; modprobe loop
[ -e /dev/cuse ] || echo no CUSE
ls /dev >/tmp/dev-before
nothing_left() {
  for i in $(seq 50); do
    ls /dev >/tmp/dev-after
    cmp -s /tmp/dev-before /tmp/dev-after && ! losetup -a | grep -q . && return 0
    sleep 0.1
  done
  diff /tmp/dev-before /tmp/dev-after; losetup -a; return 1
}
"""

# All of this runs without the library; moreover, rawioctl is statically linked.
NODES = """
if [ -e /dev/cuse ]; then
mkdir -p /mnt
nvdimmfs create /tmp/a.img --size 32M >/dev/null
nvdimmfs create /tmp/b.img --size 32M --label-size 256K >/dev/null

section static
cat >/tmp/list <<'END'
nmem0 w 4 12
nmem0 r 5 44 4=32
nmem0 r 4 12
nmem0 w 4 11
nmem0 w 4 null
nmem0 w 77 0
nmem0 w 5 43 4=32
nmem0 w 5 12 4=0xffffffff
nmem0 w 10 64 16=0xffffffff 20=0xffffffff
nmem0 w 10 64 16=0x3fff00
nmem0 w 9 8 4=0xffffffff
nmem0 w 9 24 4=8 20=0xffffffff
nmem0 w 5 131084 4=131072
nmem0 w 5 131083 4=131072
ndctl0 w 3 32 4=64
nmem1 w 4 12
END
cat >/tmp/static.sh <<'END'
while read -r node words; do echo "$node $words: $(rawioctl /dev/$node $words)"; done </tmp/list
echo $(cat /sys/bus/nd/devices/nmem0/dev /sys/class/nd/ndctl0/dev)
echo $(stat -L -c '%F' /dev/nmem0 /dev/ndctl0)
for node in nmem0 ndctl0; do echo $((0x$(stat -L -c %t /dev/$node))):$((0x$(stat -L -c %T /dev/$node))); done
ls -l /sys/dev/char | grep -o 'ndbus0/n.*'
END
nvdimmfs shell -v /tmp/a.img -- env -u LD_PRELOAD sh /tmp/static.sh
try nothing_left

section labels
cat >/tmp/labels.sh <<'END'
ndctl disable-region all && ndctl init-labels -f nmem0 && ndctl enable-region all
ndctl create-namespace -m raw -s 16M -n one
ndctl read-labels -o /tmp/labels nmem0
END
try nvdimmfs shell /tmp/a.img -- env -u LD_PRELOAD sh -e /tmp/labels.sh >/dev/null 2>&1
nvdimmfs list -N /tmp/a.img
grep -c NAMESPACE_INDEX /tmp/labels

section emulated
cat >/tmp/emulated.sh <<'END'
ndctl inject-smart nmem0 -f >/dev/null
ndctl list -DHd nmem0 | grep health_state
ndctl start-scrub nfit_test.0 >/dev/null && ndctl wait-scrub nfit_test.0 | grep scrub_state
head -c 65536 /dev/zero >/tmp/firmware
ndctl update-firmware -f /tmp/firmware nmem0 | grep next
echo $(ls /dev | grep '^nmem'); echo 0 >/sys/bus/nd/x/loaded
echo $(ls /dev | grep '^nmem'); echo 1 >/sys/bus/nd/x/loaded
rawioctl /dev/nmem0 w 4 12
END
try nvdimmfs shell --no-block preset:nfit_test -- env -u LD_PRELOAD sh -e /tmp/emulated.sh

section parallel
cat >/tmp/meet.sh <<'END'
cat /sys/bus/nd/x/numbers >/tmp/meet.$1
while [ ! -s /tmp/meet.$2 ]; do sleep 0.1; done
rawioctl /dev/nmem0 w 4 12
END
nvdimmfs shell /tmp/a.img -- sh /tmp/meet.sh 1 2 >/tmp/out.1 & first=$!
nvdimmfs shell /tmp/b.img,ro -- sh /tmp/meet.sh 2 1 >/tmp/out.2
try wait $first
cat /tmp/out.1 /tmp/out.2
cmp -s /tmp/meet.1 /tmp/meet.2 && echo "@@FAILED the same majors"

section shared
# Two shells on one mount: the first ends before the second.
try serve /tmp/a.img
labels='rawioctl /dev/nmem0 w 4 12'
nvdimmfs shell /mnt -- sh -c "$labels; >/tmp/first; while [ ! -e /tmp/second ]; do sleep 0.1; done" &
first=$!
while [ ! -e /tmp/first ]; do sleep 0.1; done
nvdimmfs shell /mnt -- sh -c "$labels; >/tmp/second; while [ -e /proc/$first/exe ]; do sleep 0.1; done; $labels"
try leave
try nothing_left

section killed
nvdimmfs shell /tmp/a.img -- sh -c "$labels; exec sleep 100" & shell=$!
while ! ls /dev | grep -q nvdimmfs-.*nmem0; do sleep 0.1; done
kill -9 $shell
try nothing_left
fi
"""

# With memory for only a fraction of it, while a program uses up the available memory. Tried once by hand with a
# program whose threads are not IO flushers and whose memory is not locked: the write took more than 340 seconds of the
# guest's clock instead of less than 60, since the daemon waited in balance_dirty_pages for pages that only it could
# write. In that case, the guest's time limit fails.
PRESSURE = """
modprobe loop; modprobe ext4
try mkfs.ext4 -q /dev/vda
mkdir -p /disk /tmp/m
try mount /dev/vda /disk
nvdimmfs create /disk/a.img --size 256M >/dev/null
section pressure
cat >/tmp/pressure.sh <<'END'
mkfs.ext4 -q /dev/pmem0; mount /dev/pmem0 /tmp/m; touch /tmp/m/file
eat 16 & eater=$!
pat write /tmp/m/file 7 0 320000
sync
kill $eater
END
try nvdimmfs shell --block /disk/a.img -- sh -e /tmp/pressure.sh
try nothing_left
try nvdimmfs shell --block /disk/a.img -- sh -ec 'mount /dev/pmem0 /tmp/m; pat check /tmp/m/file 7 0 320000'
try nothing_left
awk '/MemTotal/ {print $2 * 1024}' /proc/meminfo
"""
SECTORS = 320_000  # 512 bytes each, in the file: more than the guest's memory

# "WORDS: ANSWER": rawioctl's output for an empty DIMM.
STATIC = """\
nmem0 w 4 12: 0 4=20000 8=fec
nmem0 r 5 44 4=32: 0 4=20
nmem0 r 4 12: ioctl: EPERM
nmem0 w 4 11: ioctl: EFAULT
nmem0 w 4 null: ioctl: EFAULT
nmem0 w 77 0: ioctl: ENOTTY
nmem0 w 5 43 4=32: ioctl: EFAULT
nmem0 w 5 12 4=0xffffffff: ioctl: EINVAL
nmem0 w 10 64 16=0xffffffff 20=0xffffffff: ioctl: EINVAL
nmem0 w 10 64 16=0x3fff00: ioctl: EFAULT
nmem0 w 9 8 4=0xffffffff: ioctl: ENOTTY
nmem0 w 9 24 4=8 20=0xffffffff: ioctl: ENOTTY
nmem0 w 5 131084 4=131072: 131072 4=20000 8=3
nmem0 w 5 131083 4=131072: ioctl: EFAULT
ndctl0 w 3 32 4=64: ioctl: EFAULT
nmem1 w 4 12: open: ENOENT
"""


class ShellTest(unittest.TestCase):
    """One guest for all: each case looks at its own section of the output."""

    @classmethod
    def setUpClass(cls):
        tool = shutil.which("mkfs.ext4")
        if not tool:
            raise unittest.SkipTest("mkfs.ext4 is not installed")
        programs = [mounting.program(name) for name in
                    ("tools/nvdimmfs", "tests/guest/rawioctl", "tests/guest/eat")]
        with tempfile.NamedTemporaryFile() as disk:
            disk.truncate(512 * MIB)
            cls.said = guest.run(guest.disk(disk.name), LEFT + NODES + PRESSURE, [*programs, tool],
                                 machine="q35", memory="192M")

    def section(self, name):
        if name != "pressure" and "no CUSE" in self.said[""]:
            self.skipTest("the guest's kernel has no CUSE")
        # The guest's console also shows stderr; this test ignores the notes about a mount's media.
        return "".join(line for line in self.said[name].splitlines(keepends=True)
                       if not line.startswith("nvdimmfs: note: "))

    def test_static_programs_get_the_kernels_answers_whatever_sizes_they_name(self):
        said = self.section("static").splitlines(keepends=True)
        self.assertIn("character devices (CUSE)", said[0])
        answers = STATIC.count("\n")
        self.assertMultiLineEqual(STATIC, "".join(said[1:answers + 1]))

    def test_numbers_of_nodes_are_those_of_sysfs(self):
        shown, kinds, dimm, bus, *links = self.section("static").splitlines()[-6:]
        self.assertEqual("character special file character special file", kinds)
        self.assertEqual([dimm, bus], shown.split())
        self.assertEqual(["ndbus0/nd/ndctl0", "ndbus0/nmem0"], sorted(links))

    def test_ndctl_writes_labels_without_the_library(self):
        text = self.section("labels")
        self.assertIn('"name":"one"', text)
        self.assertEqual("1", text.splitlines()[-1])

    def test_ndctl_drives_emulated_firmware_without_the_library(self):
        health, scrub, *firmware, all_dimms, none, again = self.section("emulated").splitlines()
        self.assertIn("fatal", health)
        self.assertIn("idle", scrub)
        self.assertIn("next_version", "".join(firmware))
        self.assertEqual(" ".join(f"nmem{i}" for i in range(6)), all_dimms)
        self.assertEqual(("", "0 4=20000 8=1000"), (none, again))

    def test_shells_beside_each_other_have_their_own_nodes(self):
        self.assertEqual("0 4=20000 8=fec\n0 4=40000 8=fec\n", self.section("parallel"))

    def test_a_shell_outlives_another_on_its_mount(self):
        self.assertEqual("0 4=20000 8=fec\n" * 3, self.section("shared"))

    def test_a_killed_shell_leaves_nothing(self):
        self.assertIn("0 4=20000 8=fec\n", self.section("killed"))

    def test_more_than_memory_is_written_while_that_is_short(self):
        written, read, memory = self.section("pressure").splitlines()
        self.assertIn(f"count={SECTORS} bad=0", written)
        self.assertIn(f"count={SECTORS} bad=0", read)
        self.assertLess(int(memory), SECTORS * 512)


if __name__ == "__main__":
    runner.main()
