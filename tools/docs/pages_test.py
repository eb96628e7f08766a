# SPDX-License-Identifier: Apache-2.0
"""Checks that man(1), and mandoc(1) if installed, read the manual pages without warnings."""

import os
import shutil
import subprocess
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
PAGES = [
    "tools/docs/nvdimmfs-reasons.7",
    "tools/docs/nvdimmfs-tree.7",
    "tools/nvdimmfs.8",
    "tools/volumes/nvdimmfs-volumes.8",
]


class Pages(unittest.TestCase):
    def read(self, command: list[str]) -> None:
        for page in PAGES:
            with self.subTest(page=page):
                done = subprocess.run([*command, os.path.join(ROOT, page)], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
                if "-Tlint" not in command:
                    self.assertGreater(len(done.stdout), 1000)

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_groff(self) -> None:
        self.read(["groff", "-mandoc", "-ww", "-Tutf8"])

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_mandoc(self) -> None:
        self.read(["mandoc", "-Tlint", "-Wwarning"])

    def test_every_attribute_is_there(self) -> None:
        with open(os.path.join(ROOT, "tools/docs/nvdimmfs-tree.7"), encoding="utf-8") as file:
            text = file.read()
        for part in ("namespace_seed", "sector_size", "mapping0 ... mapping31", "x/create", "NAMESPACE",
                     "ndbusN/regionR/namespaceR.K"):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
