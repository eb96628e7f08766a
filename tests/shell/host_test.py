# SPDX-License-Identifier: Apache-2.0
"""A shell and its host: the host's mounts, device numbers and modules; a chroot."""

import glob
import os
import shutil
import subprocess

from tests.shell import shells
from tests.support import images, mounting, runner

MIB = images.MIB

# The host's mounts are shared, as systemd makes them, or private.
IN_A_HOST = ("unshare", "-m", "--propagation")

# A file system that is mounted before a shell starts and unmounted while it runs: tests whether
# the shell still has it afterwards.
UNMOUNT = """
mount --make-{kind} / 2>/dev/null; mkdir {place}/there {place}/cwd
mount -t tmpfs watched {place}/there && mount -t tmpfs watched2 {place}/cwd || exit
cd {place}/cwd
{command} sh -c 'cd /; echo ready; read -r line; grep -c watched /proc/self/mounts' <{place}/fifo >{place}/out &
exec 9>{place}/fifo
while ! grep -q ready {place}/out 2>/dev/null; do sleep 0.1; done
cd /
umount {place}/there && umount {place}/cwd || exit
tries=0
while grep -q watched /proc/*/mounts 2>/dev/null && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
echo >&9
wait
tail -n 1 {place}/out
"""


class HostTest(shells.ShellTestCase):
    def setUp(self):
        super().setUp()
        self.image = images.initialised(self.scratch_path("dimm.img"), 64 * MIB, 128 << 10, 2)

    def needs_root(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be a host to a shell")

    def check_unmount(self, kind):
        self.needs_root()
        os.mkfifo(self.scratch_path("fifo"))
        script = UNMOUNT.format(kind=f"r{kind}", place=self.scratch,
                                command=" ".join(self.command(self.image)))
        done = subprocess.run([*IN_A_HOST, kind, "sh", "-c", script], capture_output=True, text=True,
                              timeout=shells.LIMIT, check=False)
        self.assertEqual((0, "0\n"), (done.returncode, done.stdout), done.stderr)

    def test_what_a_host_with_shared_mounts_unmounts_is_gone_here_too(self):
        self.check_unmount("shared")

    def test_what_a_host_with_private_mounts_unmounts_is_gone_here_too(self):
        self.check_unmount("private")

    def test_nothing_of_the_shell_is_mounted_on_the_host(self):
        self.needs_root()
        script = f"cat /proc/self/mountinfo >{self.scratch}/before; {' '.join(self.command(self.image))} " \
                 f"mount -t tmpfs inside {self.scratch} && cat /proc/self/mountinfo >{self.scratch}/after && " \
                 f"cmp {self.scratch}/before {self.scratch}/after"
        done = subprocess.run([*IN_A_HOST, "shared", "sh", "-c", script], capture_output=True, text=True,
                              timeout=shells.LIMIT, check=False)
        self.assertEqual(0, done.returncode, done)

    def test_a_chroot_whose_root_is_no_mount_point(self):
        self.needs_root()
        root = self.scratch_path("root")
        os.mkdir(root)
        # A system made of links and mounts; the folder itself is not a mount point.
        for name in ("bin", "sbin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
        for name in ("usr", "etc", "tmp", "dev", "proc", "sys"):
            os.mkdir(f"{root}/{name}")
        shutil.copy(mounting.program("tools/nvdimmfs"), f"{root}/tmp/nvdimmfs")
        shutil.copy(self.image, f"{root}/tmp/dimm.img")
        script = f"""mount --bind /usr {root}/usr && mount --bind /etc {root}/etc &&
            {{proc}} mknod {root}/dev/null c 1 3; mknod {root}/dev/fuse c 10 229; cd {root}/tmp &&
            chroot {root} /bin/sh -c 'cd /tmp; PATH=/usr/bin:/usr/sbin:/bin; ./nvdimmfs shell dimm.img -- sh -c \\
              "cat /sys/bus/nd/devices/region0/size; ls -d /proc/self/fd /tmp/nvdimmfs; modprobe nfit; pwd"' &&
            ! grep -c '{root} ' /proc/self/mountinfo"""
        for proc in (f"mount --bind /proc {root}/proc && mount --rbind /sys {root}/sys &&", ""):
            for propagation in ("private", "shared"):
                with self.subTest(proc=proc, propagation=propagation):
                    for name in ("null", "fuse"):
                        if os.path.exists(f"{root}/dev/{name}"):
                            os.unlink(f"{root}/dev/{name}")
                    done = subprocess.run(
                        [*IN_A_HOST, propagation, "sh", "-c", script.format(proc=proc)], capture_output=True,
                        text=True, timeout=shells.LIMIT, check=False)
                    self.assertEqual(
                        (0, ["67108864", "/proc/self/fd", "/tmp/nvdimmfs", "/tmp", "0"]),
                        (done.returncode, done.stdout.splitlines()), done.stderr)

    def test_no_links_into_nothing(self):
        script = "find /sys/bus/nd /sys/bus/dax /sys/class/nd /sys/class/block /sys/class/bdi /sys/block " \
                 "/sys/module/nfit /sys/module/nd_pmem /sys/module/nfit_test /sys/dev/block -xtype l; " \
                 "for disk in $(ls /sys/class/block | grep pmem); do " \
                 "find /sys/class/block/$disk/ -maxdepth 1 -xtype l; cat /sys/block/$disk/bdi/read_ahead_kb; done; " \
                 "find /sys/bus/memory /sys/devices/system /dev/.nvdimmfs/sys/devices -xtype l; " \
                 "cat /sys/bus/nd/drivers/nd_pmem/module/initstate"
        memory = images.blank(self.scratch_path("memory"), 128 * MIB, 0)
        for source in (self.image, "preset:demo", "preset:nfit_test", f"e820:{memory}"):
            with self.subTest(source=source):
                shown = self.output_of(source, "sh", "-c", script).splitlines()
                self.assertEqual(("live", set() if source == self.image else {"128"}),
                                 (shown[-1], set(shown[:-1])), shown)
                with mounting.Mount(source) as mount:
                    found = subprocess.run(["find", mount.path, "-xtype", "l"], capture_output=True, text=True,
                                           timeout=60, check=True)
                    self.assertEqual("", found.stdout)

    def test_devices_of_a_merged_folder_lie_in_sys(self):
        """libudev resolves the path that it is given, and does not accept anything outside of /sys as a device."""
        script = """for link in /sys/class/bdi/*; do readlink -f $link; cat $link/uevent >/dev/null; done
            for disk in /sys/block/pmem*; do readlink -f $disk/bdi/subsystem; readlink -f $disk/bdi; done
            cd $(readlink -f /sys/block/pmem0/bdi) && ls && ls | wc -l; cat read_ahead_kb"""
        whole = images.blank(self.scratch_path("whole.img"), 64 * MIB, 0)
        shown = self.output_of(f"{whole},label_size=0", "sh", "-c", script).splitlines()
        host = [f"/sys/devices/virtual/bdi/{name}" for name in os.listdir("/sys/class/bdi")]
        self.assertEqual(set(), set(host) - set(shown))
        places = [line for line in shown if line.startswith("/")]
        self.assertIn("/sys/class/bdi", places)
        for place in places:
            self.assertRegex(place, "^/sys/(devices/virtual/bdi/|class/bdi$)")
        self.assertIn("read_ahead_kb", shown)
        self.assertEqual("128", shown[-1])

    def test_memory_blocks_have_their_links(self):
        if not os.path.exists("/sys/bus/memory/devices"):
            self.skipTest("the host's kernel has no memory blocks")
        image = images.initialised(self.scratch_path("more.img"), 512 * MIB, 128 << 10, 2)
        script = """ls /sys/bus/memory/devices | wc -l
            echo "size=384M mode=devdax map=mem" >/sys/bus/nd/devices/region0/x/create
            daxctl reconfigure-device --mode=system-ram --no-online dax0.0 >&2
            ls /sys/bus/memory/devices >a; ls /sys/devices/system/memory | grep memory >b; cmp a b; wc -l <a
            readlink /sys/bus/memory/devices/$(head -n 1 a)"""
        if not shutil.which("daxctl"):
            self.skipTest("daxctl is not installed")
        shown = self.output_of(image, "sh", "-ec", script, cwd=self.scratch).split()
        self.assertEqual("0", shown[0])
        self.assertNotEqual("0", shown[1])
        self.assertRegex(shown[2], r"^\.\./\.\./\.\./devices/system/memory/memory\d+$")

    def test_a_host_whose_kernel_has_the_modules(self):
        self.needs_root()
        script = """mount -t tmpfs none /sys/module || exit
            for name in nfit nd_pmem libnvdimm; do
              mkdir -p /sys/module/$name/parameters; echo live >/sys/module/$name/initstate
              : >/sys/module/$name/taint
            done; exec "$@" """
        done = self.run_in(self.image, "sh", "-c", "cat /sys/module/nfit/taint /sys/module/libnvdimm/taint",
                           wrapper=("unshare", "-m", "sh", "-c", script, "sh"))
        self.assertEqual("O\nO\n", done.stdout, done)

    def test_device_numbers_are_not_the_hosts(self):
        hosts = set(os.listdir("/sys/dev/char")), set(os.listdir("/sys/dev/block"))
        with open("/proc/devices", encoding="utf-8") as source:
            characters, blocks = (
                {line.split()[0] for line in part.splitlines()[1:] if line}
                for part in source.read().split("\n\n"))
        script = "cat /sys/bus/nd/devices/nmem*/dev /sys/class/nd/*/dev /sys/bus/dax/devices/*/dev; echo; " \
                 "cat /sys/block/pmem*/dev"
        shown = self.output_of("preset:demo", "sh", "-c", script).split("\n\n")
        nodes, disks = (part.split() for part in shown)
        self.assertEqual(set(), set(nodes) & hosts[0])
        self.assertEqual(set(), set(disks) & hosts[1])
        if not os.path.exists("/dev/cuse"):
            self.assertEqual(set(), {number.split(":")[0] for number in nodes} & characters)
        self.assertEqual(set(), {number.split(":")[0] for number in disks} & blocks)
        self.assertEqual(len(nodes + disks), len(set(nodes)) + len(set(disks)))

    def test_numbers_lead_to_the_devices(self):
        script = """for name in $(ls /sys/class/block | grep pmem); do
              readlink -f /sys/dev/block/$(cat /sys/class/block/$name/dev) | grep -c /$name; done
            for node in nmem0 ndctl0; do stat -c %Hr:%Lr /dev/$node; done
            cat /sys/bus/nd/devices/nmem0/dev /sys/class/nd/ndctl0/dev"""
        shown = self.output_of("preset:demo", "sh", "-c", script).split()
        self.assertEqual({"1"}, set(shown[:-4]))
        self.assertEqual(shown[-4:-2], shown[-2:])

    def test_a_mount_keeps_the_numbers_of_its_first_shell(self):
        with mounting.Mount(self.image) as mount:
            ask = ("cat", "/sys/bus/nd/devices/nmem0/dev", "/sys/class/nd/ndctl0/dev")
            self.assertEqual("245:0\n", mount.read("bus/nd/devices/nmem0/dev"))
            first, second = (self.output_of(mount.path, *ask) for _ in range(2))
            if not os.path.exists("/dev/cuse"):
                self.assertEqual(first, second)

    def test_processes_of_the_shell_stay_in_no_folder_of_the_host(self):
        place = self.scratch_path("here")
        os.mkdir(place)
        process = subprocess.Popen(self.command(self.image, "sh", "-c", "cd /; echo ready; exec sleep 1000"),
                                   cwd=place, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual("ready\n", process.stdout.readline())

        def held():
            found = set()
            for folder in glob.glob("/proc/[0-9]*/cwd"):
                try:
                    if os.readlink(folder) == place:
                        found.add(folder)
                except OSError:
                    pass
            return found

        self.assertTrue(mounting.wait_until(lambda: not held()), held())
        process.stdout.close()


if __name__ == "__main__":
    runner.main()
