# SPDX-License-Identifier: Apache-2.0
"""What tests/guest/pat wrote where, and verifying it."""

import re
import subprocess

from tests.support import mounting

_WRITTEN = re.compile(r"^write /dev/(\S+) seed=(\d+) first=(\d+) count=(\d+)", re.MULTILINE)


def stated_writes(text):
    """[(device, seed, first, count)] of the `write /dev/...` lines of a text, in order."""
    return [(d, int(s), int(f), int(c)) for d, s, f, c in _WRITTEN.findall(text)]


def surviving(writes):
    """{device: [(seed, first, count)]}: what is left after later writes overwrote earlier ones."""
    left = {}
    for device, seed, first, count in writes:
        end = first + count
        kept = []
        for old_seed, old_first, old_count in left.get(device, []):
            old_end = old_first + old_count
            if old_first < min(first, old_end):
                kept.append((old_seed, old_first, min(first, old_end) - old_first))
            if max(end, old_first) < old_end:
                kept.append((old_seed, max(end, old_first), old_end - max(end, old_first)))
        left[device] = sorted(kept + [(seed, first, count)], key=lambda run: run[1])
    return left


def run(verb, path, seed, first, count):
    """Runs `pat VERB`; "" or its complaint."""
    done = subprocess.run(
        [mounting.program("tests/guest/pat"), verb, path, str(seed), str(first), str(count)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def check_all(device_directory, writes):
    """Verifies everything that `writes` left; the list of complaints."""
    complaints = []
    for device, runs in surviving(writes).items():
        for seed, first, count in runs:
            complaint = run("check", f"{device_directory}/{device}", seed, first, count)
            if complaint:
                complaints.append(complaint)
    return complaints
