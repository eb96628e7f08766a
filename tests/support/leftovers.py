# SPDX-License-Identifier: Apache-2.0
"""What a test leaves on the machine, recognised by the unique path of its scratch directory."""

import glob
import os
import signal
import subprocess
import tempfile

from tests.support import mounting


def processes(word):
    """Pids of the processes whose command line contains the word."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as source:
                if word.encode() in source.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def mounts(directory):
    """Mount points below the directory."""
    with open("/proc/self/mounts", encoding="utf-8") as table:
        places = [line.split(" ")[1] for line in table]
    return [place for place in places if place.startswith(directory + "/")]


def loops(directory):
    """Loop devices over files below the directory."""
    found = []
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path, encoding="utf-8") as file:
                found += ["/dev/" + path.split("/")[3]] if file.read().startswith(directory + "/") else []
        except OSError:
            pass
    return found


def everything(directory):
    """All of them, as words for a message."""
    return (
        [f"process {pid}" for pid in processes(directory)]
        + [f"mount {place}" for place in mounts(directory)]
        + [f"loop device {name}" for name in loops(directory)]
    )


def remove(directory):
    """Kills the processes and unmounts what is mounted there; the kernel then removes loop devices by itself."""
    for pid in processes(directory):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for place in reversed(mounts(directory)):
        mounting.unmount(place)


# Reads the directory from its standard input. The end of that without the word "done" means that the test is dead.
_JANITOR = r"""
trap '' HUP INT TERM
IFS= read -r place || exit
IFS= read -r word
[ "$word" != done ] || exit
for file in /proc/[0-9]*/cmdline; do
  pid=${file#/proc/}
  if tr '\0' '\n' <"$file" 2>/dev/null | grep -qF "$place"; then kill -KILL "${pid%/cmdline}"; fi
done
sleep 1
while mountpoint=$(awk -v below="$place/" 'index($2, below) == 1 {last = $2} END {print last}' /proc/self/mounts) &&
  [ -n "$mountpoint" ]; do
  umount -l "$mountpoint" || fusermount3 -u -z "$mountpoint" || break
done
for file in /sys/block/loop*/loop/backing_file; do
  name=${file#/sys/block/}
  if grep -qF "$place/" "$file" 2>/dev/null; then losetup --detach "/dev/${name%%/*}"; fi
done
rm -rf --one-file-system "$place"
"""


class Janitor:
    """Removes the processes, mounts, loop devices and files of a scratch directory if this process dies before close().

    Everything to be removed has the directory's path in its command line, mount point or name. Meanwhile the directory
    is the place for temporary files.
    """

    def __init__(self, directory):
        self._usual, tempfile.tempdir = tempfile.tempdir, directory
        self._process = subprocess.Popen(
            ["sh", "-c", _JANITOR], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._process.stdin.write(f"{directory}\n".encode())
        self._process.stdin.flush()

    def close(self):
        tempfile.tempdir = self._usual
        self._process.communicate(b"done\n", timeout=60)
