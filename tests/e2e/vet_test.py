# SPDX-License-Identifier: Apache-2.0
"""`nvdimmfs check --policy vet`: sound images are clean, and hostile ones neither changed nor able to hold it up."""

import json
import os
import resource
import struct
import subprocess
import uuid

from tests.support import images, mounting, runner

MIB = images.MIB
GOLDEN = os.path.abspath("tests/golden")

# Every mode, and what else a kernel or this program may write.
REQUESTS = [
    "size=32M mode=raw name=r",
    *(f"size=32M mode=sector sector_size={size}" for size in (512, 4096)),
    "size=32M mode=fsdax",
    "size=32M mode=fsdax map=mem",
    "size=32M mode=devdax",
    "size=64M mode=devdax align=4096",
]

# Of rules and results in SARIF.
LEVELS = {"error", "warning", "note"}


class RawName(bytes):
    """A name that images.label takes although it is not text."""

    def encode(self):
        return bytes(self)


class VetTestCase(mounting.MountTestCase):
    limit = 280

    def vet(self, source, *flags, **options):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), "check", "--policy", "vet", str(source), *flags],
            capture_output=True,
            timeout=120,
            check=False,
            **options,
        )

    def assert_clean(self, source):
        done = self.vet(source)
        found = [line for line in done.stdout.decode().splitlines() if ": note: " not in line]
        self.assertEqual((0, [], b""), (done.returncode, found, done.stderr), source)

    def reasons(self, source, *flags):
        return {entry["reason"] for entry in json.loads(self.vet(source, "--format", "json", *flags).stdout)}


class SoundTest(VetTestCase):
    def test_images_that_a_kernel_wrote(self):
        for name in ("k11", "k12", "kll"):
            with self.subTest(image=name):
                image = images.unpack(os.path.join(GOLDEN, f"{name}.img.xz"), self.scratch_path(f"{name}.img"))
                before = images.sha256(image)
                self.assert_clean(image)
                self.assertEqual(before, images.sha256(image))

    def test_images_that_this_program_made(self):
        for labels in ("1.1", "1.2"):
            image = self.scratch_path(f"made-{labels}.img")
            subprocess.run(
                [mounting.program("tools/nvdimmfs"), "create", image, "--size", "512M", "--labels", labels],
                capture_output=True,
                timeout=60,
                check=True,
            )
            self.assert_clean(image)
            with mounting.Mount(image) as mount:
                made = []
                for request in REQUESTS:
                    mount.write(request, "ndbus0/region0/x/create")
                    made.append(mount.read("ndbus0/region0/x/create").strip())
                for disk in os.listdir(mount.join("dev")):
                    if disk.startswith("pmem"):
                        with open(mount.join("dev", disk), "r+b") as file:
                            file.write(b"data" * 4096)
                mount.write(made[0], "ndbus0/region0/x/destroy")
            with self.subTest(labels=labels):
                self.assert_clean(image)

    def test_an_image_without_labels_and_with_a_file_system(self):
        image = images.blank(self.scratch_path("a.img"), 32 * MIB, 0)
        self.assert_clean(f"{image},label_size=0")
        with open(image, "r+b") as file:  # the start of a squashfs of 1 MiB
            file.write(b"hsqs" + bytes(36) + struct.pack("<Q", MIB))
        done = self.vet(f"{image},label_size=0")
        self.assertEqual(0, done.returncode, done)
        self.assertIn(b": note: it holds ", done.stdout)
        self.assertIn(b"[vet.content]", done.stdout)


def info_block(size, parent, next_offset, **odd):
    """A sealed info block of version 1.1, as a kernel lays out an arena of `size` bytes in sectors of 512."""
    available = size // 4096 * 4096 - 8192 - 16384
    blocks = (available - 4096) // 516
    fields = {"nfree": 256, "map": 4096 + available - -(-(blocks - 256) * 4 // 4096) * 4096, "next": next_offset} | odd
    body = b"BTT_ARENA_INFO\0\0" + uuid.uuid4().bytes + parent
    body += struct.pack("<IHHIIIIII", 0, 1, 1, 512, blocks - 256, 512, blocks, fields["nfree"], 4096)
    flog = 4096 + available
    body += struct.pack("<QQQQQ", fields["next"], 4096, fields["map"], flog, flog + 16384)
    body = body.ljust(4088, b"\0")
    return body + struct.pack("<Q", images.fletcher64(body + bytes(8))), flog + 16384


class HostileTest(VetTestCase):
    def test_maps_of_gigabytes_end_in_bounded_time_and_memory(self):
        image = self.scratch_path("big.img")
        size, arena = 1 << 41, 1 << 39
        with open(image, "wb") as file:
            try:
                file.truncate(size)
            except OSError as error:
                self.skipTest(f"no file of 2 TiB here: {error}")
        with open(image, "r+b") as file:
            for number in range(4):
                start = 4096 + number * arena
                block, copy = info_block(min(arena, size - start), bytes(16), arena if number < 3 else 0)
                for at in (start, start + copy):
                    os.pwrite(file.fileno(), block, at)
            # An entry outside the arena at the start of a map of 4 GiB, and one in its middle.
            map_at = 4096 + struct.unpack_from("<Q", os.pread(file.fileno(), 4096, 4096), 96)[0]
            os.pwrite(file.fileno(), b"\xff" * 4, map_at + 40)
            os.pwrite(file.fileno(), b"\xff" * 4, map_at + (1 << 31))
        done = self.vet(f"{image},label_size=0", "-v")
        self.assertEqual(12, done.returncode, done)
        self.assertIn(b"sectors with a block outside the arena: 1; the first is 10 [btt.map.range]", done.stdout)
        self.assertIn(b": not read: maps and flogs of arenas 0, 1, 2, 3 not fully read", done.stdout)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 1 << 20, "KiB")
        self.assertLess(os.stat(image).st_blocks, 1000)

    def test_names_are_escaped_in_every_format(self):
        image = self.scratch_path("names.img")
        names = [b"\x1b[2J\x07", b"\xff\xfe\xc3\x28", "rtl\u202egnp.exe".encode(), b"x" * 64]
        labels = [images.label(i, i + 1, i * 16 * MIB, 16 * MIB, name=RawName(name)) for i, name in enumerate(names)]
        images.with_labels(image, 128 * MIB, 128 << 10, labels)
        text = self.vet(image)
        self.assertEqual(4, text.returncode, text)
        for name in (b"\\x1b[2J\\x07", b"\\xff\\xfe", b"[label.slot.name_text]", b"[label.slot.name]"):
            self.assertIn(name, text.stdout)
        outputs = [text, self.vet(image, "--format", "json"), self.vet(image, "--format", "sarif"), self.vet(image, "--json")]
        for done in outputs:
            shown = done.stdout.decode("utf-8")
            self.assertEqual([], [c for c in shown if c != "\n" and not c.isprintable()])
        for done in outputs[1:]:
            json.loads(done.stdout)

    def test_sarif_has_the_rules_and_the_places(self):
        image = self.scratch_path("a b.img")
        images.damaged(image, 256 * MIB, 128 << 10, "damaged")
        done = self.vet(image, "--format", "sarif")
        self.assertEqual(4, done.returncode, done)
        log = json.loads(done.stdout)
        self.assertEqual("2.1.0", log["version"])
        (run,) = log["runs"]
        rules = run["tool"]["driver"]["rules"]
        self.assertEqual(len(rules), len({rule["id"] for rule in rules}))
        for rule in rules:
            self.assertTrue(rule["shortDescription"]["text"] and rule["help"]["text"], rule)
            self.assertIn(rule["defaultConfiguration"]["level"], LEVELS)
        self.assertGreater(len(run["results"]), 5)
        places = set()
        for result in run["results"]:
            self.assertEqual(result["ruleId"], rules[result["ruleIndex"]]["id"])
            self.assertIn(result["level"], LEVELS)
            (place,) = result["locations"]
            physical = place["physicalLocation"]
            self.assertEqual("file://" + image.replace(" ", "%20"), physical["artifactLocation"]["uri"])
            region = physical["region"]
            self.assertLessEqual(region["byteOffset"] + region.get("byteLength", 0), os.path.getsize(image))
            places.add((result["ruleId"], region["byteOffset"], region.get("byteLength")))
        self.assertIn(("label.slot.checksum", 256 * MIB + 512 + 256, 256), places)
        self.assertEqual([{"executionSuccessful": True, "exitCode": 4, "toolExecutionNotifications": []}],
                         run["invocations"])

    def test_a_file_that_cannot_be_written_is_vetted_and_not_changed(self):
        image = images.damaged(self.scratch_path("a.img"), 256 * MIB, 128 << 10, "overlap")
        before = (images.sha256(image), os.stat(image).st_mtime_ns)
        os.chmod(image, 0o444)
        self.assertLess({"dpa.overlap"}, self.reasons(image))
        self.assertEqual(before, (images.sha256(image), os.stat(image).st_mtime_ns))
        self.assertEqual(["a.img"], os.listdir(os.path.dirname(image)))


class UsageTest(VetTestCase):
    def test_options_that_contradict_the_policy_are_usage_errors(self):
        image = images.initialised(self.scratch_path("a.img"), 32 * MIB, 128 << 10, 2)
        for flags in (["--repair"], ["--dry-run"], ["--json", "--format", "sarif"], ["--format", "xml"]):
            with self.subTest(flags=flags):
                self.assertEqual(16, self.vet(image, *flags).returncode)
        command = [mounting.program("tools/nvdimmfs"), "check", image, "--full"]
        self.assertEqual(16, subprocess.run(command, capture_output=True, timeout=60, check=False).returncode)

    def test_what_cannot_be_opened_is_told_in_sarif(self):
        done = self.vet(self.scratch_path("none.img"), "--format", "sarif")
        self.assertEqual(8, done.returncode, done)
        (invocation,) = json.loads(done.stdout)["runs"][0]["invocations"]
        self.assertFalse(invocation["executionSuccessful"])
        self.assertEqual(1, len(invocation["toolExecutionNotifications"]))

    def test_help_names_what_a_kernel_does(self):
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "help", "btt.info.nfree"], capture_output=True, timeout=60, check=True
        )
        self.assertIn(b"on media: kernels before the fixes of 2026", done.stdout)
        self.assertIn(b"(BTT nfree below lanes)", done.stdout)


if __name__ == "__main__":
    runner.main()
