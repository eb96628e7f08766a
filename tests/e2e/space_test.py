# SPDX-License-Identifier: Apache-2.0
"""Lack of space, and what names and commands do on a real mount."""

import contextlib
import errno
import json
import os
import subprocess

from tests.support import images, mounting, runner, session

MIB = images.MIB
CREATE = (session.REGION, "x/create")
DESTROY = (session.REGION, "x/destroy")


def write_bytes(mount, data, *path):
    """One write(2); the errno's name, or None."""
    descriptor = os.open(mount.join(*path), os.O_WRONLY)
    try:
        os.write(descriptor, data)
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(descriptor)
    return None


def created(mount, line):
    mount.write(line, *CREATE)
    return session.word(mount, *CREATE)


class CommandTest(mounting.MountTestCase):
    """What is written to x/create and x/destroy is accepted as a whole or not at all."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 256 * MIB, 128 << 10)

    def free(self, mount):
        return session.word(mount, session.REGION, "available_size")

    def test_what_says_nothing_makes_nothing(self):
        with mounting.Mount(self.image) as mount:
            before = self.free(mount)
            for data in (b"\n", b" \t\n", b"\0", b"\n\0", b"# size=16M\n", b"#\n\n#\n"):
                for path in (CREATE, DESTROY):
                    self.assertEqual("EINVAL", write_bytes(mount, data, *path), data)
                    self.assertIn("nothing was done", mount.read(session.REGION, "x/last_error"))
            self.assertEqual("EINVAL", write_bytes(mount, b",,\n", *CREATE))
            self.assertEqual(before, self.free(mount))
            self.assertEqual({}, session.namespaces(mount))

    def test_garbage_within_is_refused(self):
        with mounting.Mount(self.image) as mount:
            before = self.free(mount)
            for data in (b"size=16M\0mode=sector", b"size=16M name=a\0b\n", b"\0size=16M",
                         b"size=16M" + b" " * 5000 + b"mode=sector", b"size=16M " * 600):
                self.assertEqual("EINVAL", write_bytes(mount, data, *CREATE), data[:40])
            self.assertEqual(before, self.free(mount))
            name = created(mount, "size=16M")
            self.assertEqual("EINVAL", write_bytes(mount, name.encode() + b"\0x", *DESTROY))
            # With the terminating NUL of a C string.
            self.assertIsNone(write_bytes(mount, name.encode() + b"\0", *DESTROY))
            self.assertEqual(before, self.free(mount))

    def test_a_new_namespace_is_not_taken_for_the_remains_of_another(self):
        for first in ("sector sector_size=512", "sector sector_size=4096", "fsdax", "devdax"):
            with mounting.Mount(self.image) as mount:
                old = created(mount, f"size=16M mode={first}")
                mount.write(old, *DESTROY)
                new = created(mount, "size=16M mode=raw")
                self.assertEqual("", session.word(mount, session.device(new, "x/last_error")), first)
            again = mounting.Mount(self.image)
            with again as mount:
                self.assertEqual("", session.word(mount, session.device(new, "x/last_error")), first)
                mount.write(new, *DESTROY)
            self.assertNotIn("is shown raw", again.log, first)

    def test_names_with_blanks_commas_and_quotes_come_back(self):
        names = ["a, b", "  ", 'say "hi"', "it's", "back\\slash", "tab\there", "ünï, cödé", "size=1"]
        with mounting.Mount(self.image) as mount:
            devices = {}
            for name in names:
                quoted = name.replace("\\", "\\\\").replace('"', '\\"')
                device = created(mount, f'size=16M name="{quoted}"')
                # The kernel trims what is written to alt_name.
                devices[device] = name.strip()
                self.assertEqual(name.strip(), session.word(mount, session.device(device, "alt_name")))
                if name.strip():
                    link = name.strip().replace("\\", "\\x5c").replace("\t", "\\x09")
                    self.assertTrue(os.path.exists(mount.join("dev/by-name", link)), name)
            with open(mount.join("ndbus0/x/list.json"), encoding="utf-8") as listing:
                shown = json.load(listing)["buses"][0]["regions"][0]["namespaces"]
        self.assertEqual(devices, {n["dev"]: n["name"] or "" for n in shown if n["raw_size"]})
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "list", self.image],
            capture_output=True, timeout=60, check=True,
        )
        self.assertEqual(devices, {n["dev"]: n.get("name", "") for n in json.loads(done.stdout)})


class FullLabelAreaTest(mounting.MountTestCase):
    def test_destroying_needs_no_free_slot(self):
        labels = [images.label(i, i + 1, i << 16, 1 << 16) for i in range(510)]
        image = images.with_labels(self.scratch_path("full.img"), 64 * MIB, 128 << 10, labels)
        with mounting.Mount(image) as mount:
            self.assertEqual("ENXIO", write_bytes(mount, b"size=16M", *CREATE))
            self.assertIn("no free slot", mount.read(session.REGION, "x/last_error"))
            victims = [session.namespaces(mount)[name] for name in ("ns1", "ns7", "ns510")]
            for victim in victims:
                mount.write(victim, *DESTROY)
            mount.write(1 << 16, session.REGION, "align")
            created(mount, "size=64K name=new")
        with mounting.Mount(image) as mount:
            names = set(session.namespaces(mount))
            self.assertEqual(508, len(names))
            self.assertTrue("new" in names and not names & {"ns1", "ns7", "ns510"})


class AliasTest(mounting.MountTestCase):
    """dev/by-name is the name for a VM's command line."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 256 * MIB, 128 << 10)

    def leads_to(self, mount, name):
        try:
            return os.path.basename(os.readlink(mount.join("dev/by-name", name)))
        except FileNotFoundError:
            return None

    def test_the_first_owner_keeps_the_name_and_the_next_takes_over(self):
        with mounting.Mount(self.image) as mount:
            first = created(mount, "size=16M name=db")
            second = created(mount, "size=16M name=db")
            third = created(mount, "size=16M name=db mode=sector")
            self.assertEqual("pmem0", self.leads_to(mount, "db"))
            mount.write(second, *DESTROY)
            self.assertEqual("pmem0", self.leads_to(mount, "db"))
            mount.write(first, *DESTROY)
            self.assertEqual("pmem0.2s", self.leads_to(mount, "db"))
            self.assertEqual(["db"], os.listdir(mount.join("dev/by-name")))
            with open(mount.join("dev/by-name/db"), "rb") as data:
                self.assertEqual(512, len(data.read(512)))
            mount.write(third, *DESTROY)
            self.assertEqual([], os.listdir(mount.join("dev/by-name")))

    def test_unbinding_and_renaming_pass_it_on(self):
        with mounting.Mount(self.image) as mount:
            first = created(mount, "size=16M name=db")
            created(mount, "size=16M name=db")
            session.unbind(mount, first)
            self.assertEqual("pmem0.1", self.leads_to(mount, "db"))
            mount.write("log", session.device(first, "alt_name"))
            session.bind(mount, first)
            self.assertEqual("pmem0.1", self.leads_to(mount, "db"))
            self.assertEqual("pmem0", self.leads_to(mount, "log"))


class FullDiskTest(mounting.MountTestCase):
    """The file system that holds the image is full."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small tmpfs")
        self.disk = self.scratch_path("disk")
        os.mkdir(self.disk)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2M", "none", self.disk], capture_output=True, check=False
        )
        if done.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)

    def fill(self):
        with contextlib.suppress(OSError), open(os.path.join(self.disk, "fill"), "wb", 0) as out:
            while True:
                out.write(bytes(4096))

    def create_uuid(self, mount):
        """Like `touch uuid` in a label-less namespace."""
        path = mount.join(session.device("namespace0.0", "uuid"))
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))

    def run_tool(self, *arguments):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )

    def test_create_leaves_no_half_image(self):
        self.fill()
        for labels in ("1.1", "1.2", "none", "auto"):
            path = os.path.join(self.disk, f"{labels}.img")
            done = self.run_tool("create", path, "--size", "64M", "--labels", labels)
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertIn("ENOSPC", done.stderr)
            self.assertEqual(["fill"], os.listdir(self.disk))

    def test_labels_of_a_created_image_have_their_place(self):
        image = os.path.join(self.disk, "dimm.img")
        self.assertEqual(0, self.run_tool("create", image, "--size", "64M").returncode)
        self.fill()
        with mounting.Mount(image) as mount:
            # The label area is allocated already, the data is not. First the label area is initialised.
            self.create_uuid(mount)
            seed = session.word(mount, session.REGION, "namespace_seed")
            mount.write("11111111-2222-3333-4444-555555555501", session.device(seed, "uuid"))
            mount.write(16 * MIB, session.device(seed, "size"))
            session.bind(mount, seed)
            self.assertEqual("ENOSPC", write_bytes(mount, b"size=16M mode=sector\n", *CREATE))
            self.assertIn("is full", mount.read(session.REGION, "x/last_error"))
            self.assertIn("is full", mount.read("ndbus0/x/last_error"))
        with mounting.Mount(image) as mount:
            self.assertEqual(1, len(session.namespaces(mount)))

    def test_every_attribute_that_needs_space_says_so(self):
        image = images.blank(os.path.join(self.disk, "dimm.img"), 64 * MIB, 128 << 10)
        with mounting.Mount(image) as mount:
            created(mount, "size=16M name=first")
            free = session.word(mount, session.REGION, "available_size")
            os.truncate(image, 64 * MIB + (128 << 10))
            self.fill()
            for line in ("size=16M mode=sector", "size=16M mode=fsdax", "size=16M"):
                self.assertEqual("ENOSPC", write_bytes(mount, line.encode(), *CREATE), line)
                sentence = mount.read(session.REGION, "x/last_error")
                self.assertIn("ENOSPC", sentence)
                self.assertIn(image, sentence)
                self.assertEqual(free, session.word(mount, session.REGION, "available_size"))
            os.unlink(os.path.join(self.disk, "fill"))
            # Once there is space again, it continues.
            created(mount, "size=16M mode=sector name=second")
        with mounting.Mount(image) as mount:
            self.assertEqual({"first", "second"}, set(session.namespaces(mount)))

    def test_a_picture_that_does_not_fit_leaves_the_old_one(self):
        image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)
        picture = os.path.join(self.disk, "map.svg")
        self.assertEqual(0, self.run_tool("map", image, "--svg", picture).returncode)
        with open(picture, "rb") as file:
            before = file.read()
        self.fill()
        done = self.run_tool("map", image, "--svg", picture)
        self.assertEqual(1, done.returncode)
        self.assertIn("No space left", done.stderr)
        self.assertEqual(["fill", "map.svg"], sorted(os.listdir(self.disk)))
        with open(picture, "rb") as file:
            self.assertEqual(before, file.read())


if __name__ == "__main__":
    runner.main()
