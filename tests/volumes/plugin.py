# SPDX-License-Identifier: Apache-2.0
"""A running nvdimmfs-volumes, and the calls that a container engine makes."""

import glob
import http.client
import json
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from tests.support import images, mounting

MIB = images.MIB
# The seconds that podman waits for a call.
CALL_LIMIT = 5
LABEL_SIZE = 128 * 1024


def why_not():
    """Why this machine cannot run the plugin, or None."""
    if os.geteuid() != 0:
        return "needs root: mounts and loop devices"
    try:
        os.close(os.open("/dev/loop-control", os.O_RDWR))
    except OSError as error:
        return f"cannot open /dev/loop-control: {error.strerror}"
    return None if shutil.which("mkfs.ext4") else "no mkfs.ext4 (e2fsprogs)"


class Refused(Exception):
    """The plugin's message."""


class Died(Exception):
    """The plugin ended in the middle of a call."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("plugin", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


class Plugin:
    """nvdimmfs-volumes over `sources`, for a with statement; its state survives kill() and start()."""

    def __init__(self, directory, sources, *options):
        self.directory = directory
        self.root = os.path.join(directory, "root")
        # A socket's path must be short; Bazel's directories are not.
        self._short = tempfile.mkdtemp(prefix="nv.", dir="/tmp")
        self.socket = os.path.join(self._short, "plugin.sock")
        self.log = os.path.join(directory, "plugin.log")
        self.process = None
        self._arguments = [mounting.program("tools/nvdimmfs-volumes"), "--root", self.root]
        self._arguments += ["--socket", self.socket, *options, *sources]
        self._killer = os.path.join(directory, "kill_at")
        with open(self._killer, "wb") as out:
            out.write(bytes(16))
        with open(self._killer, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 16)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, traceback):
        self.remove_all()
        self.forget()

    def forget(self):
        self._page.close()
        shutil.rmtree(self._short, ignore_errors=True)

    # Life.

    def spawn(self, kill_at=0):
        """Starts it, without waiting; it dies before its `kill_at`-th changing call."""
        self._page[:] = struct.pack("<QQ", 0, kill_at)
        environment = dict(os.environ, KILL_AT=self._killer)
        environment["LD_PRELOAD"] = mounting.program("tests/volumes/libkill_at.so")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self):
        self.spawn()
        if not mounting.wait_until(lambda: self.process.poll() is not None or self.answers()):
            raise AssertionError("the plugin does not answer: " + self.said())
        if self.process.poll() is not None:
            raise AssertionError("the plugin did not start: " + self.said())

    def answers(self):
        try:
            self.call("/Plugin.Activate")
            return True
        except (OSError, http.client.HTTPException, Died):
            return False

    def arm(self, steps):
        """From now on, it will die before its `steps`-th changing call."""
        self._page[8:] = struct.pack("<Q", self.steps() + steps)

    def steps(self):
        """The number of changing calls since it was started."""
        (count,) = struct.unpack("<Q", self._page[:8])
        return count

    def disarm(self):
        """Whether it lives."""
        self._page[8:] = bytes(8)
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait(mounting.PATIENCE)

    def stop(self):
        """Stops it normally; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(mounting.PATIENCE + 20)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def remove_all(self):
        """Ensures that no process, mount or loop device stays, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.kill()
        for place in reversed(self.mounts()):
            mounting.unmount(place)
        mounting.wait_until(lambda: not self.servers() and not self.loops())

    # Its answers.

    def call(self, path, body=None, method="POST", headers=None):
        """(HTTP status, body)."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (ConnectionError, http.client.HTTPException) as error:
            raise Died(str(error)) from error
        finally:
            connection.close()

    def say(self, verb, name="", **more):
        """The reply of one call of the protocol, within podman's limit."""
        started = time.monotonic()
        status, text = self.call(f"/VolumeDriver.{verb}", json.dumps({"Name": name, **more}))
        took = time.monotonic() - started
        assert took < CALL_LIMIT, f"{verb} {name} took {took:.1f} s"
        reply = json.loads(text)
        if reply["Err"]:
            assert status == 500, (status, text)
            raise Refused(reply["Err"])
        assert status == 200, (status, text)
        return reply

    def create(self, name, **options):
        self.say("Create", name, Opts={key: str(value) for key, value in options.items()})

    def mount(self, name, container="c"):
        return self.say("Mount", name, ID=container)["Mountpoint"]

    def unmount(self, name, container="c"):
        self.say("Unmount", name, ID=container)

    def remove(self, name):
        self.say("Remove", name)

    def names(self):
        return sorted(volume["Name"] for volume in self.say("List")["Volumes"] or [])

    def status(self, name):
        return self.say("Get", name)["Volume"]["Status"]

    def settle(self):
        """Waits until no background work is left."""

        def quiet():
            return "nvdimmfs_volumes_leaving 0\n" in self.metrics() and "_busy{" not in "".join(
                line for line in self.metrics().splitlines() if line.endswith("} 1")
            )

        assert mounting.wait_until(quiet), self.metrics()

    def metrics(self):
        status, text = self.call("/metrics", method="GET")
        assert status == 200, text
        return text

    # The state of the machine.

    def tree(self):
        """The mount of the first source's device tree."""
        (place,) = glob.glob(self.root + "/sources/*")[:1]
        return place

    def available(self):
        with open(self.tree() + "/ndbus0/region0/available_size", encoding="ascii") as file:
            return int(file.read())

    def namespaces(self):
        """The names, in labels, of the namespaces that have bytes; "" for each without a name."""
        names = []
        for path in glob.glob(self.tree() + "/ndbus0/region0/namespace[0-9]*"):
            with open(path + "/size", encoding="ascii") as size:
                if int(size.read()) == 0:
                    continue
            with open(path + "/alt_name", encoding="ascii") as name:
                names.append(name.read().strip())
        return sorted(names)

    def mounts(self):
        with open("/proc/self/mounts", encoding="utf-8") as table:
            places = [line.split(" ")[1] for line in table]
        return [place for place in places if place.startswith(self.root + "/")]

    def volume_mounts(self):
        return [place for place in self.mounts() if place.startswith(self.root + "/volumes/")]

    def volume_places(self):
        """The volumes that are mounted."""
        top = self.root + "/volumes/"
        return {place[len(top) :].split("/")[0] for place in self.volume_mounts()}

    def loops(self):
        found = []
        for path in glob.glob("/sys/block/loop*/loop/backing_file"):
            try:
                with open(path, encoding="utf-8") as file:
                    found += [path] if self.root in file.read() else []
            except OSError:
                pass
        return found

    def servers(self):
        """Pids of the processes that serve the device trees."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"serve" in words and any(w.startswith(self.root.encode()) for w in words):
                found.append(int(path.split("/")[2]))
        return found


class PluginTestCase(mounting.MountTestCase):
    """A case with its own images and plugins."""

    def setUp(self):
        super().setUp()
        reason = why_not()
        if reason:
            self.skipTest(reason)

    def image(self, name="dimm.img", size=128 * MIB):
        return images.create(self.scratch_path(name), size, LABEL_SIZE)

    def plugin(self, *sources, options=(), name="plugin"):
        """A Plugin that runs until the case ends, over a new image unless others are given."""
        directory = self.scratch_path(name)
        os.mkdir(directory)
        plugin = Plugin(directory, sources or [self.image()], *options)
        self.enterContext(plugin)
        return plugin


def contains(path, secret):
    """Whether the file contains these bytes anywhere."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(secret) >= 0
