# SPDX-License-Identifier: Apache-2.0
"""What bash offers after TAB: forms, options, values and mount options."""

import os
import subprocess
import unittest

from tests.support import mounting, runner

SCRIPT = """
source "$1" || exit
program=$2
shift 2
COMP_WORDS=(nvdimmfs "$@")
COMP_CWORD=$#
compopt() { :; }  # bash refuses it outside of a completion
_nvdimmfs "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTest(unittest.TestCase):
    def offered(self, *words):
        done = subprocess.run(
            ["bash", "-c", SCRIPT, "bash", mounting.program("tools/completion/nvdimmfs.bash"), self.program, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        self.assertEqual("", done.stderr)
        return done.stdout.split()

    def setUp(self):
        self.program = mounting.program("tools/nvdimmfs")

    def test_forms(self):
        self.assertEqual(["check"], self.offered("ch"))
        self.assertIn("mount", self.offered(""))
        self.assertEqual(["init-labels"], self.offered("help", "in"))

    def test_options_of_a_form(self):
        self.assertEqual(["--size"], self.offered("create", "--si"))
        self.assertEqual(["--repair"], self.offered("check", "--rep"))
        self.assertIn("-V", self.offered("-"))
        self.assertIn("--version", self.offered("--"))

    def test_values_of_an_option(self):
        self.assertEqual(["1.1", "1.2"], self.offered("create", "--labels", "1"))

    def test_mount_options_one_by_one(self):
        self.assertEqual(["nospin"], self.offered("-o", "nosp"))
        self.assertEqual(["ro,nospin"], self.offered("-o", "ro,nosp"))
        self.assertEqual(["uid="], self.offered("mount", "-o", "uid"))

    def test_files_are_left_to_bash(self):
        self.assertEqual([], self.offered("create", "vm"))
        self.assertEqual([], self.offered("list", "-N", os.devnull))


if __name__ == "__main__":
    runner.main()
