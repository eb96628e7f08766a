# SPDX-License-Identifier: Apache-2.0
"""Checks what packages are made of: control files, maintainer scripts, units, version number and changelog."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

PACKAGING = "tools/packaging"
PACKAGES = ("nvdimmfs", "nvdimmfs-volumes")
UNITS = {
    f"{PACKAGING}/nvdimmfs/nvdimmfs@.service": "nvdimmfs@vm.service",
    f"{PACKAGING}/nvdimmfs/mnt-nd.mount": "mnt-nd.mount",
    "tools/volumes/nvdimmfs-volumes.service": "nvdimmfs-volumes.service",
    "tools/volumes/nvdimmfs-volumes.socket": "nvdimmfs-volumes.socket",
}
REQUIRED = {"Package", "Version", "Architecture", "Maintainer", "Installed-Size", "Depends", "Static-Built-Using",
            "Section", "Priority", "Description"}


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def fields_of(control: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in control.splitlines():
        if line.startswith(" "):
            fields[name] += "\n" + line
        else:
            name, colon, value = line.partition(": ")
            assert colon and name not in fields, line
            fields[name] = value
    return fields


class Inputs(unittest.TestCase):
    def test_control_files(self) -> None:
        known = set(re.findall(r"@[A-Z]+@", read("tools/package")))
        for package in PACKAGES:
            with self.subTest(package):
                text = read(f"{PACKAGING}/{package}/control")
                fields = fields_of(text)
                self.assertEqual(fields["Package"], package)
                self.assertEqual(REQUIRED - set(fields), set())
                self.assertEqual(set(re.findall(r"@[A-Z]+@", text)) - known, set(), "tools/package leaves these")
                synopsis, *extended = fields["Description"].split("\n")
                self.assertLess(len(synopsis), 80)
                self.assertNotRegex(synopsis, r"^(A|An|The|nvdimmfs)\b|\.$")
                for line in extended:
                    self.assertLessEqual(len(line), 80)
                    self.assertRegex(line, r"^ (\.|[^ .].*)$")

    def test_maintainer_scripts(self) -> None:
        for package in PACKAGES:
            for script in ("postinst", "prerm", "postrm"):
                with self.subTest(f"{package}/{script}"):
                    path = f"{PACKAGING}/{package}/{script}"
                    lines = read(path).splitlines()
                    self.assertEqual(lines[0], "#!/bin/sh")
                    self.assertIn("set -e", lines)
                    subprocess.run(["sh", "-n", path], check=True)

    def test_every_input_is_used(self) -> None:
        package = read("tools/package")
        for name in PACKAGES:
            for file in os.listdir(f"{PACKAGING}/{name}"):
                with self.subTest(f"{name}/{file}"):
                    self.assertRegex(package, r"[/ {,]" + re.escape(file) + r"[ },\"]|for script in .*\b" + file + r"\b")

    def test_units(self) -> None:
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for source, name in UNITS.items():
                # The programs are not installed here.
                text, count = re.subn(r"^(ExecStart=)\S+", r"\1/bin/true", read(source), flags=re.MULTILINE)
                self.assertEqual(count, 1 if name.endswith(".service") else 0)
                paths.append(os.path.join(folder, name))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    file.write(text)
            environment = dict(os.environ, SYSTEMD_UNIT_PATH=folder + ":")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
            self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))

    def test_the_example_sets_what_the_unit_needs(self) -> None:
        unit = read(f"{PACKAGING}/nvdimmfs/nvdimmfs@.service")
        example = read(f"{PACKAGING}/nvdimmfs/vm.conf")
        self.assertEqual(set(re.findall(r"\$\{(\w+)\}", unit)), set(re.findall(r"^(\w+)=", example, re.MULTILINE)))
        mount = read(f"{PACKAGING}/nvdimmfs/mnt-nd.mount")
        self.assertIn("\nWhere=/mnt/nd\n", mount)  # as its name says

    def test_version_and_changelog_agree(self) -> None:
        version = read("tools/version/version.txt").strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        first = re.search(r"^## (.*)$", read("CHANGELOG.md"), re.MULTILINE)
        assert first
        self.assertRegex(first[1], rf"^{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$")


if __name__ == "__main__":
    unittest.main()
