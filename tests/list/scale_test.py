# SPDX-License-Identifier: Apache-2.0
"""Commands on an image with thousands of labels take time in proportion to their number."""

import os
import resource
import shutil
import subprocess
import tempfile
import unittest

from tests.support import images, mounting, runner

EACH = 16 * images.MIB
FEW, MANY = (2000, 512 << 10), (16366, 4 << 20)  # labels, bytes of the label area
# Ratio of MANY's CPU time to that of FEW, which has an eighth of the labels: quadratic would be 64.
MOST = 24


def make_image(path, count, area):
    """A DIMM image with `count` labels of one namespace each, as many as fit in its label area."""
    blocks = images.index_blocks(area, 2, (1 << count) - 1)
    images.blank(path, count * EACH, area)
    with open(path, "r+b") as target:
        target.seek(count * EACH)
        target.write(blocks)
        # Labels in descending order of DPA: ascending order is the easy case.
        for slot in range(count):
            target.write(images.label(slot, slot + 1, (count - 1 - slot) * EACH, EACH))
    return path


def cpu_seconds(command):
    """The fastest of three runs, with the names that it printed."""
    best = None
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, timeout=300, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        best = seconds if best is None else min(best, seconds)
    return best, done.stdout


class ScaleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="nvdimmfs-scale.", dir=os.environ.get("TEST_TMPDIR"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.few = make_image(os.path.join(cls.scratch, "few.img"), *FEW)
        cls.many = make_image(os.path.join(cls.scratch, "many.img"), *MANY)

    def check_scale(self, wanted, *arguments):
        program = mounting.program("tools/nvdimmfs")
        few, _ = cpu_seconds([program, *arguments, self.few])
        many, printed = cpu_seconds([program, *arguments, self.many])
        self.assertEqual(wanted, printed.count(b"namespace0."), arguments)
        self.assertLess(many, MOST * few, arguments)

    def test_list(self):
        self.check_scale(MANY[0], "list")

    def test_list_of_media_errors(self):
        self.check_scale(MANY[0], "list", "-M")

    def test_list_of_one_namespace(self):
        self.check_scale(1, "list", "-n", "namespace0.7")

    def test_schema_listing(self):
        # It has the seed, too.
        self.check_scale(MANY[0] + 1, "list", "--schema", "1")

    def test_check(self):
        self.check_scale(0, "check")

    def test_map(self):
        self.check_scale(MANY[0], "map")

    def test_map_as_a_picture(self):
        # In the bar, and in the legend.
        self.check_scale(2 * MANY[0], "map", "--svg", "-")


if __name__ == "__main__":
    runner.main()
