# SPDX-License-Identifier: Apache-2.0
"""virtio-pmem: the daemon in a guest, over the kernel's disk and with a driver of its own; and the daemon
on the host, with its namespace as a guest's device.

A flush in the guest must reach the media: QEMU and the daemon are killed after it. (A DIMM in QEMU has
no flush: its stores are in the host's page cache, and outlive QEMU.)
"""

import os
import signal

from tests.support import guest, images, mounting, patterns, runner, session, trees

MIB = images.MIB

GUEST = """
mkdir -p /mnt
section disk
try serve virtio-pmem:/dev/pmem0
dumptree /mnt
refused EBUSY nvdimmfs virtio-pmem:/dev/pmem0 /tmp
try pat write /mnt/dev/pmem0 3 0 5000
try dd if=/dev/zero of=/mnt/dev/pmem0 bs=4096 seek=2000 count=1 conv=notrunc,fsync
try leave

section kernel
dumptree
try pat check /dev/pmem0 3 0 5000

section refusals
modprobe loop; refused virtio.kind nvdimmfs virtio-pmem:/dev/loop0 /mnt
refused virtio.pci nvdimmfs virtio-pmem:0000:77:00.0 /mnt
for device in /sys/bus/pci/devices/*; do
  [ "$(cat $device/device)" = 0x105b ] && pci=${device##*/}
done
refused virtio.bound nvdimmfs virtio-pmem:$pci /mnt

section own
try sh -c "echo $pci > /sys/bus/pci/devices/$pci/driver/unbind"
refused virtio.memory nvdimmfs virtio-pmem:$pci /mnt
echo 2 >/proc/sys/vm/nr_hugepages
try serve virtio-pmem:$pci
refused virtio.busy nvdimmfs virtio-pmem:$pci /tmp
cat /mnt/ndbus0/provider
try pat check /mnt/dev/pmem0 3 0 5000
try pat write /mnt/dev/pmem0 4 6000 5000
for i in 1 2 3 4 5 6 7 8; do
  dd if=/dev/zero of=/mnt/dev/pmem0 bs=512 seek=$((20000 + i)) count=1 conv=notrunc,fsync 2>/dev/null &
  jobs="$jobs $!"
done
for job in $jobs; do try wait $job; done
# A BTT over it, with a flush at each of its steps.
try leave
try serve virtio-pmem:$pci,durability=power
echo namespace0.0 >/mnt/bus/nd/drivers/nd_pmem/unbind
btt=/mnt/bus/nd/devices/$(cat /mnt/bus/nd/devices/region0/btt_seed)
try sh -c "echo 4096 > $btt/sector_size"
try sh -c "echo 6d4a3d4e-4f6f-4c1c-9f0e-000000000001 > $btt/uuid"
try sh -c "echo namespace0.0 > $btt/namespace"
try sh -c "echo ${btt##*/} >/mnt/bus/nd/drivers/nd_pmem/bind"
try pat write /mnt/dev/pmem0s 5 0 800
try leave

section handed-back
try sh -c "echo $pci > /sys/bus/pci/drivers/virtio-pci/bind"
for i in $(seq 100); do [ -e /dev/pmem0s ] && break; sleep 0.1; done
# Read only: Linux 6.1 sleeps in the flush of a BTT's write, under a spinlock, and dies of it.
try pat check /dev/pmem0s 5 0 800

section removed
try sh -c "echo $pci > /sys/bus/pci/devices/$pci/driver/unbind"
try serve virtio-pmem:$pci -o ro
try pat check /mnt/dev/pmem0s 5 0 800
leave
try serve virtio-pmem:$pci
try pat write /mnt/dev/pmem0s 6 0 80
# The function goes away under the mount (its registers then read as ones).
try sh -c "printf '\\\\000\\\\000' | dd of=/sys/bus/pci/devices/$pci/config bs=1 seek=4 conv=notrunc 2>/dev/null"
refused Input/output dd if=/dev/zero of=/mnt/dev/pmem0s bs=4096 count=1 conv=notrunc,fsync
umount /mnt
for i in $(seq 300); do pidof nvdimmfs >/dev/null || break; sleep 0.1; done
! pidof nvdimmfs || echo "@@FAILED the daemon did not end"
"""

# Writes, flushes, reports it, and continues without flushing until it is killed.
FLUSHING = """
section ready
for node in /dev/pmem0 /dev/pmem1; do
  try pat write $node 21 0 4000
  try dd if=/dev/zero of=$node bs=4096 seek=4000 count=1 conv=notrunc,fsync
done
echo "@@FLUSHED"
while :; do pat write /dev/pmem0 22 8000 64 >/dev/null; done
"""


class VirtioTest(mounting.MountTestCase):
    limit = 290

    def test_disk_and_own_driver(self):
        image = images.blank(self.scratch_path("virtio.img"), 256 * MIB, 0)
        sections = guest.run(
            guest.virtio_pmem(image), GUEST, [mounting.program("tools/nvdimmfs")], seconds=2 * guest.SECONDS
        )
        differences = trees.differences(sections["kernel"], sections["disk"])
        self.assertEqual([], differences, "\n" + "\n".join(differences))
        self.assertIn("virtio-pmem\n", sections["own"])

    def test_a_flush_in_the_guest_reaches_the_hosts_media(self):
        """Namespaces of a mount are a virtio-pmem device and a DIMM; then everything is killed."""
        image = images.create(self.scratch_path("host.img"), 256 * MIB, 128 << 10)
        mount = mounting.Mount(image)
        with mount:
            for name in ("virtio", "dimm"):
                mount.write(f"size=64M mode=raw name={name}", session.REGION, "x/create")
        mount = mounting.Mount(image)
        mount.__enter__()
        self.addCleanup(mount.close)
        arguments = guest.virtio_pmem(mount.join("dev/by-name/virtio"), 1)
        arguments += guest.nvdimm(mount.join("dev/by-name/dimm"), 0)
        with guest.Running(arguments, FLUSHING) as running:
            running.await_line("@@FLUSHED", 160)
            running.kill()
        node = os.open(mount.join("dev/by-name/dimm"), os.O_RDWR)
        os.fsync(node)
        os.close(node)
        mount.daemon.send_signal(signal.SIGKILL)
        mount.daemon.wait(20)
        mounting.unmount(mount.path)
        with mounting.Mount(image, "ro") as after:
            for name in ("virtio", "dimm"):
                node = after.join("dev/by-name", name)
                self.assertEqual("", patterns.run("check", node, 21, 0, 4000))


if __name__ == "__main__":
    runner.main()
