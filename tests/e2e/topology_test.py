# SPDX-License-Identifier: Apache-2.0
"""Topology files on real mounts: sets of two images, label-less ranges, poison."""

import errno
import json
import mmap
import os
import select
import subprocess

from tests.support import images, mounting, runner

MIB = images.MIB
UUID = "11111111-2222-3333-4444-555555555501"

SET = """
[[bus]]
[[bus.dimm]]
image = "a.img"
[[bus.dimm]]
image = "b.img"
[[bus.region]]
dimms = ["a.img", "b.img"]
granularity = {granularity}
"""


def refused(call):
    """The errno that the call fails with, or None."""
    try:
        call()
    except OSError as error:
        return error.errno
    return None


class TopologyTestCase(mounting.MountTestCase):
    def setUp(self):
        super().setUp()
        self.images = [self.scratch_path(name) for name in ("a.img", "b.img")]
        for image in self.images:
            images.initialised(image, 32 * MIB, 128 << 10, 2)

    def topology(self, text):
        path = self.scratch_path("t.toml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def nvdimmfs(self, *arguments):
        return subprocess.run(
            [mounting.program("tools/nvdimmfs"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


class CxlTest(TopologyTestCase):
    def test_a_device_says_its_serial_number_as_kernels_from_6_2_on_do(self):
        bus = '[[bus]]\nprovider = "CXL"\n[[bus.dimm]]\nimage = "a.img"\nserial = 0x1234\n'
        source = self.topology(bus + '[[bus.dimm]]\nimage = "b.img"\nserial = 0x1235\n')
        with mounting.Mount(source, "kernel=6.1") as mount:
            self.assertFalse(os.path.exists(mount.join("bus/nd/devices/nmem0/cxl")))
        for kernel in ("6.12", "7.3"):
            with mounting.Mount(source, f"kernel={kernel}") as mount:
                for dimm, serial in ((0, "4660\n"), (1, "4661\n")):
                    folder = f"bus/nd/devices/nmem{dimm}/cxl"
                    self.assertEqual(serial, mount.read(folder, "id"))
                    self.assertEqual(f"pmem{dimm}\n", mount.read(folder, "provider"))
        listed = json.loads(self.nvdimmfs("list", "-D", f"{source},kernel=7.3").stdout)
        self.assertEqual(["4660", "4661"], sorted(dimm["id"] for dimm in listed))


class SetTest(TopologyTestCase):
    def make_namespaces(self, mount):
        mount.write("size=16M name=first", "ndbus0/region0/x/create")
        mount.write("size=16M name=second", "ndbus0/region0/x/create")

    def test_what_is_written_lies_in_both_images_as_the_stripes_say(self):
        for granularity in (256, 4096):
            with self.subTest(granularity=granularity):
                for image in self.images:
                    images.initialised(image, 32 * MIB, 128 << 10, 2)
                source = self.topology(SET.format(granularity=granularity))
                data = os.urandom(3 * MIB)
                with mounting.Mount(source) as mount:
                    self.make_namespaces(mount)
                    with open(mount.join("dev/by-name/second"), "r+b", buffering=0) as file:
                        os.pwrite(file.fileno(), data, 1000)
                        os.fsync(file.fileno())
                parts = []
                for image in self.images:
                    with open(image, "rb") as file:
                        parts.append(file.read(32 * MIB))
                # The second namespace starts at 16 MiB of the region.
                for at in range(0, len(data), 101):
                    place = 16 * MIB + 1000 + at
                    stripe, rest = divmod(place, 2 * granularity)
                    image, within = divmod(rest, granularity)
                    self.assertEqual(data[at], parts[image][stripe * granularity + within], at)
                with mounting.Mount(source) as mount:
                    with open(mount.join("dev/by-name/second"), "rb", buffering=0) as file:
                        self.assertEqual(data, os.pread(file.fileno(), len(data), 1000))

    def test_sectors_of_a_btt_over_the_set_come_back(self):
        source = self.topology(SET.format(granularity=4096))
        data = os.urandom(MIB)
        with mounting.Mount(source) as mount:
            mount.write("size=32M mode=sector name=log", "ndbus0/region0/x/create")
            with open(mount.join("dev/by-name/log"), "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), data, 4096)
                os.fsync(file.fileno())
        with mounting.Mount(source, "ro") as mount:
            self.assertEqual("safe\n", mount.read("ndbus0/region0/namespace0.0/mode"))
            with open(mount.join("dev/by-name/log"), "rb", buffering=0) as file:
                self.assertEqual(data, os.pread(file.fileno(), len(data), 4096))
        done = self.nvdimmfs("check", source)
        self.assertEqual(0, done.returncode, done)

    def test_list_and_map_know_the_set(self):
        source = self.topology(SET.format(granularity=4096))
        with mounting.Mount(source) as mount:
            self.make_namespaces(mount)
        done = self.nvdimmfs("map", source)
        self.assertEqual(0, done.returncode, done)
        self.assertIn("nmem0: ", done.stdout)
        self.assertIn("nmem1: ", done.stdout)
        self.assertEqual(2, done.stdout.count("second"))
        done = self.nvdimmfs("list", "-NR", source)
        self.assertEqual(0, done.returncode, done)
        # ndctl prints a lone object without a list, so the shape varies.
        listed = json.dumps(json.loads(done.stdout))
        self.assertIn('"name": "second"', listed)
        self.assertIn(f'"size": {64 * MIB}', listed)

    def test_a_missing_member_disables_the_region_and_damages_nothing(self):
        source = self.topology(SET.format(granularity=4096))
        with mounting.Mount(source) as mount:
            self.make_namespaces(mount)
        before = [images.sha256(image) for image in self.images]
        os.rename(self.images[1], self.images[1] + ".away")
        done = self.nvdimmfs("map", source)
        self.assertEqual(1, done.returncode, done)
        self.assertRegex(done.stderr, r"t\.toml:6:9: .*b\.img.*missing = true")
        without = self.topology(
            SET.format(granularity=4096).replace(
                'image = "b.img"', 'image = "b.img"\nmissing = true\nsize = "32M"'
            )
        )
        with mounting.Mount(without) as mount:
            self.assertNotIn("namespace0.0", os.listdir(mount.join("ndbus0/region0")))
            self.assertEqual("\n", mount.read("ndbus0/region0/namespace_seed"))
            code = refused(lambda: mount.write("region0", "bus/nd/drivers/nd_region/bind"))
            self.assertEqual(errno.ENODEV, code)
            self.assertIn("b.img is missing", mount.read("ndbus0/region0/x/last_error"))
        self.assertIn("b.img is missing", mount.log)
        os.rename(self.images[1] + ".away", self.images[1])
        self.assertEqual(before, [images.sha256(image) for image in self.images])
        with mounting.Mount(self.topology(SET.format(granularity=4096))) as mount:
            self.assertEqual("second\n", mount.read("ndbus0/region0/namespace0.1/alt_name"))


class RangeTest(TopologyTestCase):
    def test_a_label_less_range_is_one_namespace_in_mode_memory(self):
        plain = images.blank(self.scratch_path("plain.img"), 32 * MIB, 0)
        source = self.topology(
            '[[bus]]\n[[bus.dimm]]\nimage = "a.img"\n[[bus]]\n[[bus.region]]\nimage = "plain.img"\n'
            'numa_node = 3\npersistence_domain = "cpu_cache"\n'
        )
        with mounting.Mount(source) as mount:
            self.assertEqual("e820\n", mount.read("ndbus1/provider"))
            self.assertEqual("0\n", mount.read("ndbus1/region1/mappings"))
            self.assertEqual("3\n", mount.read("ndbus1/region1/numa_node"))
            self.assertEqual("cpu_cache\n", mount.read("ndbus1/region1/persistence_domain"))
            self.assertEqual("memory\n", mount.read("ndbus1/region1/namespace1.0/mode"))
            self.assertFalse(os.path.exists(mount.join("ndbus1/region1/set_cookie")))
            self.assertFalse(os.path.exists(mount.join("ndbus1/region1/nfit")))
            self.assertEqual("1\n", mount.read("block/pmem1/queue/dax"))
            with open(mount.join("dev/pmem1"), "r+b", buffering=0) as file:
                file.write(b"hello")
        with open(plain, "rb") as file:
            self.assertEqual(b"hello", file.read(5))

    def test_a_mistake_is_refused_with_its_place(self):
        done = self.nvdimmfs("map", self.topology("[[bus]]\nnfti = true\n"))
        self.assertEqual(1, done.returncode, done)
        self.assertRegex(done.stderr, r't\.toml:2:1: unknown key "nfti"')
        done = self.nvdimmfs("map", self.topology("[[bus]\n"))
        self.assertEqual(1, done.returncode, done)
        self.assertRegex(done.stderr, r"t\.toml:1:\d+: ")


class PoisonTest(TopologyTestCase):
    def setUp(self):
        super().setUp()
        self.source = self.topology(
            '[[bus]]\n[[bus.dimm]]\nimage = "a.img"\npoison = [{ offset = "17M", length = 1 }]\n'
        )
        with mounting.Mount(self.source) as mount:
            mount.write("size=16M", "ndbus0/region0/x/create")
            mount.write("size=16M", "ndbus0/region0/x/create")

    def read_sector(self, file, sector):
        return os.pread(file.fileno(), 512, sector * 512)

    def test_what_the_file_says_is_bad_reads_as_errors(self):
        with mounting.Mount(self.source) as mount:
            first = 17 * MIB // 512
            self.assertEqual(f"{first} 1\n", mount.read("ndbus0/region0/badblocks"))
            self.assertEqual("2048 1\n", mount.read("block/pmem0.1/badblocks"))
            with open(mount.join("dev/pmem0.1"), "r+b", buffering=0) as file:
                self.assertEqual(errno.EIO, refused(lambda: self.read_sector(file, 2048)))
                self.assertEqual(bytes(512), self.read_sector(file, 2040 - 8))
                self.assertEqual(errno.EIO, refused(lambda: os.pwrite(file.fileno(), b"x", MIB)))
                os.pwrite(file.fileno(), b"y" * 512, MIB)
                self.assertEqual(b"y" * 512, self.read_sector(file, 2048))
            self.assertEqual("", mount.read("block/pmem0.1/badblocks"))
            self.assertEqual("", mount.read("ndbus0/region0/badblocks"))

    def test_the_page_cache_does_not_hide_what_goes_bad(self):
        with mounting.Mount(self.source) as mount:
            with open(mount.join("dev/pmem0"), "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), b"z" * 65536, 0)
                self.assertEqual(b"z" * 512, self.read_sector(file, 20))
                mount.write("20 1", "block/pmem0/badblocks")
                self.assertEqual(errno.EIO, refused(lambda: self.read_sector(file, 20)))
                # The neighbouring pages are unchanged; the page itself fails as a whole, as the kernel's does.
                self.assertEqual(b"z" * 512, self.read_sector(file, 15))
                self.assertEqual(b"z" * 512, self.read_sector(file, 24))
                os.pwrite(file.fileno(), b"w" * 512, 20 * 512)
                self.assertEqual(b"w" * 512, self.read_sector(file, 20))
                self.assertEqual(b"z" * 512, self.read_sector(file, 21))

    def test_direct_reads_see_the_very_sectors(self):
        with mounting.Mount(self.source) as mount:
            mount.write("20 1", "block/pmem0/badblocks")
            descriptor = os.open(mount.join("dev/pmem0"), os.O_RDONLY | os.O_DIRECT)
            with open(descriptor, "rb", buffering=0) as file:
                page = mmap.mmap(-1, 512)  # aligned, as O_DIRECT requires
                for sector, bad in ((19, False), (20, True), (21, False)):
                    code = refused(lambda s=sector: os.preadv(file.fileno(), [page], s * 512))
                    self.assertEqual(errno.EIO if bad else None, code, sector)

    def test_writing_to_badblocks_answers_as_the_kernel_does(self):
        with mounting.Mount(self.source) as mount:
            mount.write("16 1000", "block/pmem0/badblocks")
            self.assertEqual("16 512\n528 488\n", mount.read("block/pmem0/badblocks"))
            for text in ("16", "16 0", "a b", "40000 1"):
                code = refused(lambda t=text: mount.write(t, "block/pmem0/badblocks"))
                self.assertEqual(errno.EINVAL, code, text)

    def test_both_tables_can_be_polled(self):
        with mounting.Mount(self.source) as mount:
            with open(mount.join("ndbus0/region0/badblocks"), "rb", buffering=0) as region, open(
                mount.join("block/pmem0/badblocks"), "rb", buffering=0
            ) as disk:
                for poke in (
                    lambda: mount.write("16 1", "block/pmem0/badblocks"),
                    lambda: self.heal(mount),
                ):
                    poll = select.poll()
                    for file in (region, disk):
                        os.pread(file.fileno(), 4096, 0)
                        poll.register(file, select.POLLPRI | select.POLLERR)
                    self.assertEqual([], poll.poll(50))
                    poke()
                    self.assertTrue(mounting.wait_until(lambda p=poll: len(p.poll(1000)) == 2))

    def heal(self, mount):
        with open(mount.join("dev/pmem0"), "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), bytes(512), 16 * 512)


class AddressTest(mounting.MountTestCase):
    """Info blocks are judged by addresses: an alignment of 1G goes with the layout of the guest."""

    GIB = 1 << 30
    IN_GUEST = "0x106400000"  # the second NVDIMM's, after one of 100 MiB

    def image(self):
        return images.initialised(self.scratch_path("second.img"), 2048 * MIB, 128 << 10, 2)

    def make(self, source, *options):
        """A namespace aligned to 1 GiB."""
        with mounting.Mount(source, *options) as mount:
            mount.write("mode=devdax align=1G map=mem name=big", "ndbus0/region0/x/create")
            return int(mount.read("bus/nd/devices/dax0.0/resource"), 16)

    def error(self, source, *options):
        """Why its only namespace is not enabled; "" where it is."""
        with mounting.Mount(source, *options) as mount:
            if os.path.exists(mount.join("dev/by-name/big")) or os.path.exists(mount.join("dev/dax0.0")):
                return ""
            reported = json.loads(mount.read("bus/nd/devices/namespace0.0/x/last_error.json"))
            self.assertEqual("EOPNOTSUPP", reported["errno"])
            self.assertEqual("info.dataoff.align", reported["reason"])
            return mount.read("bus/nd/devices/namespace0.0/x/last_error")

    def test_an_address_is_stated_for_an_image(self):
        image = self.image()
        there = f"spa={self.IN_GUEST}"
        self.assertEqual(0, self.make(image, there) % self.GIB)
        self.assertEqual("", self.error(image, there))
        said = self.error(image)
        self.assertIn("region0 is at 0x100000000", said)
        # The least address at which it fits, which differs by whole GiBs.
        self.assertIn(f"mount {image},spa={self.IN_GUEST}", said)
        self.assertEqual("", self.error(f"{image},spa=0x146400000"))

    def test_and_the_other_way(self):
        image = self.image()
        self.make(image)
        said = self.error(image, f"spa={self.IN_GUEST}")
        self.assertIn("region0 is at 0x106400000: spa= says so", said)
        self.assertIn("spa=0x100000000", said)

    def test_a_layout_is_stated_for_a_topology(self):
        image = self.image()
        first = images.initialised(self.scratch_path("first.img"), 100 * MIB, 128 << 10, 2)
        path = self.scratch_path("guest.toml")

        def topology(keys):
            with open(path, "w", encoding="utf-8") as out:
                out.write(f'[[bus]]\n{keys}\n[[bus.dimm]]\nimage = "{first}"\n[[bus.dimm]]\nimage = "{image}"\n')
            return path

        with mounting.Mount(topology('layout = "qemu"')) as mount:
            self.assertEqual(self.IN_GUEST, mount.read("ndbus0/region1/resource").strip())
            mount.write("mode=devdax align=1G map=mem name=big", "ndbus0/region1/x/create")
        with mounting.Mount(topology("")) as mount:
            said = mount.read("bus/nd/devices/namespace1.0/x/last_error")
        self.assertIn("each region is at the next GiB boundary", said)
        self.assertIn('layout = "qemu"', said)
        self.assertEqual("", self.error(f"{image},slot=1,spa={self.IN_GUEST}"))


if __name__ == "__main__":
    runner.main()
