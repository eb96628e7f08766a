# SPDX-License-Identifier: Apache-2.0
"""What is killed: nvdimmfs in one of its forms, over one image that lives on.

A victim is started, runs a shell script that uses it, is killed, and is started again as its man page says. VICTIMS is the
table; a new form joins it by one line.
"""

import json
import os
import signal
import subprocess

from tests.kill import storm
from tests.support import images, leftovers, mounting
from tests.volumes import plugin as plugins

MIB = images.MIB
LABELS = 128 << 10
# {namespace: (its mode for x/create, the bytes that are never torn)}.
MODES = {
    "raw": ("mode=raw", 8),
    "sector": ("mode=sector sector_size=4096", 4096),
    "sector512": ("mode=sector sector_size=512", 512),
    "fsdax": ("mode=fsdax", 8),
    "devdax": ("mode=devdax", 8),
}
# What acknowledges a write: see acked.c. A killed daemon loses none of these.
ALL_WAYS = ("plain", "direct", "dsync", "fsync", "msync")


# What a kill may leave: writes that the next start completes, and a mark of an interrupted change of a label, which is
# used and loses the mark at its next change.
MARK = "label.slot.updating"
PENDING = ("btt.flog.pending", MARK)


def nvdimmfs(*words, expect=(0,)):
    """The standard output of a command of nvdimmfs."""
    done = subprocess.run(
        [mounting.program("tools/nvdimmfs"), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    if done.returncode not in expect:
        raise AssertionError(f"nvdimmfs {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def findings(image, apart_from):
    """What `check` finds, apart from these reasons."""
    found = json.loads(nvdimmfs("check", "--json", image, expect=(0, 4)))
    return [finding for finding in found if finding["reason"] not in apart_from]


class Victim:
    """One that mounts an image itself. Subclasses say how, and what to kill.

    nodes: {name: its file, where $TREE is the device tree}; atoms: {name: the bytes that are never torn};
    ways: {name: what acknowledges a write to it}.
    """

    name = ""
    rounds = 3  # without NVDIMMFS_ROUNDS; three use each load and each durability
    survives = False  # whether those who use it notice nothing
    loads = ("writers", "fio", "reconfiguration")
    volumes = {}  # of a plugin

    @classmethod
    def why_not(cls):
        """Why this machine cannot run it, or None."""
        return None

    def __init__(self, scratch):
        self.scratch = scratch
        self.durability = "auto"
        self.image = images.create(self.path("dimm.img"), 256 * MIB, LABELS)
        self.nodes = {name: f"$TREE/dev/by-name/{name}" for name in MODES}
        self.atoms = {name: atom for name, (_mode, atom) in MODES.items()}
        self.ways = dict.fromkeys(MODES, ALL_WAYS)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def prepare(self):
        """Makes the namespaces."""
        create = "echo 'size=16M {mode} name={name}' >$TREE/ndbus0/region0/x/create\n"
        lines = [create.format(mode=mode, name=name) for name, (mode, _atom) in MODES.items()]
        self.use("set -e\n" + "".join(lines))

    def start(self):
        pass

    def run(self, script):
        """A Popen of sh that runs a script which uses it, in a session of its own."""
        raise NotImplementedError

    def use(self, script):
        """Runs a script to its end; its output."""
        process = self.run(script)
        output, _ = process.communicate(timeout=120)
        if process.returncode != 0:
            raise AssertionError(f"{self.name}: {script}: exit {process.returncode}: {output}")
        return output

    def kill(self):
        """Sends SIGKILL, at this moment."""
        raise NotImplementedError

    def look(self):
        """What is on the media before it is started again: (the configuration, the findings of `check` that the next
        start does not settle, by namespace). None if the media is in use.
        """
        (bus,) = json.loads(nvdimmfs("list", "--schema", "1", self.image))["buses"]
        names = {ns["dev"]: ns["name"] for region in bus["regions"] for ns in region["namespaces"]}
        unsound = [(names.get(finding["subject"]), finding) for finding in findings(self.image, PENDING)]
        return storm.configuration(bus), unsound

    def _bus(self):
        listing = self.path("list.json")
        self.use(f"cat $TREE/ndbus0/x/list.json >{listing}")
        with open(listing, encoding="utf-8") as file:
            return json.load(file)["buses"][0]

    def configuration(self):
        """The configuration, once it runs again."""
        return storm.configuration(self._bus())

    def destroy(self, name):
        """Destroys a namespace."""
        (device,) = [
            ns["dev"] for region in self._bus()["regions"] for ns in region["namespaces"] if ns["name"] == name
        ]
        self.use(f"echo {device} >$TREE/ndbus0/region0/x/destroy")

    def stop(self):
        """Ends it in good order."""
        unsound = findings(self.image, (MARK,))
        if unsound:
            raise AssertionError(f"{self.name} leaves {unsound}")

    def forget(self):
        """Removes what it has outside of its directory."""

    def _popen(self, words, **environment):
        return subprocess.Popen(
            words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip


class Daemon(Victim):
    """`nvdimmfs IMAGE MOUNTPOINT`. The next start replaces the dead mount."""

    name = "daemon"
    rounds = 9

    def __init__(self, scratch):
        super().__init__(scratch)
        self.tree = self.path("mnt")
        os.mkdir(self.tree)
        self._daemon = None

    def start(self):
        words = [mounting.program("tools/nvdimmfs"), "-f", "-o", f"durability={self.durability}"]
        with open(self.path("log"), "ab") as log:
            self._daemon = subprocess.Popen(
                [*words, self.image, self.tree], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        mounting.wait_until(lambda: self._daemon.poll() is not None or self._serves())
        if self._daemon.poll() is not None or not self._serves():
            with open(self.path("log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"the daemon does not start: {log.read()}")

    def _serves(self):
        """Whether it answers; a dead mount still answers what the kernel has cached, and is then replaced."""
        try:
            return "ndbus0" in os.listdir(self.tree)
        except OSError:
            return False

    def run(self, script):
        return self._popen(["sh", "-c", script], TREE=self.tree)

    def kill(self):
        self._daemon.kill()
        self._daemon.wait(mounting.PATIENCE)

    def stop(self):
        if not mounting.unmount(self.tree):
            raise AssertionError("the mount was busy")
        if self._daemon.wait(mounting.PATIENCE) != 0:
            raise AssertionError(f"the daemon ended with {self._daemon.returncode}")
        super().stop()


class ShellsDaemon(Victim):
    """The process that serves the tree of `nvdimmfs shell IMAGE`. Its commands see a dead tree."""

    name = "daemon of a shell"

    def __init__(self, scratch):
        super().__init__(scratch)
        self._shell = None

    @classmethod
    def why_not(cls):
        done = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, timeout=60, check=False)
        return f"no mount namespaces: {done.stderr.strip()}" if done.returncode else None

    def run(self, script):
        words = [mounting.program("tools/nvdimmfs"), "shell", "-o", f"durability={self.durability}", self.image]
        self._shell = self._popen([*words, "--", "sh", "-c", f"export TREE=$NVDIMMFS_TREE\n{script}"])
        return self._shell

    def kill(self):
        os.kill(self._server(), signal.SIGKILL)

    def _server(self):
        """The shell's child that has the image open."""
        with open(f"/proc/{self._shell.pid}/task/{self._shell.pid}/children", encoding="ascii") as children:
            for pid in children.read().split():
                for file in os.scandir(f"/proc/{pid}/fd"):
                    if os.path.realpath(file.path) == os.path.realpath(self.image):
                        return int(pid)
        raise AssertionError("no process of the shell has the image open")

    def look(self):
        # What the shell leaves ends by itself, and soon.
        gone = mounting.wait_until(lambda: not leftovers.processes(self.image))
        if not gone:
            raise AssertionError(f"left of the shell: {leftovers.processes(self.image)}")
        return super().look()


class Shell(ShellsDaemon):
    """`nvdimmfs shell IMAGE` itself. Its commands end with it, so fio cannot say what was acknowledged."""

    name = "shell"
    loads = ("writers", "reconfiguration")

    def kill(self):
        self._shell.kill()


class Plugin(Victim):
    """nvdimmfs-volumes. The processes that serve its trees live on, and so do those who use its volumes."""

    name = "plugin"
    survives = True
    # {volume: (its options, its file, the bytes that are never torn)}.
    volumes = {
        "raw": ({"mode": "raw", "size": "16M"}, "data", 8),
        "sector": ({"mode": "sector", "size": "16M"}, "data", 4096),
        "fs": ({"mode": "fs", "size": "32M"}, "file", 8),
        "fsdax": ({"mode": "fsdax", "size": "32M"}, "file", 8),
    }

    @classmethod
    def why_not(cls):
        return plugins.why_not()

    def __init__(self, scratch):
        super().__init__(scratch)
        self.plugin = None
        self.atoms = {name: atom for name, (_options, _file, atom) in self.volumes.items()}
        # A file system loses what was not synced when what serves it dies.
        self.ways = {
            name: ALL_WAYS if file == "data" else ("dsync", "fsync", "msync")
            for name, (_options, file, _atom) in self.volumes.items()
        }

    def prepare(self):
        for name, (options, _file, _atom) in self.volumes.items():
            self.plugin.create(name, **options)
        self.plugin.settle()
        self._mount()
        for name, (_options, file, _atom) in self.volumes.items():
            if file == "file":
                with open(self.nodes[name], "xb") as out:
                    out.write(bytes(12 * MIB))
                    os.fsync(out.fileno())

    def start(self):
        directory = self.path("plugin")
        source = f"{self.image},durability={self.durability}"
        os.makedirs(directory, exist_ok=True)
        # A plugin finds the servers of the one before, which have their options.
        if self.plugin is None or not self.plugin.servers():
            if self.plugin is not None:
                self.plugin.forget()
            self.plugin = plugins.Plugin(directory, [source])
        self.plugin.start()
        self.plugin.settle()
        if self.plugin.names():
            self._mount()

    def _mount(self):
        self.nodes = {
            name: os.path.join(self.plugin.mount(name), file)
            for name, (_options, file, _atom) in self.volumes.items()
        }
        for name in self.nodes:
            status = self.plugin.status(name)
            if (status["state"], status["health"]) != ("ready", "good"):
                raise AssertionError(f"volume {name}: {status}")

    def run(self, script):
        return self._popen(["sh", "-c", script])

    def kill(self):
        self.plugin.kill()

    def look(self):
        return None

    def configuration(self):
        return self.plugin.names(), self.plugin.namespaces()

    def stop(self):
        for name in self.plugin.names():
            self.plugin.unmount(name)
        if self.plugin.stop() != 0:
            raise AssertionError(f"the plugin ended badly: {self.plugin.said()}")
        self.plugin.remove_all()
        self.plugin.forget()
        super().stop()

    def forget(self):
        if self.plugin is not None:
            self.plugin.forget()


class PluginsServer(Plugin):
    """The process that serves a plugin's tree. The plugin starts another, and mounts its volumes again."""

    name = "server of a plugin"
    survives = False

    def kill(self):
        for pid in self.plugin.servers():
            os.kill(pid, signal.SIGKILL)

    def start(self):
        if self.plugin is None or self.plugin.process.poll() is not None:
            super().start()
            return

        def well():
            try:
                self._mount()
                return bool(self.plugin.servers())
            except (AssertionError, plugins.Refused):
                return False

        if not mounting.wait_until(well):
            raise AssertionError(f"the plugin did not recover: {self.plugin.said()[-4000:]}")


class PluginAndServer(PluginsServer):
    """Both at once."""

    name = "plugin and its server"

    def kill(self):
        super().kill()
        self.plugin.kill()


VICTIMS = (Daemon, ShellsDaemon, Shell, Plugin, PluginsServer, PluginAndServer)
