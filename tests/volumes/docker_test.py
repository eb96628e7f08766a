"""docker with volumes of the plugin, and what is left when it, or the plugin, is killed."""

import os
import shutil
import signal
import subprocess
import tempfile

from tests.support import mounting, runner
from tests.volumes import box
from tests.volumes import plugin as plugins

SPECS = "/etc/docker/plugins"


class DockerTest(plugins.PluginTestCase):
    limit = 400

    def setUp(self):
        super().setUp()
        for name in ("docker", "dockerd", "busybox"):
            if not shutil.which(name):
                self.skipTest(f"no {name} on this machine")
        self.plugin = self.plugin()
        # Docker looks for plugins in a few directories of the machine.
        self.driver = f"nvdimmfs-test-{os.getpid()}"
        made = not os.path.isdir(SPECS)
        os.makedirs(SPECS, exist_ok=True)
        if made:
            self.addCleanup(os.rmdir, SPECS)
        with open(f"{SPECS}/{self.driver}.spec", "x", encoding="ascii") as spec:
            spec.write(f"unix://{self.plugin.socket}\n")
        self.addCleanup(os.unlink, f"{SPECS}/{self.driver}.spec")
        self.home = tempfile.mkdtemp(prefix="nv.", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.addCleanup(self.unmount_storage)
        self.daemon = None
        self.addCleanup(self.end_docker)
        self.start_docker()
        try:
            self.docker("import", box.archive(self.scratch_path("image")), "box")
            self.docker("run", "--rm", "--network", "none", "box", "id")
        except AssertionError as error:
            self.skipTest(f"docker runs no container here: {error}")

    def start_docker(self):
        command = ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        command += ["--storage-driver=vfs", "--data-root", self.home + "/data"]
        command += ["--exec-root", self.home + "/exec", "--pidfile", self.home + "/pid"]
        command += ["-H", f"unix://{self.home}/sock"]
        with open(self.scratch_path("dockerd.log"), "ab") as log:
            self.daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not mounting.wait_until(lambda: "Server" in self.docker("version", check=False), 60):
            self.skipTest("dockerd does not start here")

    def end_docker(self):
        self.docker("rm", "-f", "box1", check=False)
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(60)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()

    def unmount_storage(self):
        with open("/proc/self/mounts", encoding="utf-8") as table:
            places = [line.split(" ")[1] for line in table]
        for place in reversed(places):
            if place.startswith(self.home + "/"):
                mounting.unmount(place)

    def docker(self, *arguments, check=True):
        """What it printed."""
        done = subprocess.run(
            ["docker", "-H", f"unix://{self.home}/sock", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if check:
            self.assertEqual(0, done.returncode, f"docker {' '.join(arguments)}: {done.stderr}")
        return done.stdout if check else done.stdout + done.stderr

    def start_container(self, mode):
        self.docker("volume", "create", "-d", self.driver, "-o", f"o=size=32m,mode={mode}", "vol")
        self.docker("run", "-d", "--name", "box1", "--network", "none", "-v", "vol:/data", "box",
                    "sleep", "999")  # fmt: skip
        pid = int(self.docker("inspect", "--format", "{{.State.Pid}}", "box1"))
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
            self.docker("rm", "-f", "box1")
            self.plugin.start()
            self.docker("volume", "rm", "vol")
            self.assertEqual([], self.plugin.names())

    def test_a_docker_that_was_killed_gives_the_volume_back(self):
        for mode in ("fs", "raw"):
            pid = self.start_container(mode)
            self.daemon.kill()
            self.daemon.wait()
            # The container runs on.
            with self.assertRaisesRegex(plugins.Refused, f"process {pid} .sleep. of container"):
                self.plugin.remove("vol")
            os.kill(pid, signal.SIGKILL)
            if os.path.exists(self.home + "/pid"):
                os.unlink(self.home + "/pid")
            self.start_docker()
            self.docker("rm", "-f", "box1")
            self.docker("volume", "rm", "vol")
            self.assertEqual([], self.plugin.names())


if __name__ == "__main__":
    runner.main()
