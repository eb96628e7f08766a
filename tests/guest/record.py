# SPDX-License-Identifier: Apache-2.0
"""Writes sequences/*.answers: a real kernel's answers to each script. Run it after adding a script:

    bazel run //tests/guest:record -- $PWD/tests/guest/sequences [NAME...]
"""

import os
import sys
import tempfile

from tests.guest import sequences
from tests.support import guest


def record(name, folder):
    with tempfile.TemporaryDirectory() as scratch:
        kind, label_size = sequences.image_of(name)
        image = sequences.make_image(os.path.join(scratch, "dimm.img"), kind, label_size)
        script = f"section replay\ntry replay /sys /x/{name}.seq\n"
        answers = guest.boot(image, label_size, script, [sequences.path(name)])["replay"]
    with open(os.path.join(folder, f"{name}.answers"), "w", encoding="utf-8") as out:
        out.write(answers)


if __name__ == "__main__":
    for chosen in sys.argv[2:] or sequences.names():
        record(chosen, sys.argv[1])
