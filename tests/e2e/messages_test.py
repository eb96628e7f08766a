# SPDX-License-Identifier: Apache-2.0
"""Messages for mistakes: true, printed once, and with the command that helps."""

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile

from tests.support import mounting, runner

FORMS = ["mount", "create", "list", "check", "map", "shell"]


def run(*arguments, **options):
    """Runs a form of the command line: exit code, stdout, stderr."""
    options.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run(
        [mounting.program("tools/nvdimmfs"), *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=6 * mounting.PATIENCE,
        check=False,
        text=True,
        **options,
    )
    return done.returncode, done.stdout or "", done.stderr


class MessagesTestCase(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.image = self.scratch_path("vm.img")
        code, _, err = run("create", self.image, "--size", "64M", "--labels", "1.2")
        self.assertEqual(code, 0, err)

    def assert_says(self, arguments, code, *parts, **options):
        got, out, err = run(*arguments, **options)
        self.assertEqual(got, code, (arguments, out, err))
        for part in parts:
            self.assertRegex(err, part, arguments)
        self.assertNotIn("nvdimmfs: nvdimmfs:", err)
        # No context is repeated: "create a: create a: ...".
        self.assertIsNone(re.search(r"(\w+ \S+: )\1", err), err)
        # No empty context: "list : ...".
        self.assertNotRegex(err, r"\w :")
        return err


class FormsTest(MessagesTestCase):
    def test_a_slip_in_a_form_gets_the_form(self):
        for typed, meant in {
            "chek": "check", "lst": "list", "lits": "list", "creat": "create", "shel": "shell",
            "mpa": "map", "mout": "mount", "hlep": "help",
        }.items():
            self.assert_says([typed, self.image], 2, f'"{typed}" is neither', f"did you mean {meant}\\?")
        self.assert_says(["demolish", self.image], 2, "neither a form nor a file\\. Forms are", "check")
        self.assert_says(["umount", "/mnt"], 2, "to unmount: umount MOUNTPOINT")

    def test_a_file_of_that_name_is_a_source(self):
        shutil.copy(self.image, self.scratch_path("chek"))
        self.assert_says(["chek", "gone"], 1, "mount on .*gone", cwd=self.scratch)

    def test_help(self):
        self.assertEqual(run("help"), run("help", "help"))
        code, out, _ = run("help")
        self.assertEqual(code, 0)
        for form in FORMS:
            self.assertIn(form, out)
            self.assertEqual(run("help", form)[:2], run(form, "--help")[:2], form)
            self.assertEqual(run("help", form)[0], 0, form)
        self.assert_says(["help", "chek"], 2, "did you mean check")

    def test_mount_is_a_form(self):
        place = self.scratch_path("mnt")
        os.mkdir(place)
        self.assert_says(["mount", self.image, place], 0)
        self.addCleanup(mounting.unmount, place)
        self.assertTrue(mounting.is_mounted(place))

    def test_a_slip_in_an_option_gets_the_option(self):
        new = self.scratch_path("new.img")
        self.assert_says(["create", new, "--sise=64M"], 2, "unknown option --sise; did you mean --size")
        self.assert_says(["create", new, "--sise", "64M"], 2, "unknown option --sise; did you mean --size")
        self.assertFalse(os.path.exists(new))
        self.assert_says(["check", "--jsn", self.image], 16, "did you mean --json")
        self.assert_says(["list", "--shcema", "1", self.image], 2, "did you mean --schema")
        self.assert_says(["shell", "--blok", self.image], 2, "did you mean --block")
        self.assert_says(["shell", self.image, "--blok"], 2, "unknown option --blok")
        self.assert_says(["list", "-Z", self.image], 2, "unknown option -Z")
        self.assert_says(["map", self.image, "more"], 2, 'unexpected argument "more"')
        self.assert_says([self.image + ",label_sise=4", "/mnt"], 1, "did you mean label_size")
        self.assert_says(["-o", "label_sise=4", self.image, "/mnt"], 2, "did you mean label_size")
        self.assert_says(["list", "rma:64M"], 1, "did you mean ram:")

    def test_what_is_empty(self):
        for form, code in (("list", 1), ("map", 1), ("check", 8), ("init-labels", 1)):
            self.assert_says([form, ""], code, f"^nvdimmfs: {form}: the SOURCE is empty")
        self.assert_says(["", "/mnt"], 1, "^nvdimmfs: mount: the SOURCE is empty")
        self.assert_says([self.image, ""], 2, "the MOUNTPOINT is empty")
        self.assert_says(["create", "", "--size", "1M"], 2, "the IMAGE is empty")
        self.assert_says(["move-labels", ""], 2, "the IMAGE is empty")

    def test_a_shell_takes_a_command_without_dashes(self):
        words = ["sh", "-c", 'echo "$@"', "x", "--", "-N", "y"]
        for dashes in ([], ["--"]):
            code, out, err = run("shell", self.image, *dashes, *words)
            if code == 125:
                self.skipTest(err)
            self.assertEqual((code, out), (0, "-- -N y\n"), err)

    def test_a_shell_that_has_no_mount_is_told_why_once(self):
        code, _, err = run("shell", self.image, "true")
        if code == 125:
            self.skipTest(err)
        for source, why in (("", "mount: the SOURCE is empty"), ("gone.img", "mount gone.img: .*No such file"),
                            ("rma:1M", "did you mean ram:"), (self.image + ",sise=4", "did you mean size")):
            err = self.assert_says(["shell", source, "true"], 125, why)
            self.assertEqual(1, err.count("\n"), err)
        err = self.assert_says(["shell", "-o", "label_sise=4", self.image, "true"], 125, "did you mean label_size")
        self.assertNotIn("ended", err)


class OutputTest(MessagesTestCase):
    def test_a_full_device_is_told(self):
        new = self.scratch_path("new.img")
        for form in (
            ["map", self.image],
            ["map", "--svg", "-", self.image],
            ["list", "-i", "-R", self.image],
            ["list", "--schema", "1", self.image],
            ["create", new, "--size", "1M"],
            ["help"],
            ["list", "--help"],
            ["--help"],
        ):
            with open("/dev/full", "w", encoding="utf-8") as full:
                self.assert_says(form, 1, "standard output: No space left", stdout=full)
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assert_says(["check", "--json", self.image], 8, "standard output", stdout=full)

    def test_a_reader_that_leaves_is_not_told(self):
        for ignored in (True, False):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run(
                [mounting.program("tools/nvdimmfs"), "map", self.image],
                stdout=writer, stderr=subprocess.PIPE, restore_signals=not ignored, check=False,
            )
            os.close(writer)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stderr, b"")

    def test_a_picture_does_not_replace_an_image(self):
        self.assert_says(["map", self.image, "--svg", self.image], 1, "not an SVG file; refusing to overwrite it")


class HoldersTest(MessagesTestCase):
    def test_a_mounted_image(self):
        """Names the process and the place, and an alternative that the form really has."""
        with mounting.Mount(self.image) as mount:
            for form, code in (("list", 1), ("check", 8), ("map", 1)):
                self.assert_says(
                    [form, self.image], code, rf"nvdimmfs \(pid {mount.daemon.pid}\)",
                    f"umount {mount.path}", "add ,ro,force to the SOURCE",
                )
                self.assert_says([form, self.image + ",ro,force"], 0)
            self.assert_says([self.image, self.scratch], 1, f"umount {mount.path}")

    def test_a_command_is_quoted_where_it_must_be(self):
        place = self.scratch_path("it's here")
        os.mkdir(place)
        self.assert_says([self.image, place], 0)
        self.addCleanup(mounting.unmount, place)
        for source in (self.image, place):
            err = self.assert_says(["list", source], 1)
            [word] = re.findall(r"umount (.*?here')", err)
            self.assertEqual([place], shlex.split(word), err)

    def test_a_mount_point_as_source(self):
        with mounting.Mount(self.image) as mount:
            for form, code in (("list", 1), ("check", 8), ("map", 1)):
                err = self.assert_says(
                    [form, mount.path], code, f"{mount.path} is the mount of {self.image}"
                )
                # The suggested command works.
                for command in re.findall(r"cat \S*/x/[a-z.]+", err):
                    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
            with open(mount.join("ndbus0/x/list.json"), encoding="utf-8") as listing:
                self.assertEqual(json.load(listing)["schema"], 1)
            self.assert_says(["list", mount.join("ndbus0")], 1, "is in the mount of")
        self.assert_says(["list", self.scratch], 1, "a directory")

    def test_df_does_not_say_full(self):
        with mounting.Mount(self.image) as mount:
            mount.write("size=16M", "ndbus0/region0/x/create")
            there = os.statvfs(mount.path)
            # The namespace and the DIMM's label area.
            self.assertEqual(there.f_blocks * there.f_frsize, (16 << 20) + (128 << 10))
            self.assertEqual(there.f_bavail, there.f_blocks)
            self.assertEqual(there.f_favail, there.f_files)


class RightsTest(mounting.MountTestCase):
    """As an ordinary user; the program is copied to a place where that user may execute it."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        self.nobody = pwd.getpwnam("nobody")
        self.folder = tempfile.mkdtemp(prefix="nvdimmfs-rights.")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.program = shutil.copy(mounting.program("tools/nvdimmfs"), self.folder)
        os.chmod(self.program, 0o755)
        self.image = os.path.join(self.folder, "vm.img")
        run("create", self.image, "--size", "16M", "--labels", "1.2")

    def as_nobody(self, *arguments):
        done = subprocess.run(
            [self.program, *arguments], user=self.nobody.pw_uid, group=self.nobody.pw_gid,
            extra_groups=[], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=6 * mounting.PATIENCE,
        )
        return done.returncode, done.stderr

    def test_an_unreadable_image(self):
        os.chmod(self.image, 0o600)
        for form, code in ((["list"], 1), (["map"], 1), (["check"], 8), (["check", "--repair"], 8)):
            got, err = self.as_nobody(*form, self.image)
            self.assertEqual(got, code, err)
            self.assertRegex(err, "may not read .*it: it belongs to uid 0, gid 0, with mode 0600")
            self.assertNotIn(",ro", err)
        self.assertRegex(self.as_nobody(self.image, self.folder)[1], "may not read or write it")

    def test_a_readable_image(self):
        os.chmod(self.image, 0o644)
        got, err = self.as_nobody(self.image, self.folder)
        self.assertEqual(got, 1)
        self.assertIn("it can be read: to look at it, add ,ro to the SOURCE", err)
        self.assertEqual(self.as_nobody("list", self.image), (0, ""))

    def test_a_closed_fuse_device(self):
        os.chmod(self.image, 0o644)
        if os.stat("/dev/fuse").st_mode & 0o006:
            self.skipTest("all users may open /dev/fuse")
        place = os.path.join(self.folder, "mnt")
        os.mkdir(place)
        os.chown(place, self.nobody.pw_uid, self.nobody.pw_gid)
        got, err = self.as_nobody(self.image + ",ro", place)
        self.assertEqual(got, 1)
        self.assertIn("open /dev/fuse: Permission denied; mount as root", err)
        self.assertIn("[EACCES, mount.failed]", err)

    def test_a_closed_directory(self):
        closed = os.path.join(self.folder, "closed")
        os.mkdir(closed, 0o700)
        shutil.copy(self.image, closed)
        _, err = self.as_nobody("list", os.path.join(closed, "vm.img"))
        self.assertIn("a directory on the way is closed to this user", err)


if __name__ == "__main__":
    runner.main()
