# SPDX-License-Identifier: Apache-2.0
"""Which kernels' trees are kept, and where."""

# As the option kernel= names them.
KERNELS = ("6.1", "6.12", "7.3")


def tree_name(image, kernel):
    """The file below this folder that has the tree of `kernel` with `image`: k12.tree, k12-7.3.tree."""
    return f"{image}.tree" if kernel == "6.1" else f"{image}-{kernel}.tree"
