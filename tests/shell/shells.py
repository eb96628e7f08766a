"""`nvdimmfs shell` for tests."""

import os
import shutil
import subprocess

from tests.support import mounting

LIMIT = 120  # seconds for one command in a shell


def why_no_shell():
    """Why this machine has no private mount namespaces, or None."""
    done = subprocess.run(
        ["unshare", "-m", "true"], capture_output=True, text=True, timeout=10, check=False
    )
    if done.returncode and os.geteuid() != 0:
        done = subprocess.run(
            ["unshare", "-rm", "true"], capture_output=True, text=True, timeout=10, check=False
        )
    return f"no mount namespaces: {done.stderr.strip()}" if done.returncode else None


class ShellTestCase(mounting.MountTestCase):
    """A case that runs commands in shells; skipped where there are no mount namespaces."""

    programs = ()  # that it needs

    def setUp(self):
        super().setUp()
        reason = why_no_shell()
        if reason:
            self.skipTest(reason)
        for name in self.programs:
            if not shutil.which(name):
                self.skipTest(f"{name} is not installed")

    def command(self, source, *arguments):
        return [mounting.program("tools/nvdimmfs"), "shell", source, "--", *arguments]

    def run_in(self, source, *arguments, wrapper=(), **options):
        """Runs a command in a shell on `source`: a CompletedProcess."""
        return subprocess.run(
            [*wrapper, *self.command(source, *arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            **options,
        )

    def output_of(self, source, *arguments, **options):
        """The standard output of a command that must succeed in a shell."""
        done = self.run_in(source, *arguments, **options)
        self.assertEqual(0, done.returncode, done)
        return done.stdout
