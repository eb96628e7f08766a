# SPDX-License-Identifier: Apache-2.0
"""The distribution's ndctl and daxctl print in a shell what they print in a guest."""

import json
import os
import re
import subprocess
from concurrent import futures

from tests.shell import sessions, shells, tools
from tests.support import images, mounting, runner

MIB = images.MIB
GOLDEN = os.path.abspath("tests/golden")
RECORDED_WITH = sessions.FIRST
# The kernel of the guests whose output was recorded.
AS_RECORDED = "kernel=6.1"

# Prints every list in the format of tests/golden/list.
LIST_SCRIPT = """
while read -r flags; do
  echo "@@@ $flags"; eval "ndctl list $flags" 2>/dev/null; echo "rc=$?"
done
"""


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as source:
        return source.read()


class NdctlTest(shells.ShellTestCase):
    programs = ("ndctl", "daxctl")

    def need_version(self):
        done = subprocess.run(["ndctl", "--version"], capture_output=True, text=True, check=True)
        if done.stdout.strip() != RECORDED_WITH:
            self.skipTest(f"recorded with ndctl {RECORDED_WITH}, this is {done.stdout.strip()}")

    def golden_image(self, name):
        path = os.path.join(GOLDEN, f"{name}.img.xz")
        return images.unpack(path, self.scratch_path(f"{name}.img"))

    def dimm(self, label_minor=2):
        return images.initialised(self.scratch_path("dimm.img"), 128 * MIB, 128 << 10, label_minor)

    def test_every_list_is_the_kernels(self):
        self.need_version()
        for name in ("k11", "k12"):
            recording = read(GOLDEN, "list", f"{name}.txt")
            flags = re.findall(r"^@@@ (.*)$", recording, re.MULTILINE)
            script = f"{LIST_SCRIPT.rstrip()} <<'END'\n" + "\n".join(flags) + "\nEND\n"
            with self.subTest(image=name):
                source = f"{self.golden_image(name)},{AS_RECORDED}"
                shown = self.output_of(source, "sh", "-c", script)
                recorded = recording[recording.index("@@@"):]
                self.assertMultiLineEqual(recorded, shown)

    def assert_sessions(self, folder, run, version=sessions.FIRST):
        """Each session, three at a time, on fresh DIMMs in `folder`, prints what it printed in a guest."""
        if version == sessions.FIRST:
            self.need_version()
        path = "" if version == sessions.FIRST else f"PATH={tools.place(version)}/bin:$PATH\n"
        self.maxDiff = None

        def replay(name):
            place = os.path.join(folder, name)
            os.mkdir(place)
            return run(f"{sessions.SESSIONS[name].source(place)},{AS_RECORDED}", "sh", "-c", path + sessions.script(name))

        with futures.ThreadPoolExecutor(3) as pool:
            replays = {name: pool.submit(replay, name) for name in sessions.names_for(version)}
        for name, done in replays.items():
            with self.subTest(session=name):
                shown = done.result()
                self.assertEqual(0, shown.returncode, shown.stderr)
                self.assertMultiLineEqual(
                    sessions.recorded(name, version), sessions.normalised(shown.stdout))

    def test_sessions_are_the_kernels(self):
        self.assert_sessions(self.scratch, self.run_in)

    def test_sessions_with_81_are_as_recorded(self):
        self.assert_sessions(self.scratch, self.run_in, "81")

    def test_sessions_with_85_are_as_recorded(self):
        self.assert_sessions(self.scratch, self.run_in, "85")

    def test_sessions_of_an_ordinary_user_are_the_kernels(self):
        user = self.ordinary_user()
        self.assert_sessions(user.folder, user.run)

    def test_labels_are_those_of_the_image(self):
        image = self.golden_image("k12")
        saved = self.scratch_path("labels")
        self.output_of(image, "ndctl", "read-labels", "-o", saved, "nmem0")
        with open(image, "rb") as source, open(saved, "rb") as labels:
            source.seek(-(128 << 10), os.SEEK_END)
            self.assertEqual(source.read(), labels.read())

    def test_labels_written_back_bring_the_namespaces_back(self):
        image = self.golden_image("k12")
        before = json.loads(self.output_of(image, "ndctl", "list", "-Nv"))
        script = f"""cd {self.scratch} && ndctl read-labels -o saved nmem0 &&
            ndctl disable-region all && ndctl zero-labels nmem0 && ndctl enable-region all &&
            ndctl disable-region all && ndctl write-labels -i saved nmem0 &&
            ndctl enable-region all"""
        self.output_of(image, "sh", "-c", script)
        after = json.loads(self.output_of(image, "ndctl", "list", "-Nv"))
        by_name = lambda ns: ns["name"]
        self.assertEqual(sorted(before, key=by_name), sorted(after, key=by_name))

    def test_what_ndctl_makes_a_mount_shows(self):
        image = self.dimm()
        self.output_of(image, "ndctl", "create-namespace", "-m", "sector", "-s", "64M", "-n", "db")
        with mounting.Mount(image) as mount:
            self.assertTrue(os.path.exists(mount.join("dev/by-name/db")))

    def test_sectors_through_the_node(self):
        script = """ndctl create-namespace -m sector -s 32M >/dev/null &&
            dd if=/dev/urandom of=pattern bs=4096 count=100 status=none &&
            dd if=pattern of=/dev/pmem0s bs=4096 oflag=direct status=none &&
            dd if=/dev/pmem0s bs=4096 count=100 iflag=direct status=none | cmp - pattern"""
        self.output_of(self.dimm(), "sh", "-c", script, cwd=self.scratch)

    def test_nothing_else_is_disturbed_by_the_preloaded_library(self):
        script = """grep -q nvdimmfs/preload.so /proc/self/maps || exit 9; sh -c 'exec 3</dev/null; cat <&3'; ls -l /dev/null /proc/self/fd;
            tty; stat /dev/zero; head -c 5 /dev/zero | od -An -tx1"""
        done = self.run_in(self.dimm(), "sh", "-c", script)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("00 00 00 00 00", done.stdout)


if __name__ == "__main__":
    runner.main()
