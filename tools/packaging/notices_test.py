# SPDX-License-Identifier: Apache-2.0
"""Checks that the packages carry the notices of everything that is linked into the programs.

The programs are the evidence: every function in them that an installed static library or start-up object defines, and
every header that contributed code, must belong to a package of the list in tools/bazel/debian.bzl.
"""

import glob
import os
import re
import subprocess
import unittest

PROGRAMS = ("tools/nvdimmfs", "tools/nvdimmfs-volumes")
PACKAGES = os.path.join("..", "debian", "packages.txt")
# Of static libraries for tests, too.
OWN = {"main"}

DIRECTORY = re.compile(r"^  (\d+)\t\(.*?\): (.*)$")
FILE = re.compile(r"^  \d+\t(\d+)\t\(.*?\): (.*)$")


def output(*command: str, status: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in status:
        raise AssertionError(f"{command[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def functions_of(program: str) -> set[str]:
    rows = [line.split() for line in output("nm", "--defined-only", program).splitlines()]
    return {row[2] for row in rows if len(row) == 3 and row[1] == "T" and "nvdimmfs" not in row[2]} - OWN


def definitions(wanted: set[str]) -> dict[str, set[str]]:
    """The installed archives and objects that define each of the functions."""
    compiler = os.path.dirname(output("g++", "-print-libgcc-file-name").strip())
    system = os.path.dirname(output("g++", "-print-file-name=crti.o").strip())
    paths = [path for place in (compiler, system) for kind in ("*.a", "*.o") for path in glob.glob(f"{place}/{kind}")]
    found: dict[str, set[str]] = {}
    # Status 1: of a file that is not an object, such as libm.a, which is a script.
    for line in output("nm", "-A", "--defined-only", *paths, status=(0, 1)).splitlines():
        place, _, row = line.rpartition(":")
        fields = row.split()
        if len(fields) == 3 and fields[1] in "TWi" and fields[2] in wanted:
            found.setdefault(fields[2], set()).add(os.path.realpath(place.split(":")[0]))
    return found


def headers_of(program: str) -> set[str]:
    """The system's headers that line tables name: those with code in the program."""
    directories: dict[str, str] = {}
    headers = set()
    dump = subprocess.Popen(["readelf", "--debug-dump=rawline", program], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    assert dump.stdout
    for line in dump.stdout:
        if not line.startswith(b"  ") or b"\t(" not in line:
            continue
        text = line.decode(errors="replace").rstrip("\n")
        if match := FILE.match(text):
            path = os.path.join(directories.get(match[1], ""), match[2])
            if path.startswith("/usr/"):
                headers.add(os.path.realpath(path))
        elif match := DIRECTORY.match(text):
            directories[match[1]] = match[2]
    dump.stdout.close()
    dump.wait()
    return headers


def owners(paths: set[str]) -> dict[str, set[str]]:
    """The packages that own each file."""
    owned: dict[str, set[str]] = {path: set() for path in paths}
    # Merged /usr: dpkg knows some files by their old name.
    for line in output("dpkg-query", "-S", *sorted(paths), *sorted(path.removeprefix("/usr") for path in paths),
                       status=(0, 1)).splitlines():
        packages, _, path = line.rpartition(": ")
        for known in (path, "/usr" + path):
            if known in owned:
                owned[known] |= {package.split(":")[0] for package in packages.split(", ")}
    return owned


class Notices(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        with open(PACKAGES, encoding="utf-8") as file:
            cls.listed = set(file.read().split())
        if not cls.listed:
            raise unittest.SkipTest("this system has no dpkg")

    def test_every_linked_library_is_listed(self) -> None:
        functions = set().union(*(functions_of(program) for program in PROGRAMS))
        self.assertIn("fuse_session_new", " ".join(functions), "the programs have no symbols")
        places = definitions(functions)
        packages = owners(set().union(*places.values()))
        unlisted = {}
        for function, paths in sorted(places.items()):
            owned = set().union(*(packages[path] for path in paths))
            if not owned & self.listed:
                unlisted[function] = sorted(owned or paths)
        self.assertEqual(unlisted, {}, "linked, but not in _LINKED_PACKAGES of tools/bazel/debian.bzl")

    def test_every_header_with_code_is_listed(self) -> None:
        headers = set().union(*(headers_of(program) for program in PROGRAMS))
        self.assertGreater(len(headers), 50, "the programs have no line tables")
        unlisted = {path: sorted(packages) for path, packages in owners(headers).items() if not packages & self.listed}
        self.assertEqual(unlisted, {}, "inlined, but not in _LINKED_PACKAGES of tools/bazel/debian.bzl")

    def test_every_listed_package_has_notices(self) -> None:
        for package in sorted(self.listed):
            path = f"/usr/share/doc/{package}/copyright"
            with self.subTest(package):
                self.assertGreater(os.path.getsize(path), 0)


if __name__ == "__main__":
    unittest.main()
