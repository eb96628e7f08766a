#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mount compared with its peers: every figure is a ratio of two sides of one run.

Rounds are interleaved (every side once, then all again), and a cell is the median of its rounds. Results go to
mount.md (tables) and mount.svg (plot) in --out. Needs root, /dev/fuse and fio. Not part of the tests.
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import sys
import tempfile

import loads
import plot
import scale
import sides

# (load, side, against, least ratio): the aims of tests/bench/README.md.
AIMS = [
    ("read 4k direct 1j", "pass", "plain", 0.9),
    ("write 4k direct 1j", "pass", "plain", 0.8),
    ("read 4k buffered 1j", "pass", "plain", 0.9),
    ("write 4k buffered 1j", "pass", "plain", 0.8),
    ("read 4k direct 1j", "raw", "qemu", 9),
    ("write 4k direct 1j", "raw", "qemu", 9),
    ("read 4k direct 2j", "raw", "qemu", 10),
    ("write 4k direct 2j", "raw", "qemu", 13),
    ("read 4k direct 1j", "btt", "qemu", 6),
    ("write 4k direct 1j", "btt", "qemu", 6),
    ("read 4k direct 2j", "btt", "qemu", 6),
    ("write 4k direct 2j", "btt", "qemu", 6),
    ("read 1m direct 1j", "raw", "qemu", 4.5),
    ("write 1m direct 1j", "raw", "qemu", 1.5),
    ("read 1m direct 1j", "btt", "qemu", 4.5),
    ("write 1m direct 1j", "btt", "qemu", 1.5),
    ("read 4k buffered 1j", "raw", "plain", 0.95),
    ("read 4k buffered 2j", "raw", "plain", 0.95),
    ("read 4k direct 1j qd16", "raw", "qemu", 6),
    ("write 4k direct 1j qd16", "raw", "qemu", 6),
    ("read 4k direct 2j qd16", "raw", "qemu", 6),
    ("write 4k direct 2j qd16", "raw", "qemu", 6),
    ("read 4k direct 1j", "uring", "qemu", 9),
    ("write 4k direct 1j", "uring", "qemu", 9),
    ("read 4k direct 2j", "uring", "qemu", 10),
    ("write 4k direct 2j", "uring", "qemu", 13),
    ("read 4k direct 1j qd16", "uring", "qemu", 6),
    ("write 4k direct 1j qd16", "uring", "qemu", 6),
    ("read 4k direct 2j qd16", "uring", "qemu", 6),
    ("write 4k direct 2j qd16", "uring", "qemu", 6),
]
OWN = ("raw", "uring", "pass", "btt", "uring-btt", "btt512")


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


class Results:
    """Operations per second: load -> side -> one figure per round."""

    def __init__(self):
        self.rounds = {}

    def add(self, load, side, figure):
        self.rounds.setdefault(load, {}).setdefault(side, []).append(figure)

    def median(self, load, side):
        figures = self.rounds.get(load, {}).get(side)
        return statistics.median(figures) if figures else None

    def ratio(self, load, side, against):
        """The median of the rounds' own ratios, so that a disturbance of a whole round cancels out."""
        mine, theirs = (self.rounds.get(load, {}).get(name) for name in (side, against))
        if not mine or not theirs:
            return None
        return statistics.median(a / b for a, b in zip(mine, theirs) if b > 0)


def measure(names, files, size, options, results):
    for load in loads.ALL:
        if options.quick and not load.quick or options.only and options.only not in load.name:
            continue
        taking_part = [name for name in load.sides if name in files]
        for _ in range(options.rounds):
            for side in taking_part:
                results.add(load.name, side, load.run(side, files[side], size, options.ms))
        figures = (f"{side} {results.median(load.name, side):.0f}" for side in taking_part)
        print(f"{load.name:28} {'  '.join(figures)}", flush=True)


def set_up(bench, wanted):
    """The files of the sides that this machine can run, and why it cannot run the others."""
    files, missing = {}, {}
    for name in wanted:
        try:
            files[name] = sides.ALL[name](bench)
            if name != "pmemblk":
                sides.fill(files[name], bench.size)
        except sides.Unavailable as reason:
            missing[name] = str(reason)
            print(f"without {name}: {reason}", file=sys.stderr)
    return files, missing


def show(ratio):
    return "" if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"


def render(results, names, missing, small, options):
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in open("/proc/cpuinfo", encoding="utf-8")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    before, after = options.load_before, os.getloadavg()[0]
    text = f"""# The mount compared with its peers

Written by `tools/bench`; do not edit. {datetime.date.today()}, {cpu}, {os.cpu_count()} CPUs, Linux {platform.release()},
{options.mib} MiB on tmpfs, {options.rounds} interleaved rounds of {options.ms} ms, load average {before:.1f} before and {after:.1f} after.
{"The load average before the run shows other activity: these are not the figures of an idle machine." if before > 1 else ""}

## Operations per second

"""
    head = ["load", *names]
    rows = [
        [load, *("" if (m := results.median(load, n)) is None else f"{m:.0f}" for n in names)]
        for load in results.rounds
    ]
    text += table(head, rows)
    for against in ("plain", "qemu"):
        text += f"\n## Ratio to {against}\n\n"
        rows = [
            [load, *(show(results.ratio(load, name, against)) for name in names)]
            for load in results.rounds
        ]
        text += table(head, rows)
    text += "\n## Aims\n\n"
    rows = []
    for load, side, against, least in AIMS:
        ratio = results.ratio(load, side, against)
        if ratio is not None:
            rows.append([load, side, against, f"≥ {least}", show(ratio), "yes" if ratio >= least else "no"])
    text += table(["load", "side", "against", "aim", "ratio", "reached"], rows)
    slower = [
        f"{load}: {side} has {show(ratio)} of {peer}"
        for load in results.rounds
        for side in OWN
        for peer in ("nbdfuse", "example")
        if (ratio := results.ratio(load, side, peer)) is not None and ratio < 1
    ]
    text += "\nSlower than `nbdfuse` or libfuse's example: " + ("; ".join(slower) or "nowhere") + ".\n"
    for name, reason in missing.items():
        text += f"\nWithout {name}: {reason}.\n"
    if small:
        text += "\n## Configuration, memory, idle\n\n" + table(["what", "figure"], small)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="bazel-bin/tools/nvdimmfs")
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--quick", action="store_true", help="a few loads, nothing of scale; prints, writes nothing")
    parser.add_argument("--only", help="loads whose name contains this; prints, writes nothing")
    parser.add_argument("--sides", default=",".join(sides.ALL), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ms", type=int, default=400, help="of one run")
    parser.add_argument("--mib", type=int, default=256)
    options = parser.parse_args()
    options.load_before = os.getloadavg()[0]
    if os.geteuid() != 0 or not shutil.which("fio"):
        sys.exit("needs root (to mount all sides at once) and fio")
    wanted = [name for name in sides.ALL if name in options.sides.split(",")]
    program = os.path.abspath(options.program)
    directory = tempfile.mkdtemp(prefix="nvdimmfs-bench.", dir="/dev/shm")
    results, small = Results(), []
    try:
        bench = sides.Bench(program, directory, options.mib)
        with bench.ends:
            files, missing = set_up(bench, wanted)
            measure(wanted, files, bench.size, options, results)
        if not options.quick and not options.only:
            small = scale.measure(program, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    text = render(results, [n for n in wanted if n in files], missing, small, options)
    if options.quick or options.only:
        print(text)
        return
    with open(os.path.join(options.out, "mount.md"), "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(options.out, "mount.svg"), "w", encoding="utf-8") as file:
        file.write(plot.bars(results, [n for n in OWN if n in files], "qemu"))
    print(f"wrote mount.md and mount.svg in {options.out}")


if __name__ == "__main__":
    main()
