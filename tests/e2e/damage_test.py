# SPDX-License-Identifier: Apache-2.0
"""Images truncated and corrupted at random: a clear refusal or a partial tree, never a crash or a hang.

Seeded; NVDIMMFS_SEEDS="5 6" selects other seeds, NVDIMMFS_ROUNDS=N more rounds of each. A read-only mount leaves even
such an image as it was.
"""

import os
import random
import subprocess

from tests.support import images, mounting, runner, session

GOLDEN = os.path.abspath("tests/golden")
SEEDS = [int(seed) for seed in os.environ.get("NVDIMMFS_SEEDS", "1").split()]
ROUNDS = int(os.environ.get("NVDIMMFS_ROUNDS", "8"))



class DamageTest(mounting.MountTestCase):
    limit = 280

    def survives(self, image):
        """Mounts read-only and reads the whole tree; True if it mounted, False if it was properly refused."""
        before = images.sha256(image)
        mount = mounting.Mount(image, "ro")
        try:
            with mount:
                session.dump_tree(mount)
                self.read_some_data(mount)
        except AssertionError:
            self.assertEqual(1, mount.exit_code, mount.log)
            self.assertIn(os.path.basename(image), mount.log)
            return False
        finally:
            self.assertEqual(before, images.sha256(image), "a read-only mount changed the image")
        listed = subprocess.run(
            [mounting.program("tools/nvdimmfs"), "list", "-BDRNi", image],
            capture_output=True,
            timeout=30,
            check=False,
        )
        self.assertIn(listed.returncode, (0, 1, 2), listed)
        return True

    def read_some_data(self, mount):
        for node in os.listdir(mount.join("dev")):
            path = mount.join("dev", node)
            if node.startswith("pmem"):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    size = os.fstat(descriptor).st_size
                    for offset in (0, size // 2, max(0, size - 4096)):
                        os.pread(descriptor, 4096, offset)
                except OSError:
                    pass  # a refusal; the daemon's own state is checked at unmount
                finally:
                    os.close(descriptor)

    def damaged(self, name, damage):
        """Applies `damage(file, size, random)` to fresh copies of a golden image, ROUNDS times per seed."""
        pristine = images.unpack(f"{GOLDEN}/{name}.img.xz", self.scratch_path("pristine.img"))
        victim = self.scratch_path("victim.img")
        for seed in SEEDS:
            generator = random.Random(seed)
            for number in range(ROUNDS):
                subprocess.run(["cp", "--sparse=always", pristine, victim], check=True)
                with self.subTest(seed=seed, round=number):
                    with open(victim, "r+b") as file:
                        damage(file, os.path.getsize(victim), generator)
                    self.survives(victim)

    def flip_in(self, file, start, size, generator):
        for _ in range(generator.choice((1, 2, 8, 64))):
            offset = start + generator.randrange(size)
            file.seek(offset)
            old = file.read(1) or b"\0"
            file.seek(offset)
            new = generator.choice((0, 0xFF, old[0] ^ 1 << generator.randrange(8)))
            file.write(bytes([new]))

    def test_label_area_v12(self):
        # The index blocks and the slots in use; the rest of the area is not read.
        self.damaged("k12", lambda f, size, g: self.flip_in(f, size - (128 << 10), 8192, g))

    def test_label_area_v11(self):
        self.damaged("k11", lambda f, size, g: self.flip_in(f, size - (1 << 20), 8192, g))

    def test_info_blocks(self):
        # The start of k12's claims: a BTT's info block and map, an fsdax and a devdax info block.
        def damage(file, size, generator):
            start = generator.choice((0, 64, 96, 160, 224)) << 20
            self.flip_in(file, start, 16384, generator)

        self.damaged("k12", damage)

    def test_a_claim_whose_info_block_is_lost_is_a_finding(self):
        pristine = images.unpack(f"{GOLDEN}/k12.img.xz", self.scratch_path("pristine.img"))
        victim = self.scratch_path("victim.img")
        mib = 1 << 20
        # Both of the BTT's, that of fsdax, and that of devdax.
        for reason, *blocks in (
            ("btt.info.checksum", 0, 64 * mib - 4096),
            ("info.checksum", 128 * mib + 4096),
            ("info.checksum", 192 * mib + 4096),
        ):
            with self.subTest(blocks=blocks):
                subprocess.run(["cp", "--sparse=always", pristine, victim], check=True)
                with open(victim, "r+b") as file:
                    for block in blocks:
                        file.seek(block + 100)
                        file.write(b"\xee")
                for arguments in ([], ["--repair"], []):
                    command = [mounting.program("tools/nvdimmfs"), "check", victim, *arguments]
                    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn(f"offset {blocks[0]:#x}: " if blocks[0] else "offset 0: ", done.stdout)
                    self.assertIn(f"[{reason}]", done.stdout)

    def test_label_less_btt(self):
        self.damaged("kll", lambda f, size, g: self.flip_in(f, 4096, 8192, g))

    def test_truncated(self):
        def damage(file, size, generator):
            file.truncate(generator.choice((generator.randrange(size), size - 1, 1, 4095, 16 << 20)))

        self.damaged("k12", damage)

    def test_not_an_image(self):
        victim = self.scratch_path("victim.img")
        for seed in SEEDS:
            generator = random.Random(seed)
            for size in (1, 511, 4096, 65536, 1 << 20, (16 << 20) + 77, (32 << 20) + (128 << 10)):
                with open(victim, "wb") as file:
                    file.write(generator.randbytes(min(size, 1 << 20)))
                    file.truncate(size)
                with self.subTest(seed=seed, size=size):
                    self.survives(victim)


if __name__ == "__main__":
    runner.main()
