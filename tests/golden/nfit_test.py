# SPDX-License-Identifier: Apache-2.0
"""NFITs, and the trees that a 6.1 kernel made of them: nfit:TABLE shows the same.

How the tables and trees were made: README.md.
"""

import os
import shutil
import subprocess

from tests.golden import nfit_tables
from tests.support import images, mounting, runner, session, trees

MIB = images.MIB
GOLDEN = os.path.abspath("tests/golden/nfit")


def table(name):
    return os.path.join(GOLDEN, f"{name}.nfit")


class NfitTest(mounting.MountTestCase):
    def assert_tree(self, name, source, options=None):
        with mounting.Mount(source, f"{options},kernel=6.1" if options else "kernel=6.1") as mount:
            mine = session.dump_tree(mount)
        with open(os.path.join(GOLDEN, f"{name}.tree"), encoding="utf-8") as golden:
            differences = trees.differences(golden.read(), mine, read_only=options == "ro")
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def test_the_hand_made_tables_are_what_they_are_said_to_be(self):
        for name, written in (("sets", nfit_tables.sets()), ("ranges", nfit_tables.ranges())):
            with open(table(name), "rb") as golden:
                self.assertEqual(golden.read(), written, name)

    def qemu_images(self):
        return [
            images.blank(self.scratch_path("a.img"), 64 * MIB, 128 << 10),
            images.blank(self.scratch_path("b.img"), 32 * MIB, 256 << 10),
        ]

    def test_qemus_own_table(self):
        dimms = ",".join(f"dimm={image}" for image in self.qemu_images())
        self.assert_tree("qemu", f"nfit:{table('qemu')},{dimms}")

    def test_interleave_sets(self):
        self.assert_tree("sets", f"nfit:{table('sets')},label_size=0")

    def test_every_kind_of_range(self):
        self.assert_tree("ranges", f"nfit:{table('ranges')},label_size=0")

    def set_images(self):
        """Images for the DIMMs 1 to 7 of sets.nfit, as large as the table maps them."""
        sizes = [64 * MIB, 17 * MIB, 64 * MIB, 17 * MIB, 17 * MIB, 17 * MIB, MIB]
        return [
            images.blank(self.scratch_path(f"dimm{handle}.img"), size, 0)
            for handle, size in enumerate(sizes, start=1)
        ]

    def test_a_set_is_striped_over_the_images_of_its_dimms(self):
        paths = self.set_images()
        source = f"nfit:{table('sets')},label_size=0," + ",".join(f"dimm={p}" for p in paths)
        # region0: DIMMs 1 and 3 at 256 bytes; region2: 4, 2, 6, 5 at 4096 bytes from DPA 1 MiB on.
        layouts = [("pmem0", 256, [1, 3], 0), ("pmem2", 4096, [4, 2, 6, 5], MIB)]
        with mounting.Mount(source) as mount:
            for node, _, _, _ in layouts:
                with open(mount.join("dev", node), "r+b") as disk:
                    disk.write(b"".join(i.to_bytes(64, "little") for i in range(4096)))
        for node, granularity, handles, start in layouts:
            for i in range(4096):
                stripe, within = divmod(i * 64, granularity)
                row, place = divmod(stripe, len(handles))
                with open(paths[handles[place] - 1], "rb") as image:
                    image.seek(start + row * granularity + within)
                    found = int.from_bytes(image.read(64), "little")
                self.assertEqual(i, found, f"{node} at {i * 64}")

    def test_a_range_is_its_file_and_labels_have_theirs(self):
        ranges = [
            images.blank(self.scratch_path("r0"), 64 * MIB, 0),
            images.blank(self.scratch_path("r1"), 32 * MIB, 0),
        ]
        labels = [
            images.blank(self.scratch_path(f"l{i}"), 128 << 10, 0) for i in range(2)
        ]
        source = f"nfit:{table('qemu')}," + ",".join(
            [f"range={r}" for r in ranges] + [f"labels={l}" for l in labels]
        )
        with mounting.Mount(source) as mount:
            mount.write("size=32M mode=raw name=db", session.REGION, "x/create")
            with open(mount.join("dev/by-name/db"), "r+b") as disk:
                disk.write(b"hello")
        with open(ranges[0], "rb") as data:
            self.assertEqual(b"hello", data.read(5))
        with open(labels[0], "rb") as area:
            self.assertEqual(b"NAMESPACE_INDEX\0", area.read(16))
        with mounting.Mount(source) as mount:
            self.assertEqual("hello", mount.read("dev/by-name/db")[:5])

    def refused(self, source):
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "list", source],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(1, done.returncode, done.stdout)
        return done.stderr

    def test_a_damaged_table_is_refused_with_its_place(self):
        damaged = shutil.copyfile(table("sets"), self.scratch_path("damaged.nfit"))
        with open(damaged, "r+b") as file:
            file.seek(40 + 2)
            file.write(b"\x30")
            file.seek(9)
            checksum = file.read(1)[0]
            file.seek(9)
            file.write(bytes([(checksum + 0x38 - 0x30) & 0xFF]))
        message = self.refused(f"nfit:{damaged}")
        self.assertIn("nfit.length", message)
        self.assertIn("offset 40", message)

    def test_files_must_be_as_many_and_as_large_as_the_table_says(self):
        one, two = self.qemu_images()
        self.assertIn("2 DIMMs", self.refused(f"nfit:{table('qemu')},dimm={one}"))
        self.assertIn("nfit.short", self.refused(f"nfit:{table('qemu')},dimm={two},dimm={one}"))
        self.assertIn("2 regions", self.refused(f"nfit:{table('qemu')},range={one}"))
        self.assertIn("nfit.open", self.refused(f"nfit:{self.scratch}"))


if __name__ == "__main__":
    runner.main()
