# SPDX-License-Identifier: Apache-2.0
"""The program that these tests run in containers: busybox."""

import os
import shutil
import subprocess

APPLETS = ("sh", "cat", "df", "dd", "id", "ls", "sleep", "sync", "touch")


def archive(top):
    """The path of a tar file with the root directory of an image, which is made below `top`."""
    busybox = shutil.which("busybox")
    os.makedirs(top + "/bin")
    shutil.copy(busybox, top + "/bin/busybox")
    needed = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False)
    for word in needed.stdout.split():
        if word.startswith("/"):
            os.makedirs(top + os.path.dirname(word), exist_ok=True)
            shutil.copy(word, top + word)
    for applet in APPLETS:
        os.symlink("busybox", f"{top}/bin/{applet}")
    subprocess.run(["tar", "-C", top, "-cf", top + ".tar", "."], check=True, timeout=60)
    return top + ".tar"
