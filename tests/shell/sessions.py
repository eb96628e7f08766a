# SPDX-License-Identifier: Apache-2.0
"""The sessions: scripts of commands, and their output by release of ndctl. Each has its own DIMMs."""

import dataclasses
import os
import re
import shutil

from tests.support import images, nfit

MIB = images.MIB
FOLDER = os.path.abspath("tests/shell/sessions")

# Releases of ndctl and daxctl, oldest first: that of Debian 12, which must be installed, and later ones.
VERSIONS = ("76.1", "81", "85")
FIRST = VERSIONS[0]

# What varies between runs: UUIDs, addresses, the path of the bus, and what the library says about paths.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"addr = 0x[0-9a-f]+")
BUS = re.compile(r'"path":"\S*(?=\\/ndbus)')
# A shell uses majors that its host does not use.
MAJOR = re.compile(r"^MAJOR=[0-9]+$", re.MULTILINE)
LIBRARY = re.compile(r"^(libndctl|libdaxctl): .*\n", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Dimms:
    """`count` blank DIMMs, laid out by QEMU's rules, of `size` bytes with `label_size` bytes of labels each."""

    count: int
    size: int
    label_size: int

    def make(self, folder):
        """The images of fresh DIMMs."""
        paths = [os.path.join(folder, f"dimm{number}.img") for number in range(self.count)]
        return [images.blank(path, self.size, self.label_size) for path in paths]

    def source(self, folder):
        """Fresh DIMMs as SOURCEs of nvdimmfs."""
        paths = self.make(folder)
        if self.count == 1:
            return f"{paths[0]},label_size={self.label_size}"
        table = nfit.Table()
        for number in range(self.count):
            index = table.range(nfit.PMEM, (4 << 30) + number * self.size, self.size, node=0)
            table.map(handle=number + 1, range_index=index, control=number + 1, size=self.size)
            table.control(number + 1, serial=0x123456 + number)
        path = os.path.join(folder, "table.nfit")
        with open(path, "wb") as out:
            out.write(table.bytes())
        return f"nfit:{path}," + ",".join(f"dimm={image}" for image in paths)


class Tables:
    """DIMMs of an NFIT, with blank label areas of `label_size` bytes; a guest has them with the firmware of
    firmware_tables.py."""

    label_size = 128 << 10
    handles = ()
    scrub = False  # the bus has address-range scrub

    def table(self, folder):
        """The path of the table."""
        raise NotImplementedError


class Sets(Tables):
    """The DIMMs of golden/nfit/sets.nfit, in memory."""

    handles = range(1, 8)

    def table(self, folder):
        # In a place where an ordinary user can read it, too.
        return shutil.copy("tests/golden/nfit/sets.nfit", folder)

    def source(self, folder):
        return f"nfit:{self.table(folder)},label_size={self.label_size}"


class Scrubbed(Tables):
    """One DIMM of 64 MiB on a bus with address-range scrub."""

    size = 64 * MIB
    handles = (1,)
    scrub = True

    def table(self, folder):
        table = nfit.Table()
        index = table.range(nfit.PMEM, 1 << 30, self.size, node=0)
        table.map(handle=1, range_index=index, control=1, size=self.size)
        table.control(1, serial=0x123456)
        path = os.path.join(folder, "one.nfit")
        with open(path, "wb") as out:
            out.write(table.bytes())
        return path

    def source(self, folder):
        images.blank(os.path.join(folder, "one.img"), self.size, self.label_size)
        path = os.path.join(folder, "one.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write('[[bus]]\nscrub = true\n[[bus.dimm]]\nimage = "one.img"\n')
        return path


# The longest first.
SESSIONS = {
    "two_dimms": Dimms(2, 512 * MIB, 128 << 10),
    "one_dimm": Dimms(1, 512 * MIB, 128 << 10),
    "errors": Scrubbed(),
    "sets": Sets(),
    "label_less": Dimms(1, 256 * MIB, 0),
    "daxctl": Dimms(1, 1024 * MIB, 128 << 10),
}


# The longest runs with the releases before and after.
_NOT_WITH = {"81": ("two_dimms",)}
# Those that an ordinary user runs with the last release; with the first, all.
OF_A_USER_WITH_THE_LAST = ("sets",)


def names_for(version):
    """The sessions that run with this release."""
    return tuple(name for name in SESSIONS if name not in _NOT_WITH.get(version, ()))


def _read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def script(name):
    """The commands, for sh."""
    return _read(os.path.join(FOLDER, "prelude.sh")) + _read(os.path.join(FOLDER, f"{name}.sh"))


def path_of(name, version, folder=FOLDER):
    """The file with the output of a session with exactly this release."""
    return os.path.join(folder, "" if version == FIRST else version, f"{name}.txt")


def version_before(version):
    """The release before this one, or None."""
    number = VERSIONS.index(version)
    return VERSIONS[number - 1] if number else None


def recorded(name, version=FIRST, folder=FOLDER):
    """The output of a session with this release: that of the one before, unless a file says otherwise."""
    while not os.path.exists(path_of(name, version, folder)) and version_before(version):
        version = version_before(version)
    return MAJOR.sub("MAJOR=MAJOR", _read(path_of(name, version, folder)))


def normalised(text):
    """The output of a session, without what varies between runs."""
    text = MAJOR.sub("MAJOR=MAJOR", UUID.sub("UUID", LIBRARY.sub("", text)))
    return ADDRESS.sub("addr = ADDRESS", BUS.sub('"path":"', text))
