# SPDX-License-Identifier: Apache-2.0
"""ram:FILE and the kernel's ramdax driver, which Linux has from 6.19 on, on the same media.

The file is a guest's second NUMA node, so that it is exactly the range on the kernel's command line. The guest
finds a namespace that was made here, with its bytes; namespaces made by the guest's ndctl are read here; and both
show the same tree.
"""

import os

from tests.support import guest, images, mounting, patterns, runner, session, trees

MIB = images.MIB
KERNEL = os.environ["GUEST_KERNEL"]

# Guest physical addresses; the file is between the first and the last part of the guest's memory.
BEFORE, SIZE, AFTER = 256 * MIB, 256 * MIB, 512 * MIB
SOURCE = "ram:{path},address=%#x" % BEFORE

GUEST = """
section probe
# By hand: without the override, nd_e820 has the range, and there are no DIMMs.
try modprobe ramdax
device=/sys/bus/platform/devices/e820_pmem
try sh -c "echo ramdax >$device/driver_override"
[ ! -e $device/driver ] || try sh -c "echo e820_pmem >$device/driver/unbind"
[ -e $device/driver ] || try sh -c "echo e820_pmem >/sys/bus/platform/drivers/ramdax/bind"
cat /sys/bus/nd/devices/ndbus*/wait_probe >/dev/null
for i in $(seq 100); do [ -e /dev/pmem0s ] && break; sleep 0.1; done
section tree
dumptree
section taken
try pat check /dev/pmem0s 7 3 500
try ndctl list -N
section made
try ndctl create-namespace -m sector -s 64M -n there
try ndctl create-namespace -m raw -s 32M -n plain
set -- $(ls /dev/pmem* | grep -v 'pmem0s$')
for disk in "$@"; do try pat write $disk 9 16 400; done
sync
ls /dev/pmem*
section media
try ndctl disable-region all
"""


class RamdaxTest(mounting.MountTestCase):
    limit = 290

    def test_both_directions(self):
        path = images.blank(self.scratch_path("range"), SIZE, 0)
        source = SOURCE.format(path=path)
        with mounting.Mount(source, f"kernel={KERNEL}") as mount:
            mount.write("size=64M mode=sector name=here", session.REGION, "x/create")
            self.assertEqual("", patterns.run("write", mount.join("dev/by-name/here"), 7, 3, 500))
        with mounting.Mount(source, f"kernel={KERNEL},ro") as mount:
            mine = session.dump_tree(mount)
        nodes = []
        for number, (kind, size) in enumerate((("ram", BEFORE), ("file", SIZE), ("ram", AFTER))):
            backend = f"memory-backend-{kind},id=ram{number},size={size}"
            if kind == "file":
                backend += f",share=on,mem-path={path}"
            nodes += ["-object", backend, "-numa", f"node,memdev=ram{number}"]
        sections = guest.run(
            nodes,
            GUEST,
            machine="q35",
            memory=f"{(BEFORE + SIZE + AFTER) // MIB}M",
            kernel_arguments=f"memmap={SIZE // MIB}M!{BEFORE:#x}",
        )
        differences = trees.differences(sections["tree"], mine, read_only=True)
        # The guest's own: the file is its node 1.
        differences = [line for line in differences if "/target_node: " not in line]
        self.assertEqual([], differences, "\n" + "\n".join(differences))
        with mounting.Mount(source, f"kernel={KERNEL},ro") as mount:
            self.assertEqual(["here", "plain", "there"], sorted(os.listdir(mount.join("dev/by-name"))))
            self.assertEqual("", patterns.run("check", mount.join("dev/by-name/here"), 7, 3, 500))
            for name in ("there", "plain"):
                self.assertEqual("", patterns.run("check", mount.join("dev/by-name", name), 9, 16, 400))


if __name__ == "__main__":
    runner.main()
