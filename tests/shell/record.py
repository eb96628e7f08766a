# SPDX-License-Identifier: Apache-2.0
"""Writes sessions/*.txt: the output of the scripts in a guest. Run it after changing one:

    bazel run //tests/shell:record -- $PWD/tests/shell/sessions [NAME...]
"""

import os
import shutil
import sys
import tempfile

from tests.shell import firmware_tables, sessions
from tests.support import guest

SECONDS = 580


# On a busy host, the guest's watchdog would print messages between the answers.
QUIET = "nowatchdog"


# The host's dd: busybox's drops O_DIRECT if its buffer is not aligned, and then reads the page
# before it writes the sector.
TOOLS = [shutil.which("dd")]


def answers_to(script, dimms, scratch):
    """The output of a guest with these DIMMs."""
    script = "PATH=/x:$PATH\n" + script
    if isinstance(dimms, sessions.Tables):
        firmware = firmware_tables.compiled(scratch, dimms.handles, dimms.label_size, dimms.scrub)
        table = dimms.table(scratch)
        tables = ["-m", "2G", "-acpitable", f"file={table}", "-acpitable", f"file={firmware}"]
        # The addresses of the table are then free memory.
        free = f"{QUIET} memmap=256M$0x40000000"
        return guest.run(
            tables, script, TOOLS, seconds=SECONDS, machine="q35", kernel_arguments=free)[""]
    devices = []
    for slot, image in enumerate(dimms.make(scratch)):
        devices += guest.nvdimm(image, dimms.label_size, slot)
    return guest.run(devices, script, TOOLS, seconds=SECONDS, kernel_arguments=QUIET)[""]


def record(name, folder):
    with tempfile.TemporaryDirectory() as scratch:
        printed = answers_to(sessions.script(name), sessions.SESSIONS[name], scratch)
    with open(os.path.join(folder, f"{name}.txt"), "w", encoding="utf-8") as out:
        out.write(sessions.normalised(printed))


if __name__ == "__main__":
    for chosen in sys.argv[2:] or sessions.SESSIONS:
        record(chosen, sys.argv[1])
