# SPDX-License-Identifier: Apache-2.0
"""The daemon in a guest, on CXL memory devices: alone, and interleaved with another.

While cxl_pmem is not loaded, the daemon has the devices' label areas and the region's addresses. Then the
kernel's own stack takes over, finds what was configured and written, and makes a namespace of its own, which
the daemon finds in turn. In between, the daemon works through the kernel's disabled DIMMs.
"""

from tests.support import guest, images, mounting, runner, trees

MIB = images.MIB

# WAYS memory devices make region0. The kernel's cxl_pmem is not loaded.
CONFIGURE = """
mkdir -p /mnt
region=/mnt/bus/nd/devices/region0

section identity
try serve cxl:/dev/cxl/mem0
cat /mnt/bus/nd/devices/nmem0/x/identity /mnt/bus/nd/devices/nmem0/cxl/id
[ -e $region ] && echo "@@FAILED a region before there is one"
refused "Inappropriate ioctl" cat /mnt/bus/nd/devices/nmem0/x/health
refused sanitize sh -c "echo 1 >/mnt/bus/nd/devices/nmem0/x/sanitize || cat /mnt/bus/nd/devices/nmem0/x/last_error; false"
[ $(wc -c < /mnt/dev/nmem0) = 1048576 ] || echo "@@FAILED size of the label area"
try leave

section refusals
refused cxl.kind nvdimmfs cxl:/dev/null /mnt
refused cxl.labels nvdimmfs cxl:/dev/cxl/mem0,labels=tail /mnt
refused image.open nvdimmfs cxl:/dev/cxl/mem9 /mnt

section made
try cxl create-region -m -d decoder0.0 -w WAYS -g 256 MEMDEVS >/dev/null
try serve cxl:/dev/cxl/mem0
refused image.busy nvdimmfs cxl:/dev/cxl/mem0 /tmp
cat /mnt/ndbus0/provider
try sh -c "echo 'size=16M mode=raw name=db' > $region/x/create"
try sh -c "echo 'size=16M mode=sector name=log' > $region/x/create"
for name in db log; do try pat write /mnt/dev/by-name/$name 7 3 200; done
try pat write /mnt/dev/by-name/log 8 100 50
sync
try leave

section mine
try serve cxl:/dev/cxl/mem0 -o ro
dumptree /mnt
try leave

section kernel
try modprobe cxl_pmem
for i in $(seq 100); do [ -e /dev/pmem0 ] && break; sleep 0.1; done
cat /sys/bus/nd/devices/ndbus*/wait_probe >/dev/null
sleep 1
dumptree

section bytes
try ndctl list -N
try pat check /dev/RAW 7 3 200
try pat check /dev/SECTOR 8 100 50
try pat check /dev/SECTOR 7 150 53
try ndctl check-namespace -f $(cd /sys/bus/nd/devices; dirname $(grep -lx log namespace*/alt_name))

section owned
refused cxl.lsa.owned nvdimmfs cxl:/dev/cxl/mem0 /mnt
try serve cxl:/dev/cxl/mem0 -o ro
cat $region/namespace0.0/alt_name
refused Read-only sh -c "echo 0 > $region/namespace0.0/size"
try leave

section lent
# The kernel's DIMMs, disabled, carry labels to the devices while cxl_pmem has them.
try ndctl disable-region all
refused "ndctl disable-dimm nmem" nvdimmfs cxl:/dev/cxl/mem0 /mnt
try ndctl disable-dimm all
try serve cxl:/dev/cxl/mem0
try pat check /mnt/dev/by-name/db 7 3 200
try sh -c "echo 'size=16M mode=raw name=lent' > $region/x/create"
try pat write /mnt/dev/by-name/lent 5 0 50
try leave
try ndctl enable-dimm all
try ndctl enable-region all
try pat check /dev/$(ls /sys/bus/nd/devices/$(cd /sys/bus/nd/devices; dirname $(grep -lx lent namespace*/alt_name))/block) 5 0 50

section inside
# One of the kernel's namespaces is a device of its own for the daemon.
try ndctl create-namespace -m devdax -M mem -s 32M -a 2M -n inner >/dev/null
if [ WAYS = 1 ]; then
  try serve cxl:/dev/cxl/mem0,data=$(ls /dev/dax*),labels=tail
  cat /mnt/ndbus0/provider
  try sh -c "echo 'size=16M mode=sector name=in' > $region/x/create"
  try pat write /mnt/dev/by-name/in 9 0 50
  try leave
  try serve cxl:/dev/cxl/mem0,data=$(ls /dev/dax*) -o ro,labels=tail
  ls /mnt/dev/by-name
  try pat check /mnt/dev/by-name/in 9 0 50
  try leave
fi
try ndctl create-namespace -m raw -s 16M -n kernels >/dev/null
try pat write /dev/$(ls /sys/bus/nd/devices/$(cd /sys/bus/nd/devices; dirname $(grep -lx kernels namespace*/alt_name))/block) 11 0 100

section released
try ndctl disable-region all
try rmmod cxl_pmem
try serve cxl:/dev/cxl/mem0
ls /mnt/dev/by-name
try pat check /mnt/dev/by-name/kernels 11 0 100
try pat check /mnt/dev/by-name/db 7 3 200
cat $region/available_size
try leave

section vanished
# The kernel lets go of the device, and so of the region, under the mount.
try serve cxl:/dev/cxl/mem0
try sh -c "echo mem0 >/sys/bus/cxl/drivers/cxl_mem/unbind"
refused Input/output dd if=/dev/zero of=/mnt/dev/by-name/db bs=4096 count=1 conv=notrunc,fsync
echo 'size=16M mode=raw name=late' >$region/x/create || cat $region/x/last_error
umount /mnt
for i in $(seq 100); do pidof nvdimmfs >/dev/null || break; sleep 0.1; done
! pidof nvdimmfs || echo "@@FAILED the daemon did not end"
"""


class CxlTest(mounting.MountTestCase):
    limit = 290

    def devices(self, count):
        arguments = ["-device", "pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1"]
        for number in range(count):
            data = images.blank(self.scratch_path(f"data{number}"), 256 * MIB, 0)
            labels = images.blank(self.scratch_path(f"labels{number}"), MIB, 0)
            arguments += guest.cxl(data, labels, number, 0x1234 + number)
        # A second port: QEMU drops all accesses below a bridge with a single one, which has no decoders.
        arguments += ["-device", "cxl-rp,port=9,bus=cxl.1,id=rp9,chassis=0,slot=11"]
        return arguments + ["-M", "cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G"]

    def run_guest(self, ways):
        script = (
            CONFIGURE.replace("WAYS", str(ways))
            .replace("MEMDEVS", " ".join(f"mem{n}" for n in range(ways)))
            .replace("RAW", "pmem0")
            .replace("SECTOR", "pmem0.1s")
        )
        return guest.run(
            self.devices(ways),
            script,
            [mounting.program("tools/nvdimmfs")],
            seconds=2 * guest.SECONDS,
            machine="q35,cxl=on",
        )

    def check(self, ways):
        sections = self.run_guest(ways)
        self.assertIn("persistent: 268435456\n", sections["identity"])
        self.assertIn("firmware: BWFW VERSION 00\n", sections["identity"])
        self.assertIn("label_storage_size: 1048576\n", sections["identity"])
        self.assertIn("CXL\n", sections["made"])
        kernel, mine = (trees.with_dimms_in_order(sections[name]) for name in ("kernel", "mine"))
        differences = trees.differences(kernel, mine, read_only=True)
        # Since Linux 6.2, the kernel also has the group cxl. It invents the window's target_node, and
        # shows it only once there is an nd region.
        known = ("nmem0/cxl", "nmem1/cxl", "/target_node: ")
        differences = [line for line in differences if not any(word in line for word in known)]
        self.assertEqual([], differences, "\n" + "\n".join(differences))
        self.assertIn("db\n", sections["owned"])
        self.assertIn("region0/x/create: ", sections["vanished"])
        return sections

    def test_one_device(self):
        sections = self.check(1)
        self.assertIn("in\n", sections["inside"])
        self.assertIn("kernels", sections["released"])

    def test_two_interleaved_devices(self):
        sections = self.check(2)
        self.assertIn("kernels", sections["released"])


if __name__ == "__main__":
    runner.main()
