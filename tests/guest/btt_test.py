# SPDX-License-Identifier: Apache-2.0
"""BTTs of every sector size: formatted and scattered on the host, then by a kernel, then read on the host again.

One image holds a namespace for each sector size. Each side writes each block of a range several times
in a scrambled order, one block per write, so that lanes, flogs and maps have changed many times when the other
side takes over.
"""

import os
import struct
import subprocess
import uuid

from tests.support import guest, images, mounting, patterns, runner, session

MIB = images.MIB
SIZES = (512, 520, 528, 4096, 4104, 4160, 4224)
NAMESPACE = 32 * MIB
# Blocks that each side writes, PASSES times each: on the host most of a 512-byte namespace, in the guest a part of
# it, since its CPU is emulated.
HERE = {512: 40000, 4096: 6000}
THERE = {512: 8000, 4096: 3000}
FIRST_THERE = 777
PASSES = 8  # 1.2 million writes on the host, 0.3 million in the guest


def block_of(sector_size):
    return 4096 if sector_size >= 4096 else 512


def units(sector_size, first, count):
    """(first, count) in pat's units of 512 bytes."""
    factor = block_of(sector_size) // 512
    return first * factor, count * factor


def chained_btt(path, size, lengths, sector_size):
    """A label-less image with a fresh v1.1 BTT of arenas of these lengths; returns the sectors in all of them.

    Both sides follow the chain of arenas that the media has; a kernel's own are 512 GiB each, for which no guest
    has the memory. Written from the specification, without nvdimmfs.
    """
    free = 256
    instance = uuid.uuid4().bytes
    sectors = 0
    with open(path, "wb") as image:
        image.truncate(size)
        start = 4096
        for index, length in enumerate(lengths):
            usable = length - 2 * 4096 - free * 64
            internal = (usable - 4096) // (sector_size + 4)
            external = internal - free
            flog = length - 4096 - free * 64
            table = flog - -(-external * 4 // 4096) * 4096
            following = length if index + 1 < len(lengths) else 0
            info = bytearray(4096)
            struct.pack_into("<16s16s16sI", info, 0, b"BTT_ARENA_INFO", instance, bytes(16), 0)
            struct.pack_into("<HHIIIIII", info, 52, 1, 1, sector_size, external, sector_size, internal, free, 4096)
            struct.pack_into("<QQQQQ", info, 80, following, 4096, table, flog, length - 4096)
            struct.pack_into("<Q", info, 4088, images.fletcher64(bytes(info)))
            for lane in range(free):
                entry = struct.pack("<IIII", lane, external + lane, external + lane, 1)
                os.pwrite(image.fileno(), entry, start + flog + 64 * lane)
            for at in (start, start + length - 4096):
                os.pwrite(image.fileno(), info, at)
            start += length
            sectors += external
    return sectors


class BttTest(mounting.MountTestCase):
    limit = 280

    def scatter(self, path, sector_size, seed, first, count):
        command = [mounting.program("tests/guest/scatter"), path]
        command += [str(n) for n in (block_of(sector_size), seed, first, count, PASSES)]
        subprocess.run(command, capture_output=True, timeout=100, check=True)

    def make(self, mount):
        """{sector size: node}"""
        nodes = {}
        for size in SIZES:
            ns = session.allocate(mount, uuid.uuid4(), NAMESPACE, f"s{size}", holder_class="btt")
            session.claim_with_btt(mount, ns, uuid.uuid4(), size)
            nodes[size] = session.block_name(mount, ns)
        return nodes

    def expect_sound(self, image):
        done = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "check", image],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        self.assertEqual((0, ""), (done.returncode, done.stdout), done.stderr)

    def test_every_sector_size_goes_there_and_back(self):
        image = images.create(self.scratch_path("dimm.img"), 256 * MIB, 128 << 10)
        here, there, script = [], [], "section bytes\n"
        with mounting.Mount(image) as mount:
            nodes = self.make(mount)
            for seed, (size, node) in enumerate(nodes.items(), start=1):
                count = HERE[block_of(size)]
                self.scatter(mount.join("dev", node), size, seed, 0, count)
                here.append((node, seed, *units(size, 0, count)))
                there_count = THERE[block_of(size)]
                there.append((node, seed + 50, *units(size, FIRST_THERE, there_count)))
                script += f"try pat check /dev/{node} {seed} {here[-1][2]} {here[-1][3]}\n"
                script += f"try scatter /dev/{node} {block_of(size)} {seed + 50} {FIRST_THERE} "
                script += f"{there_count} {PASSES}\n"
        self.expect_sound(image)

        guest.boot(
            image, 128 << 10, script, [mounting.program("tests/guest/scatter")], seconds=2 * guest.SECONDS
        )

        self.expect_sound(image)
        with mounting.Mount(image) as mount:
            self.assertEqual([], patterns.check_all(mount.join("dev"), here + there))

    def test_a_label_less_btt_of_several_arenas_goes_there_and_back(self):
        image = self.scratch_path("chain.img")
        size, arena = 64 * MIB, 16 * MIB
        lengths = (arena, arena, size - 4096 - 2 * arena)
        sectors = chained_btt(image, size, lengths, 4096)
        # Across the first border on the host, across the second in the guest.
        here, there = ("pmem0s", 1, *units(4096, 0, 7000)), ("pmem0s", 2, *units(4096, 7000, 2000))
        self.assertGreater(sectors, 9000)
        self.expect_sound(image)
        with mounting.Mount(image) as mount:
            self.assertEqual(sectors * 4096, os.stat(mount.join("dev/pmem0s")).st_size)
            self.scatter(mount.join("dev/pmem0s"), 4096, 1, 0, 7000)

        guest.boot(
            image,
            0,
            f"""section bytes
[ "$(cat /sys/block/pmem0s/size)" = {sectors * 8} ] || echo "@@FAILED size: $(cat /sys/block/pmem0s/size)"
try pat check /dev/pmem0s 1 0 {here[3]}
try scatter /dev/pmem0s 4096 2 7000 2000 {PASSES}
""",
            [mounting.program("tests/guest/scatter")],
            seconds=guest.SECONDS,
        )

        self.expect_sound(image)
        with mounting.Mount(image) as mount:
            self.assertEqual([], patterns.check_all(mount.join("dev"), [here, there]))


if __name__ == "__main__":
    runner.main()
