# SPDX-License-Identifier: Apache-2.0
"""Compares the table of reasons with the programs' sources: none is missing or unused, and the errnos are right."""

import os
import re
import subprocess
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
TABLE = "tools/docs/reasons.cc"

LITERAL = re.compile(r'"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)"')
# The errno before a reason, if it is spelled out: `Refusal(EBUSY, "claim.bound"`.
ERRNO = re.compile(r'\b(E[A-Z0-9]{2,}),\s*$')
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
INCLUDE = re.compile(r"^#include .*$", re.MULTILINE)
REFUSALS = re.compile(r'\.refusals\s*=\s*(?:"[^"]*"\s*)+')

# Literals that only look like reasons: names of files, types, providers and an extended attribute.
NOT_REASONS = {
    "bus.dimm",
    "check.log",
    "events.json",
    "fuse.nvdimmfs",
    "libndctl.so.6",
    "mkfs.ext4",
    "mkfs.xfs",
    "mount.log",
    "nfit_test.0",
    "nfit_test.1",
    "user.nvdimmfs.size",
}


def read_table() -> dict[str, set[str]]:
    """The errnos of each reason."""
    text = subprocess.run([os.path.join(ROOT, "tools/docs/docs"), "reasons.tsv"], check=True, stdout=subprocess.PIPE)
    rows = [line.split("\t") for line in text.stdout.decode().splitlines()]
    return {name: set(errnos.split()) for name, errnos, *_ in rows}


def read_sources() -> dict[str, str]:
    """Each source file without comments and includes."""
    texts = {}
    for folder in ("btt", "backends", "core", "fs", "tools"):
        for place, _, names in os.walk(os.path.join(ROOT, folder), followlinks=True):
            for name in names:
                path = os.path.join(place, name)
                if not name.endswith((".cc", ".h", ".c")) or os.path.relpath(path, ROOT) == TABLE:
                    continue
                with open(path, encoding="utf-8") as file:
                    # Comments come last; a "//" within a string does not matter here.
                    text = REFUSALS.sub("", INCLUDE.sub("", file.read()))
                texts[os.path.relpath(path, ROOT)] = COMMENT.sub("", text)
    return texts


class Reasons(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.table = read_table()
        cls.used: dict[str, set[str]] = {}  # reason: errnos that precede it
        cls.places: dict[str, set[str]] = {}
        for name, text in read_sources().items():
            for match in LITERAL.finditer(text):
                if match[1] in NOT_REASONS:
                    continue
                before = ERRNO.search(text, max(0, match.start() - 60), match.start())
                cls.used.setdefault(match[1], set()).update([before[1]] if before else [])
                cls.places.setdefault(match[1], set()).add(name)

    def test_sources_are_there(self) -> None:
        self.assertGreater(len(read_sources()), 300)
        self.assertGreater(len(self.used), 300)

    def test_every_reason_has_a_row(self) -> None:
        missing = {name: sorted(self.places[name]) for name in self.used if name not in self.table}
        self.assertEqual(missing, {}, f"add a row to {TABLE}")

    def test_every_row_is_used(self) -> None:
        self.assertEqual(sorted(set(self.table) - set(self.used)), [], f"remove the row from {TABLE}")

    def test_errnos_are_those_of_the_sources(self) -> None:
        wrong = {name: sorted(errnos - self.table[name]) for name, errnos in self.used.items()
                 if name in self.table and not errnos <= self.table[name]}
        self.assertEqual(wrong, {}, f"name these errnos in {TABLE}")


if __name__ == "__main__":
    unittest.main()
