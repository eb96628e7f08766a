# SPDX-License-Identifier: Apache-2.0
"""The same attribute writes, on a mount and in a real kernel, give the same answers and the same media.

Each script (sequences/*.seq, and some random ones of random_sequence.py) is replayed on a mount and in a
guest, from equal images. These must be equal: every result and errno, the tree at the end, and every byte of
the two images. What the kernel answers to sequences/*.seq is also kept next to them (recorded_test.py).
"""

import os
import shutil

from tests.guest import random_sequence, sequences
from tests.support import guest, images, mounting, runner, session, trees

# Seeds of the random scripts; NVDIMMFS_SEEDS="7 8 9" tries others.
SEEDS = os.environ.get("NVDIMMFS_SEEDS", "1 2 3 4").split()


def differing_ranges(one, other, opaque=()):
    """Where two images of equal size differ: the offsets of the first ten 4 KiB blocks, in hexadecimal.

    Blocks in the ranges (offset, length) of `opaque` are not compared.
    """
    offsets = []
    with open(one, "rb") as a, open(other, "rb") as b:
        offset = 0
        while (left := a.read(images.MIB)) or offset == 0:
            right = b.read(images.MIB)
            if left != right:
                for block in range(0, len(left), 4096):
                    if left[block : block + 4096] == right[block : block + 4096]:
                        continue
                    if not any(0 <= offset + block - start < length for start, length in opaque):
                        offsets.append(hex(offset + block))
            offset += images.MIB
    return offsets[:10]


class ParityTest(mounting.MountTestCase):
    limit = 280

    def check_parity(self, script_path, kind, label_size):
        here = sequences.make_image(self.scratch_path("here.img"), kind, label_size)
        there = self.scratch_path("there.img")
        shutil.copyfile(here, there)
        with mounting.Mount(here, guest.SAME_KERNEL) as mount:
            answers = sequences.replay(mount, script_path)
            tree = session.dump_tree(mount)
        name = os.path.basename(script_path)
        sections = guest.boot(
            there,
            label_size,
            f"section replay\ntry replay /sys /x/{name}\nsection tree\ndumptree\n",
            [script_path],
        )
        difference = sequences.first_difference(sections["replay"], answers)
        self.assertFalse(difference, f"the answers differ:\n{difference}")
        differences = trees.differences(sections["tree"], tree)
        self.assertEqual([], differences, "\n" + "\n".join(differences))
        opaque = sequences.opaque_of(script_path)
        self.assertEqual([], differing_ranges(here, there, opaque), "the media differ at these offsets")

    def check_random(self, kind, label_size, seeds):
        for seed in seeds:
            with self.subTest(seed=seed):
                script_path = self.scratch_path(f"random-{seed}.seq")
                with open(script_path, "w", encoding="utf-8") as out:
                    out.write(random_sequence.generate(int(seed)))
                self.check_parity(script_path, kind, label_size)

    def test_random_v12(self):
        self.check_random("v1.2", 128 << 10, SEEDS[0::2])

    def test_random_v11(self):
        self.check_random("v1.1", 128 << 10, SEEDS[1::2])


def add_corpus():
    """One case for each file of sequences/."""
    for name in sequences.names():

        def case(self, name=name):
            self.check_parity(sequences.path(name), *sequences.image_of(name))

        setattr(ParityTest, f"test_{name}", case)


add_corpus()

if __name__ == "__main__":
    runner.main()
