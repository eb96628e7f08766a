# SPDX-License-Identifier: Apache-2.0
"""The scripts of sequences/, the images they start from, and replaying them on a mount.

A script's first line says "# image: KIND LABEL-SIZE"; KIND is v1.1, v1.2, none, or one of images.DAMAGES. NAME.answers holds what
a real kernel (Debian 6.1) answered; record.py makes it.
"""

import os
import subprocess

from tests.support import images, mounting

FOLDER = os.path.abspath("tests/guest/sequences")


def names():
    return sorted(n.removesuffix(".seq") for n in os.listdir(FOLDER) if n.endswith(".seq"))


def path(name):
    return os.path.join(FOLDER, f"{name}.seq")


def answers_path(name):
    return os.path.join(FOLDER, f"{name}.answers")


def image_of(name):
    """(kind, label size) of the image that a script starts from."""
    with open(path(name), encoding="utf-8") as script:
        kind, label_size = script.readline().removeprefix("# image: ").split()
    return kind, int(label_size)


def opaque_of(script_path):
    """[(offset, length)] of the image that a script's "# opaque:" lines leave to each kernel."""
    with open(script_path, encoding="utf-8") as script:
        stated = [line.split()[2:] for line in script if line.startswith("# opaque: ")]
    return [(int(offset, 0), int(length, 0)) for offset, length in stated]


def make_image(out, kind, label_size, slot=0):
    """Made without nvdimmfs, because the kernel's answers must not depend on it."""
    if kind in images.DAMAGES:
        return images.damaged(out, 256 * images.MIB, label_size, kind, slot)
    if kind == "none":
        return images.blank(out, 64 * images.MIB, label_size)
    return images.initialised(out, 256 * images.MIB, label_size, int(kind.removeprefix("v1.")))


def replay(mount, script_path):
    done = subprocess.run(
        [mounting.program("tests/guest/replay"), mount.path, script_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def first_difference(kernel, mount):
    """The first line that differs, with the lines before it; "" if there is none."""
    kernel_lines, mount_lines = kernel.splitlines(), mount.splitlines()
    for number, pair in enumerate(zip(kernel_lines + [""], mount_lines + [""])):
        if pair[0] != pair[1]:
            context = "\n".join(kernel_lines[max(0, number - 12) : number])
            return f"{context}\nkernel: {pair[0]}\nmount:  {pair[1]}"
    return "" if len(kernel_lines) == len(mount_lines) else "one of the two ended early"
