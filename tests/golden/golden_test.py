# SPDX-License-Identifier: Apache-2.0
"""Images that a real kernel wrote: a mount shows what the kernel showed, and every stated byte."""

import json
import os
import subprocess

from tests.golden import goldens
from tests.support import images, mounting, patterns, runner, trees

GOLDEN = os.path.abspath("tests/golden")

# The texts have the device names of the time when the kernel made them; after the fresh boot of the .tree,
# and here, k11's third namespace is the second.
RENUMBERED = {"k11": {"pmem0.2": "pmem0.1"}}


def golden_text(name):
    with open(os.path.join(GOLDEN, name), encoding="utf-8") as source:
        return source.read()


def listed_by_ndctl(name):
    """The JSON that ends NAME.txt: ndctl list -BDRN -v -i -C."""
    text = golden_text(name)
    return json.loads(text[text.rindex("\n[\n") :])


class GoldenTest(mounting.MountTestCase):
    def unpacked(self, name):
        return images.unpack(
            os.path.join(GOLDEN, f"{name}.img.xz"), self.scratch_path(f"{name}.img")
        )

    def dumped(self, mount):
        return subprocess.run(
            [mounting.program("tests/guest/dumptree"), mount.path],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def assert_same_tree(self, kernel_tree, mount, options):
        differences = trees.differences(
            golden_text(kernel_tree), self.dumped(mount), read_only=options == "ro"
        )
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def check_trees(self, name, image, options):
        """A mount shows what each kernel shows; a read-only one is tried with the newest."""
        for kernel in goldens.KERNELS[-1:] if options else goldens.KERNELS:
            given = f"{options},kernel={kernel}" if options else f"kernel={kernel}"
            with self.subTest(options=given), mounting.Mount(image, given) as mount:
                self.assert_same_tree(goldens.tree_name(name, kernel), mount, options)

    def assert_stated_bytes(self, name, mount):
        names = RENUMBERED.get(name, {})
        writes = [
            (names.get(device, device), *run)
            for device, *run in patterns.stated_writes(golden_text(f"{name}.txt"))
        ]
        self.assertEqual([], patterns.check_all(mount.join("dev"), writes))

    def check_image(self, name):
        image = self.unpacked(name)
        before = images.sha256(image)
        for options in ("ro", None):
            self.check_trees(name, image, options)
            with self.subTest(options=options), mounting.Mount(image, options) as mount:
                self.assert_stated_bytes(name, mount)
            if options == "ro":
                self.assertEqual(before, images.sha256(image), "a read-only mount changed the image")

    def test_labels_v12(self):
        self.check_image("k12")

    def test_labels_v11(self):
        self.check_image("k11")

    def test_without_labels(self):
        self.check_image("kll")

    def test_blank(self):
        image = images.blank(self.scratch_path("blank.img"), 256 * images.MIB, 128 << 10)
        for options in ("ro", None):
            self.check_trees("blank", image, options)
        self.assertEqual(
            images.sha256(image),
            images.sha256(
                images.blank(self.scratch_path("other.img"), 256 * images.MIB, 128 << 10)
            ),
            "mounting a blank image wrote to it",
        )

    def test_mounting_leaves_the_image_as_it_was(self):
        # Even when mounted read-write, nothing is repaired or updated until something is written.
        image = self.unpacked("k11")
        before = images.sha256(image)
        with mounting.Mount(image):
            pass
        self.assertEqual(before, images.sha256(image))

    def test_list_says_what_ndctl_said(self):
        for name in ("k12", "k11", "kll"):
            with self.subTest(image=name):
                listed = subprocess.run(
                    [mounting.program("tools/nvdimmfs"), "list", "-BDRNiv", self.unpacked(name)],
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=True,
                )
                self.assertEqual(
                    namespaces_of(listed_by_ndctl(f"{name}.txt")),
                    namespaces_of(json.loads(listed.stdout)),
                )


def namespaces_of(listing):
    """{uuid: properties} of the allocated namespaces in ndctl's JSON, at any depth.

    Not by device name: the texts were written before the reboot that numbered the devices afresh.
    """
    found = {}
    if isinstance(listing, list):
        for element in listing:
            found.update(namespaces_of(element))
    elif isinstance(listing, dict):
        if str(listing.get("dev", "")).startswith("namespace") and listing["size"]:
            keys = ("mode", "map", "size", "raw_uuid", "sector_size", "align", "name")
            found[listing.get("uuid")] = {key: listing.get(key) for key in keys}
        for value in listing.values():
            found.update(namespaces_of(value))
    return found


if __name__ == "__main__":
    runner.main()
