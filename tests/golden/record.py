# SPDX-License-Identifier: Apache-2.0
"""Writes the .tree files: what a kernel shows at a fresh boot with each image as its only DIMM.

    bazel run //tests/golden:record -- $PWD/tests/golden KERNEL...
"""

import os
import sys
import tempfile

from tests.golden import goldens
from tests.support import guest, images

# Bytes at the end of the image that QEMU is told are the label area.
LABEL_SIZES = {"k12": 128 << 10, "k11": 1 << 20, "kll": 0, "blank": 128 << 10}


def record(kernel, name, folder):
    os.environ["GUEST_KERNEL"] = kernel
    label_size = LABEL_SIZES[name]
    with tempfile.TemporaryDirectory() as scratch:
        image = os.path.join(scratch, "dimm.img")
        if name == "blank":
            images.blank(image, 256 * images.MIB, label_size)
        else:
            images.unpack(os.path.join(folder, f"{name}.img.xz"), image)
        sections = guest.boot(image, label_size, "section tree\ntry dumptree\n", seconds=600)
    with open(os.path.join(folder, goldens.tree_name(name, kernel)), "w", encoding="utf-8") as out:
        out.write(sections["tree"])


if __name__ == "__main__":
    for chosen in sys.argv[2:]:
        for image_name in LABEL_SIZES:
            record(chosen, image_name, sys.argv[1])
