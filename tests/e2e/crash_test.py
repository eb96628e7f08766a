# SPDX-License-Identifier: Apache-2.0
"""`nvdimmfs crash`: a program under power cuts, with a defect in its order of stores and without."""

import json
import os
import shutil
import signal
import subprocess

from tests.support import images, mounting, runner

MIB = 1 << 20


class CrashTest(mounting.MountTestCase):
    limit = 800

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("vm.img"), 64 * MIB, 128 << 10)
        with mounting.Mount(self.image) as mount:
            mount.write("size=16M mode=raw name=data", "ndbus0/region0/x/create")
            mount.write("size=32M mode=sector name=log", "ndbus0/region0/x/create")
        self.before = images.sha256(self.image)
        self.program = mounting.program("tests/e2e/two_words")
        self.temporary = self.scratch_path("tmp")
        os.mkdir(self.temporary)

    def crash(self, mode, *options, code, namespace="data", source=None, check=True):
        """Runs the form on the tiny program; returns what it printed, stdout and stderr."""
        command = [mounting.program("tools/nvdimmfs"), "crash", source or self.image, "--namespace", namespace, *options]
        if check:
            command += ["--check", f"{self.program} check {{}}"]
        command += ["--", self.program, mode, "{}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=700, check=False,
                              env={**os.environ, "TMPDIR": self.temporary})
        self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr}")
        self.assertEqual(images.sha256(self.image), self.before, "the source changed")
        self.assertEqual(os.listdir(self.temporary), [], "files were left behind")
        return done.stdout, done.stderr

    def test_a_wrong_order_of_stores_is_found_and_repeats(self):
        kept = self.scratch_path("kept")
        report = json.loads(self.crash("broken", "--json", "--every", "--seeds", "6", "--keep", kept, code=1)[0])
        failures = [cut for cut in report["cuts"] if cut["exit"] != 0]
        self.assertEqual(len(failures), report["failed"])
        self.assertGreaterEqual(len(failures), 2)
        for cut in failures:
            self.assertEqual(cut["exit"], 1, cut)
            self.assertRegex(cut["output"], "record [1-8] of [1-8] has no content")
            self.assertEqual((cut["undurable_words"], cut["lost_words"]), (2, 1), cut)
            self.assertTrue(os.path.exists(cut["image"]))
        self.assertIsNone(report["stopped"])
        self.repeats_on_a_mount(failures[0])
        self.a_failed_copy_keeps_the_report(report["cuts"], failures[0])
        # A run of the command for each image finds the same ones.
        seed = str(failures[0]["seed"])
        options = ("--json", "--rerun", "--every", "--seed", seed, "--seeds", "1")
        again = json.loads(self.crash("broken", *options, code=1)[0])
        self.assertTrue(again["rerun"])
        known = {(cut["fence"], cut["seed"]): cut["exit"] for cut in report["cuts"]}
        for cut in again["cuts"]:
            self.assertEqual(known.get((cut["fence"], cut["seed"]), cut["exit"]), cut["exit"], cut)

    def a_failed_copy_keeps_the_report(self, cuts, failure):
        """A directory is where the first image that fails would be kept."""
        kept = self.scratch_path("blocked")
        os.makedirs(os.path.join(kept, os.path.basename(failure["image"])))
        text, errors = self.crash("broken", "--json", "--every", "--seeds", "6", "--keep", kept, code=1)
        report = json.loads(text)
        self.assertEqual(report["stopped"], "crash.copy")
        self.assertIn("EISDIR, crash.copy", errors)
        done = cuts[: cuts.index(failure) + 1]
        self.assertEqual(report["cuts"], done[:-1] + [{**failure, "image": ""}])

    def repeats_on_a_mount(self, cut):
        """The options that the report names leave the same bytes."""
        image = self.scratch_path("again.img")
        shutil.copy(self.image, image)
        with mounting.Mount(image, f"crash_after={cut['fence']},crash_seed={cut['seed']}") as mount:
            subprocess.run([self.program, "broken", mount.join("dev/by-name/data")], capture_output=True, check=False)
        self.assertEqual(images.sha256(image), images.sha256(cut["image"]))

    def test_the_right_order_passes(self):
        text, _ = self.crash("ordered", "--every", "--seeds", "3", code=0)
        self.assertRegex(text, r"the command's fences are \d+ to \d+; \d+ images, .*: 0 failed\n$")

    def test_a_btt_passes_its_check(self):
        text, _ = self.crash("broken", "--cuts", "12", "--seeds", "2", code=0, namespace="log", check=False)
        self.assertIn(": 0 failed", text)

    def test_refusals(self):
        for options, source, reason in (
            ({"namespace": "none"}, None, "crash.namespace"),
            ({}, "ram:64M", "crash.source"),
            ({}, self.image + ",crash_after=3", "crash.source"),
            ({}, self.scratch_path("missing.img"), "crash.source"),
        ):
            _, errors = self.crash("ordered", code=1, source=source, **options)
            self.assertIn(reason, errors)
        done = subprocess.run([mounting.program("tools/nvdimmfs"), "crash", self.image, "--namespace", "data", "--", "false"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[EIO, crash.command]", done.stderr)
        done = subprocess.run([mounting.program("tools/nvdimmfs"), "crash", self.image], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 2)

    def test_an_image_in_use_is_refused(self):
        with mounting.Mount(self.image):
            _, errors = self.crash("ordered", code=1)
            self.assertIn("image.busy", errors)

    def test_a_signal_ends_it_and_nothing_is_left(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            command = [mounting.program("tools/nvdimmfs"), "crash", self.image, "--namespace", "data", "--every"]
            command += ["--check", "sleep 0.5", "--", self.program, "ordered", "{}"]
            crash = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                     env={**os.environ, "TMPDIR": self.temporary})
            try:
                # Images are being checked.
                self.assertTrue(mounting.wait_until(lambda: self.left_by_the_form("checked")))
                # It forks while the copies are open.
                self.assertEqual(len(os.listdir(f"/proc/{crash.pid}/task")), 1)
                crash.send_signal(number)
                _, errors = crash.communicate(timeout=60)
            finally:
                crash.kill()
                crash.wait()
            self.assertEqual(crash.returncode, 1, errors)
            self.assertIn("crash.interrupted", errors)
            self.assertEqual(os.listdir(self.temporary), [], "files were left behind")

    def left_by_the_form(self, name):
        return any(name in files for _, _, files in os.walk(self.temporary))


if __name__ == "__main__":
    runner.main()
