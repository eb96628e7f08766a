# SPDX-License-Identifier: Apache-2.0
"""Mounts in a guest: which features the daemon and the guest's kernel agree on, and that bytes arrive by every path.

A script for a guest, and what its sections must print. The images are on tmpfs.
"""

import re
import shutil

from tests.support import mounting

# The features that INIT agrees on with each kernel if the user asks for everything. over_io_uring is
# agreed on only if the user asks for it.
FEATURES = {
    "6.1": [],
    "6.12": ["direct_io_allow_mmap", "passthrough"],
    "7.3": ["direct_io_allow_mmap", "passthrough", "over_io_uring"],
}

SCRIPT = """
step() { "$@" || echo "failed: $*"; }
start() { # OPTION... SOURCE: the daemon with every message in /tmp/log, as /x/setpriv may change it
  $AS nvdimmfs -d "$@" $MNT >/tmp/log 2>&1 &
  daemon=$!
  for i in $(seq 300); do
    # A mount that answers has agreed.
    grep -q " $MNT fuse" /proc/mounts && $AS ls $MNT >/dev/null && return 0
    kill -0 $daemon || break
    sleep 0.1
  done
  cat /tmp/log
  return 1
}
stop() {
  $AS $UNMOUNT $MNT || return 1
  wait $daemon || return 1
  sed -n 's/^.*agreed on: \\([^[]*\\) \\[.*$/agreed \\1/p' /tmp/log
}
bytes() { # NODE SEED COUNT: through the page cache, directly, and by a mapping
  $AS pat write $1 $2 0 $3 && $AS pat check $1 $2 0 $3 || return 1
  $AS /x/dd if=/dev/zero of=$1 bs=4096 count=16 seek=64 oflag=direct conv=notrunc 2>/dev/null || return 1
  $AS /x/dd if=$1 bs=4096 count=16 skip=64 iflag=direct 2>/dev/null | cmp -n 65536 - /dev/zero || return 1
  $AS pat write $1 $2 0 $3
}
section fuse-images
modprobe fuse
chmod 666 /dev/fuse
MNT=/mnt UNMOUNT=umount AS=
mkdir /tmp/f
truncate -s 16M /tmp/f/whole.img
nvdimmfs create /tmp/f/btt.img --size 32M --labels 1.2 >/dev/null 2>&1

section fuse-raw
step start /tmp/f/whole.img,label_size=0
step bytes /mnt/dev/pmem0 1 8192
grep -c 'opcode: READ (' /tmp/log
step stop
# What a mount passed through is in the file.
step pat check /tmp/f/whole.img 1 0 8192

section fuse-btt
step start /tmp/f/btt.img
step sh -c "echo 'size=16M mode=sector sector_size=4096 name=log' >/mnt/ndbus0/region0/x/create"
step bytes /mnt/dev/by-name/log 2 4096
step stop
step start -o ro /tmp/f/btt.img
step pat check /mnt/dev/by-name/log 2 0 4096
step stop

section fuse-uring
switch=/sys/module/fuse/parameters/enable_uring
[ ! -e $switch ] || echo Y >$switch
step start -o uring,passthrough=off /tmp/f/btt.img
step bytes /mnt/dev/by-name/log 3 2048
ls -l /proc/$daemon/fd | grep -c 'anon_inode:\\[io_uring\\]'
step stop

section fuse-user
echo user:x:1000:1000::/tmp:/bin/sh >/etc/passwd
cp /x/fusermount3 /bin/ && chmod 4755 /bin/fusermount3
chmod 755 / /bin /x
mkdir /tmp/f/mnt
chown -R 1000:1000 /tmp/f
chmod 666 /tmp/log
MNT=/tmp/f/mnt UNMOUNT="fusermount3 -u" AS="/x/setpriv --reuid=1000 --regid=1000 --clear-groups"
step start /tmp/f/btt.img
step bytes /tmp/f/mnt/dev/by-name/log 4 2048
step stop
"""


def files():
    """What the script needs in the guest."""
    return [mounting.program("tools/nvdimmfs"), *map(shutil.which, ("fusermount3", "setpriv", "dd"))]


def _agreed(section):
    """The lists of features in a section, one for each mount."""
    lists = re.findall(r"^agreed (.*)$", section, re.MULTILINE)
    return [[] if text.startswith("nothing") else text.split(", ") for text in lists]


def check(case, sections, kernel):
    """The assertions of a test case on what the script printed."""
    everything = FEATURES[kernel]
    uring = "over_io_uring" in everything
    usual = [feature for feature in everything if feature != "over_io_uring"]
    for name in ("raw", "btt", "uring", "user"):
        case.assertNotIn("failed: ", sections[f"fuse-{name}"])
    case.assertEqual([usual], _agreed(sections["fuse-raw"]))
    reads = int(re.search(r"^[0-9]+$", sections["fuse-raw"], re.MULTILINE)[0])
    case.assertEqual("passthrough" in usual, reads == 0, f"{reads} reads came to the daemon")
    case.assertEqual([usual, usual], _agreed(sections["fuse-btt"]))
    case.assertEqual([[f for f in everything if f != "passthrough"]], _agreed(sections["fuse-uring"]))
    rings = int(re.search(r"^[0-9]+$", sections["fuse-uring"], re.MULTILINE)[0])
    case.assertEqual(uring, rings > 0, f"{rings} io_uring descriptors")
    case.assertEqual([usual], _agreed(sections["fuse-user"]))
