"""Writes sessions/*.txt: what the scripts print in a guest. Run after changing one:

    bazel run //tests/shell:record -- $PWD/tests/shell/sessions [NAME...]
"""

import os
import sys
import tempfile

from tests.shell import sessions
from tests.support import guest

SECONDS = 580


def record(name, folder):
    dimms = sessions.SESSIONS[name]
    with tempfile.TemporaryDirectory() as scratch:
        devices = []
        for slot, image in enumerate(dimms.make(scratch)):
            devices += guest.nvdimm(image, dimms.label_size, slot)
        # On a busy host the guest's watchdog would tell of it between the answers.
        printed = guest.run(
            devices, sessions.script(name), seconds=SECONDS, kernel_arguments="nowatchdog"
        )[""]
    with open(os.path.join(folder, f"{name}.txt"), "w", encoding="utf-8") as out:
        out.write(sessions.normalised(printed))


if __name__ == "__main__":
    for chosen in sys.argv[2:] or sessions.SESSIONS:
        record(chosen, sys.argv[1])
