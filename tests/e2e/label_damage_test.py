# SPDX-License-Identifier: Apache-2.0
"""Damaged label areas, as users meet them: mounts report them, nothing initialises them, commands repair them."""

import errno
import os
import subprocess

from tests.support import images, mounting, runner

GOLDEN = os.path.abspath("tests/golden")
AREA = 128 << 10
X_CREATE = "ndbus0/region0/x/create"


def nvdimmfs(*arguments):
    return subprocess.run(
        [mounting.program("tools/nvdimmfs"), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class LabelDamageTest(mounting.MountTestCase):
    limit = 600

    def setUp(self):
        super().setUp()
        self.image = images.unpack(f"{GOLDEN}/k12.img.xz", self.scratch_path("k12.img"))
        self.area = os.path.getsize(self.image) - AREA

    def patch(self, *patches):
        """Patches of (offset in the label area, bytes)."""
        with open(self.image, "r+b") as file:
            for offset, data in patches:
                file.seek(self.area + offset)
                file.write(data)

    def flip(self, *offsets):
        with open(self.image, "r+b") as file:
            for offset in offsets:
                file.seek(self.area + offset)
                old = file.read(1)
                file.seek(self.area + offset)
                file.write(bytes([old[0] ^ 0x55]))

    def label_area(self):
        with open(self.image, "rb") as file:
            file.seek(self.area)
            return file.read()

    def refuses(self, mount, line, path=X_CREATE):
        with self.assertRaises(OSError) as caught:
            mount.write(line, *path.split("/"))
        return caught.exception.errno

    def namespaces(self):
        with mounting.Mount(self.image, "ro") as mount:
            return sorted(os.listdir(mount.join("dev", "by-name")))

    def test_a_damaged_area_is_told_kept_and_mended(self):
        whole = self.label_area()
        names = self.namespaces()
        self.assertEqual(5, len(names))
        damages = {
            "a byte of each index block": lambda: self.flip(20, 276),
            "signatures": lambda: self.patch((0, b"x" * 16), (256, b"x" * 16)),
            "first 512 bytes": lambda: self.patch((0, bytes(512))),
            "label sizes": lambda: self.patch((0x13, b"\x20"), (0x113, b"\x19")),
        }
        for name, damage in damages.items():
            with self.subTest(name):
                self.patch((0, whole))
                damage()
                damaged = self.label_area()
                with mounting.Mount(self.image) as mount:
                    self.assertEqual(errno.EUCLEAN, self.refuses(mount, "size=16M"))
                    why = mount.read("ndbus0/region0/x/last_error")
                    for part in ("label.area.damaged", f"nvdimmfs check --repair {self.image}"):
                        self.assertIn(part, why)
                    with self.assertRaises(OSError) as caught:
                        open(mount.join("ndbus0/region0/namespace0.0/uuid"), "w").close()
                    self.assertEqual(errno.EUCLEAN, caught.exception.errno)
                    self.assertIn("label.area.damaged", mount.read("ndbus0/nmem0/x/last_error"))
                self.assertIn("nvdimmfs: note: nmem0: ", mount.log)
                self.assertIn("[label.area.damaged]", mount.log)
                self.assertEqual(damaged, self.label_area())

                checked = nvdimmfs("check", self.image)
                self.assertEqual(4, checked.returncode, checked)
                self.assertIn("[label.area.damaged]", checked.stdout)
                self.assertEqual(damaged, self.label_area())
                planned = nvdimmfs("check", "--dry-run", self.image)
                self.assertIn("; remedy: ", planned.stdout)
                self.assertEqual(damaged, self.label_area())
                mended = nvdimmfs("check", "--repair", self.image)
                self.assertEqual(1, mended.returncode, mended)
                self.assertEqual(names, self.namespaces())
                again = nvdimmfs("check", self.image)
                self.assertEqual(0, again.returncode, again)

    def test_an_area_is_given_up_by_force_alone_and_a_copy_is_kept(self):
        self.flip(20, 276)
        damaged = self.label_area()
        refused = nvdimmfs("init-labels", self.image)
        self.assertEqual(1, refused.returncode)
        self.assertIn("--force", refused.stderr)
        self.assertEqual(damaged, self.label_area())
        forced = nvdimmfs("init-labels", "--force", self.image)
        self.assertEqual(0, forced.returncode, forced)
        with open(self.image + ".labels-1", "rb") as copy:
            self.assertEqual(damaged, copy.read())
        self.assertEqual(0, nvdimmfs("check", self.image).returncode)
        with mounting.Mount(self.image) as mount:
            mount.write("size=16M", X_CREATE)
        # As printed.
        command = forced.stderr[forced.stderr.index("dd if=") :].splitlines()[0]
        subprocess.run(command, shell=True, check=True, capture_output=True)
        self.assertEqual(damaged, self.label_area())
        # An existing file is not overwritten.
        taken = nvdimmfs("init-labels", "--force", "--save", self.image, self.image)
        self.assertEqual(1, taken.returncode)
        self.assertIn("EEXIST", taken.stderr)
        self.assertEqual(damaged, self.label_area())

    def test_labels_in_a_file_of_their_own(self):
        labels = self.scratch_path("area.bin")
        with open(labels, "wb") as file:
            file.write(self.label_area())
        data = self.scratch_path("data.img")
        with open(data, "wb") as file:
            file.truncate(self.area)
        source = f"{data},labels={labels}"
        with open(labels, "r+b") as file:
            file.write(b"x" * 16)
            file.seek(256)
            file.write(b"x" * 16)
        with mounting.Mount(source) as mount:
            self.assertEqual(errno.EUCLEAN, self.refuses(mount, "size=16M"))
            self.assertIn(f"check --repair {source}", mount.read("ndbus0/nmem0/x/last_error"))
        mended = nvdimmfs("check", "--repair", source)
        self.assertIn("mended", mended.stdout)
        self.assertTrue(os.path.exists(labels + ".repair-1"))
        with open(labels, "rb") as file:
            self.assertEqual(self.label_area(), file.read())

    def test_one_byte_of_a_label(self):
        names = self.namespaces()
        self.flip(0x300 + 30)
        with mounting.Mount(self.image) as mount:
            self.assertIn("[label.slot.checksum]", mount.read("ndbus0/nmem0/x/last_error"))
            self.assertEqual(errno.EUCLEAN, self.refuses(mount, "size=16M"))
            self.assertIn("cannot be read", mount.read("ndbus0/region0/x/last_error"))
        self.assertIn("[label.slot.checksum]", mount.log)
        self.assertNotEqual(names, self.namespaces())
        self.assertEqual(1, nvdimmfs("check", "--repair", self.image).returncode & 1)
        self.assertEqual(names, self.namespaces())

    def test_a_label_that_is_gone_is_given_up(self):
        self.patch((0x300, b"x" * 256))
        left = nvdimmfs("check", "--repair", self.image)
        self.assertEqual(4, left.returncode, left)
        self.assertIn(f"init-labels --force --slot 1 {self.image}", left.stdout)
        given_up = nvdimmfs("init-labels", "--force", "--slot", "1", self.image)
        self.assertEqual(0, given_up.returncode, given_up)
        self.assertEqual(0, nvdimmfs("check", self.image).returncode)
        with mounting.Mount(self.image) as mount:
            mount.write("size=16M", X_CREATE)

    def test_an_unknown_version_is_shown_and_kept(self):
        names = self.namespaces()
        area = bytearray(self.label_area())
        for block in (0, 256):
            area[block + 60 : block + 64] = bytes((9, 0, 7, 0))
            area[block + 64 : block + 72] = bytes(8)
            checksum = images.fletcher64(bytes(area[block : block + 256]))
            area[block + 64 : block + 72] = checksum.to_bytes(8, "little")
        self.patch((0, bytes(area)))
        self.assertEqual(names, self.namespaces())
        with mounting.Mount(self.image) as mount:
            self.assertEqual(errno.EOPNOTSUPP, self.refuses(mount, "size=16M"))
            self.assertEqual(
                errno.EOPNOTSUPP,
                self.refuses(mount, "namespace0.1", "ndbus0/region0/x/destroy"),
            )
        self.assertIn("version 9.7", mount.log)
        self.assertEqual(bytes(area), self.label_area())
        for arguments in ([], ["--repair"]):
            checked = nvdimmfs("check", *arguments, self.image)
            self.assertEqual(4, checked.returncode, checked)
            self.assertIn("[label.index.version]", checked.stdout)
        self.assertEqual(bytes(area), self.label_area())


if __name__ == "__main__":
    runner.main()
