# SPDX-License-Identifier: Apache-2.0
"""What the tests with container engines share: private storage, commands, an image to run."""

import os
import shutil
import subprocess
import tempfile

from tests.support import mounting
from tests.volumes import box
from tests.volumes import plugin as plugins


class EngineTestCase(plugins.PluginTestCase):
    """A case with a plugin, and an engine that keeps everything below `home`."""

    programs = ()  # the programs that it needs; the first is the engine's name
    limits = []  # options of each run
    archive = ""  # the image that is imported as "box"

    def setUp(self):
        super().setUp()
        for name in (*self.programs, "busybox"):
            if not shutil.which(name):
                self.skipTest(f"no {name} on this machine")
        self.plugin = self.plugin()
        # Engines need a short path for their sockets.
        self.home = tempfile.mkdtemp(prefix="nv.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        # The storage mounts itself, and a container that hangs would keep everything.
        self.addCleanup(self.unmount_storage)
        self.start_engine()
        self.archive = box.archive(self.scratch_path("image"))
        try:
            self.engine("import", self.archive, "box")
            self.engine("run", "--rm", *self.limits, "box", "id")
        except AssertionError as error:
            self.skipTest(f"{self.programs[0]} runs no container here: {error}")

    def start_engine(self):
        """Makes the engine ready, and registers its end (addCleanup)."""
        raise NotImplementedError

    def command(self, **more):
        """The first words of each command."""
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def engine(self, *arguments, check=True, **more):
        """The output, with errors unless `check` is set. `more` is for
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
