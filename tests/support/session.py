# SPDX-License-Identifier: Apache-2.0
"""The verbs of a configuration session on a mount: the kernel's own sequences of attribute writes."""

import os
import subprocess

from tests.support import mounting, patterns

REGION = "bus/nd/devices/region0"
PMEM_DRIVER = "bus/nd/drivers/nd_pmem"


def device(name, *attribute):
    return os.path.join("bus/nd/devices", name, *attribute)


def word(mount, *path):
    return mount.read(*path).removesuffix("\n")


def allocate(mount, uuid, size, name="", sector_size=None, holder_class=None):
    """Gives the seed namespace a uuid and `size` bytes; its name."""
    ns = word(mount, REGION, "namespace_seed")
    mount.write(uuid, device(ns, "uuid"))
    mount.write(size, device(ns, "size"))
    if name:
        mount.write(name, device(ns, "alt_name"))
    if sector_size:
        mount.write(sector_size, device(ns, "sector_size"))
    if holder_class:
        mount.write(holder_class, device(ns, "holder_class"))
    return ns


def bind(mount, name):
    mount.write(name, PMEM_DRIVER, "bind")


def unbind(mount, name):
    mount.write(name, PMEM_DRIVER, "unbind")


def claim_with_btt(mount, ns, uuid, sector_size):
    """Puts the seed BTT on the unbound namespace `ns` and enables it; the BTT's name."""
    btt = word(mount, REGION, "btt_seed")
    mount.write(uuid, device(btt, "uuid"))
    mount.write(sector_size, device(btt, "sector_size"))
    mount.write(ns, device(btt, "namespace"))
    bind(mount, btt)
    return btt


def release(mount, ns):
    """Destroys an enabled raw namespace."""
    unbind(mount, ns)
    mount.write("0", device(ns, "size"))


def namespaces(mount):
    """{alt_name: device name} of the allocated namespaces; a label-less one has the name ""."""
    found = {}
    for name in os.listdir(mount.join("bus/nd/devices")):
        if name.startswith("namespace") and word(mount, device(name, "size")) != "0":
            labelled = os.path.exists(mount.join(device(name, "alt_name")))
            found[word(mount, device(name, "alt_name")) if labelled else ""] = name
    return found


def block_name(mount, ns):
    """The name of an enabled namespace's data node, read where libndctl reads it."""
    holder = word(mount, device(ns, "holder")) or ns
    return os.listdir(mount.join(device(holder, "block")))[0]


def summary(mount):
    """{alt_name: what a user set}, which must survive unmounting and other readers."""
    attributes = ("uuid", "size", "sector_size", "mode")
    found = {}
    for name, ns in namespaces(mount).items():
        present = [a for a in attributes if os.path.exists(mount.join(device(ns, a)))]
        found[name] = {a: word(mount, device(ns, a)) for a in present}
    return found


def dump_tree(mount):
    done = subprocess.run(
        [mounting.program("tests/guest/dumptree"), mount.path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


class Writer:
    """Writes patterns by the namespaces' names, and remembers them across mounts and guests."""

    def __init__(self):
        self.writes = []  # (alt_name, seed, first, count)

    def write(self, mount, name, seed, first, count):
        node = mount.join("dev", block_name(mount, namespaces(mount)[name]))
        complaint = patterns.run("write", node, seed, first, count)
        assert not complaint, complaint
        self.writes.append((name, seed, first, count))

    def forget(self, name):
        self.writes = [write for write in self.writes if write[0] != name]

    def expected(self, mount):
        """[(node name, seed, first, count)] that must exist, with the mount's current node names."""
        runs = patterns.surviving(self.writes)
        there = namespaces(mount)
        nodes = {name: block_name(mount, there[name]) for name in runs}
        return [(nodes[name], *run) for name in runs for run in runs[name]]
