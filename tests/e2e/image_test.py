# SPDX-License-Identifier: Apache-2.0
"""Images found in practice: sizes, layouts, slots, formats, devices, other users."""

import errno
import fcntl
import json
import os
import shutil
import struct
import subprocess
import uuid

from tests.support import images, mounting, runner, session

MIB = images.MIB
AREA = 128 << 10
REGION = "ndbus0/region0"


class ImageTestCase(mounting.MountTestCase):
    def nvdimmfs(self, *arguments, code=0):
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.scratch,
        )
        self.assertEqual(code, done.returncode, done)
        return done

    def refused(self, source, *options, says=()):
        """Expects that a mount of `source` is refused, with a message that contains all of `says`."""
        mountpoint = self.scratch_path("refused")
        os.makedirs(mountpoint, exist_ok=True)
        try:
            said = self.nvdimmfs("-f", *options, source, mountpoint, code=1).stderr
        finally:
            if mounting.is_mounted(mountpoint):
                mounting.unmount(mountpoint)
        for word in says:
            self.assertIn(word, said)
        return said

    def region_size(self, source):
        return self.listed(source)["buses"][0]["regions"][0]["size"]

    def listed(self, source):
        return json.loads(self.nvdimmfs("list", "--schema", "1", source).stdout)

    def names(self, source):
        namespaces = self.listed(source)["buses"][0]["regions"][0]["namespaces"]
        return sorted(ns["name"] or "" for ns in namespaces if ns["raw_size"])

    def labelled(self, name, size=64 * MIB, options=None, area=AREA, minor=2, namespaces=("db",)):
        """An image with one namespace for each name, created through a mount."""
        path = images.initialised(self.scratch_path(name), size, area, minor)
        with mounting.Mount(path, options) as mount:
            for called in namespaces:
                mount.write(f"size=16M mode=raw name={called}", REGION, "x/create")
        return path

    def note(self, mount_or_done):
        if isinstance(mount_or_done, mounting.Mount):
            text = mount_or_done.log
        else:
            text = mount_or_done.stdout + mount_or_done.stderr
        return [line for line in text.splitlines() if "note:" in line]


class LayoutTest(ImageTestCase):
    SIZES = (500_000_000, 1_000_000_000, 64 * MIB + 132 * 1024, 64 * MIB + 900 * 1024)

    def ext4(self, path, size, block, *blocks):
        if not shutil.which("mke2fs"):
            self.skipTest("mke2fs is not installed")
        images.blank(path, size, 0)
        command = ["mke2fs", "-q", "-t", "ext4", "-b", str(block), "-F", path, *blocks]
        subprocess.run(command, capture_output=True, timeout=60, check=True)

    def test_the_zero_tail_of_a_file_system_is_data(self):
        for size in self.SIZES:
            for block in (1024, 4096):
                with self.subTest(size=size, block=block):
                    path = self.scratch_path("root.img")
                    self.ext4(path, size - size % 4096, block)
                    self.assertEqual(size - size % 4096, self.region_size(path))
                    checked = self.nvdimmfs("check", path)
                    self.assertEqual([], self.note(checked))
                    before = images.sha256(path)
                    with mounting.Mount(path) as mount:
                        with self.assertRaises(OSError):
                            mount.write(uuid.uuid4(), "ndbus0/region0/namespace0.0/uuid")
                        with self.assertRaises(OSError):
                            mount.write("size=16M", REGION, "x/create")
                    self.assertEqual(before, images.sha256(path))

    def test_a_file_system_that_needs_part_of_a_page_is_told_how_to_get_it(self):
        path = self.scratch_path("root.img")
        self.ext4(path, 500_000_000, 1024, "488281")
        said = self.nvdimmfs("check", path, code=4).stdout
        self.assertIn("truncate -s %4096", said)
        subprocess.run(["truncate", "-s", "%4096", path], check=True)
        self.nvdimmfs("check", path)

    def test_a_tail_that_is_not_blank_is_data(self):
        path = images.blank(self.scratch_path("a.img"), 64 * MIB, AREA)
        with open(path, "r+b") as out:
            out.seek(64 * MIB + 77)
            out.write(b"mine")
        self.assertEqual(64 * MIB + AREA, self.region_size(path))

    def test_a_guess_is_told_with_the_options_that_end_the_doubt(self):
        path = images.blank(self.scratch_path("a.img"), 64 * MIB, AREA)
        self.assertEqual(64 * MIB, self.region_size(path))
        with mounting.Mount(path) as mount:
            pass
        self.assertEqual(1, len(self.note(mount)), mount.log)
        self.assertIn(f"label_size={AREA}", mount.log)
        self.assertIn("label_size=0", mount.log)
        self.assertEqual(1, len(self.note(self.nvdimmfs("check", path))))
        for said, size in ((str(AREA), 64 * MIB), ("128K", 64 * MIB), ("0", 64 * MIB + AREA)):
            with mounting.Mount(path, f"label_size={said}") as mount:
                self.assertEqual(str(size), session.word(mount, REGION, "size"))
            self.assertEqual([], self.note(mount))

    def test_a_label_size_that_hides_labels_is_refused(self):
        path = self.labelled("a.img")
        before = images.sha256(path)
        topology = self.scratch_path("t.toml")
        for size in ("1M", "0", "64K", "132K", "256K"):
            with self.subTest(size=size):
                self.refused(path, "-o", f"label_size={size}", says=[f"label_size={AREA}", "hide_labels"])
                self.refused(f"{path},label_size={size}", "-o", "ro", says=["hide_labels"])
                with open(topology, "w", encoding="utf-8") as out:
                    out.write(f'[[bus]]\n[[bus.dimm]]\nimage = "a.img"\nlabel_size = "{size}"\n')
                self.refused(topology, says=["hide_labels", "t.toml:"])
                self.assertEqual(before, images.sha256(path))
        self.refused(path, "-o", f"labels={images.blank(self.scratch_path('lsa'), 0, AREA)}", says=["hide_labels"])
        with mounting.Mount(path, "label_size=0,hide_labels") as mount:
            self.assertEqual(str(64 * MIB + AREA), session.word(mount, REGION, "size"))
        with open(topology, "w", encoding="utf-8") as out:
            out.write('[[bus]]\n[[bus.dimm]]\nimage = "a.img"\nlabel_size = 0\nhide_labels = true\n')
        self.assertEqual(64 * MIB + AREA, self.region_size(topology))
        self.assertEqual(["db"], self.names(path))


class DisplacedTest(ImageTestCase):
    """Labels that are no longer at the end of the file."""

    def found(self, path, code=4):
        findings = json.loads(self.nvdimmfs("check", "--json", path, code=code).stdout)
        findings = findings if isinstance(findings, list) else findings["findings"]
        return [f["sentence"] for f in findings if f["reason"] == "image.labels.displaced"]

    def test_a_file_that_grew_or_was_cut_is_brought_back_by_the_command_that_check_says(self):
        end = 64 * MIB + AREA
        for size in (512 * MIB, 512 * MIB + AREA, end + MIB, end - 4096, end - 60000, 64 * MIB + 8192, 1 << 40):
            with self.subTest(size=size):
                path = self.labelled("a.img")
                whole = images.sha256(path)
                os.truncate(path, size)
                cut = images.sha256(path) if size < 1 << 30 else None
                self.refused(path, says=[f"truncate -s {end}"])
                if cut:
                    self.assertEqual(cut, images.sha256(path))
                (sentence,) = self.found(path)
                self.assertIn(str(abs(size - end)), sentence)
                command = sentence[sentence.index("truncate -s") :].split(". ")[0]
                subprocess.run(["sh", "-c", command], check=True)
                self.assertEqual(end, os.path.getsize(path))
                self.assertEqual(["db"], self.names(path))
                if size > end:
                    self.assertEqual(whole, images.sha256(path))
                os.unlink(path)

    def test_an_option_opens_it_as_the_guest_saw_it(self):
        path = self.labelled("a.img", namespaces=("db", "log"))
        os.truncate(path, 200 * MIB)
        end = 64 * MIB + AREA
        self.assertIn(f"size={end}", self.found(path)[0])
        self.assertEqual(["db", "log"], self.names(f"{path},size={end}"))
        with mounting.Mount(path, f"size={end}") as mount:
            mount.write("size=16M mode=raw name=third", REGION, "x/create")
        self.assertEqual(["db", "log", "third"], self.names(f"{path},size={end}"))
        self.assertEqual(200 * MIB, os.path.getsize(path))
        self.refused(path, "-o", "size=300M", says=["size=", "truncate -s 314572800"])
        self.refused(path, "-o", "size=1000", says=["4096"])

    def test_a_file_that_is_longer_by_little_shows_its_labels_and_says_so(self):
        path = self.labelled("a.img")
        os.truncate(path, 64 * MIB + AREA + 4096)
        self.assertEqual(["db"], self.names(path))
        (sentence,) = self.found(path)
        self.assertIn(f"label-size={AREA}", sentence)
        self.assertIn(f"truncate -s {64 * MIB + AREA} ", sentence)

    def test_labels_are_moved_to_the_new_end(self):
        for size in (512 * MIB, 512 * MIB + AREA, 64 * MIB + AREA + MIB):
            with self.subTest(size=size):
                path = self.labelled("a.img")
                with mounting.Mount(path) as mount:
                    with open(mount.join("dev/by-name/db"), "r+b") as node:
                        node.write(b"kept" * 1024)
                os.truncate(path, size)
                self.nvdimmfs("move-labels", path)
                self.assertEqual(size - AREA, self.region_size(path))
                with mounting.Mount(path) as mount:
                    with open(mount.join("dev/by-name/db"), "rb") as node:
                        self.assertEqual(b"kept" * 1024, node.read(4096))
                    if size > 200 * MIB:
                        mount.write("size=256M mode=raw name=more", REGION, "x/create")
                self.nvdimmfs("check", path)
                self.nvdimmfs("move-labels", path, code=1)
                os.unlink(path)

    def test_labels_are_not_moved_over_somebodys_bytes(self):
        path = self.labelled("a.img")
        os.truncate(path, 128 * MIB)
        with open(path, "r+b") as out:
            out.seek(-5, os.SEEK_END)
            out.write(b"bytes")
        before = images.sha256(path)
        self.assertIn("not blank", self.nvdimmfs("move-labels", path, code=1).stderr)
        self.assertEqual(images.sha256(path), before)
        os.truncate(path, 64 * MIB + AREA + 8192)
        self.nvdimmfs("move-labels", path, code=1)
        os.truncate(path, 64 * MIB + 8192)
        self.assertIn("shorter", self.nvdimmfs("move-labels", path, code=1).stderr)

    def test_what_lies_behind_is_not_cut_off(self):
        path = self.labelled("a.img")
        with open(path, "r+b") as out:
            out.seek(100 * MIB)
            out.write(b"somebody's")
        (sentence,) = self.found(path)
        self.assertNotIn("truncate", sentence)
        self.assertIn("size=", sentence)

    def test_labels_at_an_odd_place_of_a_dense_file_are_found_by_check(self):
        path = self.labelled("a.img", size=63 * MIB + 4096 * 77)
        with open(path, "r+b") as out:
            os.posix_fallocate(out.fileno(), 0, 150 * MIB)
        self.assertEqual(1, len(self.found(path)))

    def test_labels_inside_of_a_file_system_are_its_files_bytes(self):
        if not shutil.which("mke2fs"):
            self.skipTest("mke2fs is not installed")
        folder = self.scratch_path("files")
        os.mkdir(folder)
        images.initialised(os.path.join(folder, "vm.img"), 8 * MIB, AREA, 2)
        path = images.blank(self.scratch_path("root.img"), 64 * MIB, 0)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-d", folder, path], check=True, timeout=60)
        self.assertEqual([], self.found(path, code=0))
        with mounting.Mount(path):
            pass


class SlotTest(ImageTestCase):
    def test_labels_of_another_slot_are_shown_as_that_slot(self):
        for minor in (1, 2):
            with self.subTest(minor=minor):
                path = self.labelled("b.img", options="slot=1", minor=minor)
                with mounting.Mount(path) as mount:
                    self.assertEqual(["db"], [name for name in session.namespaces(mount)])
                    dimm = "ndbus0/nmem0/nfit"
                    self.assertEqual("0x57341200", session.word(mount, dimm, "serial"))
                    self.assertEqual("8680-57341200", session.word(mount, dimm, "id"))
                (note,) = self.note(mount)
                self.assertIn("slot=1", note)
                self.assertEqual(1, len(self.note(self.nvdimmfs("check", path))))
                with mounting.Mount(path, "slot=1") as mount:
                    self.assertEqual(["db"], [name for name in session.namespaces(mount)])
                self.assertEqual([], self.note(mount))

    def test_a_foreign_set_is_named_with_what_shows_it(self):
        path = self.labelled("b.img", options="serial=0xabcdef")
        said = self.nvdimmfs("check", path, code=4).stdout
        self.assertIn("serial=0xabcdef", said)
        self.assertEqual([], self.names(path))
        self.assertEqual(["db"], self.names(f"{path},serial=0xabcdef"))
        path = self.labelled("c.img", options="slot=2")
        said = self.nvdimmfs("check", f"{path},slot=0", code=4).stdout
        self.assertIn("QEMU's slot 2", said)
        self.assertIn("serial=0x123458", said)

    def test_labels_of_two_slots_on_one_image_are_not_guessed_at(self):
        path = self.labelled("b.img", options="slot=3", namespaces=("three",))
        with mounting.Mount(path, "slot=0") as mount:
            mount.write("size=16M mode=raw name=zero", REGION, "x/create")
        self.assertEqual(["zero"], self.names(path))
        self.assertEqual(["three"], self.names(f"{path},slot=3"))
        self.assertIn("QEMU's slot 3", self.nvdimmfs("check", path, code=4).stdout)

    def test_a_topology_has_slots(self):
        self.labelled("a.img", options="slot=1", namespaces=("first",))
        self.labelled("b.img", options="serial=77", namespaces=("second",))
        path = self.scratch_path("t.toml")
        dimm = '[[bus.dimm]]\nimage = "{}"\n{}\n'
        with open(path, "w", encoding="utf-8") as out:
            out.write("[[bus]]\n" + dimm.format("a.img", "slot = 1") + dimm.format("b.img", "serial = 77\nhandle = 9"))
        regions = self.listed(path)["buses"][0]["regions"]
        found = [ns["name"] for region in regions for ns in region["namespaces"] if ns["raw_size"]]
        self.assertEqual(["first", "second"], found)

    def test_bad_slots_are_refused(self):
        path = images.blank(self.scratch_path("a.img"), 64 * MIB, AREA)
        for option in ("slot=256", "slot=-1", "slot=x", "serial=0x100000000", "serial="):
            self.refused(path, "-o", option, says=[option.split("=")[0]])

    def test_create_prints_the_slot(self):
        said = self.nvdimmfs("create", "b.img", "--size", "64M", "--slot", "1").stderr
        self.assertIn("slot=1,", said)
        self.assertIn("memdev=m1", said)
        self.assertIn("b.img,slot=1", said)
        self.assertNotIn(",slot=", self.nvdimmfs("create", "a.img", "--size", "64M").stderr)
        self.nvdimmfs("create", "c.img", "--size", "64M", "--slot", "256", code=2)

    def test_create_says_what_a_blank_label_area_needs(self):
        said = self.nvdimmfs("create", "b.img", "--size", "64M", "--slot", "1").stderr
        self.assertIn("type first: nvdimmfs init-labels b.img,slot=1", said)
        self.nvdimmfs("init-labels", "b.img,slot=1")
        for labels in (["--labels", "1.2"], ["--label-size", "0"]):
            said = self.nvdimmfs("create", f"{len(labels[1])}.img", "--size", "64M", *labels).stderr
            self.assertNotIn("init-labels", said)

    def test_create_makes_files_for_their_owner_alone(self):
        old = os.umask(0)
        try:
            self.nvdimmfs("create", "a.img", "--size", "64M")
        finally:
            os.umask(old)
        self.assertEqual(0o600, os.stat(self.scratch_path("a.img")).st_mode & 0o777)


class FormatTest(ImageTestCase):
    HEADS = {
        "qemu-img convert -O raw": [b"QFI\xfb\0\0\0\3", b"KDMV\1\0\0\0", b"vhdxfile", b"conectix", b"QED\0"],
        "xz -dc": [b"\xfd7zXZ\0\0\4"],
        "gzip -dc": [b"\x1f\x8b\x08\0"],
        "zstd -dc": [b"\x28\xb5\x2f\xfd"],
        "bzip2 -dc": [b"BZh91AY&SY"],
        "lz4 -dc": [b"\x04\x22\x4d\x18"],
    }

    def with_head(self, path, head):
        with open(path, "r+b") as out:
            out.write(head)
        return path

    def test_other_formats_are_refused_with_the_conversion(self):
        for command, heads in self.HEADS.items():
            for head in heads:
                with self.subTest(head=head):
                    for size in (512, 64 * MIB):
                        path = self.with_head(images.blank(self.scratch_path("vm.img.x"), size, 0), head)
                        self.refused(path, says=[command, "vm.img", "format=raw"])
                    self.nvdimmfs("list", path, code=1)
                    self.nvdimmfs("check", path, code=8)
                    self.nvdimmfs("list", f"e820:{path}", code=1)
                    self.assertEqual(64 * MIB, self.region_size(f"{path},format=raw"))

    def test_compressed_images_as_the_programs_make_them(self):
        self.labelled("vm.img")
        for program, suffix in (("gzip", "gz"), ("xz", "xz"), ("zstd", "zst"), ("bzip2", "bz2"), ("lz4", "lz4")):
            if not shutil.which(program):
                continue
            with self.subTest(program=program):
                packed = self.scratch_path(f"vm.{suffix}")
                with open(packed, "wb") as out:
                    subprocess.run([program, "-c", self.scratch_path("vm.img")], stdout=out, check=True, timeout=60)
                said = self.refused(packed, says=["format=raw"])
                command = said[said.index("Make an image of it: ") + 21 :].split("; where")[0]
                os.rename(self.scratch_path("vm.img"), self.scratch_path("vm.was"))
                subprocess.run(["sh", "-c", command], check=True, timeout=60)
                self.assertEqual(["db"], self.names(self.scratch_path("vm.img")))

    def test_a_namespace_may_begin_as_it_likes(self):
        path = self.labelled("a.img")
        for heads in self.HEADS.values():
            for head in heads:
                self.with_head(path, head)
                self.assertEqual(["db"], self.names(path))
                self.nvdimmfs("check", path)


class DiskTest(ImageTestCase):
    def loop(self, path, *options):
        if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
            self.skipTest("loop devices need root")
        made = subprocess.run(
            ["losetup", "-f", "--show", *options, path], capture_output=True, text=True, timeout=30, check=False
        )
        if made.returncode != 0:
            self.skipTest(f"losetup: {made.stderr}")
        device = made.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "-d", device], timeout=30, check=False)
        return device

    def test_a_block_device_is_an_image_labels_included(self):
        path = images.initialised(self.scratch_path("disk"), 64 * MIB, AREA, 2)
        device = self.loop(path)
        with mounting.Mount(device) as mount:
            mount.write("size=16M mode=sector name=log", REGION, "x/create")
            with open(mount.join("dev/by-name/log"), "r+b") as node:
                node.write(b"x" * 4096)
                os.fsync(node.fileno())
            self.refused(device, says=["busy"])
        self.assertEqual(["log"], self.names(device))
        self.nvdimmfs("check", device)
        self.nvdimmfs("map", device)
        with mounting.Mount(device, "ro") as mount:
            with open(mount.join("dev/by-name/log"), "rb") as node:
                self.assertEqual(b"x" * 4096, node.read(4096))

    def test_a_read_only_disk(self):
        path = self.labelled("disk")
        device = self.loop(path, "-r")
        self.refused(device, says=["ro"])
        self.assertEqual(["db"], self.names(device))

    def test_a_mounted_disk_is_refused(self):
        if not shutil.which("mke2fs"):
            self.skipTest("mke2fs is not installed")
        path = images.blank(self.scratch_path("disk"), 64 * MIB, 0)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", path], check=True, timeout=60)
        device = self.loop(path)
        place = self.scratch_path("place")
        os.mkdir(place)
        if subprocess.run(["mount", device, place], capture_output=True, timeout=30, check=False).returncode:
            self.skipTest("ext4 cannot be mounted here")
        try:
            self.refused(device, says=["busy"])
        finally:
            subprocess.run(["umount", place], timeout=30, check=True)


class UnmappableTest(ImageTestCase):
    """On a file system without shared mappings."""

    def setUp(self):
        super().setUp()
        self.backing = self.labelled("a.img")
        place = self.scratch_path("direct")
        os.mkdir(place)
        server = subprocess.Popen(
            [mounting.program("tests/e2e/direct_fs"), self.backing, place, "-f"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait, 30)
        self.addCleanup(mounting.unmount, place)
        self.path = os.path.join(place, "image")
        self.assertTrue(mounting.wait_until(lambda: os.path.exists(self.path)))

    def test_reading_works_and_writing_says_why_not(self):
        self.assertEqual(["db"], self.names(self.path))
        self.nvdimmfs("check", self.path)
        self.assertIn("db", self.nvdimmfs("map", self.path).stdout)
        before = images.sha256(self.backing)
        self.refused(self.path, says=["direct_io", ",ro"])
        with mounting.Mount(self.path, "ro") as mount:
            with open(mount.join("dev/by-name/db"), "rb") as node:
                self.assertEqual(bytes(MIB), node.read(MIB))
            with self.assertRaises(OSError):
                mount.write("size=16M", REGION, "x/create")
        self.assertEqual(before, images.sha256(self.backing))


class TmpfsTest(ImageTestCase):
    def tmpfs(self, size):
        if os.geteuid() != 0:
            self.skipTest("mounting tmpfs needs root")
        place = self.scratch_path("tmpfs")
        os.mkdir(place)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], capture_output=True, timeout=30, check=False
        )
        if done.returncode:
            self.skipTest(f"tmpfs: {done.stderr}")
        self.addCleanup(subprocess.run, ["umount", "-l", place], timeout=30, check=False)
        return place

    def read_all(self, path):
        with open(path, "rb") as node:
            while chunk := node.read(MIB):
                self.assertEqual(0, len(chunk.strip(b"\0")))

    def test_holes_are_read_without_memory_and_a_full_one_reads_on(self):
        place = self.tmpfs("32M")
        path = images.initialised(os.path.join(place, "a.img"), 64 * MIB, AREA, 2)
        with mounting.Mount(path) as mount:
            mount.write("size=32M mode=raw name=raw", REGION, "x/create")
            mount.write("size=16M mode=sector name=log", REGION, "x/create")
        for options in ("ro", None):
            with mounting.Mount(path, options) as mount:
                before = os.stat(path).st_blocks
                for name in ("raw", "log"):
                    self.read_all(mount.join("dev/by-name", name))
                self.assertEqual(before, os.stat(path).st_blocks)
                with open(os.path.join(place, "fill"), "wb", buffering=0) as fill:
                    try:
                        while True:
                            fill.write(bytes(MIB))
                    except OSError as error:
                        self.assertEqual(errno.ENOSPC, error.errno)
                for name in ("raw", "log"):
                    self.read_all(mount.join("dev/by-name", name))
                os.unlink(os.path.join(place, "fill"))

    def test_a_repair_without_room_for_what_it_overwrites_changes_nothing(self):
        place = self.tmpfs("1M")
        path = images.initialised(os.path.join(place, "a.img"), 64 * MIB, AREA, 2)
        with open(path, "r+b") as image:
            image.seek(64 * MIB)
            image.write(bytes(16))
        with open(os.path.join(place, "fill"), "wb", buffering=0) as fill, self.assertRaises(OSError):
            while True:
                fill.write(bytes(512))
        before = images.sha256(path)
        said = self.nvdimmfs("check", "--repair", path, code=8)
        self.assertIn("No space left on device", said.stdout + said.stderr)
        self.assertEqual(["a.img", "fill"], sorted(os.listdir(place)))
        self.assertEqual(before, images.sha256(path))

    def test_what_is_written_is_read(self):
        path = images.initialised(os.path.join(self.tmpfs("32M"), "a.img"), 64 * MIB, AREA, 2)
        with mounting.Mount(path) as mount:
            mount.write("size=32M mode=raw name=raw", REGION, "x/create")
            with open(mount.join("dev/by-name/raw"), "r+b", buffering=0) as node:
                for offset in (0, 5000, 70000, 3 * MIB - 1):
                    node.seek(offset)
                    node.write(b"written")
                    node.seek(offset - 1 if offset else 0)
                    self.assertIn(b"written", node.read(9))
                node.seek(65536)
                self.assertEqual(bytes(70000 - 65536), node.read(70000 - 65536))


class UsersTest(ImageTestCase):
    @staticmethod
    def run_shell(command):
        return subprocess.run(
            ["sh", "-c", command], check=True, timeout=60, stdout=subprocess.PIPE, text=True
        ).stdout

    def test_a_file_that_goes_while_it_is_mounted_is_told_once(self):
        def rename(path):
            os.rename(path, path + ".old")

        def replace(path):
            images.initialised(path + ".new", 64 * MIB, AREA, 2)
            os.rename(path + ".new", path)

        def swap(path):
            rename(path)
            images.initialised(path, 64 * MIB, AREA, 2)

        for number, (fate, words, moved) in enumerate(
            (
                (os.unlink, "deleted", False),
                (rename, "renamed", True),
                (replace, "taken its place", False),
                (swap, "", True),
            )
        ):
            with self.subTest(words=words):
                path = self.labelled(f"{number}.img")
                saved = path + ".saved"
                with mounting.Mount(path) as mount:
                    fate(path)
                    # The notice is asynchronous; the log file shows what was logged.
                    told = lambda: b"image.gone" in os.pread(mount._log_file.fileno(), 1 << 16, 0)
                    self.assertTrue(mounting.wait_until(told))
                    line = os.pread(mount._log_file.fileno(), 1 << 16, 0).decode()
                    if moved:  # nothing is lost, and the printed command names the place
                        self.assertNotIn("lost", line)
                        command = line[line.index("readlink") :].split(" says")[0]
                        saved = self.run_shell(command).strip()
                        self.assertEqual(path + ".old", saved)
                    else:
                        command = line[line.index("cp --sparse") :].split(" [image.gone]")[0]
                        self.run_shell(command)
                self.assertIn(words, mount.log)
                self.assertEqual(1, mount.log.count("image.gone"))
                self.assertEqual(["db"], self.names(saved))

    def test_touching_it_is_not_told(self):
        path = self.labelled("a.img")
        with mounting.Mount(path) as mount:
            os.chmod(path, 0o600)
            os.link(path, path + ".link")
            os.unlink(path + ".link")
            os.utime(path)
        self.assertNotIn("image.gone", mount.log)

    @staticmethod
    def locked(path, byte):
        """Whether another process has a lock on the byte; the query that QEMU uses."""
        f_ofd_getlk = 36
        with open(path, "rb") as file:
            query = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
            answer = fcntl.fcntl(file.fileno(), f_ofd_getlk, query)
        return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK

    def test_others_see_the_locks_of_qemus_block_layer(self):
        path = self.labelled("a.img")
        for options, expected in ((None, {100, 101, 103, 201, 203}), ("ro", {100, 201, 203})):
            with mounting.Mount(path, options):
                found = {byte for byte in (*range(100, 105), *range(200, 205)) if self.locked(path, byte)}
                self.assertEqual(expected, found)
        self.assertFalse(any(self.locked(path, byte) for byte in range(100, 205)))

    def test_qemu_cannot_take_a_mounted_image_for_a_disk(self):
        if not shutil.which("qemu-system-x86_64"):
            self.skipTest("QEMU is not installed")
        path = self.labelled("a.img")

        def opens(read_only):
            drive = f"if=none,id=d,format=raw,file={path},readonly={'on' if read_only else 'off'}"
            command = ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-nodefaults", "-display", "none"]
            command += ["-S", "-drive", drive, "-device", "virtio-blk-pci,drive=d", "-qmp", "stdio"]
            done = subprocess.run(
                command,
                input='{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n',
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            return done.returncode == 0

        self.assertTrue(opens(False))
        with mounting.Mount(path):
            self.assertFalse(opens(True))
            self.assertFalse(opens(False))
        with mounting.Mount(path, "ro"):
            self.assertTrue(opens(True))
            self.assertFalse(opens(False))

    def test_locks_of_others_are_heeded(self):
        path = self.labelled("a.img")
        f_ofd_setlk = 37
        with open(path, "r+b") as file:
            # The bytes that QEMU locks when it only reads.
            for byte in (100, 201, 203):
                fcntl.fcntl(file.fileno(), f_ofd_setlk, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0))
            self.refused(path, says=["in use"])
        with mounting.Mount(path):
            pass


if __name__ == "__main__":
    runner.main()
