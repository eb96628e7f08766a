# SPDX-License-Identifier: Apache-2.0
"""Buses that tables describe, compared with a real kernel: the machine's own NFIT, and e820 ranges.

The kernel's tree and the one that the daemon derives from the same table must be equal; what is written
through the daemon in the guest must be what the kernel and the backing file hold afterwards.
"""

import base64

from tests.support import guest, images, mounting, patterns, runner, session, trees

MIB = images.MIB

NFIT = """
section nfit
base64 /sys/firmware/acpi/tables/NFIT
section tree
dumptree
section daemon
truncate -s 128K /tmp/labels0
truncate -s 256K /tmp/labels1
source=nfit:/sys/firmware/acpi/tables/NFIT,range=/dev/pmem0,range=/dev/pmem1
try serve $source,labels=/tmp/labels0,labels=/tmp/labels1
for region in 0 1; do
  for attribute in resource size set_cookie mapping0 persistence_domain; do
    [ "$(cat /mnt/bus/nd/devices/region$region/$attribute)" = \\
      "$(cat /sys/bus/nd/devices/region$region/$attribute)" ] || echo "@@FAILED region$region $attribute"
  done
done
refused image nvdimmfs e820:/dev/pmem0 /tmp
try pat write /mnt/dev/pmem0 5 0 4096
try pat write /mnt/dev/pmem1 6 16 999
sync
try leave
try pat check /dev/pmem0 5 0 4096
try pat check /dev/pmem1 6 16 999

section vanished
try serve $source
# The kernel takes a device away under the mount.
try sh -c "echo namespace1.0 >/sys/bus/nd/drivers/nd_pmem/unbind"
refused Input/output dd if=/mnt/dev/pmem1 of=/dev/null bs=4096 count=1 skip=2000 iflag=direct
try pat check /mnt/dev/pmem0 5 0 4096
cat /mnt/bus/nd/devices/region1/size
umount /mnt

section bad
# What the kernel's disk knows to be bad; its driver has no way to clear it.
try sh -c "echo 2000 8 >/sys/block/pmem0/badblocks"
try serve e820:/dev/pmem0
cat /mnt/bus/nd/devices/region0/badblocks
refused Input/output dd if=/mnt/dev/pmem0 of=/dev/null bs=512 skip=2003 count=1
try dd if=/mnt/dev/pmem0 of=/dev/null bs=4096 skip=251 count=1
refused Input/output dd if=/dev/zero of=/mnt/dev/pmem0 bs=4096 seek=250 count=1 conv=notrunc,fsync
cat /mnt/bus/nd/devices/region0/badblocks
try leave
"""

E820 = """
modprobe nd_e820
# Probing continues after modprobe.
cat /sys/bus/nd/devices/ndbus0/wait_probe >/dev/null
for i in $(seq 100); do [ -L /sys/bus/nd/devices/namespace0.0/driver ] && break; sleep 0.1; done
section tree
dumptree
section mine
try serve e820:/dev/pmem0,address=0x20000000
dumptree /mnt
section sector
cd /mnt/bus/nd
echo namespace0.0 >drivers/nd_pmem/unbind
btt=devices/$(cat devices/region0/btt_seed)
try sh -c "echo 11111111-2222-3333-4444-555555555501 >$btt/uuid"
try sh -c "echo 4096 >$btt/sector_size"
try sh -c "echo namespace0.0 >$btt/namespace"
try sh -c "echo ${btt##*/} >drivers/nd_pmem/bind"
cd /
try pat write /mnt/dev/pmem0s 7 0 5000
sync
try leave
# The kernel's own drivers take the region anew.
cd /sys/bus/nd/drivers/nd_region
echo region0 >unbind
try sh -c "echo region0 >bind"
cd /
for i in $(seq 50); do [ -e /dev/pmem0s ] && break; sleep 0.1; done
try pat check /dev/pmem0s 7 0 5000
"""


class TablesTest(mounting.MountTestCase):
    limit = 200

    def assert_same_tree(self, kernel, mine):
        differences = trees.differences(kernel, mine)
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def test_the_machines_own_nfit(self):
        paths = [
            images.blank(self.scratch_path("a.img"), 64 * MIB, 128 << 10),
            images.blank(self.scratch_path("b.img"), 32 * MIB, 256 << 10),
        ]
        sections = guest.run(
            guest.nvdimm(paths[0], 128 << 10, 0) + guest.nvdimm(paths[1], 256 << 10, 1),
            NFIT,
            [mounting.program("tools/nvdimmfs")],
            machine="q35,nvdimm=on,nvdimm-persistence=cpu",
        )
        self.assertEqual("33554432", sections["vanished"].split()[-1])
        self.assertEqual(2 * ["2000 8"], [x for x in sections["bad"].splitlines() if x == "2000 8"])
        table = self.scratch_path("guest.nfit")
        with open(table, "wb") as out:
            out.write(base64.b64decode(sections["nfit"]))
        with mounting.Mount(f"nfit:{table},dimm={paths[0]},dimm={paths[1]}", guest.SAME_KERNEL) as mount:
            self.assert_same_tree(sections["tree"], session.dump_tree(mount))
            writes = [("pmem0", 5, 0, 4096), ("pmem1", 6, 16, 999)]
            self.assertEqual([], patterns.check_all(mount.join("dev"), writes))

    def test_an_e820_range(self):
        sections = guest.run(
            [],
            E820,
            [mounting.program("tools/nvdimmfs")],
            kernel_arguments="memmap=64M!0x20000000",
        )
        self.assert_same_tree(sections["tree"], sections["mine"])


if __name__ == "__main__":
    runner.main()
