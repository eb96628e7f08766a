# SPDX-License-Identifier: Apache-2.0
"""A mount answers sequences/*.seq as a 6.1 kernel did; needs no guest, since the answers are recorded."""

import os

from tests.guest import sequences
from tests.support import mounting, runner


class RecordedTest(mounting.MountTestCase):
    def check(self, name):
        image = sequences.make_image(self.scratch_path("dimm.img"), *sequences.image_of(name))
        with open(sequences.answers_path(name), encoding="utf-8") as recorded:
            kernel = recorded.read()
        with mounting.Mount(image, "kernel=6.1") as mount:
            difference = sequences.first_difference(
                kernel, sequences.replay(mount, sequences.path(name))
            )
        self.assertFalse(difference, f"the answers differ:\n{difference}")


def add_corpus():
    """One case for each file of sequences/."""
    for name in sequences.names():
        assert os.path.exists(sequences.answers_path(name)), f"record.py has not recorded {name}.seq"
        setattr(RecordedTest, f"test_{name}", lambda self, name=name: self.check(name))


add_corpus()

if __name__ == "__main__":
    runner.main()
