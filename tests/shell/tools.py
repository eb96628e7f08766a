# SPDX-License-Identifier: Apache-2.0
"""ndctl and daxctl of other releases of Debian, not installed: tests/guest/mkndctl."""

import os
import subprocess
import unittest

from tests.support import mounting

CANNOT = 77


def place(version):
    """The directory whose bin/ has them; the case is skipped where they cannot be had."""
    made = subprocess.run(
        [os.path.join(mounting.program("tests/guest"), "mkndctl"), version],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
    )
    if made.returncode == CANNOT:
        raise unittest.SkipTest(made.stderr.strip())
    if made.returncode:
        raise AssertionError(f"mkndctl {version}: exit {made.returncode}: {made.stderr}")
    return made.stdout.strip()


def packed(version, folder):
    """That directory as ndctl.tar in `folder`: its path."""
    path = os.path.join(folder, "ndctl.tar")
    subprocess.run(["tar", "-C", place(version), "-cf", path, "."], check=True)
    return path
