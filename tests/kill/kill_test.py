# SPDX-License-Identifier: Apache-2.0
"""kill -9 of everything that runs: no acknowledged write is lost, no sector torn, no change half made, nothing left.

Each case is a victim (victims.py). A round runs a load on it (loads.py) with one value of `durability=`, kills it when a
random amount of that is done, looks at the media, starts it again, and checks all contents and the configuration. The
image lives through all rounds of a case.

NVDIMMFS_ROUNDS=N for more rounds of each case (nine use each load with each durability), NVDIMMFS_SEEDS="5 6" for
other seeds, NVDIMMFS_KEEP=DIR to keep the image of a failed round there. Arguments select cases by a part of their name.
The last line of a case says what was killed how often, and what had been acknowledged.
"""

import collections
import os
import shutil

from tests.kill import loads, rounds, victims
from tests.support import leftovers, mounting, runner

SEEDS = [int(seed) for seed in os.environ.get("NVDIMMFS_SEEDS", "1").split()]
ROUNDS = int(os.environ.get("NVDIMMFS_ROUNDS", "0"))
KEEP = os.environ.get("NVDIMMFS_KEEP")
DURABILITIES = ("auto", "process", "power")


class KillTest(mounting.MountTestCase):
    limit = 280 + 30 * ROUNDS * len(SEEDS)

    def setUp(self):
        super().setUp()
        janitor = leftovers.Janitor(self.scratch)
        self.addCleanup(janitor.close)

    def die(self, row):
        reason = row.why_not()
        if reason:
            self.skipTest(reason)
        for seed in SEEDS:
            self.live(row, seed)

    def live(self, row, seed):
        """The life of an image through all rounds."""
        scratch = self.scratch_path(str(seed))
        os.mkdir(scratch)
        victim = row(scratch)
        self.addCleanup(victim.forget)
        self.addCleanup(leftovers.remove, scratch)
        usable = [name for name in row.loads if not self.missing(name)]
        counts = collections.Counter()
        victim.start()
        victim.prepare()
        step = 0
        try:
            for step in range(ROUNDS or row.rounds):
                load = usable[step % len(usable)]
                durability = DURABILITIES[(step + step // 3) % len(DURABILITIES)]
                if durability != victim.durability:
                    victim.stop()
                    victim.durability = durability
                    victim.start()
                this = rounds.Round(victim, load, seed, step)
                this.play()
                for part in this.loads:
                    counts.update(part.count())
            victim.stop()
        except BaseException as error:
            print(f"seed {seed}, {victim.name}, round {step}: NVDIMMFS_SEEDS={seed} NVDIMMFS_ROUNDS={step + 1}")
            if KEEP and isinstance(error, Exception):
                shutil.copytree(scratch, os.path.join(KEEP, f"{row.__name__}.{seed}.{step}"), dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("mnt", "plugin"))  # fmt: skip
            raise
        left = leftovers.everything(scratch)
        mounting.wait_until(lambda: not leftovers.everything(scratch))
        self.assertEqual([], leftovers.everything(scratch), f"first seen: {left}")
        said = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        print(f"seed {seed}: {victim.name} killed {ROUNDS or row.rounds} times; {said}; nothing lost")
        self.assertTrue(all(counts.values()), counts)

    def test_a_lost_write_is_noticed(self):
        # A control: the raw namespace, which is the first, goes back to zeros between the kill and the start.
        scratch = self.scratch_path("control")
        os.mkdir(scratch)
        victim = victims.Daemon(scratch)
        self.addCleanup(leftovers.remove, scratch)
        victim.start()
        victim.prepare()
        this = rounds.Round(victim, "writers", SEEDS[0], 0)
        this.loads[0].target = lambda: 2000
        left = this.kill()
        with open(victim.image, "r+b") as image:
            image.write(bytes(1 << 20))
        with self.assertRaisesRegex(AssertionError, "dev/by-name/raw: unit .*an acknowledged write is lost"):
            this.check(left)
        victim.stop()

    def missing(self, load):
        _classes, program = loads.LOADS[load]
        if program and not shutil.which(program):
            print(f"without {load}: {program} is not installed")
            return True
        return False


def _case(row):
    return lambda self: self.die(row)


for _row in victims.VICTIMS:
    setattr(KillTest, f"test_{_row.name.replace(' ', '_')}", _case(_row))


if __name__ == "__main__":
    runner.main()
