# SPDX-License-Identifier: Apache-2.0
"""Tests that boot a guest."""

def guest_test(name, programs = [], deps = ["//tests/support"], main = None, kernel = "6.1", on_request = False):
    """A test `name`.py that boots guests with Debian's kernel under QEMU.

    A guest is one busy thread, so tests of this kind run in parallel, as many as there are CPUs.

    Args:
      name: of the test, and of its file without ".py"
      programs: targets of this package that the guest runs besides the harness
      deps: Python libraries
      main: its file, where that is not `name`.py
      kernel: which one the guests run, and the mount mirrors
      on_request: runs only where it is named
    """
    native.py_test(
        name = name,
        size = "large",
        srcs = [main or name + ".py"],
        data = [
            ":harness",
            "//tools:nvdimmfs",
        ] + programs,
        env = {"GUEST_KERNEL": kernel},
        main = main or name + ".py",
        tags = ["local"] + (["manual"] if on_request else []),
        deps = deps,
    )
