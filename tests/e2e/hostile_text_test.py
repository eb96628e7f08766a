# SPDX-License-Identifier: Apache-2.0
"""Hostile names in every kind of output: no unprintable character reaches a terminal."""

import glob
import json
import os
import subprocess
import unicodedata
import xml.dom.minidom

from tests.support import images, mounting, runner

MIB = images.MIB

NAMES = [
    b"\x1b[31mred\x1b]0;title\x07",
    b"bell\x07 tab\t cr\r",
    b"line\nfeed",
    b"c1 \xc2\x9b31m \xc2\x85",
    b"del\x7f",
    "rtl\u202egnp.exe".encode(),
    "isolate\u2066x\u2069 mark\u200f\u061c".encode(),
    "zero\u200bwidth\ufeff".encode(),
    "separators\u2028\u2029".encode(),
    b"bad utf-8 \xff\xfe\xc3\x28 \xed\xa0\x80",
    "nonchar\uffff\U000e0001".encode(),
    b"../../etc/passwd",
    b'"quotes" \\slash\\ </text><script>&',
    b"..",
]
# Printable characters stay as they are.
PLAIN = ["db", "größe", "数据 \U0001f4be", "a b,c"]

HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Cn"}


def what_does_not_show(data, multiline=True):
    """The first character of `data` that a terminal does not show as itself, or None."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {data[error.start]:#x} at {error.start}: {error.reason}"
    for at, character in enumerate(text):
        if multiline and character == "\n":
            continue
        if unicodedata.category(character) in HIDDEN:
            return f"U+{ord(character):04X} at {at} in {text[max(0, at - 40):at + 20]!r}"
    return None


def run(*arguments, **options):
    """Runs a form of the command line: exit code, stdout and stderr, as bytes."""
    done = subprocess.run(
        [mounting.program("tools/nvdimmfs"), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=6 * mounting.PATIENCE,
        check=False,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


class HostileTextTest(mounting.MountTestCase):
    def assert_shows(self, data, where):
        self.assertIsNone(what_does_not_show(data), where)

    def test_label_names(self):
        """Names from labels, through the mount, then through each form on the image."""
        image = self.scratch_path("dimm.img")
        run("create", image, "--size", "512M", "--labels", "1.2")
        with mounting.Mount(image) as mount:
            for name in NAMES + [text.encode() for text in PLAIN]:
                mount.write("size=16M mode=raw", "ndbus0/region0/x/create")
                made = mount.read("ndbus0/region0/x/create").strip()
                with open(mount.join("bus/nd/drivers/nd_pmem/unbind"), "w") as unbind:
                    unbind.write(made)
                descriptor = os.open(mount.join("ndbus0/region0", made, "alt_name"), os.O_WRONLY)
                os.write(descriptor, name)
                os.close(descriptor)
                with open(mount.join("bus/nd/drivers/nd_pmem/bind"), "w") as bind:
                    bind.write(made)
            self.look_at_the_mount(mount)
            self.look_at_refusals(mount)
        for form in (
            ["list", image],
            ["list", "-v", "-v", "-v", "-i", "-N", "-R", "-D", "-B", image],
            ["list", "--schema", "1", image],
            ["check", image],
            ["check", "--json", "--verbose", image],
            ["map", image],
            ["map", "--svg", "-", image],
        ):
            with self.subTest(form=form):
                code, out, err = run(*form)
                self.assertEqual(code, 0, err)
                self.assert_shows(out, form)
                self.assert_shows(err, form)
                if form[0] == "list" or "--json" in form:
                    json.loads(out)
                if "--svg" in form:
                    xml.dom.minidom.parseString(out)
        listed = json.loads(run("list", image)[1])
        names = {ns["name"] for ns in listed if "name" in ns}
        for text in PLAIN + [name.decode() for name in NAMES if b"bad" not in name and b"\xc3" not in name]:
            # The value is the name itself, however it is escaped in the document.
            self.assertIn(text.strip(" \t\n\r"), names)

    def look_at_the_mount(self, mount):
        for pattern in (
            "ndbus0/x/metrics",
            "ndbus0/x/list.json",
            "ndbus0/region*/x/map.txt",
            "ndbus0/region*/x/map.svg",
            "ndbus0/x/last_error",
            "ndbus0/*/x/last_error",
            "ndbus0/*/*/x/last_error",
        ):
            found = glob.glob(mount.join(pattern))
            self.assertTrue(found, pattern)
            for path in found:
                with open(path, "rb") as attribute:
                    data = attribute.read()
                self.assert_shows(data, path)
                if path.endswith(".json"):
                    json.loads(data)
                if path.endswith(".svg"):
                    xml.dom.minidom.parseString(data)
        links = os.listdir(os.fsencode(mount.join("dev/by-name")))
        for link in links:
            self.assertIsNone(what_does_not_show(link, multiline=False), link)
            self.assertTrue(os.path.exists(os.path.join(os.fsencode(mount.join("dev/by-name")), link)))
        for text in PLAIN:
            self.assertIn(text.encode(), links)
        self.assertIn(rb"rtl\xe2\x80\xaegnp.exe", links)
        self.assertIn(rb"..\x2f..\x2fetc\x2fpasswd", links)
        self.assertIn(rb"\x2e\x2e", links)

    def look_at_refusals(self, mount):
        """Malformed input is quoted in a message."""
        for written in NAMES:
            for place in ("ndbus0/region0/x/create", "ndbus0/region0/align"):
                descriptor = os.open(mount.join(place), os.O_WRONLY)
                try:
                    os.write(descriptor, b"mode=" + written)
                except OSError:
                    pass
                finally:
                    os.close(descriptor)
                with open(mount.join("ndbus0/region0/x/last_error"), "rb") as attribute:
                    self.assert_shows(attribute.read(), (place, written))

    def test_arguments_and_file_names(self):
        """Names from the command line, in refusals and in output."""
        folder = os.fsencode(self.scratch_path("names"))
        os.mkdir(folder)
        for name in NAMES:
            if b"/" in name or name == b"..":
                continue
            image = os.path.join(folder, name)
            topology = image + b".toml"
            with open(topology, "wb") as text:
                text.write(b"[[bus]]\n[[bus.dimm]]\nimage = 'x' # " + name.replace(b"\n", b"") + b"\n")
            forms = [
                [b"create", image, b"--size", b"1M", b"--labels", b"1.2"],
                [b"create", image, b"--size", b"1M"],
                [b"create", image + b"2", b"--size", name],
                [b"create", image + b"2", b"--labels", name],
                [b"list", image],
                [b"list", image + b".gone"],
                [b"list", b"-b", name, image],
                [b"list", topology],
                [b"check", image, image + b".gone"],
                [b"check", b"--json", image, image + b".gone"],
                [b"map", image],
                [b"map", image + b"," + name + b"=1"],
                [b"list", b"ram:" + name],
                [b"list", b"preset:" + name],
                [b"-o", name, image, b"/nonexistent"],
                [image, b"/nonexistent"],
                [b"--" + name],
                [b"list", b"--" + name],
                [b"shell", b"--" + name, image],
                [name],
            ]
            for form in forms:
                if any(b"\0" in word for word in form):
                    continue
                with self.subTest(form=form):
                    code, out, err = run(*form)
                    self.assertIn(code, (0, 1, 2, 4, 8, 12, 16, 125), err)
                    self.assert_shows(out, form)
                    self.assert_shows(err, form)
                    self.assertNotIn(b"nvdimmfs: nvdimmfs:", err)

    def test_topology_texts(self):
        """A bus has the name that its file gives."""
        path = self.scratch_path("hostile.toml")
        with open(path, "w", encoding="utf-8") as text:
            text.write(
                '[[bus]]\nprovider = "\\u001b[31m \\u202e \\u009b"\n'
                '[[bus.dimm]]\nname = "\\u0007"\nmissing = true\nsize = "16M"\n'
                '[[bus.dimm]]\nname = "\\u0007"\nmissing = true\nsize = "16M"\n'
            )
        for form in (["list", "-B", path], ["map", path], ["check", path], ["list", "--schema", "1", path]):
            _, out, err = run(*form)
            self.assert_shows(out, form)
            self.assert_shows(err, form)


if __name__ == "__main__":
    runner.main()
