# SPDX-License-Identifier: Apache-2.0
"""The loads: what fio does on each side, and which sides take part."""

import dataclasses
import json
import subprocess

DEFAULT_SIDES = ("plain", "raw", "uring", "pass", "btt", "uring-btt", "qemu", "nbdfuse", "example")


@dataclasses.dataclass(frozen=True)
class Load:
    name: str  # "read 4k direct 2j"
    verb: str  # fio's rw=
    block: str = "4k"
    direct: bool = True
    jobs: int = 1
    depth: int = 1
    fsync: int = 0  # after this many writes; 0: never
    sides: tuple = DEFAULT_SIDES
    quick: bool = False  # part of --quick

    @property
    def engine(self):
        return "libaio" if self.depth > 1 else "psync"

    def command(self, side, path, size, milliseconds):
        options = {
            "name": "load",
            "filename": path,
            "size": size,
            "rw": self.verb,
            "bs": self.block,
            "direct": int(self.direct),
            "numjobs": self.jobs,
            "iodepth": self.depth,
            "fsync": self.fsync,
            "ioengine": "pmemblk" if side == "pmemblk" else self.engine,
            "runtime": f"{milliseconds}ms",
            # Buffered reads are of a cached file, see _warm. Direct loads begin with nothing of it
            # cached; otherwise the kernel would empty the cache page by page, for each write.
            "invalidate": int(self.direct),
            "allow_file_create": int(side == "pmemblk"),
            "fallocate": "none",
            "randrepeat": 0,
            "norandommap": 1,
        }
        flags = ["--time_based", "--thread", "--group_reporting", "--output-format=json"]
        if side == "pmemblk":
            options["direct"] = 1
        return ["fio", *flags, *(f"--{key}={value}" for key, value in options.items())]

    def _warm(self, path):
        """Direct writes of other loads emptied the page cache; this load needs it filled."""
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass

    def run(self, side, path, size, milliseconds):
        """Operations per second."""
        if not self.direct and "read" in self.verb:
            self._warm(path)
        done = subprocess.run(
            self.command(side, path, size, milliseconds),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"fio, {self.name} on {side}: {done.stderr.strip() or done.stdout}")
        # Warnings may precede the JSON.
        job = json.loads(done.stdout[done.stdout.index("{") :])["jobs"][0]
        return job["read"]["iops"] + job["write"]["iops"]


def _random(block, direct, jobs, depth, sides=DEFAULT_SIDES, quick=False):
    words = f"{block} {'direct' if direct else 'buffered'} {jobs}j" + (
        f" qd{depth}" if depth > 1 else ""
    )
    return [
        Load(f"{verb} {words}", f"rand{verb}", block, direct, jobs, depth, 0, sides, quick)
        for verb in ("read", "write")
    ]


ALL = [
    *_random("4k", True, 1, 1, (*DEFAULT_SIDES, "pmemblk"), True),
    *_random("4k", True, 2, 1, (*DEFAULT_SIDES, "pmemblk"), True),
    *_random("4k", True, 1, 16),
    *_random("4k", True, 2, 16),
    *_random("4k", False, 1, 1, quick=True),
    *_random("4k", False, 2, 1),
    *_random("512", True, 1, 1, ("plain", "raw", "uring", "pass", "btt512", "qemu", "nbdfuse", "example")),
    Load("read 1m direct 1j", "read", "1m", quick=True),
    Load("write 1m direct 1j", "write", "1m", quick=True),
    Load("read 1m buffered 1j", "read", "1m", direct=False),
    Load("write 1m buffered 1j", "write", "1m", direct=False),
    Load("write 4k buffered fsync/32", "randwrite", direct=False, fsync=32),
]
