# SPDX-License-Identifier: Apache-2.0
"""The same attribute writes, on a mount and in a real kernel, give the same answers and the same media.

There is one target for each kernel that can be shown; GUEST_KERNEL says which.

Each script (sequences/*.seq, and some random ones of random_sequence.py) has a DIMM of its own, in one guest
and in one mount of equal images. Both carry the scripts out one after the other. These must be equal: every
result and errno, the tree at the end, and every byte of the images. What a 6.1 kernel answers to
sequences/*.seq is also kept next to them (recorded_test.py). In the same guest, the daemon mounts images
(fuse_steps.py).
"""

import dataclasses
import os
import re
import tempfile
import unittest

from tests.guest import fuse_steps, random_sequence, sequences
from tests.support import guest, images, mounting, runner, session, trees

# (kernel, script): why it is not compared.
EXCEPTIONS = {
    ("7.3", "alignment"): "a defect of 7.3: it writes an info block whose data would start behind the namespace",
}

# Seeds of the random scripts; NVDIMMFS_SEEDS="7 8 9" tries others.
SEEDS = os.environ.get("NVDIMMFS_SEEDS", "1 2 3 4").split()

# QEMU 7.2's first DIMM of a guest with 1 GiB of memory; each further one follows without a gap.
FIRST_ADDRESS = 4 << 30

# Carries out the script of each slot. A script calls its DIMM nmem0 and its region region0; the kernel may
# number both otherwise. The console of a guest is slow, so the output is compressed first.
GUEST_SCRIPT = """
number_of_dimm() { # SLOT
  for dimm in /sys/bus/nd/devices/nmem*; do
    [ $(($(cat $dimm/nfit/handle))) != $(($1 + 1)) ] || echo ${dimm##*nmem}
  done
}
number_of_region() { # DIMM
  for region in /sys/bus/nd/devices/region*; do
    case $(cat $region/mapping0) in nmem$1,*) echo ${region##*region};; esac
  done
}
carry_out() { # SLOT NAME
  echo "$2" >/dev/console
  dimm=$(number_of_dimm $1)
  region=$(number_of_region $dimm)
  section $2
  echo "$dimm $region"
  sed -E "s/nmem0/nmem$dimm/g; s/region0/region$region/g; s/(namespace|btt|pfn|dax)0[.]/\\1$region./g" /x/$2.seq >/tmp/seq
  try replay /sys /tmp/seq
}
"""

# A mount has the drivers of the bus dax whether or not their modules are loaded.
DAX_DRIVERS = """
for module in device_dax kmem fsdev_dax; do modprobe $module 2>/dev/null; done
section dax
ls /sys/bus/dax/drivers
"""


@dataclasses.dataclass
class Script:
    """One script and its DIMM, in slot `slot` of the guest."""

    slot: int
    name: str
    path: str
    kind: str
    label_size: int
    here: str = ""
    there: str = ""
    dimm: int = -1  # the guest's kernel gave it these numbers
    region: int = -1
    kernel_answers: str = ""
    mount_answers: str = ""


def of_numbers(text, dimm, region):
    """A script with the numbers of its DIMM and region, as the guest's script makes it."""
    text = text.replace("nmem0", f"nmem{dimm}").replace("region0", f"region{region}")
    return re.sub(r"(namespace|btt|pfn|dax)0\.", rf"\g<1>{region}.", text)


def data_ranges(descriptor):
    """The ranges (start, end) of a file that may hold bytes other than zeros."""
    end, size = 0, os.fstat(descriptor).st_size
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def differing_ranges(one, other, opaque=()):
    """Where two images of equal size differ: the offsets of the first ten 4 KiB blocks, in hexadecimal.

    Blocks in the ranges (offset, length) of `opaque` are not compared.
    """
    offsets = set()
    with open(one, "rb") as a, open(other, "rb") as b:
        ranges = [*data_ranges(a.fileno()), *data_ranges(b.fileno())]
        for start, end in ranges:
            for offset in range(start & -4096, end, images.MIB):
                left, right = (os.pread(f.fileno(), images.MIB, offset) for f in (a, b))
                if left == right:
                    continue
                for block in range(0, len(left), 4096):
                    if left[block : block + 4096] != right[block : block + 4096]:
                        offsets.add(offset + block)
    told = [o for o in sorted(offsets) if not any(0 <= o - start < length for start, length in opaque)]
    return [hex(offset) for offset in told[:10]]


class Comparison:
    """Both sides, carried out once for all cases of the module."""

    def __init__(self, scratch):
        self._scratch = scratch
        self.scripts = []
        for name in sequences.names():
            if (guest.KERNEL, name) not in EXCEPTIONS:
                self._add(name, sequences.path(name), *sequences.image_of(name))
        for number, seed in enumerate(SEEDS):
            path = os.path.join(scratch, f"random_{seed}.seq")
            with open(path, "w", encoding="utf-8") as out:
                out.write(random_sequence.generate(int(seed)))
            self._add(f"random_{seed}", path, "v1.1" if number % 2 else "v1.2", 128 << 10)
        self._run_guest()
        self._run_mount()

    def script(self, name):
        return next(script for script in self.scripts if script.name == name)

    def _add(self, name, path, kind, label_size):
        script = Script(len(self.scripts), name, path, kind, label_size)
        for side in ("here", "there"):
            image = os.path.join(self._scratch, f"{name}.{side}")
            setattr(script, side, sequences.make_image(image, kind, label_size, script.slot))
        self.scripts.append(script)

    def _run_guest(self):
        devices = [
            word for script in self.scripts for word in guest.nvdimm(script.there, script.label_size, script.slot)
        ]
        steps = [f"carry_out {script.slot} {script.name}\n" for script in self.scripts]
        script = "".join(steps) + f"section tree\ndumptree\n{DAX_DRIVERS}" + fuse_steps.SCRIPT
        self.sections = guest.run(
            devices,
            GUEST_SCRIPT + guest.packed(script),
            [script.path for script in self.scripts] + fuse_steps.files(),
            memory=f"1G,slots={len(self.scripts)},maxmem=64G",
        )
        for script in self.scripts:
            numbers, _, script.kernel_answers = self.sections[script.name].partition("\n")
            script.dimm, script.region = map(int, numbers.split())

    def _topology(self):
        """The guest's DIMMs and regions, in the order in which its kernel numbered them."""
        addresses, next_address = {}, FIRST_ADDRESS
        for script in self.scripts:
            addresses[script.slot] = next_address
            next_address += os.path.getsize(script.here) - script.label_size
        lines = ["[[bus]]"]
        for script in sorted(self.scripts, key=lambda script: script.dimm):
            lines += ["[[bus.dimm]]", f'image = "{script.here}"', f"slot = {script.slot}"]
            lines += [f"label_size = {script.label_size}"]
        for script in sorted(self.scripts, key=lambda script: script.region):
            lines += ["[[bus.region]]", f'dimms = ["{script.here}"]']
            lines += [f"spa = {addresses[script.slot]}", f"range_index = {2 * (script.slot + 1)}"]
        path = os.path.join(self._scratch, "guest.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        return path

    def _run_mount(self):
        with mounting.Mount(self._topology(), guest.SAME_KERNEL) as mount:
            for script in self.scripts:
                renamed = os.path.join(self._scratch, "renamed.seq")
                with open(script.path, encoding="utf-8") as text, open(renamed, "w", encoding="utf-8") as out:
                    out.write(of_numbers(text.read(), script.dimm, script.region))
                script.mount_answers = sequences.replay(mount, renamed)
            self.mount_tree = session.dump_tree(mount)
            self.mount_dax_drivers = os.listdir(mount.join("bus/dax/drivers"))


class ParityTest(mounting.MountTestCase):
    comparison = None

    @classmethod
    def setUpClass(cls):
        reason = mounting.why_not_mountable()
        if reason:
            raise unittest.SkipTest(reason)
        scratch = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        cls.comparison = Comparison(cls.enterClassContext(scratch))

    def check(self, name):
        if (guest.KERNEL, name) in EXCEPTIONS:
            self.skipTest(EXCEPTIONS[guest.KERNEL, name])
        script = self.comparison.script(name)
        difference = sequences.first_difference(script.kernel_answers, script.mount_answers)
        self.assertFalse(difference, f"the answers differ:\n{difference}")
        opaque = sequences.opaque_of(script.path)
        differing = differing_ranges(script.here, script.there, opaque)
        self.assertEqual([], differing, "the media differ at these offsets")

    def test_the_trees_are_equal(self):
        differences = trees.differences(self.comparison.sections["tree"], self.comparison.mount_tree)
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def test_the_drivers_of_the_bus_dax_are_the_kernels(self):
        kernels = self.comparison.sections["dax"].split()
        self.assertEqual(sorted(kernels), sorted(self.comparison.mount_dax_drivers))

    def test_mounts_in_the_guest_use_what_its_kernel_offers(self):
        fuse_steps.check(self, self.comparison.sections, guest.KERNEL)


def add_scripts():
    """One case for each script."""
    for name in sequences.names() + [f"random_{seed}" for seed in SEEDS]:
        setattr(ParityTest, f"test_{name}", lambda self, name=name: self.check(name))


add_scripts()

if __name__ == "__main__":
    runner.main()
