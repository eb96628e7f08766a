# SPDX-License-Identifier: Apache-2.0
"""A guest's second NVDIMM: the kernel finds what was prepared for slot 1, and a mount finds what it made."""

import json
import subprocess

from tests.support import guest, images, mounting, runner, session

MIB = images.MIB
AREA = 128 << 10
FIRST = 100  # MiB: the address after the first DIMM is not at a GiB boundary, and not a multiple of 16 MiB


class SlotsTest(mounting.MountTestCase):
    limit = 280

    def names(self, source):
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "list", "-N", source],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        listed = json.loads(done.stdout or "[]")
        return sorted(ns["name"] for ns in (listed if isinstance(listed, list) else [listed]))

    def topology(self, order):
        """The guest's DIMMs at the guest's addresses."""
        dimms = "".join(f'[[bus.dimm]]\nimage = "{path}"\n' for path in order)
        return '[[bus]]\nlayout = "qemu"\nmemory = "1G"\n' + dimms

    def prepare_aligned(self, order):
        """Makes a namespace aligned to 1 GiB on the last DIMM; {serial: address} of the regions."""
        path = self.scratch_path("before.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.topology(order))
        with mounting.Mount(path) as mount:
            region = f"ndbus0/region{len(order) - 1}"
            mount.write("mode=devdax align=1G map=mem name=aligned", region, "x/create")
            resources = {}
            for number in range(len(order)):
                dimm = mount.read(f"ndbus0/region{number}/mapping0").split(",")[0]
                serial = mount.read(f"bus/nd/devices/{dimm}/nfit/serial").strip()
                resources[serial] = mount.read(f"ndbus0/region{number}/resource").strip()
            return resources

    def test_namespaces_go_to_the_second_slot_and_back(self):
        paths = {}
        for minor in (1, 2):
            for slot in (0, 1):
                size = (FIRST if (minor, slot) == (1, 0) else 128) * MIB
                path = images.initialised(self.scratch_path(f"v{minor}s{slot}.img"), size, AREA, minor)
                with mounting.Mount(path, f"slot={slot}") as mount:
                    mount.write(f"size=16M mode=raw name=here{minor}{slot}", session.REGION, "x/create")
                paths[minor, slot] = path
        last = images.initialised(self.scratch_path("last.img"), 2048 * MIB, AREA, 2)
        order = [paths[1, 0], paths[1, 1], paths[2, 0], paths[2, 1], last]
        resources = self.prepare_aligned(order)
        # Slots 0 and 1 have images prepared for them; 2 and 3 have images that were prepared for other slots.
        devices = [word for slot, path in enumerate(order) for word in guest.nvdimm(path, AREA, slot)]
        sections = guest.run(
            devices,
            """
section names
for ns in /sys/bus/nd/devices/namespace*; do
  name=$(cat $ns/alt_name 2>/dev/null) && [ -n "$name" ] && echo "$(basename $ns) $name"
done
section resources
for region in /sys/bus/nd/devices/region*; do
  dimm=$(cut -d, -f1 <$region/mapping0)
  echo $(cat /sys/bus/nd/devices/$dimm/nfit/serial) $(cat $region/resource)
done
section aligned
for dax in /sys/bus/nd/devices/dax*; do
  [ "$(cat $dax/align)" != 1073741824 ] || [ ! -e $dax/driver ] || echo $(cat $dax/resource) $(cat $dax/size)
done
section create
# The region of the DIMM with a serial number: the kernel numbers neither by slot.
region_of() {
  for dimm in /sys/bus/nd/devices/nmem*; do
    [ "$(cat $dimm/nfit/serial)" = $1 ] || continue
    for region in /sys/bus/nd/devices/region*; do
      case $(cat $region/mapping0) in $(basename $dimm),*) basename $region;; esac
    done
  done
}
try ndctl create-namespace -m raw -s 16M -n guest1 -r $(region_of 0x57341200)
try ndctl create-namespace -m raw -s 16M -n guest3 -r $(region_of 0x59341200)
""",
        )
        found = dict(line.split() for line in sections["names"].splitlines())
        self.assertEqual({"here10", "here11", "aligned"}, set(found.values()), found)
        # The addresses are the layout's, and the kernel takes what is aligned to 1 GiB there.
        self.assertEqual(resources, dict(line.split() for line in sections["resources"].splitlines()))
        self.assertEqual(f"{5 << 30:#x} {1 << 30}\n", sections["aligned"])
        self.assertEqual(["guest1", "here11"], self.names(order[1]))
        # Labels for two slots: `slot=` decides.
        self.assertEqual(["here21"], self.names(f"{order[3]},slot=1"))
        self.assertEqual(["guest3"], self.names(f"{order[3]},slot=3"))
        # The same four in a topology file, in QEMU's order.
        topology = self.scratch_path("box.toml")
        with open(topology, "w", encoding="utf-8") as out:
            out.write(self.topology(order))
        self.assertEqual(["aligned", "guest1", "guest3", "here10", "here11"], self.names(topology))


if __name__ == "__main__":
    runner.main()
