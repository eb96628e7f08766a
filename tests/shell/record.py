# SPDX-License-Identifier: Apache-2.0
"""Writes sessions/*.txt: the output of the scripts in a guest. Run it after changing one:

    bazel run //tests/shell:record -- $PWD/tests/shell/sessions [--ndctl VERSION] [NAME...]

With another release of ndctl and daxctl (tools.py), sessions/VERSION keeps what differs from the release before it.
"""

import argparse
import os
import shutil
import tempfile

from tests.shell import firmware_tables, sessions, tools
from tests.support import guest

SECONDS = 580


# On a busy host, the guest's watchdog would print messages between the answers.
QUIET = "nowatchdog"


# The host's dd: busybox's drops O_DIRECT if its buffer is not aligned, and then reads the page
# before it writes the sector.
TOOLS = [shutil.which("dd")]


def answers_to(script, dimms, scratch, version=sessions.FIRST):
    """The output of a guest with these DIMMs, with this release of ndctl."""
    programs = list(TOOLS)
    if version != sessions.FIRST:
        programs.append(tools.packed(version, scratch))
        script = "mkdir /ndctl && tar -xf /x/ndctl.tar -C /ndctl && PATH=/ndctl/bin:$PATH\n" + script
    script = "PATH=/x:$PATH\n" + script
    if isinstance(dimms, sessions.Tables):
        firmware = firmware_tables.compiled(scratch, dimms.handles, dimms.label_size, dimms.scrub)
        table = dimms.table(scratch)
        tables = ["-m", "2G", "-acpitable", f"file={table}", "-acpitable", f"file={firmware}"]
        # The addresses of the table are then free memory.
        free = f"{QUIET} memmap=256M$0x40000000"
        return guest.run(
            tables, script, programs, seconds=SECONDS, machine="q35", kernel_arguments=free)[""]
    devices = []
    for slot, image in enumerate(dimms.make(scratch)):
        devices += guest.nvdimm(image, dimms.label_size, slot)
    return guest.run(devices, script, programs, seconds=SECONDS, kernel_arguments=QUIET)[""]


def record(name, folder, version):
    with tempfile.TemporaryDirectory() as scratch:
        printed = answers_to(sessions.script(name), sessions.SESSIONS[name], scratch, version)
    path = sessions.path_of(name, version, folder)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(sessions.normalised(printed))
    # Only what differs is kept.
    before = sessions.version_before(version)
    if before and sessions.recorded(name, before, folder) == sessions.recorded(name, version, folder):
        os.unlink(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--ndctl", choices=sessions.VERSIONS, default=sessions.FIRST)
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_intermixed_args()
    for name in chosen.names or sessions.names_for(chosen.ndctl):
        record(name, chosen.folder, chosen.ndctl)


if __name__ == "__main__":
    main()
