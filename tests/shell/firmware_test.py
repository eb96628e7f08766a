# SPDX-License-Identifier: Apache-2.0
"""ndctl and a DIMM's firmware: health, alarms, updates, security. It uses real keys of the
kernel's keyring, in a separate user namespace, so that no other keys are touched."""

import json
import os
import subprocess

from tests.shell import shells
from tests.support import images, runner

MIB = images.MIB

TOPOLOGY = """[[bus]]
[[bus.dimm]]
image = "dimm.img"
family = "intel"
"""

# A master key, in the keyring and in the one directory where ndctl looks for it.
KEYS = """
mount -t tmpfs -o mode=755 none /etc && mkdir -p /etc/ndctl/keys || exit 99
head -c 32 /dev/urandom >/etc/ndctl/keys/nvdimm-master.blob
keyctl padd user nvdimm-master @u </etc/ndctl/keys/nvdimm-master.blob >/dev/null || exit 98
ndctl disable-region all >/dev/null 2>&1
state() { cat /sys/bus/nd/devices/nmem0/security; }
"""


def why_no_keys():
    """Why encrypted keys are not available here, or None."""
    script = """head -c 32 /dev/zero | keyctl padd user nvdimm-probe @u &&
        keyctl add encrypted nvdimm-probe "new enc32 user:nvdimm-probe 32" @u"""
    done = subprocess.run(
        ["unshare", "-r", "sh", "-c", script],
        capture_output=True, text=True, timeout=20, check=False,
    )
    return f"no encrypted keys: {done.stderr.strip()}" if done.returncode else None


class FirmwareTest(shells.ShellTestCase):
    programs = ("ndctl",)

    def setUp(self):
        super().setUp()
        self.image = images.initialised(self.scratch_path("dimm.img"), 32 * MIB, 128 << 10, 2)
        self.topology = self.scratch_path("box.toml")
        with open(self.topology, "w", encoding="utf-8") as text:
            text.write(TOPOLOGY)

    def run_script(self, script, **options):
        return self.output_of(self.topology, "sh", "-ec", script, cwd=self.scratch, **options)

    def dimm(self, *flags):
        return json.loads(self.output_of(self.topology, "ndctl", "list", "-D", *flags))[0]

    def secured(self, script):
        """Runs the script with keys; the lines that it prints."""
        reason = why_no_keys()
        if reason:
            self.skipTest(reason)
        script = f"{KEYS}\n{script}"
        return self.run_script(script, wrapper=("unshare", "-r")).splitlines()

    def test_health_is_listed(self):
        health = self.dimm("-H")["health"]
        self.assertEqual("ok", health["health_state"])
        self.assertEqual("clean", health["shutdown_state"])
        self.assertEqual((100, 0), (health["spares_percentage"], health["life_used_percentage"]))

    def test_every_kind_of_injection_shows_and_goes(self):
        script = """ndctl inject-smart nmem0 -m 95 -s 3 -f -U
            ndctl inject-smart nmem0 --uninject-all"""
        text = self.run_script(script)
        # Two documents, one after the other.
        first, end = json.JSONDecoder().raw_decode(text)
        injected, healed = first[0], json.loads(text[end:])[0]
        self.assertTrue(injected["flag_smart_event"])
        health = injected["health"]
        self.assertEqual(("fatal", "dirty"), (health["health_state"], health["shutdown_state"]))
        self.assertEqual((95.0, 3), (health["temperature_celsius"], health["spares_percentage"]))
        self.assertEqual((True, True), (health["alarm_temperature"], health["alarm_spares"]))
        self.assertNotIn("flag_smart_event", healed)
        self.assertEqual("ok", healed["health"]["health_state"])

    def test_thresholds_outlast_the_mount(self):
        self.run_script("ndctl inject-smart nmem0 -M 60 -S 10 -C 90 --ctrl-temperature-alarm=on")
        health = self.dimm("-H")["health"]
        self.assertEqual((60.0, 10), (health["temperature_threshold"], health["spares_threshold"]))
        self.assertTrue(health["alarm_enabled_ctrl_temperature"])
        self.run_script("ndctl inject-smart nmem0 --spares-alarm=off")
        self.assertFalse(self.dimm("-H")["health"]["alarm_enabled_spares"])

    def test_the_monitor_hears_an_alarm(self):
        script = """ndctl monitor -d nmem0 -l log & monitor=$!
            for i in $(seq 100); do [ -s log ] && break; sleep 0.1; done
            ndctl inject-smart nmem0 -s 2 >/dev/null
            for i in $(seq 100); do grep -q '"alarm_spares":true' log && break; sleep 0.1; done
            kill $monitor; cat log"""
        log = self.run_script(script)
        self.assertIn('"alarm_spares":true', log)
        self.assertIn('"dimm-spares-remaining":true', log)

    def test_a_firmware_update_is_staged_and_runs_after_a_power_cycle(self):
        before = self.dimm("-F")["firmware"]
        self.run_script("head -c 200000 /dev/urandom >fw; ndctl update-firmware -f fw nmem0")
        after = self.dimm("-F")["firmware"]
        self.assertEqual(before["current_version"] + 1, after["current_version"])
        self.assertNotIn("next_version", after)

    def test_a_firmware_update_is_activated_alive(self):
        script = """head -c 70000 /dev/urandom >fw
            ndctl update-firmware -f fw nmem0 >/dev/null
            echo arm >/sys/bus/nd/devices/nmem0/firmware/activate
            ndctl activate-firmware ndbus0 --force >/dev/null
            while grep -q busy /sys/bus/nd/devices/ndbus0/firmware/activate; do sleep 0.1; done
            cat /sys/bus/nd/devices/nmem0/firmware/result
            ndctl list -DF"""
        result, _, listed = self.run_script(script).partition("\n")
        self.assertEqual("success", result)
        self.assertNotIn("next_version", json.loads(listed)[0]["firmware"])

    def test_a_passphrase_from_setup_to_removal(self):
        lines = self.secured(
            """ndctl setup-passphrase nmem0 -k user:nvdimm-master; state
            ndctl update-passphrase nmem0; state
            ndctl remove-passphrase nmem0; state"""
        )
        self.assertEqual(["unlocked", "unlocked", "disabled"], lines)

    def test_a_wrong_passphrase_is_refused(self):
        lines = self.secured(
            """ndctl setup-passphrase nmem0 -k user:nvdimm-master
            other=$(keyctl add encrypted other "new enc32 user:nvdimm-master 32" @u)
            echo "disable $other" >/sys/bus/nd/devices/nmem0/security || echo refused
            echo "disable 12345" >/sys/bus/nd/devices/nmem0/security || echo refused
            state"""
        )
        self.assertEqual(["refused", "refused", "unlocked"], lines)

    def test_frozen_security_cannot_be_changed(self):
        lines = self.secured(
            """ndctl setup-passphrase nmem0 -k user:nvdimm-master
            ndctl freeze-security nmem0
            ndctl remove-passphrase nmem0 || true
            state; cat /sys/bus/nd/devices/nmem0/frozen"""
        )
        self.assertEqual(["unlocked", "1"], lines)

    def test_a_sanitized_dimm_has_lost_its_data(self):
        for option, labels_stay in (("-c", True), ("-o", False)):
            with self.subTest(option=option):
                image = images.initialised(self.image, 32 * MIB, 128 << 10, 2)
                with open(image, "r+b") as dimm:
                    dimm.write(b"\xa5" * (4 * MIB))
                lines = self.secured(
                    f"""ndctl setup-passphrase nmem0 -k user:nvdimm-master
                    ndctl sanitize-dimm {option} nmem0
                    ndctl wait-overwrite nmem0
                    state
                    if [ {option} = -o ]; then ndctl remove-passphrase nmem0; fi"""
                )
                self.assertEqual(["disabled" if option == "-c" else "unlocked"], lines)
                with open(image, "rb") as dimm:
                    content = dimm.read()
                self.assertFalse(any(content[: 32 * MIB]))
                self.assertEqual(labels_stay, any(content[32 * MIB :]))

    def test_the_master_erases_without_the_users_key(self):
        lines = self.secured(
            """ndctl setup-passphrase nmem0 -k user:nvdimm-master -m
            ndctl setup-passphrase nmem0 -k user:nvdimm-master
            ndctl sanitize-dimm -m nmem0; state"""
        )
        self.assertEqual(["disabled"], lines)

    def test_a_locked_dimm_opens_with_its_key_and_only_so(self):
        # The keys, and so the passphrase, survive two mounts in one user namespace.
        reason = why_no_keys()
        if reason:
            self.skipTest(reason)
        shell = " ".join(self.command(self.topology, "sh", "-ec"))
        inner = KEYS.replace("'", "'\\''")
        script = f"""
            {shell} '{inner}
              ndctl setup-passphrase nmem0 -k user:nvdimm-master'
            {shell} 'cat /sys/bus/nd/devices/nmem0/security'
            keyctl unlink $(keyctl search @u encrypted nvdimm:8680-56341200) @u
            {shell} 'cat /sys/bus/nd/devices/nmem0/security; ls /dev/pmem* 2>/dev/null || echo none'
            """
        done = subprocess.run(
            ["unshare", "-r", "sh", "-ec", script],
            cwd=self.scratch, capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertEqual(0, done.returncode, done)
        self.assertEqual(["unlocked", "locked", "none"], done.stdout.splitlines())
        self.assertEqual(256, os.path.getsize(self.image + ".state"))


if __name__ == "__main__":
    runner.main()
