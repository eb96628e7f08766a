# SPDX-License-Identifier: Apache-2.0
"""Boots Debian's kernel under QEMU on an image and returns the output."""

import base64
import gzip
import os
import signal
import subprocess
import tempfile
import unittest

from tests.support import mounting

# The time limit of a guest: several times what it needs on a machine that is also running another.
SECONDS = int(os.environ.get("NVDIMMFS_GUEST_SECONDS", "300"))
# The kernel of all guests (tests/guest/common.sh), and the option of a mount that mirrors it.
KERNEL = os.environ.get("GUEST_KERNEL", "6.1")
SAME_KERNEL = f"kernel={KERNEL}"
# Exit status of mkguest and runguest if this machine cannot boot a guest.
CANNOT = 77

PRELUDE = f"SAME_KERNEL={SAME_KERNEL}\n" + """\
section() { echo "@@SECTION $1"; }
# Never fails: reports a failed step, and the rest still runs.
try() { "$@" || echo "@@FAILED $*"; }
# The daemon in the guest, which mirrors the guest's kernel: serve SOURCE [OPTION...] mounts it on /mnt, leave
# unmounts and waits for its end.
serve() { modprobe fuse 2>/dev/null; nvdimmfs -o $SAME_KERNEL "$@" /mnt; }
leave() {
  umount /mnt || return 1
  for i in $(seq 200); do pidof nvdimmfs >/dev/null || return 0; sleep 0.1; done
  echo "the daemon did not end"; return 1
}
# refused TEXT COMMAND...: the command must fail, with TEXT in its output.
refused() {
  wanted=$1; shift
  if "$@" >/tmp/refused 2>&1; then echo "@@FAILED not refused: $*"; fi
  cat /tmp/refused
  grep -q -- "$wanted" /tmp/refused || echo "@@FAILED refused without $wanted: $*"
}
"""


class GuestFailed(AssertionError):
    pass


def _run(command, seconds, settings=None):
    done = subprocess.run(
        command,
        env={**os.environ, **(settings or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode == CANNOT:
        raise unittest.SkipTest(done.stderr.strip())
    if done.returncode != 0:
        raise GuestFailed(f"{command[0]}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def nvdimm(image, label_size, slot=0):
    """QEMU's arguments for a DIMM whose label area is the image's last `label_size` bytes."""
    size = os.path.getsize(image)
    device = f"nvdimm,memdev=m{slot},id=nv{slot}"
    if label_size:
        device += f",label-size={label_size}"
    backend = f"memory-backend-file,id=m{slot},share=on,mem-path={image},size={size}"
    return ["-object", backend, "-device", device]


def virtio_pmem(image, number=0):
    """QEMU's arguments for a virtio-pmem PCI device over the whole file."""
    size = os.path.getsize(image)
    backend = f"memory-backend-file,id=v{number},share=on,mem-path={image},size={size}"
    return ["-object", backend, "-device", f"virtio-pmem-pci,memdev=v{number},id=vp{number}"]


def cxl(data, labels, number, serial):
    """QEMU's arguments for a persistent CXL type 3 device on the host bridge cxl.1; `labels` is its LSA."""
    arguments = []
    for name, path in (("c", data), ("l", labels)):
        size = os.path.getsize(path)
        backend = f"memory-backend-file,id={name}{number},share=on,mem-path={path},size={size}"
        arguments += ["-object", backend]
    port = f"cxl-rp,port={number},bus=cxl.1,id=rp{number},chassis=0,slot={2 + number}"
    device = f"cxl-type3,bus=rp{number},memdev=c{number},lsa=l{number},id=cxl{number},sn={serial}"
    return arguments + ["-device", port, "-device", device]


def disk(path):
    """QEMU's arguments for a virtio disk over the file, the guest's next /dev/vdX; it may be lost at the end."""
    return ["-drive", f"file={path},if=virtio,format=raw,cache=unsafe"]


def boot(image, label_size, script, files=(), seconds=SECONDS):
    """Runs `script` in a guest with `image` as its only DIMM; otherwise as `run`."""
    return run(nvdimm(image, label_size), script, files, seconds)


def run(devices, script, files=(), seconds=SECONDS, machine=None, kernel_arguments="", memory=None):
    """Runs `script` in a guest with QEMU's arguments `devices`; {section: text}.

    The script is busybox's sh; `section NAME` starts a new section of the output, "" comes before the
    first. `files` and the programs pat, dumptree and replay are in its PATH. A line "@@FAILED ..." from
    `try COMMAND` anywhere raises GuestFailed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command, settings = _prepare(scratch, devices, script, files, seconds, machine, memory)
        settings["GUEST_KARGS"] = kernel_arguments
        sections = _sections(_run(command, seconds + 30, settings))
    if "packed" in sections:
        packed = base64.b64decode(sections.pop("packed"))
        sections |= _sections(gzip.decompress(packed).decode(errors="replace"))
    failed = [line for text in sections.values() for line in text.splitlines() if line.startswith("@@FAILED")]
    if failed:
        raise GuestFailed("\n".join(failed + list(sections.values())))
    return sections


def packed(script):
    """A script whose output, which has sections of its own, goes through the slow console compressed.

    The last part of what `run` runs.
    """
    return f"{{\n{script}}} >/tmp/packed 2>&1\nsection packed\ngzip -c /tmp/packed | base64\n"


def _prepare(scratch, devices, script, files, seconds, machine=None, memory=None):
    """Packs the guest; returns (the command that boots it, its environment)."""
    programs = [mounting.program(f"tests/guest/{name}") for name in ("pat", "dumptree", "replay")]
    tools = mounting.program("tests/guest")
    guest_script = os.path.join(scratch, "guest.sh")
    with open(guest_script, "w", encoding="utf-8") as out:
        out.write(PRELUDE + script)
    initrd = os.path.join(scratch, "initrd")
    _run([f"{tools}/mkguest", initrd, guest_script, *programs, *files], 400)
    settings = {"GUEST_TIMEOUT": str(seconds)}
    if machine:
        settings["GUEST_MACHINE"] = machine
    if memory:
        settings["GUEST_MEMORY"] = memory
    return [f"{tools}/runguest", initrd, *devices], settings


class Running:
    """A guest that runs until it is killed, for a with statement; arguments as for `run`."""

    def __init__(self, devices, script, files=(), seconds=SECONDS, machine=None, memory=None):
        self._scratch = tempfile.TemporaryDirectory()
        command, settings = _prepare(self._scratch.name, devices, script, files, seconds, machine, memory)
        self._console = os.path.join(self._scratch.name, "console")
        settings["GUEST_CONSOLE"] = self._console
        self._guest = subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.kill()
        self._scratch.cleanup()

    def console(self):
        try:
            with open(self._console, encoding="utf-8", errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def sections(self):
        """{section: text} so far."""
        return _sections(self.console())

    def await_line(self, line, seconds):
        """Waits until the guest has printed `line`; GuestFailed if it does not, or if a step failed."""
        mounting.wait_until(lambda: line in self.console() or self._guest.poll() is not None, seconds)
        if line not in self.console() or "@@FAILED" in self.console():
            raise GuestFailed(self.console())

    def kill(self):
        """Sends SIGKILL to QEMU and all processes around it."""
        if self._guest.poll() is None:
            os.killpg(self._guest.pid, signal.SIGKILL)
        self._guest.wait(20)


def _sections(text):
    sections, current = {}, []
    sections[""] = current
    for line in text.splitlines():
        if line.startswith("@@SECTION "):
            current = sections.setdefault(line.removeprefix("@@SECTION "), [])
        elif not line.startswith(("@@BEGIN", "@@END")):
            current.append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in sections.items()}
