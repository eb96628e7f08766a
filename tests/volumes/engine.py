# SPDX-License-Identifier: Apache-2.0
"""What the tests with container engines share: storage of their own, calls, an image to run."""

import os
import shutil
import subprocess
import tempfile

from tests.support import mounting
from tests.volumes import box
from tests.volumes import plugin as plugins


class EngineTestCase(plugins.PluginTestCase):
    """A case with a plugin, and an engine that keeps everything below `home`."""

    programs = ()  # that it needs; the first is the engine's name
    limits = []  # options of each run
    archive = ""  # the image that is imported as "box"

    def setUp(self):
        super().setUp()
        for name in (*self.programs, "busybox"):
            if not shutil.which(name):
                self.skipTest(f"no {name} on this machine")
        self.plugin = self.plugin()
        # Engines want a short path for what they run.
        self.home = tempfile.mkdtemp(prefix="nv.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        # Storage mounts itself, and a container that hangs would keep everything.
        self.addCleanup(self.unmount_storage)
        self.start_engine()
        self.archive = box.archive(self.scratch_path("image"))
        try:
            self.engine("import", self.archive, "box")
            self.engine("run", "--rm", *self.limits, "box", "id")
        except AssertionError as error:
            self.skipTest(f"{self.programs[0]} runs no container here: {error}")

    def start_engine(self):
        """Makes it ready for calls, and says (addCleanup) how it ends."""
        raise NotImplementedError

    def command(self, **more):
        """How a call begins."""
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def engine(self, *arguments, check=True, **more):
        """What it printed; with what it complained of unless that is checked for. `more` is for
        command()."""
        done = subprocess.run(
            [*self.command(**more), *arguments], env=self.environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if check:
            words = " ".join((self.programs[0], *arguments))
            self.assertEqual(0, done.returncode, f"{words}: {done.stderr}")
        return done.stdout if check else done.stdout + done.stderr

    def unmount_storage(self):
        with open("/proc/self/mounts", encoding="utf-8") as table:
            places = [line.split(" ")[1] for line in table]
        for place in reversed(places):
            if place.startswith(self.home + "/"):
                mounting.unmount(place)
