# SPDX-License-Identifier: Apache-2.0
"""The plugin's protocol: every call that a container engine may make, in any order."""

import concurrent.futures
import contextlib
import json
import os
import random
import re
import signal
import socket
import stat
import subprocess

from tests.support import guest, images, mounting, runner
from tests.volumes import plugin as plugins

MIB = plugins.MIB


class ProtocolTest(plugins.PluginTestCase):
    def test_every_content_type_and_body_is_taken(self):
        plugin = self.plugin()
        for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
            for body in (None, "", "{}", "null"):
                status, text = plugin.call("/Plugin.Activate", body, headers=headers)
                self.assertEqual((200, ["VolumeDriver"]), (status, json.loads(text)["Implements"]))
        # Without any length: there is no body.
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(plugin.socket)
            client.sendall(b"POST /VolumeDriver.List HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200", client.recv(4096).splitlines()[0])
        self.assertEqual(400, plugin.call("/VolumeDriver.Create", "{")[0])
        self.assertEqual(404, plugin.call("/VolumeDriver.Nonesuch", "{}")[0])
        scope = plugin.say("Capabilities")["Capabilities"]["Scope"]
        self.assertEqual("local", scope)

    def test_each_mode_is_what_it_says(self):
        plugin = self.plugin(self.image(size=192 * MIB))
        plugin.create("fs", size="20M", owner="1000:50", perm="0751")
        plugin.create("onraw", size="20M", on="raw")
        plugin.create("raw", size="16M", mode="raw", uid=1000, perm="0640")
        plugin.create("sector", size="20M", mode="sector", sector_size=520)
        plugin.create("dax", size="32M", mode="fsdax")
        modes = {"fs": "sector", "onraw": "raw", "raw": "raw", "sector": "sector", "dax": "fsdax"}
        for name in modes:
            place = plugin.mount(name)
            self.assertEqual(place, plugin.say("Path", name)["Mountpoint"])
            if name in ("raw", "sector"):
                self.assertEqual(["data"], os.listdir(place))
                self.assertRaises(OSError, open, place + "/other", "xb")
            else:
                self.assertEqual([], os.listdir(place))
                with open(place + "/file", "xb", buffering=0) as file:
                    file.write(b"x" * 5000)
        top = os.stat(plugin.mount("fs"))
        self.assertEqual((1000, 50, 0o751), (top.st_uid, top.st_gid, stat.S_IMODE(top.st_mode)))
        data = os.stat(plugin.mount("raw") + "/data")
        self.assertEqual((1000, 0o640), (data.st_uid, stat.S_IMODE(data.st_mode)))
        self.assertEqual(16 * MIB, data.st_size)
        self.assertEqual(520, plugin.status("sector")["sector_size"])
        source = plugin.status("fs")["source"]
        for name in modes:
            plugin.unmount(name)
            self.assertEqual("", plugin.say("Path", name)["Mountpoint"])
        self.assertEqual([], plugin.volume_mounts())
        self.assertEqual(0, plugin.stop())
        self.assertTrue(mounting.wait_until(lambda: not plugin.servers()))
        self.assertEqual([], plugin.mounts() + plugin.loops())
        listed = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "list", "-N", source],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        self.assertEqual(modes, {n["name"]: n["mode"] for n in json.loads(listed.stdout)})

    def test_a_read_only_volume_is_not_written(self):
        plugin = self.plugin()
        for name, options in {"fs": {"size": "20M"}, "raw": {"size": "16M", "mode": "raw"}}.items():
            plugin.create(name, ro="yes", **options)
            place = plugin.mount(name)
            path = place + ("/data" if name == "raw" else "/file")
            with self.assertRaises(OSError) as refused:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
            self.assertEqual("Read-only file system", refused.exception.strerror)

    def test_the_volume_stays_mounted_until_the_last_one_leaves(self):
        plugin = self.plugin()
        plugin.create("v", size="20M")
        place = plugin.mount("v", "one")
        self.assertEqual(place, plugin.mount("v", "two"))
        self.assertEqual(place, plugin.mount("v", "one"))
        plugin.unmount("v", "one")
        plugin.unmount("v", "one")
        plugin.unmount("v", "nobody")
        self.assertEqual([place], plugin.volume_mounts())
        with self.assertRaisesRegex(plugins.Refused, "in use by two .*EBUSY, volume.mounted"):
            plugin.remove("v")
        plugin.unmount("v", "two")
        self.assertEqual([], plugin.volume_mounts())
        self.assertIn('volume_mounts{volume="v"} 0\n', plugin.metrics())

    def test_create_is_all_or_nothing(self):
        plugin = self.plugin()
        free = plugin.available()
        plugin.create("v", size="20M")
        plugin.create("v", size="20M")
        plugin.create("v")
        for options, wanted in (
            ({"size": "24M"}, "exists, with other options"),
            ({"size": "20M", "nonesuch": "1"}, 'unknown option "nonesuch": The options are size,'),
            ({"sise": "20M"}, 'unknown option "sise": did you mean size?'),
            ({"size": "20M", "mode": "sektor"}, "mode=sektor: did you mean sector?"),
        ):
            with self.assertRaisesRegex(plugins.Refused, wanted):
                plugin.create("v", **options)
        before = plugin.available()
        refusals = {
            "ENOSPC, volume.room": {"size": "1G"},
            "no such region": {"size": "20M", "region": "region9"},
            "such as -o size=64M": {},
            "goes with mode=fs": {"size": "20M", "mode": "raw", "fstype": "xfs"},
            "3145728 is not supported; supported: .*EINVAL, input.choice": {
                "size": "20M", "mode": "fsdax", "align": "3M",
            },
            "xfs needs 314572800: give size=320M, or fstype=ext4 .EINVAL, volume.size": {
                "size": "20M", "fstype": "xfs",
            },
        }
        for sentence, options in refusals.items():
            with self.assertRaisesRegex(plugins.Refused, sentence, msg=str(options)):
                plugin.create("w", **options)
            self.assertEqual((["v"], before), (plugin.names(), plugin.available()), sentence)
        self.assertEqual([], plugin.loops())
        plugin.remove("v")
        plugin.settle()
        self.assertEqual(free, plugin.available())

    def test_regions_of_several_sources_are_told_apart(self):
        small, large = self.image("a.img", 64 * MIB), self.image("b.img", 128 * MIB)
        plugin = self.plugin(small, large)
        plugin.create("one", size="96M", mode="raw")
        plugin.create("two", size="16M", mode="raw", region="b.img/region0")
        plugin.create("three", size="16M", mode="raw", region="region0")
        wanted = {"one": large, "two": large, "three": small}
        self.assertEqual(wanted, {name: plugin.status(name)["source"] for name in wanted})
        with self.assertRaisesRegex(plugins.Refused, "a.img/region0 has .* b.img/region0 has .*"):
            plugin.create("four", size="64M", mode="raw")
        # Without its source, a volume does not exist; with it, it is back.
        plugin.stop()
        plugin._arguments.remove(large)
        plugin.start()
        self.assertEqual(["three"], plugin.names())
        plugin.stop()
        plugin._arguments.append(large)
        plugin.start()
        self.assertEqual(["one", "three", "two"], plugin.names())

    def test_namespaces_of_others_are_shown_and_kept(self):
        image = self.image()
        with mounting.Mount(image) as mount:
            for line in ("size=16M name=mine", "size=32M mode=sector name=theirs", "size=16M"):
                mount.write(line, "ndbus0/region0/x/create")
            # Paths are not names of volumes.
            mount.write("size=16M name=../../etc/x~1", "ndbus0/region0/x/create")
        plugin = self.plugin(image)
        self.assertEqual(["mine", "theirs"], plugin.names())
        self.assertEqual("sector", plugin.status("theirs")["options"]["mode"])
        self.assertEqual(["data"], os.listdir(plugin.mount("theirs")))
        plugin.unmount("theirs")
        with self.assertRaisesRegex(plugins.Refused, "EPERM, volume.adopted"):
            plugin.remove("theirs")
        plugin.kill()
        plugin._arguments.append("--adopt")
        plugin.start()
        plugin.remove("theirs")
        plugin.settle()
        self.assertEqual(["mine"], plugin.names())
        self.assertEqual(3, len(plugin.namespaces()))

    def test_a_blank_label_area_is_taken_into_use_and_data_is_not(self):
        blank = images.blank(self.scratch_path("blank.img"), 64 * MIB, plugins.LABEL_SIZE)
        used = images.blank(self.scratch_path("used.img"), 64 * MIB, plugins.LABEL_SIZE)
        with open(used, "r+b") as data:
            data.write(b"somebody's")
        plugin = self.plugin(used)
        with self.assertRaisesRegex(plugins.Refused, "has no labels and is not blank"):
            plugin.create("v", size="16M", mode="raw")
        plugin = self.plugin(blank, name="second")
        plugin.create("v", size="16M", mode="raw")
        self.assertEqual(["v"], plugin.names())

    def test_a_name_leads_nowhere(self):
        plugin = self.plugin()
        for name in ("", "..", "../x", "a/b", "-rf", "$(touch x)", "a\0b", "x" * 256):
            with self.assertRaisesRegex(plugins.Refused, "is not a volume name"):
                plugin.create(name, size="20M")
        with self.assertRaisesRegex(plugins.Refused, "there is no volume"):
            plugin.mount("../root")
        anonymous = "0123456789abcdef" * 4  # longer than a label's name
        plugin.create(anonymous, size="16M", mode="raw")
        plugin.kill()
        plugin.start()
        self.assertEqual([anonymous], plugin.names())
        self.assertEqual(63, len(plugin.namespaces()[0]))
        plugin.remove(anonymous)

    def test_nobody_sees_what_was_there_before(self):
        image = self.image()
        plugin = self.plugin(image)
        secret = b"for my eyes only"
        for erase in ("yes", "no"):
            plugin.create("mine", size="96M", mode="sector", erase=erase)
            with open(plugin.mount("mine") + "/data", "r+b", buffering=0) as data:
                data.write(secret * 4096)
                os.fsync(data.fileno())
            self.assertTrue(plugins.contains(image, secret))
            plugin.unmount("mine")
            plugin.remove("mine")
            plugin.settle()
            self.assertEqual(erase == "no", plugins.contains(image, secret))
        for mode in ("raw", "sector"):
            plugin.create("other", size="96M", mode=mode)
            with open(plugin.mount("other") + "/data", "rb") as data:
                self.assertNotIn(secret, data.read())
            plugin.unmount("other")
            plugin.remove("other")
            plugin.settle()

    def test_only_root_gets_near(self):
        plugin = self.plugin()
        self.assertEqual(0o600, stat.S_IMODE(os.stat(plugin.socket).st_mode))
        for path in ("", "/journal", "/volumes", "/sources"):
            self.assertEqual(0o700, stat.S_IMODE(os.stat(plugin.root + path).st_mode))

    def test_it_lives_with_the_capabilities_that_it_states(self):
        plugin = self.plugin()
        plugin.create("v", size="20M", owner="7:7", mode="fs")
        plugin.mount("v")
        with open(f"/proc/{plugin.process.pid}/status", encoding="ascii") as status:
            sets = dict(line.split(":\t") for line in status.read().splitlines() if ":\t" in line)
        # CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, SYS_PTRACE 19, SYS_ADMIN 21, SYS_RESOURCE 24
        stated = sum(1 << number for number in (0, 1, 3, 19, 21, 24))
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            self.assertEqual(0, int(sets[kind], 16) & ~stated, kind)

    def test_a_socket_may_come_from_systemd(self):
        with socket.socket(socket.AF_UNIX) as passed:
            plugin = self.plugin()
            plugin.kill()
            os.unlink(plugin.socket)
            passed.bind(plugin.socket)
            passed.listen()
            script = "import os,sys\nos.dup2(int(sys.argv[1]), 3)\nos.environ.update("
            script += "LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\nos.execv(sys.argv[2], sys.argv[2:])"
            plugin._arguments = [
                "python3", "-c", script, str(passed.fileno()), *plugin._arguments,
            ]  # fmt: skip
            plugin._arguments[plugin._arguments.index("--socket") + 1] = "/nowhere/else"
            spawn = subprocess.Popen
            try:
                subprocess.Popen = lambda *a, **k: spawn(*a, pass_fds=[passed.fileno()], **k)
                plugin.start()
            finally:
                subprocess.Popen = spawn
            self.assertEqual([], plugin.names())
            self.assertEqual(0, plugin.stop())

    def test_two_plugins_cannot_own_one_image(self):
        image = self.image()
        plugin = self.plugin(image)
        plugin.create("v", size="20M")
        for directory in (plugin.directory, self.scratch_path("other")):
            os.makedirs(directory, exist_ok=True)
            other = plugins.Plugin(directory, [image])
            self.addCleanup(other.forget)
            other.spawn()
            self.assertEqual(1, other.process.wait(25))
        self.assertIn("in use by another nvdimmfs-volumes", plugin.said())
        self.assertIn("EBUSY, image.busy", other.said())
        self.assertEqual(["v"], plugin.names())
        plugin.mount("v")

    def test_a_server_that_dies_is_replaced(self):
        plugin = self.plugin()
        plugin.create("v", size="20M")
        with open(plugin.mount("v") + "/file", "xb", buffering=0) as file:
            file.write(b"kept")
            os.fsync(file.fileno())
        (server,) = plugin.servers()
        os.kill(server, signal.SIGKILL)

        def back():
            status = plugin.status("v")
            return status["server"] == "serving" and status["state"] == "ready"

        self.assertTrue(mounting.wait_until(back))
        with open(plugin.mount("v") + "/file", "rb") as file:
            self.assertEqual(b"kept", file.read())
        self.assertRegex(plugin.metrics(), r'source_deaths\{source="[^"]*"\} 1\n')
        self.assertRegex(plugin.said(), "the server of .* died; starting another; volumes: v")

    def test_a_plugin_and_a_server_that_die_together_are_replaced(self):
        plugin = self.plugin()
        plugin.create("v", size="16M")
        plugin.create("w", size="16M", mode="raw")
        paths = [plugin.mount("v") + "/file", plugin.mount("w") + "/data"]
        for path in paths:
            with open(path, "r+b" if path.endswith("data") else "xb", buffering=0) as file:
                file.write(b"kept")
                os.fsync(file.fileno())
        (server,) = plugin.servers()
        plugin.kill()
        os.kill(server, signal.SIGKILL)
        plugin.start()
        self.assertEqual([["c"], ["c"]], [plugin.status(name)["mounts"] for name in ("v", "w")])
        for path in paths:
            with open(path, "r+b", buffering=0) as file:
                self.assertEqual(b"kept", file.read(4))
                file.write(b" and on")
                os.fsync(file.fileno())

    def test_a_source_that_cannot_be_opened_does_not_hold_up_the_others(self):
        good, bad = self.image("good.img", 64 * MIB), self.image("bad.img", 64 * MIB)
        away = bad + ".away"
        plugin = self.plugin(good, bad)
        plugin.create("here", size="16M", mode="raw", region="good.img/region0")
        plugin.create("there", size="16M", mode="raw", region="bad.img/region0")
        with open(plugin.mount("there") + "/data", "r+b", buffering=0) as data:
            data.write(b"kept")
            os.fsync(data.fileno())
        plugin.unmount("there")
        plugin.stop()
        os.rename(bad, away)
        plugin.start()
        self.check_unserved(plugin, bad)
        # It comes back by itself, and goes again while something has it mounted.
        os.rename(away, bad)
        self.assertTrue(mounting.wait_until(lambda: plugin.status("there")["state"] == "ready"))
        plugin.mount("there")
        os.rename(bad, away)
        for server in plugin.servers():
            os.kill(server, signal.SIGKILL)
        self.assertTrue(mounting.wait_until(lambda: plugin.status("here")["state"] == "ready"))
        self.assertTrue(mounting.wait_until(lambda: plugin.status("there")["state"] == "failed"))
        plugin.unmount("there")
        self.check_unserved(plugin, bad)
        os.rename(away, bad)
        self.assertTrue(mounting.wait_until(lambda: plugin.status("there")["state"] == "ready"))
        with open(plugin.mount("there") + "/data", "rb") as data:
            self.assertEqual(b"kept", data.read(4))
        self.assertNotIn("source_trouble{", plugin.metrics())
        # A plugin that has nothing to serve reports that and exits.
        directory = self.scratch_path("other")
        os.mkdir(directory)
        other = plugins.Plugin(directory, [directory + "/nothing.img"])
        self.addCleanup(other.forget)
        other.spawn()
        self.assertEqual(1, other.process.wait(25))
        self.assertIn("[ENOENT, image.open]", other.said())

    def check_unserved(self, plugin, bad):
        self.assertEqual(["here", "there"], plugin.names())
        status = plugin.status("there")
        self.assertEqual(("failed", "failed"), (status["state"], status["health"]))
        why = f"cannot serve source {bad}: open {bad}: No such file.*ENOENT, image.open"
        self.assertRegex(status["error"], why)
        for call in (plugin.mount, plugin.remove):
            with self.assertRaisesRegex(plugins.Refused, why):
                call("there")
        self.assertIn('volume_up{volume="there"} 0\n', plugin.metrics())
        # If the servers were killed, the good source's may not be back yet.
        full = "good.img/region0 has .*; bad.img: open "
        self.assertTrue(mounting.wait_until(lambda: re.search(full, self.refusal_of_large(plugin))))
        plugin.unmount("there")
        self.assertIn(f'source_up{{source="{bad}"}} 0\n', plugin.metrics())
        self.assertIn(f'source_trouble{{source="{bad}",why="open ', plugin.metrics())
        plugin.mount("here")
        plugin.unmount("here")

    def refusal_of_large(self, plugin):
        with self.assertRaises(plugins.Refused) as refused:
            plugin.create("large", size="64M", mode="raw")
        return str(refused.exception)

    def test_calls_at_the_same_time_lose_nothing(self):
        plugin = self.plugin(self.image(size=192 * MIB))
        free = plugin.available()

        def client(number):
            dice = random.Random(number)
            mine, shared = f"mine{number}", "shared"
            for _ in range(8):
                plugin.create(mine, size="16M", mode="raw")
                for verb in ("Create", "Get", "Mount", "Unmount", "List", "Remove"):
                    name = dice.choice((mine, shared)) if verb == "Get" else shared
                    try:
                        plugin.say(verb, name, ID=mine, Opts={"size": "16M", "mode": "raw"})
                    except plugins.Refused as refused:
                        wanted = "EBUSY, volume.|ENOENT, volume.none|EAGAIN, volume.busy|ECANCELED, volume.cancelled|ENOSPC"
                        self.assertRegex(str(refused), wanted)
                # No other process changes this one.
                self.assertIn(mine, plugin.names())
                plugin.remove(mine)

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(client, number) for number in range(6)]:
                done.result()
        if plugin.names():
            for number in range(6):
                plugin.unmount("shared", f"mine{number}")
            plugin.remove("shared")
        plugin.settle()
        self.assertEqual(([], []), (plugin.names(), plugin.namespaces()))
        self.assertEqual(free, plugin.available())

    def test_idle_connections_hold_up_nobody(self):
        plugin = self.plugin()
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(plugin.socket)
                client.sendall(b"POST /VolumeDriver.List HTTP/1.1\r\nContent-Length: 9\r\n")
            self.assertEqual([], plugin.names())  # say() measures
        self.assertIn("Err", json.loads(plugin.call("/VolumeDriver.List", method="GET")[1]))

    def test_many_containers_have_a_volume(self):
        plugin = self.plugin()
        plugin.create("v", size="16M", mode="raw")
        containers = ["%0400x" % number for number in range(200)]
        for container in containers:
            plugin.mount("v", container)
        with self.assertRaisesRegex(plugins.Refused, "mount id of 2000 bytes is too long"):
            plugin.mount("v", "x" * 2000)
        plugin.kill()
        plugin.start()
        status = plugin.status("v")
        self.assertEqual((containers, False), (status["mounts"], status["adopted"]))

    def test_no_call_waits_for_a_server_that_hangs(self):
        plugin = self.plugin()
        plugin.create("v", size="16M", mode="raw")
        before = plugin.available()
        (server,) = plugin.servers()
        os.kill(server, signal.SIGSTOP)
        try:
            self.assertEqual(["v"], plugin.names())  # say() measures
            self.assertEqual("does not answer", plugin.status("v")["state"])
            for call in (plugin.mount, plugin.remove, lambda name: plugin.create("w", size="16M")):
                with self.assertRaisesRegex(plugins.Refused, "try again .EAGAIN, volume.busy"):
                    call("v")
        finally:
            os.kill(server, signal.SIGCONT)
        plugin.settle()
        self.assertEqual((["v"], ["v"]), (plugin.names(), plugin.namespaces()))
        self.assertEqual(before, plugin.available())
        self.assertEqual([], plugin.status("v")["mounts"])
        plugin.create("w", size="16M", mode="raw")
        plugin.mount("v")

    def test_after_a_reboot_volumes_are_there_and_mounts_are_not(self):
        plugin = self.plugin()
        plugin.create("v", size="20M")
        with open(plugin.mount("v") + "/file", "xb", buffering=0) as file:
            file.write(b"kept")
            os.fsync(file.fileno())
        # What a reboot ends: processes, mounts, and the boot id.
        plugin.remove_all()
        (path,) = [entry.path for entry in os.scandir(plugin.root + "/journal")]
        with open(path, "r+", encoding="utf-8") as record:
            boot = json.load(record)
            boot["boot_id"] = "00000000-0000-4000-8000-000000000000"
            record.seek(0)
            record.truncate()
            json.dump(boot, record)
        plugin.start()
        self.assertEqual([], plugin.status("v")["mounts"])
        self.assertEqual([], plugin.volume_mounts())
        with open(plugin.mount("v") + "/file", "rb") as file:
            self.assertEqual(b"kept", file.read())

    def test_without_its_journal_the_labels_are_enough(self):
        plugin = self.plugin()
        plugin.create("db", size="20M")
        plugin.create("log", size="16M", mode="raw")
        with open(plugin.mount("db") + "/file", "xb", buffering=0) as file:
            file.write(b"kept")
        plugin.unmount("db")
        self.assertEqual(0, plugin.stop())
        for entry in os.scandir(plugin.root + "/journal"):
            os.unlink(entry.path)
        plugin.start()
        self.assertEqual(["db", "log"], plugin.names())
        with open(plugin.mount("db") + "/file", "rb") as file:
            self.assertEqual(b"kept", file.read())
        plugin.unmount("db")
        with self.assertRaisesRegex(plugins.Refused, "was not made here; .* --adopt"):
            plugin.remove("db")
        self.assertEqual(["db", "log"], plugin.namespaces())

    def test_long_work_goes_on_behind(self):
        # Most of it is holes, here and for the plugin.
        image = self.scratch_path("big.img")
        with open(image, "xb", buffering=0) as out:
            out.truncate((16 << 30) + plugins.LABEL_SIZE)
        plugin = self.plugin(image)
        plugin.create("big", size="15G")
        plugin.settle()
        self.assertEqual("ready", plugin.status("big")["state"])
        plugin.mount("big")
        plugin.unmount("big")
        plugin.remove("big")
        plugin.settle()
        self.assertEqual([], plugin.namespaces())

    def test_a_hundred_volumes_leave_the_region_as_it_was(self):
        dice = random.Random(20260101)
        plugin = self.plugin(self.image(size=512 * MIB))
        free = plugin.available()
        there, made, full = {}, 0, 0
        while made < 100 or there:
            name = f"v{made}"
            if made < 100 and (not there or dice.random() < 0.6):
                mode = dice.choice(["raw", "raw", "sector", "fs"])
                size = dice.randrange(18, 60) * MIB
                try:
                    plugin.create(name, size=size, mode=mode)
                    there[name] = mode
                    made += 1
                    continue
                except plugins.Refused as refused:
                    self.assertIn("[ENOSPC, ", str(refused))
                    full += 1
            plugin.remove(there.popitem()[0] if dice.random() < 0.3 else self.take(dice, there))
            self.assertEqual(sorted(there), plugin.names())
        plugin.settle()
        self.assertGreater(full, 0)
        self.assertEqual((free, []), (plugin.available(), plugin.namespaces()))
        self.assertEqual([], plugin.loops() + plugin.volume_mounts())

    @staticmethod
    def take(dice, there):
        name = dice.choice(sorted(there))
        del there[name]
        return name


class GuestTest(plugins.PluginTestCase):
    limit = 280

    def test_the_image_boots_with_every_volume_in_it(self):
        image = self.image(size=192 * MIB)
        plugin = self.plugin(image)
        plugin.create("files", size="32M")
        plugin.create("onraw", size="32M", on="raw")
        plugin.create("bytes", size="16M", mode="raw")
        for name in ("files", "onraw"):
            with open(plugin.mount(name) + "/file", "x", encoding="ascii") as file:
                file.write(f"hello from {name}\n")
            plugin.unmount(name)
        with open(plugin.mount("bytes") + "/data", "r+b", buffering=0) as data:
            data.write(b"hello from bytes\n")
        plugin.unmount("bytes")
        self.assertEqual(0, plugin.stop())
        said = guest.boot(
            image,
            plugins.LABEL_SIZE,
            """
            section list
            ndctl list -N
            section files
            modprobe crc32c_generic; modprobe ext4
            for ns in /sys/bus/nd/devices/namespace*; do
              [ "$(cat $ns/size)" != 0 ] || continue
              name=$(cat $ns/alt_name); holder=$(cat $ns/holder)
              node=/dev/$(ls /sys/bus/nd/devices/${holder:-${ns##*/}}/block)
              if [ $name = bytes ]; then head -n 1 $node; continue; fi
              try mount -t ext4 $node /mnt && cat /mnt/file && echo "and the guest" >/mnt/more
              try umount /mnt
            done
            """,
        )
        listed = json.loads(said["list"])
        self.assertEqual(
            {"files": "sector", "onraw": "raw", "bytes": "raw"},
            {one["name"]: one["mode"] for one in listed},
        )
        for name in ("files", "onraw", "bytes"):
            self.assertIn(f"hello from {name}\n", said["files"])
        plugin.start()
        for name in ("files", "onraw"):
            with open(plugin.mount(name) + "/more", encoding="ascii") as file:
                self.assertEqual("and the guest\n", file.read())


if __name__ == "__main__":
    runner.main()
