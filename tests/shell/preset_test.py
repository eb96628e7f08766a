# SPDX-License-Identifier: Apache-2.0
"""The emulated buses show what the kernel's test module shows, and support what tests do with it."""

import json
import re
import subprocess

from tests.shell import shells
from tests.support import images, mounting, runner

NFIT_TEST, DEMO = "preset:nfit_test", "preset:demo"
MIB = 1 << 20

# Every test of ndctl begins with these commands.
RESET = """modprobe nfit_test
ndctl disable-region -b nfit_test.0 all >&2
ndctl init-labels -f -b nfit_test.0 all >&2
ndctl enable-region -b nfit_test.0 all >&2
"""


class PresetTest(shells.ShellTestCase):
    programs = ("ndctl", "daxctl")

    def shell(self, script, source=NFIT_TEST):
        return self.output_of(source, "sh", "-ec", script, cwd=self.scratch)

    def listed(self, script, source=NFIT_TEST):
        return json.loads(self.shell(script, source))

    def test_the_buses_of_the_test_module(self):
        by_provider = {bus["provider"]: bus for bus in self.listed("ndctl list -BDRi")}
        self.assertEqual({"nfit_test.0", "nfit_test.1"}, set(by_provider))
        first, second = by_provider["nfit_test.0"], by_provider["nfit_test.1"]
        self.assertEqual(
            {(0, 0, "cdab-0a-07e0-ffffffff"), (1, 1, "cdab-0a-07e0-feffffff"),
             (256, 2, "cdab-0a-07e0-fffeffff"), (257, 3, "cdab-0a-07e0-fefeffff")},
            {(dimm["handle"], dimm["phys_id"], dimm["id"]) for dimm in first["dimms"]})
        self.assertEqual(
            {(32 * MIB, 2, "memory_controller"), (64 * MIB, 4, "memory_controller")},
            {(region["size"], len(region["mappings"]), region["persistence_domain"])
             for region in first["regions"]})
        self.assertEqual({32 * MIB, 4 * MIB}, {region["size"] for region in second["regions"]})
        flags = {key for dimm in second["dimms"] for key in dimm if key.startswith("flag_")}
        self.assertEqual({"flag_failed_save", "flag_failed_arm", "flag_failed_restore",
                          "flag_failed_flush", "flag_smart_event", "flag_failed_map"}, flags)

    def test_nothing_is_told_of_labels_that_the_module_makes(self):
        done = self.run_in(NFIT_TEST, "cat", "/sys/bus/nd/devices/nmem0/x/last_error")
        self.assertIn("no NAMESPACE_INDEX signature", done.stdout)
        self.assertEqual("", done.stderr)

    def test_what_sysfs_says_of_them(self):
        script = """cd /sys/bus/platform/devices/nfit_test.0/ndbus0/..
            cd /sys/devices/platform/nfit_test.1/ndbus1; cd /sys/bus/nd/devices
            cat ndbus0/commands ndbus0/nfit/dsm_mask ndbus1/commands ndbus1/nfit/dsm_mask
            cat nmem0/nfit/dsm_mask nmem0/nfit/family nmem0/nfit/format nmem4/nfit/dsm_mask
            cat nmem[05]/nfit/dirty_shutdown
            cat region0/set_cookie region1/set_cookie region2/set_cookie region2/read_only
            for dimm in nmem3 nmem5; do head -c 6 /dev/.nvdimmfs/tree/dev/$dimm; echo; done"""
        self.assertEqual(
            ["ars_cap ars_start ars_status clear_error cmd_call ", "0x3a0",
             "ars_cap ars_start ars_status clear_error ", "0x0",
             "0x7ffff476", "0", "0x0201", "0x470", "42", "42",
             "0x40e62f0cc00f58ac", "0xa76c6907811fae57", "0xe03b0a7be006abd6", "1", "label3", "label1"],
            self.shell(script).splitlines())

    def test_cookies_of_the_old_labels(self):
        script = RESET + "cat /sys/bus/nd/devices/region[01]/set_cookie"
        self.assertEqual("0x3fe000000fe\n0xc0ffadb0100fefb\n", self.shell(script))

    def test_errors_appear_are_listed_and_cleared(self):
        script = RESET + """
            ndctl create-namespace -b nfit_test.0 -t pmem -m raw >&2; bad=/sys/block/pmem1/badblocks
            ndctl inject-error -B 42 -n 8 --no-notify namespace1.0 >&2; cat $bad
            dd if=/dev/pmem1 of=/dev/null bs=512 skip=42 count=1 status=none && echo hidden
            ndctl start-scrub nfit_test.0 >&2; ndctl wait-scrub nfit_test.0 >&2; cat $bad
            ! dd if=/dev/pmem1 of=/dev/null bs=512 skip=42 count=1 status=none
            ndctl list -M -n namespace1.0 >list
            ndctl inject-error -t namespace1.0 >status
            dd if=/dev/zero of=/dev/pmem1 bs=512 seek=42 count=4 oflag=direct status=none
            cat $bad
            ndctl clear-errors namespace1.0 >&2; cat $bad; cat /sys/class/nd/ndctl0/device/nfit/scrub"""
        self.assertEqual("hidden\n42 8\n46 4\n2\n", self.shell(script))
        with open(self.scratch_path("list"), encoding="utf-8") as source:
            namespace = json.load(source)[0]
        self.assertEqual(8, namespace["badblock_count"])
        # The module's firmware reports a set's last DIMM for the whole set.
        self.assertEqual(["nmem3"], namespace["badblocks"][0]["dimms"])
        with open(self.scratch_path("status"), encoding="utf-8") as source:
            self.assertEqual([{"block": 42, "count": 8}], json.load(source)["badblocks"])

    def test_a_notification_brings_errors_at_once(self):
        script = RESET + """
            ndctl create-namespace -b nfit_test.0 -t pmem -m fsdax >&2
            ndctl inject-error -B 8 -n 2 namespace1.0 >&2; ndctl wait-scrub >&2
            cat /sys/block/pmem1/badblocks; ndctl inject-error -d -B 8 -n 2 namespace1.0 >&2
            ndctl inject-error -t namespace1.0 | grep -c block || true"""
        self.assertEqual("8 2\n0\n", self.shell(script))

    def test_bad_page_structs_are_written_over(self):
        script = RESET + """
            ndctl create-namespace -b nfit_test.0 -t pmem -m fsdax >&2
            ndctl inject-error -B 100 -n 4 namespace1.0 >&2; ndctl wait-scrub >&2
            ndctl disable-namespace namespace1.0 >&2
            cat /sys/bus/nd/devices/region1/badblocks | wc -l
            echo 1 >/sys/bus/nd/devices/namespace1.0/force_raw; ndctl enable-namespace namespace1.0 >&2
            echo 32 8 >/sys/block/pmem1/badblocks; cat /sys/block/pmem1/badblocks | head -n 1
            ndctl disable-namespace namespace1.0 >&2
            echo 0 >/sys/bus/nd/devices/namespace1.0/force_raw; ndctl enable-namespace namespace1.0 >&2
            grep -c '^32 8$' /sys/bus/nd/devices/region1/badblocks || true"""
        self.assertEqual("1\n32 8\n0\n", self.shell(script))

    def test_a_scrub_wakes_who_waits(self):
        script = """ndctl start-scrub nfit_test.0 | grep scrub_state
            ! echo 1 >/sys/bus/nd/devices/ndbus0/nfit/scrub
            cat /sys/bus/nd/devices/ndbus0/nfit/scrub /sys/bus/nd/devices/ndbus0/x/scrub
            ndctl wait-scrub nfit_test.0 | grep scrub_state"""
        shown = self.shell(script)
        self.assertRegex(shown, re.compile(
            r'\s*"scrub_state":"active",?\n1\+\nregion[01] long [12]/2 \d+%\n\s*"scrub_state":"idle"'))

    def test_list_says_of_firmware_what_ndctl_says(self):
        all_flags = ("-DH", "-DF", "-BF", "-BDHFi", "-DHu", "-BDFu", "-vvv")
        said = self.shell(f"for flags in {' '.join(all_flags)}; do ndctl list $flags; echo @@; done")
        for flags, expected in zip(all_flags, said.split("@@\n")):
            with self.subTest(flags=flags):
                listed = subprocess.run(
                    [mounting.program("tools/nvdimmfs"), "list", NFIT_TEST, flags],
                    capture_output=True, text=True, timeout=60, check=True,
                )
                self.assertEqual(expected, listed.stdout)

    def test_a_module_that_is_loaded_again_is_as_new(self):
        script = RESET + """
            ndctl create-namespace -b nfit_test.0 -m raw >&2; ndctl inject-smart nmem0 -m 50 >&2
            cat /sys/module/nfit_test/refcnt
            modprobe -r nfit_test; ls /sys/module | grep nfit; ! rmmod nfit_test 2>&1
            ls /sys/bus/nd/devices /sys/class/nd /dev | grep -c 'nmem[0-9]\|ndbus\|pmem' || true
            ! ndctl list -B | grep nfit_test; modprobe nfit_test; modprobe nfit_test; cat /sys/module/nfit_test/initstate
            ndctl list -DH -d nmem0 | grep '"temperature'; head -c 6 /dev/.nvdimmfs/tree/dev/nmem0; echo
            readlink -f /sys/bus/nd/devices/nmem0 /sys/class/nfit_test_dimm/test_dimm6; cat /sys/devices/platform/nfit_test.1/ndbus1/provider
            ndctl disable-region -b nfit_test.0 all 2>&1; ndctl zero-labels -b nfit_test.0 all 2>&1
            rmmod nfit_test; modprobe -r nfit_test; ls /sys/bus/nd/devices; cat /sys/bus/nd/x/loaded"""
        self.assertEqual(
            ["0", "nfit", "rmmod: ERROR: Module nfit_test is not currently loaded", "0", "live",
             '      "temperature_celsius":23.0,', '      "temperature_threshold":40.0,', "label0",
             "/sys/devices/platform/nfit_test.0/ndbus0/nmem0",
             "/sys/devices/platform/nfit_test.1/nfit_test_dimm/test_dimm6", "nfit_test.1", "disabled 2 regions",
             "zeroed 4 nmems", "0"], self.shell(script).splitlines())

    def test_the_demo_has_something_of_everything(self):
        modes = {(ns["mode"], ns.get("name")) for bus in self.listed("ndctl list -BNR", DEMO)
                 for region in bus["regions"] for ns in region.get("namespaces", [])}
        self.assertEqual(
            {("fsdax", "files"), ("sector", "log"), ("raw", "bytes"), ("devdax", "direct"),
             ("sector", "old"), ("raw", None), ("fsdax", None)}, modes)
        self.assertIn('"health_state":"ok"', self.shell("ndctl list -DH", DEMO))
        self.assertIn('"badblock_count":8', self.shell("ndctl list -RM", DEMO))
        self.assertIn("dax0.", self.shell("daxctl list", DEMO))

    def test_presets_are_fresh_each_time(self):
        self.shell(RESET + "ndctl create-namespace -b nfit_test.0 -m raw >&2")
        self.assertEqual("label0", self.shell("head -c 6 /dev/.nvdimmfs/tree/dev/nmem0"))

    def test_functions_of_a_dimm_are_made_to_fail(self):
        script = RESET + """cd /sys/devices/platform/nfit_test.0/nfit_test_dimm/test_dimm0
            cat handle fail_cmd fail_cmd_code; cat ../test_dimm2/handle
            ndctl disable-region -b nfit_test.0 all >&2; ndctl disable-dimm nmem0 >&2
            echo -13 >fail_cmd_code; printf 0x10 >fail_cmd; cat fail_cmd fail_cmd_code
            ! ndctl read-labels nmem0 >&2
            ndctl enable-dimm nmem0 >&2; cat /sys/bus/nd/devices/nmem0/flags
            ndctl disable-dimm nmem0 >&2; echo 0x20 >fail_cmd
            ! ndctl enable-dimm nmem0 >&2; ! ndctl enable-region region0 >&2
            echo 0 >fail_cmd; ndctl enable-dimm nmem0 >&2; ndctl enable-region region0 >&2
            cat /sys/bus/nd/devices/nmem0/flags
            ndctl disable-region region0 >&2; ndctl disable-dimm nmem0 >&2
            echo 1 >lock_dimm; cat /sys/bus/nd/devices/nmem0/security"""
        self.assertEqual(["0", "0", "0", "0x100", "0x10", "-13", "label lock ", "label ", "locked"],
                         self.shell(script).splitlines())

    def test_firmware_that_was_activated_stays_the_next_one(self):
        script = """head -c 70000 /dev/urandom >fw
            ndctl update-firmware -b nfit_test.0 -f fw nmem0 >&2
            ndctl activate-firmware nfit_test.0 --force >&2
            while grep -q busy /sys/bus/nd/devices/ndbus0/firmware/activate; do sleep 0.1; done
            ndctl list -DF -d nmem0"""
        shown = json.loads(self.shell(script))[0]["firmware"]
        self.assertEqual((0, "idle"), (int(str(shown["current_version"]), 0),
                                       shown["activate_state"]))

    def test_a_preset_that_is_not_there(self):
        done = self.run_in("preset:none", "true")
        self.assertEqual(125, done.returncode)
        self.assertIn("nfit_test and demo", done.stderr)

    def test_other_modules_are_the_hosts(self):
        self.assertNotEqual(0, self.run_in(NFIT_TEST, "modprobe", "no-such-module").returncode)
        self.assertEqual("", self.shell("modprobe -v nd_pmem; modprobe -r nfit_test"))

    def test_label_commands_on_a_read_only_source(self):
        image = images.initialised(self.scratch_path("ro.img"), 64 * MIB, 128 << 10, 2)
        script = """ndctl read-labels nmem0 | wc -c
            ndctl disable-region all; echo region0 >/sys/bus/nd/drivers/nd_region/unbind
            echo -n >/sys/bus/nd/devices/namespace0.0/alt_name; chmod 600 /dev/.nvdimmfs/tree/dev/nmem0
            cat /sys/bus/nd/devices/nmem0/state"""
        done = self.run_in(f"{image},ro", "sh", "-c", script)
        self.assertEqual(["131072", "active"], done.stdout.split(), done)
        self.assertIn("disabled 0 regions", done.stderr)
        self.assertEqual(3, done.stderr.count("Read-only file system"), done)

    def test_commands_of_a_read_only_preset(self):
        script = """ndctl list -DH -d nmem0; ndctl read-labels nmem0 | head -c 6; echo
            ndctl inject-smart nmem0 -m 50 && echo done; ndctl inject-error namespace0.0 -B 1 -n 1 && echo done
            ndctl list -DH -d nmem0 | grep -c '"temperature_celsius":23.0'"""
        done = self.run_in(f"{NFIT_TEST},ro", "sh", "-c", script)
        self.assertIn('"health_state":"non-critical"', done.stdout)
        self.assertEqual(["label0", "1"], done.stdout.splitlines()[-2:], done)

    def test_label_transfers_stop_at_the_areas_end(self):
        script = """import fcntl, struct
for offset, length in (0, 8192), (0x1fff8, 64), (0x20000, 8):
    command = bytearray(struct.pack("<III", offset, length, 9) + bytes(length))
    with open("/dev/nmem0", "r+b", buffering=0) as device:
        try:
            print(fcntl.ioctl(device, 0xc00c4e05, command), command[8], bytes(command[12:18]))
        except OSError as error:
            print(error.strerror)"""
        self.assertEqual("0 0 b'label0'\n56 0 b'\\x00\\x00\\x00\\x00\\x00\\x00'\nInvalid argument\n",
                         self.output_of(NFIT_TEST, "python3", "-c", script))

    def test_calls_that_are_refused_unheard(self):
        # The second bus takes none; the first requires structures of the exact size.
        script = """import fcntl, struct
for node, function, in_size, out_size in (("nmem4", 10, 1, 4), ("nmem4", 11, 1, 4), ("nmem0", 10, 1, 4),
                                          ("nmem0", 18, 15, 8), ("nmem0", 18, 15, 4), ("ndctl0", 7, 17, 8),
                                          ("ndctl0", 7, 17, 4), ("ndctl0", 8, 16, 4)):
    # Function 7 and 8 of the bus: an error without a byte.
    call = bytearray(struct.pack("<QQII36xI", 0, function, in_size, out_size, 0) + bytes(25))
    with open("/dev/" + node, "r+b", buffering=0) as device:
        try:
            print(fcntl.ioctl(device, 0xc0404e0a, call))
        except OSError as error:
            print(error.strerror)"""
        self.assertEqual("Invalid argument\nInappropriate ioctl for device\n0\nInvalid argument\n0\n"
                         + 3 * "Invalid argument\n",
                         self.output_of(NFIT_TEST, "python3", "-c", script))

    def test_each_command_of_a_dimm_is_had_in_one_way(self):
        # Labels through their own ioctls; SMART through CALL, since its number is not an ioctl there.
        script = """import fcntl, struct
call = lambda function: bytearray(struct.pack("<QQII36xI", 0, function, 8, 132, 0) + bytes(140))
for request, buffer in ((0xc0844e01, bytearray(132)), (0xc00c4e02, bytearray(12)), (0xc00c4e04, bytearray(12)),
                        (0xc0404e0a, call(1)), (0xc0404e0a, call(4)), (0xc0404e0a, call(5))):
    with open("/dev/nmem0", "r+b", buffering=0) as device:
        try:
            print(fcntl.ioctl(device, request, buffer))
        except OSError as error:
            print(error.strerror)"""
        self.assertEqual(2 * "Inappropriate ioctl for device\n" + 2 * "0\n"
                         + 2 * "Inappropriate ioctl for device\n",
                         self.output_of(NFIT_TEST, "python3", "-c", script))

    def test_a_positive_code_is_what_the_ioctl_returns(self):
        script = """import fcntl, struct
def ask():
    with open("/dev/nmem0", "r+b", buffering=0) as device:
        return fcntl.ioctl(device, 0xc00c4e04, bytearray(12))
controls = "/sys/devices/platform/nfit_test.0/nfit_test_dimm/test_dimm0/"
for name, value in ("fail_cmd_code", "13"), ("fail_cmd", "0x10"), ("fail_cmd", "0x20"):
    with open(controls + name, "w") as control:
        control.write(value)
    print(ask())"""
        self.assertEqual("0\n13\n0\n", self.output_of(NFIT_TEST, "python3", "-c", script))


if __name__ == "__main__":
    runner.main()
