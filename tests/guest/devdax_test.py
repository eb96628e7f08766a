# SPDX-License-Identifier: Apache-2.0
"""The daemon in a guest, on a device-dax node of that guest's kernel.

The kernel sees one namespace; through the daemon it is a region with several. What was written is checked
outside, in the guest's backing file, and by a kernel that is given the device's bytes as a DIMM.
"""

import subprocess

from tests.support import guest, images, mounting, patterns, runner, session, trees

MIB = images.MIB
LABELS = 128 << 10

CONFIGURE = """
set -- $(ndctl create-namespace -m devdax -s 128M -n whole >/dev/null; ls /dev/dax*)
dax=$1
ndctl create-namespace -m devdax -s 32M -n other >/dev/null
other=$(ls /dev/dax* | tail -n 1)
mkdir -p /mnt
sys=/sys/bus/dax/devices/${dax##*/}
section where
echo $(($(cat $sys/resource) - $(cat /sys/bus/nd/devices/region0/resource))) $(cat $sys/size) $(cat $sys/align)

section refusals
refused devdax.kind nvdimmfs devdax:/dev/null /mnt
refused image.kind nvdimmfs devdax:/tmp /mnt
refused image.open nvdimmfs devdax:/dev/dax7.7 /mnt
refused source.option nvdimmfs devdax:$dax,color=red /mnt
refused image.label_size nvdimmfs devdax:$dax,label_size=1G /mnt

section made
try serve devdax:$dax,labels=tail
region=/mnt/bus/nd/devices/region0
[ "$(cat $region/resource)" = "$(cat $sys/resource)" ] || echo "@@FAILED resource"
cat /mnt/ndbus0/provider
try sh -c "echo 'size=32M mode=raw name=db' > $region/x/create"
try sh -c "echo 'size=16M mode=sector name=log' > $region/x/create"
try sh -c "echo 'size=16M mode=fsdax name=fs' > $region/x/create"
try sh -c "echo 'size=16M mode=devdax name=dax' > $region/x/create"
refused image.busy nvdimmfs devdax:$dax /tmp
for name in db log fs; do try pat write /mnt/dev/by-name/$name 7 3 20000; done
try pat write /mnt/dev/by-name/log 8 100 500
sync
ls /mnt/dev/by-name
try leave

section again
try serve devdax:$dax -o ro
refused Read-only sh -c "echo 0 >/mnt/bus/nd/devices/namespace0.0/size"
for name in db fs; do try pat check /mnt/dev/by-name/$name 7 3 20000; done
try pat check /mnt/dev/by-name/log 8 100 500
try pat check /mnt/dev/by-name/log 7 600 19403
try leave

section label-file
truncate -s 128K /tmp/labels
try serve devdax:$other,labels=/tmp/labels
size=$(cat /mnt/bus/nd/devices/region0/size)
[ $size = $(cat /sys/bus/dax/devices/${other##*/}/size) ] || echo "@@FAILED $size bytes are not the whole device"
try sh -c "echo 'size=16M mode=sector name=inside' > /mnt/bus/nd/devices/region0/x/create"
try pat write /mnt/dev/by-name/inside 9 0 1000
try leave
try serve devdax:$other,labels=/tmp/labels
try pat check /mnt/dev/by-name/inside 9 0 1000

section vanished
# The kernel takes the device away under the mount.
try sh -c "echo ${other##*/} >/sys/bus/dax/drivers/device_dax/unbind"
refused Input/output dd if=/mnt/dev/by-name/inside of=/dev/null bs=4096 count=1 skip=1000 iflag=direct
refused Input/output dd if=/dev/zero of=/mnt/dev/by-name/inside bs=4096 count=1 oflag=direct conv=notrunc
cat /mnt/bus/nd/devices/region0/size
cat /mnt/bus/nd/devices/region0/badblocks
umount /mnt
for i in $(seq 100); do pidof nvdimmfs >/dev/null || break; sleep 0.1; done
! pidof nvdimmfs || echo "@@FAILED the daemon did not end"
refused image.open nvdimmfs devdax:$other /mnt

section poison
# Memory fails under a mapped file: a page of the tmpfs that the image lies on.
nvdimmfs create /tmp/ram.img --size 16M --labels none >/dev/null
try serve /tmp/ram.img
try pat write /mnt/dev/pmem0 5 0 2000
try hwpoison /tmp/ram.img 409600
refused Input/output dd if=/mnt/dev/pmem0 of=/dev/null bs=4096 count=1 skip=100 iflag=direct
cat /mnt/bus/nd/devices/region0/badblocks /mnt/block/pmem0/badblocks
try pat check /mnt/dev/pmem0 5 0 800
try pat check /mnt/dev/pmem0 5 808 1192
leave
"""

WRITTEN = [("db", 7, 3, 20000), ("log", 7, 3, 20000), ("fs", 7, 3, 20000), ("log", 8, 100, 500)]


def bad_blocks_of(text):
    return "".join(f"{line}\n" for line in text.splitlines() if line.replace(" ", "").isdigit())


class DevdaxTest(mounting.MountTestCase):
    limit = 290

    def cut_out(self, image, start, size):
        """A copy of a part of the backing file: the device's bytes."""
        part = self.scratch_path("device.img")
        with open(image, "rb") as source, open(part, "wb") as target:
            source.seek(start)
            target.write(source.read(size))
        return part

    def test_one_device_becomes_several_namespaces(self):
        image = images.create(self.scratch_path("dimm.img"), 256 * MIB, LABELS)
        programs = [mounting.program("tools/nvdimmfs"), mounting.program("tests/guest/hwpoison")]
        sections = guest.boot(image, LABELS, CONFIGURE, programs, 200)
        self.assertIn("devdax\n", sections["made"])
        self.assertEqual("800 8\n800 8\n", bad_blocks_of(sections["poison"]))
        start, size, align = (int(word) for word in sections["where"].split())
        self.assertEqual((2 * MIB, 0), (align, size % align))
        part = self.cut_out(image, start, size)

        checked = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "check", part],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((0, ""), (checked.returncode, checked.stdout), checked.stderr)
        writer = session.Writer()
        writer.writes = list(WRITTEN)
        with mounting.Mount(part, f"ro,{guest.SAME_KERNEL}") as mount:
            tree = session.dump_tree(mount)
            expected = writer.expected(mount)
            self.assertEqual([], patterns.check_all(mount.join("dev"), expected))

        script = "section tree\ndumptree\nsection bytes\n" + "".join(
            f"try pat check /dev/{node} {seed} {first} {count}\n"
            for node, seed, first, count in expected
        )
        kernel = guest.boot(part, LABELS, script)
        differences = trees.differences(kernel["tree"], tree, read_only=True)
        self.assertEqual([], differences, "\n" + "\n".join(differences))


if __name__ == "__main__":
    runner.main()
