# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon under writes: no acknowledged write is lost, and in sector mode none is torn.

Each round writes to three namespaces (raw, sector, fsdax) from several threads while attributes change, kills the daemon
at a random moment, mounts the image again and reads everything back. NVDIMMFS_ROUNDS=N for more rounds,
NVDIMMFS_SEEDS="5 6" for other seeds; the last line counts rounds and writes.
"""

import mmap
import os
import random
import signal
import struct
import subprocess
import threading
import time

from tests.support import mounting, runner

SEEDS = [int(seed) for seed in os.environ.get("NVDIMMFS_SEEDS", "1").split()]
ROUNDS = int(os.environ.get("NVDIMMFS_ROUNDS", "4"))
SECTOR = 4096
SECTORS = 64  # of each namespace; few, so that each is overwritten often
WORD = struct.Struct("<QQ")  # sector, generation


def filled(sector, generation):
    """A sector that has its number and generation in every 16 bytes."""
    return WORD.pack(sector, generation) * (SECTOR // WORD.size)


class Writer(threading.Thread):
    """Overwrites its share of a node's sectors until the daemon is gone.

    acknowledged and tried are generations by sector.
    """

    def __init__(self, node, share, generations, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.sectors = share
        self.acknowledged = dict(generations)
        self.tried = dict(generations)
        self.writes = 0
        # O_DIRECT: what write(2) acknowledges has reached the daemon. Its buffer must be aligned.
        self.descriptor = os.open(node, os.O_WRONLY | os.O_DIRECT)
        self.buffer = mmap.mmap(-1, SECTOR)

    def run(self):
        try:
            while True:
                sector = self.random.choice(self.sectors)
                generation = self.tried[sector] + 1
                self.tried[sector] = generation
                self.buffer[:] = filled(sector, generation)
                if os.pwrite(self.descriptor, self.buffer, sector * SECTOR) != SECTOR:
                    return
                self.acknowledged[sector] = generation
                self.writes += 1
        except OSError:
            pass  # the daemon is gone
        finally:
            os.close(self.descriptor)
            self.buffer.close()


class KillTest(mounting.MountTestCase):
    limit = 240 + 20 * ROUNDS * len(SEEDS)

    def setUp(self):
        super().setUp()
        self.image = self.scratch_path("vm.img")
        create = [mounting.program("tools/nvdimmfs"), "create", self.image, "--size", "128M", "--labels", "1.2"]
        subprocess.run(create, check=True, capture_output=True, timeout=60)

    def check_sector(self, name, data, sector, least, most):
        generations = {
            WORD.unpack_from(data, offset) for offset in range(0, SECTOR, WORD.size)
        }
        for seen_sector, generation in generations:
            if generation != 0 or least != 0:
                self.assertEqual(sector, seen_sector, f"{name}: sector {sector}")
            self.assertTrue(
                least <= generation <= most,
                f"{name}: sector {sector} has generation {generation}; {least} was acknowledged, {most} tried",
            )
        if name == "sector":
            self.assertEqual(1, len(generations), f"sector {sector} is torn: {generations}")

    def round(self, mount, randomness, state):
        """Writes, kills, and returns the number of acknowledged writes; `state` becomes (least, most) by sector."""
        writers = {}
        for name, generations in state.items():
            shares = [list(range(first, SECTORS, 2)) for first in range(2)]
            writers[name] = [
                Writer(
                    mount.join("dev/by-name", name),
                    share,
                    {sector: generations[sector][1] for sector in share},
                    randomness.random(),
                )
                for share in shares
            ]
        everyone = [writer for group in writers.values() for writer in group]
        for writer in everyone:
            writer.start()
        end = time.monotonic() + randomness.uniform(0.05, 0.8)
        names = 0
        while time.monotonic() < end:  # the label area changes meanwhile
            names += 1
            mount.write(f"name{names}", "bus/nd/devices", self.spare, "alt_name")
        mount.daemon.send_signal(signal.SIGKILL)
        for writer in everyone:
            writer.join(60)
            self.assertFalse(writer.is_alive(), "a write hangs although the daemon is dead")
        for name, group in writers.items():
            for writer in group:
                for sector in writer.sectors:
                    least, most = state[name][sector]
                    if writer.tried[sector] > most:
                        state[name][sector] = (
                            max(least, writer.acknowledged[sector]) if writer.acknowledged[sector] > most else least,
                            writer.tried[sector],
                        )
        return names, sum(writer.writes for writer in everyone)

    def verify(self, mount, state, names):
        for name, generations in state.items():
            with open(mount.join("dev/by-name", name), "rb", buffering=0) as node:
                for sector in range(SECTORS):
                    data = os.pread(node.fileno(), SECTOR, sector * SECTOR)
                    least, most = generations[sector]
                    self.check_sector(name, data, sector, least, most)
                    # What is there now counts as acknowledged.
                    seen = min(WORD.unpack_from(data, offset)[1] for offset in range(0, SECTOR, WORD.size))
                    generations[sector] = (seen, most)
        named = mount.read("bus/nd/devices", self.spare, "alt_name").strip()
        self.assertEqual(f"name{names}", named, "an acknowledged name is lost")

    def run_seed(self, seed):
        randomness = random.Random(seed)
        with mounting.Mount(self.image) as mount:
            region = "bus/nd/devices/region0/x/create"
            for mode in ("raw", "sector", "fsdax"):
                mount.write(f"size=16M mode={mode} name={mode}", region)
            mount.write("size=16M name=spare", region)
            self.spare = mount.read(region).strip()
            mount.write(self.spare, "bus/nd/drivers/nd_pmem/unbind")
        state = {name: {sector: (0, 0) for sector in range(SECTORS)} for name in ("raw", "sector", "fsdax")}
        writes = 0
        for _ in range(ROUNDS):
            mount = mounting.Mount(self.image)
            mount.__enter__()  # not in a `with`, which expects a clean end
            try:
                mount.write(self.spare, "bus/nd/drivers/nd_pmem/unbind")
                names, done = self.round(mount, randomness, state)
                writes += done
            finally:
                mount.close()
            with mounting.Mount(self.image) as again:
                self.verify(again, state, names)
            checked = subprocess.run(
                [mounting.program("tools/nvdimmfs"), "check", self.image], capture_output=True, timeout=60, check=False
            )
            self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
        print(f"seed {seed}: {ROUNDS} rounds, {writes} acknowledged writes, none lost")
        self.assertGreater(writes, 0)

    def test_no_acknowledged_write_is_lost_when_the_daemon_is_killed(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.run_seed(seed)


if __name__ == "__main__":
    runner.main()
