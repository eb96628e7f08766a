# SPDX-License-Identifier: Apache-2.0
"""Compares two trees printed by tests/guest/dumptree: the kernel's and a mount's.

They must be equal entry by entry (path, mode, value or errno), after normalising, on both sides, what
cannot be equal. The whole list:

1.  Numbers that the kernel hands out at run time: device numbers (`dev`, `bdi`, MAJOR and MINOR in
    `uevent`) and disk sequence numbers (`diskseq`, DISKSEQ).
2.  Numbers of claim devices. When a region is enabled, the claims found on the media and the seeds race
    for the lowest number (btt0.0, btt0.1), so a claim is called here by its namespace (btt@namespace0.0)
    and an unattached one btt@free.
3.  Values that differ from moment to moment in one kernel: OPAQUE. The entries must be there.
4.  A read-only mount says so as a kernel does of a read-only region: `read_only` of the region and `ro` of
    its disks must read 1 there, whatever the kernel's were.
"""

import re

# Values that change from moment to moment even in one kernel.
OPAQUE = re.compile(r"/block/[^/]+/(stat|inflight)$")

SAYS_READ_ONLY = re.compile(r"^region\d+/read_only$|/block/[^/]+/ro$")

CLAIM = re.compile(r"^(btt|pfn|dax)\d+\.\d+$")


def parse(text):
    """{path: (kind or mode, value)} of dumptree's output."""
    tree = {}
    for line in text.splitlines():
        fields = line.split("\t", 2)
        if len(fields) == 3:
            tree[fields[0]] = (fields[1], fields[2])
    return tree


def _claim_names(tree):
    """{btt0.1: btt@namespace0.0, btt0.0: btt@free, ...}"""
    names = {}
    for path, (_, value) in tree.items():
        device, _, attribute = path.partition("/")
        if attribute == "namespace" and CLAIM.match(device):
            kind = CLAIM.match(device).group(1)
            holder = value.removesuffix("\\n") or "free"
            name = f"{kind}@{holder}"
            while name in names.values():
                name += "'"
            names[device] = name
    return names


def _rename_path(path, names):
    parts = path.split("/")
    # An instance daxR.i below a claim device daxR.j has the namespace's number, not a claim's.
    claims = 1 if CLAIM.match(parts[0]) else len(parts)
    return "/".join(names.get(part, part) if i < claims else part for i, part in enumerate(parts))


def _normal_value(path, kind, value, names):
    leaf = path.rsplit("/", 1)[-1]
    if leaf in ("dev", "bdi", "diskseq"):
        return "N"
    if leaf == "uevent":
        return re.sub(r"(MAJOR|MINOR|DISKSEQ)=\d+", r"\1=N", value)
    if kind == "l":
        return names.get(value, value)
    if leaf == "holder" or leaf.endswith("_seed"):
        bare = value.removesuffix("\\n")
        return names.get(bare, bare) + value[len(bare) :]
    return value


def normalised(text):
    tree = parse(text)
    names = _claim_names(tree)
    return {
        _rename_path(path, names): (kind, _normal_value(path, kind, value, names))
        for path, (kind, value) in tree.items()
    }


def with_dimms_in_order(tree):
    """A kernel numbers CXL devices' nmems as it finds them; here: as region0 has them."""
    order = re.findall(r"^region0/mapping(\d+)\t444\tnmem(\d+),", tree, re.MULTILINE)
    numbers = {found: wanted for wanted, found in order}
    return re.sub(
        r"\bnmem(\d+)\b", lambda match: f"nmem{numbers.get(match.group(1), match.group(1))}", tree
    )


def differences(kernel_text, mount_text, read_only=False):
    """One line for each difference; [] if the mount, made with -o ro or not, mirrors the kernel."""
    kernel, mount = normalised(kernel_text), normalised(mount_text)
    if read_only:
        for path, (mode, _) in kernel.items():
            if SAYS_READ_ONLY.search(path):
                kernel[path] = (mode, "1\\n")
    lines = []
    for path in sorted(kernel.keys() | mount.keys()):
        if path not in mount:
            lines.append(f"{path}: missing from the mount; kernel has {kernel[path]}")
        elif path not in kernel:
            lines.append(f"{path}: only in the mount: {mount[path]}")
        elif kernel[path] != mount[path] and not OPAQUE.search(path):
            lines.append(f"{path}: kernel {kernel[path]}, mount {mount[path]}")
    return lines
