# SPDX-License-Identifier: Apache-2.0
"""What the daemon of a mount gives up, that everything works nevertheless, and whose the nodes are."""

import errno
import mmap
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile

from tests.support import images, mounting, runner

MIB = images.MIB
SECCOMP_FILTER = "2"

# Forms are confined on request.
os.environ["NVDIMMFS_HARDEN"] = "on"


def status(process, thread=None):
    """The lines of /proc/PID/status as a dictionary."""
    place = f"/proc/{process}/status" if thread is None else f"/proc/{process}/task/{thread}/status"
    with open(place, encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def children(process):
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and status(entry)["PPid"] == str(process):
                found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def keeper_of(process):
    return [child for child in children(process) if status(child)["Name"] == "nvdimmfs-keeper"]


class HardenTest(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)

    def assert_confined(self, process):
        threads = os.listdir(f"/proc/{process}/task")
        self.assertGreater(len(threads), 1)
        for thread in threads:
            lines = status(process, thread)
            self.assertEqual("1", lines["NoNewPrivs"], lines)
            self.assertEqual(SECCOMP_FILTER, lines["Seccomp"], lines)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(0, int(lines[kind], 16), (kind, lines))
            if os.geteuid() == 0:
                self.assertEqual(0, int(lines["CapBnd"], 16), lines)

    def assert_works(self, mount):
        """Data, attributes, create and destroy, bind and unbind."""
        mount.write("size=16M mode=sector name=log", "ndbus0/region0/x/create")
        name = mount.read("ndbus0/region0/x/create").strip()
        with open(mount.join("dev/by-name/log"), "r+b", buffering=0) as disk:
            disk.write(b"sector" * 4096)
            os.fsync(disk.fileno())
        disk = os.path.basename(os.readlink(mount.join("dev/by-name/log")))
        device = mount.read("ndbus0/region0", name, "holder").strip()
        mount.write(device, "bus/nd/drivers/nd_pmem/unbind")
        self.assertFalse(os.path.exists(mount.join("dev", disk)))
        mount.write(device, "bus/nd/drivers/nd_pmem/bind")
        with open(mount.join("dev", disk), "rb", buffering=0) as reread:
            self.assertEqual(b"sector" * 2, reread.read(12))
        mount.write(name, "ndbus0/region0/x/destroy")
        self.assertFalse(os.path.exists(mount.join("dev", disk)))

    def end_by_signal(self, mount):
        mount.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(0, mount.daemon.wait(mounting.PATIENCE))
        self.assertFalse(mounting.is_mounted(mount.path))

    def test_a_daemon_is_confined_and_works(self):
        mount = self.mount(self.image, "harden=auto")
        self.assert_confined(mount.daemon.pid)
        self.assert_works(mount)
        self.end_by_signal(mount)

    def test_over_io_uring_and_without_spinning(self):
        for options in ("uring", "nospin", "auto_unmount"):
            with self.subTest(options), mounting.Mount(self.image, f"harden=auto,{options}") as mount:
                self.assert_confined(mount.daemon.pid)
                self.assert_works(mount)

    def test_the_log_says_what_is_on(self):
        with mounting.Mount(self.image, "harden=auto") as mount:
            pass
        self.assertRegex(mount.log, r"confined: capabilities none, .*\[mount\.confined\]")

    def test_an_image_of_another_user_keeps_one_capability(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        os.chown(self.image, 65534, 65534)
        os.chmod(self.image, 0o600)
        mount = self.mount(self.image, "harden=auto")
        self.assertEqual(1 << 1, int(status(mount.daemon.pid)["CapEff"], 16))  # CAP_DAC_OVERRIDE
        self.assert_works(mount)
        self.end_by_signal(mount)

    def test_dirty_pages_are_written_back_though_nobody_may_look(self):
        mount = self.mount(self.image, "umask=777,harden=auto")
        if os.geteuid() != 0:
            return
        mount.write("size=16M mode=raw name=raw", "ndbus0/region0/x/create")
        with open(mount.join("dev/by-name/raw"), "r+b") as file:
            with mmap.mmap(file.fileno(), 4096) as view:
                view[:5] = b"dirty"
        self.end_by_signal(mount)
        with mounting.Mount(self.image, "ro,harden=auto") as again, open(again.join("dev/by-name/raw"), "rb") as file:
            self.assertEqual(b"dirty", file.read(5))

    def test_firmware_state_is_saved(self):
        if not shutil.which("ndctl") or os.geteuid() != 0:
            self.skipTest("needs ndctl and root")
        topology = self.scratch_path("box.toml")
        with open(topology, "w", encoding="utf-8") as file:
            file.write('[[bus]]\n[[bus.dimm]]\nname="d"\nimage="dimm.img"\nfamily="intel"\n'
                       '[[bus.region]]\ndimms=["d"]\n')
        nvdimmfs = mounting.program("tools/nvdimmfs")
        done = subprocess.run(
            [nvdimmfs, "shell", topology, "--", "ndctl", "inject-smart", "nmem0", "-U"],
            capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertEqual(0, done.returncode, done)
        self.assertTrue(os.path.exists(self.image + ".state"), done)

    def test_off(self):
        mount = self.mount(self.image, "harden=off")
        lines = status(mount.daemon.pid)
        self.assertEqual("0", lines["Seccomp"])
        self.assertEqual([], keeper_of(mount.daemon.pid))
        if os.geteuid() == 0:
            self.assertNotEqual(0, int(lines["CapEff"], 16))
        self.end_by_signal(mount)

    def test_strict_is_all_or_nothing(self):
        try:
            with mounting.Mount(self.image, "harden=strict") as mount:
                self.assert_confined(mount.daemon.pid)
            self.assertNotIn("lacks", mount.log)
        except AssertionError as refused:
            self.assertRegex(str(refused), r"harden\.kernel")

    def test_a_bad_value_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "auto, off or strict"):
            with mounting.Mount(self.image, "harden=much"):
                pass

    def test_the_keeper_ignores_signals_and_ends_with_the_daemon(self):
        mount = self.mount(self.image, "harden=auto")
        (keeper,) = keeper_of(mount.daemon.pid)
        lines = status(keeper)
        if os.geteuid() == 0:
            self.assertEqual(SECCOMP_FILTER, lines["Seccomp"])
            self.assertEqual((1 << 21) | (1 << 2), int(lines["CapEff"], 16))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(keeper, number)
        self.end_by_signal(mount)
        self.assertFalse(os.path.exists(f"/proc/{keeper}"))

    def test_the_mount_of_a_killed_daemon_stays_and_its_keeper_goes(self):
        mount = self.mount(self.image, "harden=auto")
        (keeper,) = keeper_of(mount.daemon.pid)
        mount.daemon.kill()
        mount.daemon.wait(mounting.PATIENCE)
        gone = mounting.wait_until(lambda: not os.path.exists(f"/proc/{keeper}"))
        self.assertTrue(gone)
        self.assertTrue(mounting.is_mounted(mount.path))
        with self.assertRaises(OSError) as caught:
            os.listdir(mount.path)
        self.assertEqual(errno.ENOTCONN, caught.exception.errno)
        mounting.unmount(mount.path)
        mount.daemon = subprocess.Popen(["true"])

    def test_without_its_keeper_a_mount_stays_until_the_next_start(self):
        mount = self.mount(self.image, "harden=auto")
        (keeper,) = keeper_of(mount.daemon.pid)
        os.kill(keeper, signal.SIGKILL)
        self.assert_works(mount)
        mount.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(0, mount.daemon.wait(mounting.PATIENCE))
        self.assertTrue(mounting.is_mounted(mount.path))
        again = subprocess.run(
            [mounting.program("tools/nvdimmfs"), self.image, mount.path],
            capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertEqual(0, again.returncode, again)
        os.listdir(mount.path)

    def test_the_mount_can_become_read_only(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        mount = self.mount(self.image, "harden=auto")
        subprocess.run(["mount", "-i", "-o", "remount,ro", mount.path], check=True, timeout=60)
        with self.assertRaises(OSError) as caught:
            mount.write("size=16M", "ndbus0/region0/x/create")
        self.assertEqual(errno.EROFS, caught.exception.errno)
        mount.read("ndbus0/region0/size")


class FormsTest(mounting.MountTestCase):
    """list, check and map under strace would show their calls; here, that they cannot write."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)
        self.nvdimmfs = mounting.program("tools/nvdimmfs")

    def run_form(self, *arguments, **more):
        return subprocess.run(
            [self.nvdimmfs, *arguments], capture_output=True, text=True, timeout=60, check=False, **more
        )

    def test_they_work(self):
        for arguments in (("list", "-DR", self.image), ("check", self.image), ("map", self.image),
                          ("map", "--svg", self.scratch_path("map.svg"), self.image),
                          ("list", "-B", "preset:demo"), ("check", "--repair", self.image)):
            with self.subTest(arguments):
                done = self.run_form(*arguments)
                self.assertEqual(0, done.returncode, done)
        with open(self.scratch_path("map.svg"), encoding="utf-8") as picture:
            self.assertIn("<svg", picture.read())

    def test_an_image_of_another_user_is_read_by_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        os.chown(self.image, 65534, 65534)
        os.chmod(self.image, 0o600)
        for form in ("list", "check", "map"):
            self.assertEqual(0, self.run_form(form, self.image).returncode, form)

    def test_a_program_that_has_the_image_open_is_still_found(self):
        with mounting.Mount(self.image, "harden=auto"):
            for form in ("list", "map"):
                done = self.run_form(form, self.image)
                self.assertEqual(1, done.returncode, done)
                self.assertRegex(done.stderr, r"nvdimmfs|mounted")


class OwnerTest(mounting.MountTestCase):
    """uid=, gid= and umask=."""

    def setUp(self):
        super().setUp()
        self.image = images.create(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10)

    def nodes(self, mount):
        """lstat of a directory, an attribute, a link and a data file."""
        return [os.lstat(mount.join(path)) for path in
                ("ndbus0/region0", "ndbus0/region0/size", "dev/by-name/raw", "dev/pmem0", "")]

    def as_user(self, uid, gid, *command):
        return subprocess.run(
            ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *command],
            capture_output=True, text=True, timeout=60, check=False,
        )

    def test_every_node_has_them(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        with mounting.Mount(self.image, "harden=auto") as mount:
            mount.write("size=16M mode=raw name=raw", "ndbus0/region0/x/create")
            modes = [stat.S_IMODE(node.st_mode) for node in self.nodes(mount)]
        mount = self.mount(self.image, "allow_other,uid=1001,gid=1002,umask=037")
        # The image has one raw namespace; nothing in its tree may belong to anybody else.
        for folder, folders, files in os.walk(mount.path):
            for name in folders + files:
                node = os.lstat(os.path.join(folder, name))
                self.assertEqual((1001, 1002), (node.st_uid, node.st_gid), (folder, name))
                if not stat.S_ISLNK(node.st_mode):
                    self.assertEqual(0, node.st_mode & 0o037, (folder, name))
        for mode, node in zip(modes, self.nodes(mount)):
            if not stat.S_ISLNK(node.st_mode):
                self.assertEqual(mode & ~0o037, stat.S_IMODE(node.st_mode))
        os.chmod(mount.join("dev/pmem0"), 0o666)
        self.assertEqual(0o666, stat.S_IMODE(os.stat(mount.join("dev/pmem0")).st_mode))
        os.chown(mount.join("dev/pmem0"), 1003, 1004)
        self.assertEqual((1003, 1004), (os.stat(mount.join("dev/pmem0")).st_uid,
                                        os.stat(mount.join("dev/pmem0")).st_gid))

    def test_they_decide_who_has_access(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        with mounting.Mount(self.image, "harden=auto") as mount:
            mount.write("size=16M mode=raw name=raw", "ndbus0/region0/x/create")
        mount = self.mount(self.image, "allow_other,uid=1001,gid=1002,umask=027")
        for folder in (self.scratch, mount.path):
            while folder != "/":
                if not os.stat(folder).st_mode & 0o001 and folder != mount.path:
                    self.skipTest(f"others may not enter {folder}")
                folder = os.path.dirname(folder)
        size = mount.join("ndbus0/region0/size")
        create = mount.join("ndbus0/region0/x/create")
        self.assertEqual(0, self.as_user(1001, 5000, "cat", size).returncode)
        self.assertEqual(0, self.as_user(5000, 1002, "cat", size).returncode)
        stranger = self.as_user(5000, 5000, "cat", size)
        self.assertIn("Permission denied", stranger.stderr)
        text = f"echo size=16M >{create}"
        self.assertEqual(0, self.as_user(1001, 5000, "sh", "-c", text).returncode)
        member = self.as_user(5000, 1002, "sh", "-c", text)
        self.assertIn("ermission denied", member.stderr)

    def test_an_ordinary_user_mounts_and_unmounts(self):
        """With fusermount3, which the confined daemon cannot run, by its keeper."""
        if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("fusermount3"):
            self.skipTest("needs root, setpriv and fusermount3")
        if not os.stat(shutil.which("fusermount3")).st_mode & stat.S_ISUID:
            self.skipTest("fusermount3 is not setuid here")
        folder = tempfile.mkdtemp(prefix="nvdimmfs-user.", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        shutil.copy(mounting.program("tools/nvdimmfs"), f"{folder}/nvdimmfs")
        shutil.copy(self.image, f"{folder}/dimm.img")
        os.mkdir(f"{folder}/mnt")
        for path in ("dimm.img", "mnt"):
            os.chown(f"{folder}/{path}", 65534, 65534)
        # Ordinary systems let all users open /dev/fuse.
        script = f"""set -e
            mknod -m 666 '{folder}/fuse' c 10 229
            mount --bind '{folder}/fuse' /dev/fuse
            as_user() {{ setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }}
            cd '{folder}'
            as_user ./nvdimmfs -f -o gid=4,umask=027 dimm.img mnt 2>log &
            until as_user test -e mnt/ndbus0/region0/size; do sleep 0.05; done
            as_user stat -c 'node %u:%g:%a' mnt/ndbus0/region0/size mnt/ndbus0
            as_user sh -c 'echo size=16M >mnt/ndbus0/region0/x/create'
            until grep -q mount.confined log; do sleep 0.05; done
            for process in /proc/[0-9]*; do
                [ "$(readlink $process/exe)" != '{folder}/nvdimmfs' ] ||
                    sed -n '1p;/^NoNewPrivs/p;/^Seccomp:/p' $process/status
                [ "$(readlink $process/exe)" != '{folder}/nvdimmfs' ] ||
                    [ "$(cat $process/comm)" != nvdimmfs ] || daemon=${{process#/proc/}}
            done
            kill $daemon
            wait
            ! grep -q '{folder}' /proc/self/mounts"""
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", script],
            capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertEqual(0, done.returncode, done)
        self.assertIn("node 65534:4:440\nnode 65534:4:750\n", done.stdout)
        self.assertRegex(done.stdout, re.compile(r"nvdimmfs\nNoNewPrivs:\t1\nSeccomp:\t2"))


if __name__ == "__main__":
    runner.main()
