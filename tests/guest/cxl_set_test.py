# SPDX-License-Identifier: Apache-2.0
"""Interleave sets against a real kernel: regions over two and four CXL devices of a guest.

The guest builds the region with `cxl create-region`; on the host, a topology file describes the same set of the same
files. What one side configures and fills, the other must show and read alike. Where the stripes are
decoded (at the root, over host bridges, or in a bridge, over its ports) must make no difference.
Every access to such a device is emulated, reads byte by byte: the patterns are small.
"""

import os
import re
import uuid

from tests.support import guest, mounting, patterns, runner, session, trees

MIB = 1 << 20
DEVICE_SIZE = 256 * MIB
LSA_SIZE = MIB
SERIALS = [0x1234567, 0x89ABCDEF01, 0x7000000000000003, 42]

MODES = {
    "rawvol": "mode=raw",
    "db": "mode=sector sector_size=4096",
    "fsd": "mode=fsdax",
    "devd": "mode=devdax",
}

# Makes the region with its targets in the order of SERIALS, whatever numbers the devices have.
CREATE_REGION = """
modprobe cxl_pmem
by_serial() {{
  cxl list -M | tr -d ' \\n' | sed 's/{{/\\n/g' | sed -n 's/.*"memdev":"\\([^"]*\\)".*"serial":'$1'[,}}].*/\\1/p'
}}
for _ in 1 2 3 4 5 6 7 8 9 10; do
  targets=""
  for serial in {serials}; do targets="$targets $(by_serial $serial)"; done
  [ $(echo $targets | wc -w) = {ways} ] && break
  sleep 1
done
try cxl create-region -m -d decoder0.0 -w {ways} -g {granularity} $targets >/dev/null
nd=/sys/bus/nd/devices
cat $nd/ndbus0/wait_probe >/dev/null
block() {{ # ALT_NAME -> the block device of that namespace
  for ns in $nd/namespace*; do
    [ "$(cat $ns/alt_name)" = "$1" ] || continue
    holder=$(cat $ns/holder)
    ls $nd/${{holder:-${{ns##*/}}}}/block
  done
}}
fill() {{ # ALT_NAME SEED FIRST COUNT
  try pat write /dev/$(block $1) $2 $3 $4 && echo "fill $*"
}}
echo "resource $(cat $nd/region0/resource) $(cat $nd/region0/target_node)"
"""

CONFIGURE = """
section configure
try ndctl create-namespace -m raw -s 32M -n rawvol >/dev/null
try ndctl create-namespace -m sector -l 4096 -s 32M -n db >/dev/null
try ndctl create-namespace -m fsdax -M dev -s 32M -n fsd >/dev/null
try ndctl create-namespace -m devdax -M dev -s 32M -n devd >/dev/null
fill rawvol 1 0 700
fill rawvol 2 77 33
fill rawvol 5 65400 64
fill db 3 5 600
fill fsd 4 60000 700
"""


class Devices:
    """The files of a guest's CXL devices, and how they are described to QEMU and in a topology file."""

    def __init__(self, folder, ways, granularity, bridges):
        self.folder, self.ways, self.granularity, self.bridges = folder, ways, granularity, bridges
        for i in range(ways):
            for name, size in ((f"pm{i}.raw", DEVICE_SIZE), (f"pm{i}.lsa", LSA_SIZE)):
                with open(os.path.join(folder, name), "wb") as out:
                    out.truncate(size)

    def qemu(self):
        arguments = []
        for bridge in range(self.bridges):
            arguments += ["-device", f"pxb-cxl,bus_nr={12 + 100 * bridge},bus=pcie.0,id=cxl.{bridge}"]
            # QEMU decodes nothing in a bridge with a single port, so it gets a second one.
            for port in range(max(2, self.ways // self.bridges)):
                name = f"cxl-rp,port={port},bus=cxl.{bridge},id=rp{bridge}.{port}"
                arguments += ["-device", f"{name},chassis={bridge},slot={port + 2}"]
        for i in range(self.ways):
            for kind, size in (("raw", DEVICE_SIZE), ("lsa", LSA_SIZE)):
                path = os.path.join(self.folder, f"pm{i}.{kind}")
                backend = f"memory-backend-file,id={kind}{i},share=on,mem-path={path},size={size}"
                arguments += ["-object", backend]
            place = f"rp{i % self.bridges}.{i // self.bridges}"
            device = f"cxl-type3,bus={place},memdev=raw{i},lsa=lsa{i},id=pm{i},sn={SERIALS[i]}"
            arguments += ["-device", device]
        targets = [f"cxl-fmw.0.targets.{i}=cxl.{i}" for i in range(self.bridges)]
        window = ",".join(targets + ["cxl-fmw.0.size=4G"])
        if self.bridges > 1:
            window += f",cxl-fmw.0.interleave-granularity={self.granularity}"
        return arguments + ["-M", window]

    def boot(self, script):
        setup = CREATE_REGION.format(
            serials=" ".join(str(serial) for serial in SERIALS[: self.ways]),
            ways=self.ways,
            granularity=self.granularity,
        )
        return guest.run(self.qemu(), setup + script, machine="q35,cxl=on")

    def topology(self, resource, target_node):
        text = '[[bus]]\nprovider = "CXL"\n'
        names = [f"pm{i}.raw" for i in range(self.ways)]
        for i, name in enumerate(names):
            text += f'[[bus.dimm]]\nimage = "{name}"\nlabels = "pm{i}.lsa"\nserial = {SERIALS[i]}\n'
        text += f"[[bus.region]]\ndimms = {names}\ngranularity = {self.granularity}\n"
        text += f"spa = {resource}\ntarget_node = {target_node}\n"
        path = os.path.join(self.folder, "cxl.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path


def fills(text):
    return re.findall(r"^fill (\S+) (\d+) (\d+) (\d+)$", text, re.MULTILINE)


class CxlTest(mounting.MountTestCase):
    limit = 280

    def assert_same_tree(self, sections, mount, options=None):
        kernel = trees.with_dimms_in_order(sections["tree"])
        differences = trees.differences(kernel, session.dump_tree(mount), options == "ro")
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def expect(self, writer, text):
        for name, seed, first, count in fills(text):
            writer.writes.append((name, int(seed), int(first), int(count)))

    def topology_of(self, devices, sections):
        resource, node = re.search(r"^resource (\S+) (\S+)$", sections[""], re.MULTILINE).groups()
        return devices.topology(resource, node)

    def check_here(self, mount, writer):
        wrong = patterns.check_all(mount.join("dev"), writer.expected(mount))
        self.assertEqual([], wrong)

    def checks_for_guest(self, mount, writer):
        return "".join(
            f"try pat check /dev/{node} {seed} {first} {count}\n"
            for node, seed, first, count in writer.expected(mount)
        )

    def change_here(self, mount, writer):
        """Typical changes by a user: new contents, a namespace removed, a larger one in its place."""
        writer.write(mount, "rawvol", 11, 500, 300)
        writer.write(mount, "db", 12, 64, 96)
        writer.write(mount, "fsd", 13, 8, 400)
        gone = session.namespaces(mount)["devd"]
        mount.write(gone, session.REGION, "x/destroy")
        mount.write("size=48M mode=raw name=late", session.REGION, "x/create")
        writer.write(mount, "late", 14, 65530, 500)

    def test_a_kernels_two_way_set_goes_there_and_back(self):
        """Two ports of one bridge, 1 KiB: configured by the kernel, then by nvdimmfs, then by the kernel again."""
        devices = Devices(self.scratch, ways=2, granularity=1024, bridges=1)
        writer = session.Writer()
        first = devices.boot(CONFIGURE)
        self.expect(writer, first["configure"])
        with mounting.Mount(self.topology_of(devices, first)) as mount:
            self.assertEqual(sorted(MODES), sorted(session.namespaces(mount).keys() - {""}))
            self.check_here(mount, writer)
            self.change_here(mount, writer)
        with mounting.Mount(self.topology_of(devices, first), "ro") as mount:
            checks = self.checks_for_guest(mount, writer)
        second = devices.boot("section tree\ndumptree\nsection bytes\n" + checks)
        with mounting.Mount(self.topology_of(devices, second), guest.SAME_KERNEL) as mount:
            self.assert_same_tree(second, mount)
            self.check_here(mount, writer)

    def make_here(self, devices):
        """Blank devices, configured and filled on the host, must be shown and read alike by a kernel."""
        writer = session.Writer()
        with mounting.Mount(devices.topology(0x6D0000000, 1)) as mount:
            for name, mode in MODES.items():
                mount.write(f"size=32M {mode} name={name}", session.REGION, "x/create")
            for seed, name in enumerate(("rawvol", "db", "fsd"), start=21):
                writer.write(mount, name, seed, 3, 500)
                writer.write(mount, name, seed + 10, 50001, 100)
            checks = self.checks_for_guest(mount, writer)
        late = f"try ndctl create-namespace -m raw -s 32M -n late -u {uuid.uuid4()} >/dev/null\n"
        sections = devices.boot(
            "section tree\ndumptree\nsection bytes\n"
            + checks
            + "section change\nfill rawvol 41 400 200\nfill db 42 0 64\n"
            + late
            + "fill late 43 0 100\n"
        )
        topology = self.topology_of(devices, sections)
        # Before its changes, the guest had what a mount before its boot showed.
        self.expect(writer, sections["change"])
        with mounting.Mount(topology) as mount:
            self.check_here(mount, writer)
            mount.write(session.namespaces(mount)["late"], session.REGION, "x/destroy")
        with mounting.Mount(topology, guest.SAME_KERNEL) as mount:
            self.assert_same_tree(sections, mount)

    def test_our_two_way_set_over_two_bridges_reads_the_same_there(self):
        self.make_here(Devices(self.scratch, ways=2, granularity=256, bridges=2))

    def test_our_four_way_set_reads_the_same_there(self):
        self.make_here(Devices(self.scratch, ways=4, granularity=4096, bridges=1))


if __name__ == "__main__":
    runner.main()
