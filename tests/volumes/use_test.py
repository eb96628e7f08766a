# SPDX-License-Identifier: Apache-2.0
"""Whether a volume is in use, whatever engines said and whatever was killed: no user's bytes are erased."""

import concurrent.futures
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import threading
import time

from tests.support import mounting, runner
from tests.volumes import plugin as plugins

MIB = plugins.MIB
MODES = {
    "fs": {"size": "20M"},
    "raw": {"size": "16M", "mode": "raw"},
    "sector": {"size": "20M", "mode": "sector"},
    "fsdax": {"size": "32M", "mode": "fsdax"},
}
SECRET = b"somebody's bytes"


class UseTest(plugins.PluginTestCase):
    def setUp(self):
        super().setUp()
        for name in ("unshare", "nsenter"):
            if not shutil.which(name):
                self.skipTest(f"no {name} (util-linux)")
        self.big = self.image("big.img", 256 * MIB)

    def plugin(self, *sources, **more):
        """A client that repeats calls when the plugin asks for it, since machines may be slow."""
        plugin = super().plugin(*sources, **more)
        say = plugin.say

        def insist(*arguments, **fields):
            end = time.monotonic() + 3 * mounting.PATIENCE
            while True:
                try:
                    return say(*arguments, **fields)
                except plugins.Refused as refused:
                    if "EAGAIN, volume.busy" not in str(refused) or time.monotonic() > end:
                        raise
                    time.sleep(0.2)

        plugin.say = insist
        return plugin

    @contextlib.contextmanager
    def container(self, place):
        """A process that has `place` mounted in a mount namespace of its own, like a container."""
        inner = self.scratch_path("inner")
        os.makedirs(inner, exist_ok=True)
        script = f"mount --rbind '{place}' '{inner}' && umount -l '{place}'; echo up; exec sleep 1000"
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            self.assertEqual("up\n", process.stdout.readline())
            process.inner = inner
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def inside(self, container, mode):
        """The first bytes of the volume's file, as the container sees it."""
        name = "file" if mode in ("fs", "fsdax") else "data"
        command = ["nsenter", "-t", str(container.pid), "-m", "head", "-c", str(len(SECRET))]
        return subprocess.run(
            [*command, f"{container.inner}/{name}"], capture_output=True, check=False, timeout=60
        ).stdout

    def write(self, place, mode):
        path = place + ("/file" if mode in ("fs", "fsdax") else "/data")
        with open(path, "xb" if path.endswith("file") else "r+b", buffering=0) as file:
            file.write(SECRET)
            os.fsync(file.fileno())
        return path

    def seen(self, plugin, name):
        """Waits until the plugin has noticed that a process has it mounted."""

        def is_written():
            for path in glob.glob(plugin.root + "/journal/*.json"):
                with open(path, encoding="utf-8") as record:
                    text = record.read()
                if f'"name": "{name}"' in text and '"seen_in_use": true' in text:
                    return True
            return False

        self.assertTrue(mounting.wait_until(is_written))

    def release(self, plugin, name):
        program = mounting.program("tools/nvdimmfs-volumes")
        done = subprocess.run(
            [program, "release", "--socket", plugin.socket, name],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stderr

    def test_another_engine_cannot_remove_what_a_container_has(self):
        plugin = self.plugin(self.big)
        for mode, options in MODES.items():
            plugin.create(mode, **options)
            place = plugin.mount(mode, "same id")
            self.write(place, mode)
            with self.container(place) as container:
                # Two stores of podman use the same id: the first Unmount is not the last user's.
                plugin.mount(mode, "same id")
                plugin.unmount(mode, "same id")
                for _ in range(2):
                    sentence = f"in use.*process {container.pid} .sleep. has .*EBUSY, volume.mounted"
                    with self.assertRaisesRegex(plugins.Refused, sentence, msg=mode):
                        plugin.remove(mode)
                    self.assertEqual(SECRET, self.inside(container, mode), mode)
                self.assertRegex(str(plugin.status(mode)["users"]), f"process {container.pid} ")
                # The next plugin finds out, too.
                plugin.kill()
                plugin.start()
                with self.assertRaisesRegex(plugins.Refused, "EBUSY, volume.mounted", msg=mode):
                    plugin.remove(mode)
                self.assertEqual(SECRET, self.inside(container, mode), mode)
            plugin.remove(mode)
        plugin.settle()
        self.assertEqual(([], []), (plugin.names(), plugin.namespaces()))
        self.assertEqual([], plugin.volume_mounts() + plugin.loops())

    def test_an_open_file_keeps_it(self):
        plugin = self.plugin(self.big)
        for mode, options in MODES.items():
            plugin.create(mode, **options)
            path = self.write(plugin.mount(mode), mode)
            with open(path, "rb", buffering=0) as file:
                plugin.unmount(mode)
                with self.assertRaisesRegex(plugins.Refused, f"process {os.getpid()} ", msg=mode):
                    plugin.remove(mode)
                self.assertEqual(SECRET, file.read(len(SECRET)))
            # It is unmounted when the last user is gone, not before.
            place = f"{plugin.root}/volumes/{mode}"
            self.assertTrue(mounting.wait_until(lambda: place not in plugin.volume_mounts()))
            plugin.remove(mode)

    def test_a_lazily_unmounted_data_file_keeps_it(self):
        plugin = self.plugin(self.big)
        plugin.create("v", size="16M", mode="raw")
        place = plugin.mount("v")
        with open(self.write(place, "raw"), "rb", buffering=0) as file:
            for path in (place + "/data", place):
                subprocess.run(["umount", "-l", path], check=True, timeout=60)
            plugin.unmount("v")
            with self.assertRaisesRegex(plugins.Refused, "data file is open 1 times"):
                plugin.remove("v")
            self.assertEqual(SECRET, file.read(len(SECRET)))
        plugin.remove("v")

    def test_the_number_of_a_mount_that_is_gone_says_nothing_of_the_next_one(self):
        plugin = self.plugin(self.big)
        plugin.create("v", size="16M", mode="raw")
        plugin.create("w", size="16M", mode="raw")
        place = plugin.mount("v")
        number = os.stat(place).st_dev
        with self.container(place):
            self.seen(plugin, "v")
        path = f"{plugin.tree()}/dev/{plugin.status('v')['node']}"
        with concurrent.futures.ThreadPoolExecutor(1) as pool, open(path, "rb") as node:
            # The removal waits for the node; meanwhile the other volume is mounted.
            removing = pool.submit(plugin.remove, "v")
            self.assertTrue(mounting.wait_until(lambda: place not in plugin.volume_mounts()))
            if os.stat(plugin.mount("w")).st_dev != number:
                self.skipTest("another process took the number")
            node.close()
            removing.result()
        self.assertEqual(["w"], plugin.names())

    def test_a_container_that_went_while_the_plugin_was_dead_is_forgotten(self):
        plugin = self.plugin(self.big)
        for mode, options in MODES.items():
            plugin.create(mode, **options)
            with self.container(plugin.mount(mode)):
                self.seen(plugin, mode)
                plugin.kill()
            plugin.start()
            plugin.remove(mode)
            self.assertNotIn(mode, plugin.names())

    def test_what_an_engine_asked_for_and_never_used_is_released_by_hand(self):
        plugin = self.plugin(self.big)
        plugin.create("v", size="20M")
        place = plugin.mount("v", "engine")
        with self.assertRaisesRegex(plugins.Refused, "type: nvdimmfs-volumes release v"):
            plugin.remove("v")
        self.assertEqual([place], plugin.volume_mounts())
        with self.container(place) as container:
            code, said = self.release(plugin, "v")
            self.assertEqual(1, code)
            self.assertRegex(said, f"process {container.pid} .sleep. has .*EBUSY")
        self.assertEqual((0, ""), self.release(plugin, "v"))
        self.assertEqual(([], []), (plugin.volume_mounts(), plugin.status("v")["mounts"]))
        self.assertRegex(self.release(plugin, "w")[1], "there is no volume w")
        plugin.remove("v")
        plugin.kill()
        code, said = self.release(plugin, "v")
        self.assertEqual(1, code)
        self.assertIn("systemctl start nvdimmfs-volumes", said)

    def test_what_is_unknown_is_unmounted_and_removed_already(self):
        plugin = self.plugin()
        plugin.unmount("nonesuch")
        plugin.remove("nonesuch")
        plugin.create("v", size="16M", mode="raw")
        for _ in range(3):
            plugin.unmount("v", "nobody")
            plugin.remove("v")

    def test_a_volume_that_is_being_cleared_can_be_removed(self):
        image = self.scratch_path("large.img")
        with open(image, "xb", buffering=0) as out:
            out.truncate((64 << 30) + plugins.LABEL_SIZE)
        plugin = self.plugin(image)
        free = plugin.available()
        refused = []

        def create():
            try:
                plugin.create("v", size="60G", mode="raw")
            except plugins.Refused as refusal:
                refused.append(str(refusal))

        creator = threading.Thread(target=create)
        creator.start()
        mounting.wait_until(lambda: plugin.names() or not creator.is_alive())
        plugin.remove("v")
        creator.join()
        # Whether it was too late or not.
        plugin.remove("v")
        for sentence in refused:
            self.assertIn("it was removed before it was ready", sentence)
        plugin.settle()
        self.assertEqual(([], free), (plugin.names(), plugin.available()))

    def test_containers_with_a_dead_mount_are_named(self):
        plugin = self.plugin(self.big)
        for mode in ("fs", "raw"):
            plugin.create(mode, **MODES[mode])
            with self.container(plugin.mount(mode)) as container:
                for server in plugin.servers():
                    os.kill(server, signal.SIGKILL)
                self.assertTrue(
                    mounting.wait_until(lambda: plugin.status(mode).get("dead_mounts")),
                    plugin.status(mode),
                )
                status = plugin.status(mode)
                self.assertRegex(str(status["dead_mounts"]), f"process {container.pid} .sleep. has")
                self.assertIn("restart these containers", status["health"])
                self.assertRegex(
                    plugin.metrics(), f'volume_dead_mounts\\{{volume="{mode}"\\}} [1-9]'
                )
            good = lambda: plugin.status(mode)["health"] == "good"  # noqa: E731
            self.assertTrue(mounting.wait_until(good), plugin.status(mode))
            self.assertIn(f'volume_dead_mounts{{volume="{mode}"}} 0\n', plugin.metrics())

    def test_capacity_is_one_number(self):
        plugin = self.plugin(self.big)
        for mode, options in MODES.items():
            plugin.create(mode, **options)
            before = plugin.status(mode)
            place = plugin.mount(mode)
            mounted = plugin.status(mode)
            self.assertEqual(before["capacity"], mounted["capacity"])
            self.assertGreater(mounted["size"] + 1, mounted["capacity"])
            for word in ("size", "capacity"):
                line = f'volume_{word}_bytes{{volume="{mode}"}} {mounted[word]}\n'
                self.assertIn(line, plugin.metrics())
            if mode in ("raw", "sector"):
                self.assertEqual(mounted["capacity"], os.stat(place + "/data").st_size)
            else:
                shown = os.statvfs(place)
                file_system = mounted["file_system"]
                self.assertEqual(shown.f_blocks * shown.f_frsize, file_system["size"])
                self.assertLessEqual(file_system["size"], mounted["capacity"])

    def test_a_hostile_client_ends_nothing_and_is_in_the_log(self):
        plugin = self.plugin()
        status, text = plugin.call("/VolumeDriver.Create", "[" * 200000)
        self.assertEqual(400, status, text)
        self.assertEqual(413, plugin.call("/VolumeDriver.Create", "x" * 300000)[0])
        for _ in range(300):
            plugin.call("/VolumeDriver.Create", '{"Name":' * 100)
        self.assertEqual([], plugin.names())
        self.assertIn("a body has at most", plugin.said())


if __name__ == "__main__":
    runner.main()
