# SPDX-License-Identifier: Apache-2.0
"""daxctl, and the arenas of a BTT in debugfs: each expected answer is one that a 6.1 kernel gave."""

import json
import os

from tests.shell import shells
from tests.support import images, runner

MIB = 1 << 20

# A namespace of 64 MiB, with 512-byte sectors.
ARENA = """dataoff 0x0000000000001000
external_lba_start 0x0000000000000000
external_lbasize 512
external_nlba 0x0001fac8
flags 0x00000000
info2off 0x0000000003ffe000
infooff 0x0000000000000000
internal_lbasize 512
internal_nlba 0x0001fbc8
log_index_0 0
log_index_1 1
logoff 0x0000000003ffa000
mapoff 0x0000000003f7b000
nextoff 0x0000000000000000
nfree 256
size 0x0000000003fff000
version_major 1
version_minor 1
"""


class DaxctlTest(shells.ShellTestCase):
    programs = ("ndctl", "daxctl")

    def setUp(self):
        super().setUp()
        self.image = images.initialised(self.scratch_path("dimm.img"), 1024 * MIB, 128 << 10, 1)

    def shell(self, script):
        """The output of the script. There are dax0.0, which has two memory blocks, and dax0.1."""
        devices = """ndctl create-namespace -m devdax -s 400M >&2
            ndctl create-namespace -m devdax -s 64M >&2
            """
        return self.output_of(self.image, "sh", "-ec", devices + script, cwd=self.scratch)

    def listed(self, script):
        return {device["chardev"]: device for device in json.loads(self.shell(script))}

    def test_a_device_is_disabled_and_enabled(self):
        script = """daxctl disable-device dax0.0 >&2
            ! head -c 1 /dev/dax0.0; daxctl list -Di >listed
            daxctl enable-device dax0.0 >&2; head -c 1 /dev/dax0.0 >/dev/null; daxctl list"""
        after = self.listed(script)
        with open(self.scratch_path("listed"), encoding="utf-8") as source:
            before = {device["chardev"]: device for device in json.load(source)}
        self.assertEqual("disabled", before["dax0.0"]["state"])
        self.assertNotIn("state", before["dax0.1"])
        self.assertNotIn("state", after["dax0.0"])

    def test_system_ram(self):
        script = """daxctl reconfigure-device -N -m system-ram dax0.0 >&2
            daxctl list -d dax0.0 >offline
            daxctl online-memory dax0.0 >&2; daxctl list -d dax0.0 >online
            ! ndctl disable-namespace namespace0.0 >&2
            ! daxctl reconfigure-device -m devdax dax0.0 >&2
            daxctl offline-memory dax0.0 >&2
            daxctl reconfigure-device -m devdax dax0.0 >&2
            daxctl reconfigure-device -m system-ram dax0.0 >&2
            daxctl reconfigure-device -f -m devdax dax0.0 >&2; daxctl list"""
        self.assertEqual("devdax", self.listed(script)["dax0.0"]["mode"])
        for name, blocks in (("offline", 0), ("online", 2)):
            with open(self.scratch_path(name), encoding="utf-8") as source:
                device = json.load(source)[0]
            self.assertEqual(("system-ram", blocks, 2), tuple(
                device[key] for key in ("mode", "online_memblocks", "total_memblocks")))

    def test_system_ram_that_a_kernel_refuses(self):
        script = """! daxctl reconfigure-device -m system-ram dax0.1 >&2
            cat /sys/bus/dax/devices/dax0.1/x/last_error
            echo online >/sys/devices/system/memory/auto_online_blocks
            ! daxctl reconfigure-device -m system-ram dax0.0 2>&1"""
        shown = self.shell(script)
        self.assertIn("no whole block of 134217728 bytes", shown)
        self.assertIn("kernel policy will auto-online memory", shown)

    def test_the_hosts_memory_stays_the_hosts(self):
        policy = "/sys/devices/system/memory/auto_online_blocks"
        if not os.path.exists(policy):
            self.skipTest("no blocks of memory on this machine")
        with open(policy, encoding="utf-8") as source:
            before = source.read()
        self.shell(f"echo online_movable >{policy}; ls /sys/devices/system/node/node0/cpulist >&2")
        with open(policy, encoding="utf-8") as source:
            self.assertEqual(before, source.read())

    def test_the_arenas_of_a_btt(self):
        script = """ndctl create-namespace -m sector -l 512 -s 64M >&2
            cd /sys/kernel/debug/btt/btt0.0/arena0; for f in *; do echo $f $(cat $f); done
            grep -q debugfs /proc/mounts
            ndctl disable-namespace namespace0.2 >&2; ls /sys/kernel/debug/btt"""
        self.assertEqual(ARENA, self.shell(script))

    def test_modules_can_be_asked_for(self):
        self.assertIn("kmem", self.shell("modinfo kmem"))


if __name__ == "__main__":
    runner.main()
