# SPDX-License-Identifier: Apache-2.0
"""podman with volumes of the plugin, used as on its command line."""

import json
import os
import subprocess

from tests.support import mounting, runner
from tests.volumes import engine


class PodmanTest(engine.EngineTestCase):
    limit = 240

    programs = ("podman", "runc")
    limits = ["--network=none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]

    def start_engine(self):
        self.configuration = self.scratch_path("containers.conf")
        with open(self.configuration, "x", encoding="ascii") as out:
            out.write(f'[engine.volume_plugins]\nnvdimmfs = "{self.plugin.socket}"\n')
        self.addCleanup(self.engine, "rm", "--all", "--force", "--time", "0", check=False)

    def environment(self):
        return dict(os.environ, CONTAINERS_CONF=self.configuration)

    def command(self, store=""):
        """Each store is a separate podman."""
        home = self.home + store
        command = ["podman", "--root", home + "/root", "--runroot", home + "/run"]
        command += ["--tmpdir", home + "/tmp", "--storage-driver", "vfs", "--runtime", "runc"]
        return command + ["--cgroup-manager", "cgroupfs", "--events-backend", "none"]

    def run_in(self, volume, script, *options):
        return self.engine(
            "run", "--rm", *self.limits, *options, "-v", f"{volume}:/data", "box", "sh", "-c", script
        )

    def create(self, name, *options):
        words = [word for option in options for word in ("-o", option)]
        self.engine("volume", "create", "--driver", "nvdimmfs", *words, name)

    def listed(self):
        return self.engine("volume", "ls", "-q").split()

    def test_what_one_run_writes_the_next_one_reads(self):
        free = self.plugin.available()
        self.create("vol", "size=32M", "mode=fs")
        self.create("bytes", "size=16M", "mode=raw", "uid=1000", "perm=0600")
        self.assertEqual(["bytes", "vol"], sorted(self.listed()))
        self.run_in("vol", "echo hello >/data/file")
        self.assertEqual("hello\n", self.run_in("vol", "cat /data/file"))
        self.run_in("bytes", "echo hello | dd of=/data/data conv=notrunc 2>/dev/null", "-u", "1000")
        self.assertEqual("hello\n", self.run_in("bytes", "dd if=/data/data bs=6 count=1 2>/dev/null"))
        refused = self.engine(
            "run", "--rm", *self.limits, "-u", "1001", "-v", "bytes:/data", "box", "cat", "/data/data",
            check=False,
        )  # fmt: skip
        self.assertIn("Permission denied", refused)
        self.assertEqual([], self.plugin.volume_mounts())

        (seen,) = json.loads(self.engine("volume", "inspect", "vol"))
        self.assertEqual(("nvdimmfs", "local"), (seen["Driver"], seen["Scope"]))
        self.assertEqual(("ready", "good"), (seen["Status"]["state"], seen["Status"]["health"]))
        self.engine("volume", "rm", "vol", "bytes")
        self.assertEqual([], self.listed())
        self.plugin.settle()
        self.assertEqual((free, []), (self.plugin.available(), self.plugin.loops()))

    def test_options_may_stand_in_one(self):
        # podman reads some of them, too, and adds them in capitals.
        self.create("vol", "o=size=32m,uid=1000,gid=50,mode=raw")
        options = self.plugin.status("vol")["options"]
        self.assertEqual(
            {"size": str(32 << 20), "uid": "1000", "gid": "50", "mode": "raw"},
            {name: options[name] for name in ("size", "uid", "gid", "mode")},
        )
        self.engine("volume", "rm", "vol")

    def test_two_containers_share_a_volume(self):
        self.create("vol", "size=32M")
        for name in ("one", "two"):
            self.engine("run", "-d", "--name", name, *self.limits, "-v", "vol:/data", "box", "sleep", "99")
        self.engine("exec", "one", "sh", "-c", "echo shared >/data/file")
        self.assertEqual("shared\n", self.engine("exec", "two", "cat", "/data/file"))
        self.assertIn("is being used", self.engine("volume", "rm", "vol", check=False))
        # The plugin dies; neither the containers nor the next plugin are affected.
        self.plugin.kill()
        self.engine("exec", "two", "sh", "-c", "echo meanwhile >/data/file; sync")
        self.plugin.start()
        self.assertEqual("meanwhile\n", self.engine("exec", "one", "cat", "/data/file"))
        self.engine("rm", "--force", "--time", "0", "one")
        self.assertEqual("meanwhile\n", self.engine("exec", "two", "cat", "/data/file"))
        # A container that is killed, not stopped.
        self.engine("kill", "two")
        self.engine("wait", "two")
        self.engine("rm", "two")
        self.assertTrue(mounting.wait_until(lambda: not self.plugin.volume_mounts()))
        self.engine("volume", "rm", "vol")

    def test_another_store_removes_nothing_under_a_container(self):
        second = "/second"
        self.addCleanup(self.engine, "rm", "-af", "--time", "0", check=False, store=second)
        self.engine("import", self.archive, "box", store=second)
        for mode, file in (("raw", "data"), ("sector", "data"), ("fs", "file")):
            self.create(mode, "size=32M", f"mode={mode}")
            volume = ["-v", f"{mode}:/data", "box"]
            self.engine("run", "-d", "--name", mode, *self.limits, *volume, "sleep", "999")
            script = f"echo precious | dd of=/data/{file} conv=notrunc,fsync"
            self.engine("exec", mode, "sh", "-c", script)
            self.engine("volume", "reload", store=second)
            # Both stores use the same mount id.
            self.engine("run", "--rm", *self.limits, *volume, "ls", "/data", store=second)
            for force in ([], ["--force"]):
                said = self.engine("volume", "rm", *force, mode, check=False, store=second)
                self.assertRegex(said, "in use: process .* .sleep. of container .* has /data")
            read = self.engine("exec", mode, "dd", f"if=/data/{file}", "bs=9", "count=1")
            self.assertEqual("precious\n", read)
            self.engine("rm", "--force", "--time", "0", mode)
            self.engine("volume", "rm", mode)
        self.assertEqual([], self.plugin.names())

    def test_a_backup_comes_back_as_the_manual_has_it(self):
        saved = self.scratch_path("vol.tar")
        self.create("vol", "size=32M")
        self.run_in("vol", "echo hello >/data/file")
        tar = ["tar", "--numeric-owner", "--xattrs", "-C"]
        for name, flags in (("vol", ["-cf", saved, "."]), ("vol2", ["-xpf", saved])):
            if name != "vol":
                self.create(name, "size=32M")
            self.engine("volume", "mount", name)
            place = self.engine("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip()
            subprocess.run([*tar, place, *flags], check=True, timeout=60)
            self.engine("volume", "unmount", name)
        self.assertEqual("hello\n", self.run_in("vol2", "cat /data/file"))
        self.engine("volume", "rm", "vol", "vol2")

    def test_reload_finds_what_was_made_elsewhere(self):
        self.plugin.create("made", size="16M", mode="raw")
        self.create("lost", "size=16M", "mode=raw")
        self.plugin.remove("lost")
        self.engine("volume", "reload")
        self.assertEqual(["made"], self.listed())
        self.engine("volume", "rm", "made")
        self.assertEqual([], self.plugin.names())

    def test_a_full_region_is_a_sentence_and_changes_nothing(self):
        self.create("vol", "size=64M")
        before = self.plugin.available()
        said = self.engine(
            "volume", "create", "--driver", "nvdimmfs", "-o", "size=1G", "more", check=False
        )
        self.assertIn("no room for the 1073741824 bytes of volume more", said)
        self.assertIn(f"{before} bytes free", said)
        self.assertEqual((["vol"], ["vol"]), (self.listed(), self.plugin.names()))
        self.assertEqual(before, self.plugin.available())

    def test_every_call_works_again_after_a_kill(self):
        steps = [
            lambda: self.create("vol", "size=32M"),
            lambda: self.run_in("vol", "echo one >/data/file"),
            lambda: self.assertEqual("one\n", self.run_in("vol", "cat /data/file")),
            lambda: self.assertEqual(["vol"], self.listed()),
            lambda: self.engine("volume", "rm", "vol"),
        ]
        for step in steps:
            self.plugin.kill()
            said = self.engine("volume", "create", "--driver", "nvdimmfs", "x", check=False)
            self.assertIn("connect", said)
            self.plugin.start()
            step()
        self.assertEqual([], self.plugin.names())


if __name__ == "__main__":
    runner.main()
