# SPDX-License-Identifier: Apache-2.0
"""Random label layouts: free space, and the place of the next namespace, must agree with a kernel.

The layouts of SEED are compared with what a 6.1 kernel answered (layouts/SEED.answers: no guest needed),
and those with the current answers of a guest's kernel. NVDIMMFS_LAYOUTS="7:500 8:500" tries other seeds,
with that many layouts each, in a guest.

    bazel run //tests/guest:layout_test -- --record DIRECTORY      writes SEED.answers there
"""

import os
import sys
import tempfile

from tests.guest import layouts, sequences
from tests.support import guest, mounting, runner

SEED, COUNT = 1, 40
MORE = [tuple(map(int, word.split(":"))) for word in os.environ.get("NVDIMMFS_LAYOUTS", "").split()]


def write(path, content):
    with open(path, "wb") as out:
        out.write(content)
    return path


def telling(answers):
    """The answers to compare: without the labels written, and without enabling the DIMMs and regions again."""
    lines = answers.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("B ", "W drivers/n")))


def answers_of_kernel(scratch, seed, count):
    """The answers of a guest's kernel to the script."""
    script = write(os.path.join(scratch, f"{seed}.seq"), layouts.generate(seed, count).encode())
    table = write(os.path.join(scratch, "layouts.nfit"), layouts.table())
    sections = guest.run(
        ["-acpitable", f"file={table}", "-acpitable", f"file={layouts.FOLDER}/label_devices.aml"],
        f"section replay\ntry replay /sys /x/{os.path.basename(script)}\n",
        [script],
        seconds=guest.SECONDS + count,
        machine="q35",
        memory="2G",
        kernel_arguments="memmap=16M$0x60000000",
    )
    return telling(sections["replay"])


class LayoutTest(mounting.MountTestCase):
    limit = 200 + sum(2 * count for _, count in MORE)

    def answers_of_mount(self, seed, count):
        script = self.scratch_path(f"{seed}.seq")
        write(script, layouts.generate(seed, count).encode())
        table = write(self.scratch_path("layouts.nfit"), layouts.table())
        with mounting.Mount(f"nfit:{table},label_size={layouts.LABEL_SIZE}", guest.SAME_KERNEL) as mount:
            return telling(sequences.replay(mount, script))

    def recorded(self):
        with open(layouts.answers_path(SEED), encoding="utf-8") as answers:
            return answers.read()

    def assert_same(self, kernel, mine):
        difference = sequences.first_difference(kernel, mine)
        self.assertFalse(difference, f"the answers differ:\n{difference}")

    def test_a_mount_answers_as_a_kernel_did(self):
        self.assert_same(self.recorded(), self.answers_of_mount(SEED, COUNT))

    def test_a_kernel_answers_as_it_did(self):
        self.assert_same(self.recorded(), answers_of_kernel(self.scratch_path(""), SEED, COUNT))

    def test_other_layouts(self):
        if not MORE:
            self.skipTest("NVDIMMFS_LAYOUTS does not name further layouts (SEED:COUNT ...)")
        for seed, count in MORE:
            with self.subTest(seed=seed):
                kernel = answers_of_kernel(self.scratch_path(""), seed, count)
                self.assert_same(kernel, self.answers_of_mount(seed, count))


def record(folder):
    with tempfile.TemporaryDirectory() as scratch:
        answers = answers_of_kernel(scratch, SEED, COUNT)
    write(os.path.join(folder, f"{SEED}.answers"), answers.encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--record"]:
        record(sys.argv[2])
    else:
        runner.main()
