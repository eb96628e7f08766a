# SPDX-License-Identifier: Apache-2.0
"""`nvdimmfs list` prints what ndctl printed about the same image, byte for byte."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from tests.support import images, mounting, runner

GOLDEN = os.path.abspath("tests/golden")


def recorded(name):
    """[(flags, output, exit status)] of a recording; its format: golden/list/README.md."""
    with open(os.path.join(GOLDEN, "list", f"{name}.txt"), encoding="utf-8") as source:
        sections = re.split(r"^@@@ ", source.read(), flags=re.MULTILINE)[1:]
    for section in sections:
        flags, rest = section.split("\n", 1)
        output, status = re.fullmatch(r"(.*?)rc=(\d+)\n", rest, flags=re.DOTALL).groups()
        yield flags, output, int(status)


class ListTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="nvdimmfs-list.", dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def scratch_path(self, name):
        return os.path.join(self.scratch, name)

    def golden_image(self, name):
        compressed = os.path.join(GOLDEN, f"{name}.img.xz")
        return images.unpack(compressed, self.scratch_path(f"{name}.img"))

    def blank_image(self, name="blank.img"):
        return images.blank(self.scratch_path(name), 256 * images.MIB, 128 << 10)

    def run_tool(self, *arguments):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def listed(self, *arguments):
        done = self.run_tool("list", *arguments)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def assert_as_recorded(self, name, image):
        count = 0
        for flags, output, status in recorded(name):
            with self.subTest(image=name, flags=flags):
                done = self.run_tool("list", *shlex.split(flags), image)
                self.assertEqual(0 if status == 0 else 2, done.returncode, done.stderr)
                if status == 0:
                    self.assertEqual(output, done.stdout)
            count += 1
        self.assertGreater(count, 100)

    def test_labels_v12(self):
        self.assert_as_recorded("k12", self.golden_image("k12"))

    def test_labels_v11(self):
        self.assert_as_recorded("k11", self.golden_image("k11"))

    def test_without_labels(self):
        self.assert_as_recorded("kll", self.golden_image("kll"))

    def test_blank(self):
        self.assert_as_recorded("blank", self.blank_image())

    def test_labelled_and_empty(self):
        image = self.scratch_path("empty.img")
        made = self.run_tool("create", image, "--size", "256M", "--labels", "1.1")
        self.assertEqual(0, made.returncode, made.stderr)
        self.assert_as_recorded("empty", image)

    def test_listing_leaves_the_image_as_it_was(self):
        image = self.golden_image("k12")
        before = images.sha256(image)
        self.listed("-vvv", image)
        self.listed("--schema", "1", image)
        self.assertEqual(before, images.sha256(image))

    def test_a_read_only_file_lists_the_same(self):
        image = self.golden_image("k11")
        before = self.listed("-vvv", image)
        os.chmod(image, 0o444)
        self.assertEqual(before, self.listed("-vvv", image))

    def test_each_source_is_a_bus(self):
        sources = [self.golden_image("k11"), self.golden_image("kll")]
        buses = {bus["dev"]: bus for bus in json.loads(self.listed("-BDRN", *sources))}
        self.assertEqual(
            [("nmem0", "region0", 2), ("nmem1", "region1", 1)],
            [
                (
                    buses[name]["dimms"][0]["dev"],
                    buses[name]["regions"][0]["dev"],
                    len(buses[name]["regions"][0]["namespaces"]),
                )
                for name in ("ndbus0", "ndbus1")
            ],
        )
        fixed = json.loads(self.listed("--schema", "1", *sources))
        self.assertEqual(sources, [bus["source"] for bus in fixed["buses"]])

    def test_every_bus_of_a_topology_names_it_as_its_source(self):
        other = self.golden_image("kll")
        topology = self.scratch_path("two.toml")
        with open(topology, "w", encoding="utf-8") as out:
            for name in ("one.img", "two.img"):
                made = self.run_tool("create", self.scratch_path(name), "--size", "16M")
                self.assertEqual(0, made.returncode, made.stderr)
                out.write(f'[[bus]]\n[[bus.dimm]]\nimage = "{name}"\n')
        fixed = json.loads(self.listed("--schema", "1", topology, other))
        self.assertEqual([topology, topology, other], [bus["source"] for bus in fixed["buses"]])

    def test_a_source_that_cannot_be_opened_is_refused(self):
        good = self.blank_image()
        done = self.run_tool("list", good, self.scratch_path("nosuch.img"))
        self.assertEqual(1, done.returncode)
        self.assertEqual("", done.stdout)
        self.assertIn("nosuch.img", done.stderr)

    def test_no_source_is_wrong_usage(self):
        self.assertEqual(2, self.run_tool("list", "-N").returncode)

    def test_schema_1_has_every_key_of_its_specification(self):
        fixed = json.loads(self.listed("--schema", "1", self.golden_image("k12")))
        self.assertEqual(1, fixed["schema"])
        (bus,) = fixed["buses"]
        (dimm,) = bus["dimms"]
        (region,) = bus["regions"]
        self.assertEqual(
            ["1.2", 5], [dimm["label_area"]["version"], len(dimm["label_area"]["labels"])]
        )
        self.assertEqual(6, len(region["namespaces"]))
        for ns in region["namespaces"]:
            self.assertEqual(list(region["namespaces"][0]), list(ns))
            self.assertEqual(ns["raw_size"], sum(extent["size"] for extent in ns["extents"]))
        self.assertEqual([], dimm["findings"])


if __name__ == "__main__":
    runner.main()
