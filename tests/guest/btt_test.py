"""BTTs of every sector size, made and scattered over here, then by a kernel, then read here again.

One image holds a namespace for each sector size. Each side writes each block of a range several times
in a scrambled order, one block a write, so that lanes, flogs and maps have seen many changes when the other
side takes over.
"""

import subprocess
import uuid

from tests.support import guest, images, mounting, patterns, runner, session

MIB = images.MIB
SIZES = (512, 520, 528, 4096, 4104, 4160, 4224)
NAMESPACE = 32 * MIB
# Blocks that each side writes, PASSES times each: most of a 512-byte namespace here, a part of it in the guest,
# whose processor is emulated.
HERE = {512: 40000, 4096: 6000}
THERE = {512: 8000, 4096: 3000}
FIRST_THERE = 777
PASSES = 8  # 1.2 million writes here, 0.3 million there


def block_of(sector_size):
    return 4096 if sector_size >= 4096 else 512


def units(sector_size, first, count):
    """(first, count) in pat's units of 512 bytes."""
    factor = block_of(sector_size) // 512
    return first * factor, count * factor


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
            image, 128 << 10, script, [mounting.program("tests/guest/scatter")], seconds=220
        )

        self.expect_sound(image)
        with mounting.Mount(image) as mount:
            self.assertEqual([], patterns.check_all(mount.join("dev"), here + there))


if __name__ == "__main__":
    runner.main()
