# SPDX-License-Identifier: Apache-2.0
"""A real kernel finds what was configured and written on the host, and the other way round.

For each kind of label area: an image is configured and filled through a mount, a guest boots with it,
shows its tree, checks every byte, changes things with ndctl, and the result is mounted here again.
"""

import uuid

from tests.support import guest, images, mounting, patterns, runner, session, trees

MIB = images.MIB

# Names of the namespaces, so that both sides can find them whatever their numbers are.
GUEST_HELPERS = """
node_of() { # ALT_NAME -> the block device of that namespace
  for ns in /sys/bus/nd/devices/namespace*; do
    [ "$(cat $ns/size)" != 0 ] || continue
    [ "$(cat $ns/alt_name 2>/dev/null)" = "$1" ] || continue
    holder=$(cat $ns/holder)
    ls /sys/bus/nd/devices/${holder:-${ns##*/}}/block
  done
}
fill() { # ALT_NAME SEED FIRST COUNT
  echo "fill $1 $2 $3 $4"
  try pat write /dev/$(node_of "$1") $2 $3 $4
}
"""

# The verdict of ndctl's own checkers on nvdimmfs's BTTs and label areas.
CHECK = """
section check
for mode in $(grep -lx safe /sys/bus/nd/devices/namespace*/mode); do
  try ndctl check-namespace -f $(basename ${mode%/mode})
done
"""
CHECK_LABELS = "try ndctl check-labels all\n"

LABELLED_CHANGES = f"""
section changes
try ndctl destroy-namespace -f $(basename $(dirname $(grep -lx gone /sys/bus/nd/devices/*/alt_name)))
try ndctl create-namespace -m sector -s 32M -n made -u {uuid.uuid4()}
try ndctl create-namespace -m raw -s 16M -n plain -u {uuid.uuid4()}
fill made 41 5 3000
fill plain 42 0 32768
fill db 43 1000 64
fill log 44 7 77
"""

PLAIN_CHANGES = """
section changes
fill "" 45 16 999
"""


def check_commands(expected):
    return "".join(
        f"try pat check /dev/{node} {seed} {first} {count}\n" for node, seed, first, count in expected
    )


class WriteTest(mounting.MountTestCase):
    limit = 280

    def assert_same_tree(self, kernel_tree, mount_tree, options):
        differences = trees.differences(kernel_tree, mount_tree, read_only=options == "ro")
        self.assertEqual([], differences, "\n" + "\n".join(differences))

    def remember_fills(self, writer, text):
        for line in text.splitlines():
            if line.startswith("fill "):
                name, seed, first, count = line.removeprefix("fill ").rsplit(" ", 3)
                writer.writes.append((name, int(seed), int(first), int(count)))

    def configure_labelled(self, mount, writer):
        """Typical changes by a user; leaves db, log, small, gone, a hole, and tail renamed."""
        raw = session.allocate(mount, uuid.uuid4(), 64 * MIB, "db", 4096)
        session.bind(mount, raw)
        mount.write("size=64M mode=sector name=log", session.REGION, "x/create")
        small = session.allocate(mount, uuid.uuid4(), 32 * MIB, "small", holder_class="btt")
        session.claim_with_btt(mount, small, uuid.uuid4(), 512)
        hole = session.allocate(mount, uuid.uuid4(), 16 * MIB, "hole")
        session.bind(mount, hole)
        tail = session.allocate(mount, uuid.uuid4(), 16 * MIB, "tail")
        mount.write("tail end", session.device(tail, "alt_name"))
        session.bind(mount, tail)
        gone = session.allocate(mount, uuid.uuid4(), 16 * MIB, "gone")
        session.bind(mount, gone)
        session.release(mount, hole)
        for seed, (name, first, count) in enumerate(
            [
                ("db", 0, 64 * MIB // 512),
                ("log", 3, 20000),
                ("log", 1000, 512),
                ("small", 0, 3000),
                ("small", 777, 333),
                ("tail end", 0, 16 * MIB // 512),
                ("gone", 0, 100),
            ],
            start=1,
        ):
            writer.write(mount, name, seed, first, count)

    def round_trip(self, image, label_size, configure, changes):
        writer = session.Writer()
        with mounting.Mount(image) as mount:
            configure(mount, writer)
            before = session.summary(mount)
        with mounting.Mount(image, f"ro,{guest.SAME_KERNEL}") as mount:
            self.assertEqual(before, session.summary(mount))
            tree = session.dump_tree(mount)
            expected = writer.expected(mount)

        sections = guest.boot(
            image,
            label_size,
            GUEST_HELPERS
            + "section tree\ndumptree\nsection bytes\n"
            + check_commands(expected)
            + changes
            + CHECK
            + (CHECK_LABELS if label_size else ""),
        )
        # A second boot: enabling the region again in the first would let the seed race with the drivers.
        after = guest.boot(image, label_size, "section tree\ndumptree\n")["tree"]
        self.assert_same_tree(sections["tree"], tree, "ro")

        writer.forget("gone")
        self.remember_fills(writer, sections["changes"])
        for options in ("ro", None):
            given = f"{options},{guest.SAME_KERNEL}" if options else guest.SAME_KERNEL
            with mounting.Mount(image, given) as mount:
                self.assert_same_tree(after, session.dump_tree(mount), options)
                self.assertEqual(
                    [], patterns.check_all(mount.join("dev"), writer.expected(mount))
                )

    def labelled(self, make, label_size, *version):
        image = make(self.scratch_path("dimm.img"), 256 * MIB, label_size, *version)
        self.round_trip(image, label_size, self.configure_labelled, LABELLED_CHANGES)

    def test_labels_v12_of_128_kib(self):
        self.labelled(images.create, 128 << 10)

    def test_labels_v12_of_1_mib(self):
        self.labelled(images.create, MIB)

    def test_labels_v11_of_128_kib(self):
        self.labelled(images.initialised, 128 << 10, 1)

    def test_labels_v11_of_1_mib(self):
        self.labelled(images.initialised, MIB, 1)

    def test_without_labels(self):
        def configure(mount, writer):
            session.unbind(mount, "namespace0.0")
            session.claim_with_btt(mount, "namespace0.0", uuid.uuid4(), 4096)
            writer.write(mount, "", 9, 8, 12345)
            writer.write(mount, "", 10, 4096, 64)

        image = images.blank(self.scratch_path("dimm.img"), 64 * MIB, 0)
        self.round_trip(image, 0, configure, PLAIN_CHANGES)


if __name__ == "__main__":
    runner.main()
