# SPDX-License-Identifier: Apache-2.0
"""`nvdimmfs shell` for tests."""

import os
import shutil
import subprocess
import tempfile

from tests.support import mounting

LIMIT = 120  # seconds for one command in a shell
NOBODY = 65534

# An ordinary user, with a /dev/fuse that all users may open.
AS_NOBODY = f"""
mount -t tmpfs none "$0" && mknod -m 666 "$0/fuse" c 10 229 && mount --bind "$0/fuse" /dev/fuse || exit
exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@"
"""


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


class OrdinaryUser:
    """For tests run as root: shells of an ordinary user, in a folder of that user's own."""

    def __init__(self, folder):
        self.folder = folder
        # The built program may be below root's home.
        self._program = shutil.copy(mounting.program("tools/nvdimmfs"), folder)
        os.mkdir(self.path("fuse"))
        os.chmod(folder, 0o755)
        self._wrapper = ("unshare", "-m", "sh", "-c", AS_NOBODY, self.path("fuse"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def why_no_shell(self):
        done = subprocess.run(
            [*self._wrapper, "unshare", "-rm", "true"], capture_output=True, text=True, timeout=60,
            check=False,
        )
        return f"an ordinary user may not make namespaces: {done.stderr}" if done.returncode else None

    def run(self, source, *arguments):
        """Runs a command in a shell on `source`, after giving everything in the folder to the user."""
        for place, folders, files in os.walk(self.folder):
            for name in folders + files:
                os.chown(os.path.join(place, name), NOBODY, NOBODY)
        return subprocess.run(
            [*self._wrapper, self._program, "shell", source, "--", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
            cwd=self.folder,
        )


class ShellTestCase(mounting.MountTestCase):
    """A case that runs commands in shells; skipped if there are no mount namespaces."""

    programs = ()  # the programs that it needs

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

    def ordinary_user(self):
        """An OrdinaryUser for the duration of the case; skipped if that is impossible."""
        if os.geteuid() != 0:
            self.skipTest("the other cases already run as an ordinary user")
        folder = tempfile.mkdtemp(prefix="nvdimmfs-test.", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        user = OrdinaryUser(folder)
        reason = user.why_no_shell()
        if reason:
            self.skipTest(reason)
        return user

    def output_of(self, source, *arguments, **options):
        """The standard output of a command that must succeed in a shell."""
        done = self.run_in(source, *arguments, **options)
        self.assertEqual(0, done.returncode, done)
        return done.stdout
