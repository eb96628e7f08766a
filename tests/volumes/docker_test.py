# SPDX-License-Identifier: Apache-2.0
"""docker with volumes of the plugin, and the state after it, or the plugin, is killed."""

import os
import signal
import subprocess

from tests.support import mounting, runner
from tests.volumes import engine
from tests.volumes import plugin as plugins

SPECS = "/etc/docker/plugins"


class DockerTest(engine.EngineTestCase):
    limit = 400

    programs = ("docker", "dockerd")
    limits = ["--network", "none"]

    def start_engine(self):
        # Docker looks for plugins in a few fixed directories of the machine.
        self.driver = f"nvdimmfs-test-{os.getpid()}"
        made = not os.path.isdir(SPECS)
        os.makedirs(SPECS, exist_ok=True)
        if made:
            self.addCleanup(os.rmdir, SPECS)
        with open(f"{SPECS}/{self.driver}.spec", "x", encoding="ascii") as spec:
            spec.write(f"unix://{self.plugin.socket}\n")
        self.addCleanup(os.unlink, f"{SPECS}/{self.driver}.spec")
        self.daemon = None
        self.addCleanup(self.end_docker)
        try:
            self.start_docker()
        except AssertionError as error:
            self.skipTest(str(error))

    def command(self):
        return ["docker", "-H", f"unix://{self.home}/sock"]

    def start_docker(self):
        command = ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        command += ["--storage-driver=vfs", "--data-root", self.home + "/data"]
        command += ["--exec-root", self.home + "/exec", "--pidfile", self.home + "/pid"]
        command += ["-H", f"unix://{self.home}/sock"]
        with open(self.scratch_path("dockerd.log"), "ab") as log:
            self.daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not mounting.wait_until(lambda: "Server" in self.engine("version", check=False), 60):
            with open(self.scratch_path("dockerd.log"), encoding="utf-8", errors="replace") as log:
                self.fail("dockerd does not start: " + log.read()[-2000:])

    def end_docker(self):
        self.engine("rm", "-f", "box1", check=False)
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(60)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        # Leftovers of a killed docker: containers outlive it, and so do their shims.
        for pid in self.helpers():
            os.kill(pid, signal.SIGKILL)

    def helpers(self, name=b""):
        """Pids of the programs that this docker started, found by their name and its directory."""
        found = []
        for entry in os.scandir("/proc"):
            try:
                with open(entry.path + "/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            its = any(word.startswith(self.home.encode() + b"/exec/") for word in words)
            if its and words[0].endswith(name):
                found.append(int(entry.name))
        return found

    def kill_docker(self):
        """Kills it with its containerd: the next docker must not find that alive."""
        pids = self.helpers(b"containerd")
        self.daemon.kill()
        self.daemon.wait()
        # Not by the command line, which a zombie no longer has.
        gone = lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: E731
        self.assertTrue(mounting.wait_until(gone, 60), pids)

    def start_container(self, mode):
        self.engine("volume", "create", "-d", self.driver, "-o", f"o=size=32m,mode={mode}", "vol")
        self.engine("run", "-d", "--name", "box1", *self.limits, "-v", "vol:/data", "box",
                    "sleep", "999")  # fmt: skip
        pid = int(self.engine("inspect", "--format", "{{.State.Pid}}", "box1"))
        self.assertTrue(mounting.wait_until(self.is_seen))
        return pid

    def is_seen(self):
        for entry in os.scandir(self.plugin.root + "/journal"):
            if entry.path.endswith(".json"):
                with open(entry.path, encoding="utf-8") as record:
                    if '"seen_in_use": true' in record.read():
                        return True
        return False

    def test_a_plugin_that_was_dead_while_a_container_went_gives_the_volume_back(self):
        for mode in ("fs", "raw"):
            self.start_container(mode)
            self.plugin.kill()
            self.engine("rm", "-f", "box1")
            self.plugin.start()
            self.engine("volume", "rm", "vol")
            self.assertEqual([], self.plugin.names())

    def test_a_docker_that_was_killed_gives_the_volume_back(self):
        for mode in ("fs", "raw"):
            pid = self.start_container(mode)
            self.kill_docker()
            # The container keeps running.
            with self.assertRaisesRegex(plugins.Refused, f"process {pid} .sleep. of container"):
                self.plugin.remove("vol")
            os.kill(pid, signal.SIGKILL)
            if os.path.exists(self.home + "/pid"):
                os.unlink(self.home + "/pid")
            self.start_docker()
            self.engine("rm", "-f", "box1")
            self.engine("volume", "rm", "vol")
            self.assertEqual([], self.plugin.names())


if __name__ == "__main__":
    runner.main()
