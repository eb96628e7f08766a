# SPDX-License-Identifier: Apache-2.0
"""A guest's disk whose every write and flush is logged, and what power cuts would leave of it.

QEMU's block driver blklogwrites writes the log, in the format of the kernel's dm-log-writes target: little-endian, in
sectors of 512 bytes. Sector 0 is a header. Then each entry is one sector, with the first sector, the number of sectors,
the flags and a length, followed by the data, which a discard does not have. QEMU logs an operation when it is complete,
and before the guest hears of it. So the log up to any entry is what a disk had been asked to do at some moment.

The disk has two partitions: the first is what is tested, the second holds records that the tests count as durable at once.
"""

import os
import struct

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
_ENTRY = struct.Struct("<QQQQ")
# Both partitions begin at whole MiB.
START = 1 << 20


def make_disk(path, image, records):
    """A disk with a copy of `image` in its first partition, and `records` zero bytes in its second."""
    size = os.path.getsize(image)
    table, at = b"", START
    for length in (size, records):
        table += struct.pack("<B3xB3xII", 0, 0x83, at // SECTOR, length // SECTOR)
        at = -(-(at + length) // START) * START
    with open(path, "wb") as disk:
        disk.truncate(at)
        disk.write(bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa")
        disk.seek(START)
        _copy(image, disk)
    return path


def split_disk(path, size, image, records):
    """Writes the partitions of a disk to files; `size` is the first one's."""
    with open(path, "rb") as disk:
        for place, length, out in ((START, size, image), (records_at(size), os.path.getsize(path), records)):
            disk.seek(place)
            with open(out, "wb") as file:
                file.write(disk.read(length))


def records_at(size):
    """Where the second partition begins."""
    return -(-(START + size) // START) * START


def _copy(image, target):
    """Copies a file to the target's position, with holes for zeros; the target has its length already."""
    with open(image, "rb") as source:
        while piece := source.read(1 << 20):
            if piece.count(0) == len(piece):
                target.seek(len(piece), os.SEEK_CUR)
            else:
                target.write(piece)


def arguments(disk, log):
    """QEMU's arguments for it, the guest's next /dev/vdX. Flushes do not go to the host's disk: they are only logged."""
    with open(log, "wb"):
        pass
    file = f"file.driver=file,file.filename={disk},file.cache.no-flush=on"
    logged = f"log.driver=file,log.filename={log},log.cache.no-flush=on"
    return ["-blockdev", f"driver=blklogwrites,node-name=logged,{file},{logged}", "-device",
            "virtio-blk-pci,drive=logged"]  # fmt: skip


def entries(log):
    """(flags, offset, data) of each entry, with the data of a discard as zeros, up to the first that is incomplete."""
    with open(log, "rb") as file:
        file.seek(SECTOR)
        while len(head := file.read(SECTOR)) == SECTOR:
            sector, count, flags, _length = _ENTRY.unpack_from(head)
            if not count and not flags:
                return
            data = bytes(count * SECTOR) if flags & DISCARD else file.read(count * SECTOR)
            if len(data) != count * SECTOR:
                return
            yield flags, sector * SECTOR, data


class Disk:
    """What is on the disk's two partitions while a log is replayed: `image` and `records` are files.

    `image` has what is durable: all that was written before the last flush. With flushes=False nothing ever is, as if
    each flush had been forgotten.
    """

    def __init__(self, image, records, flushes=True):
        self._image = image
        self._size = os.path.getsize(image)
        self._records = records
        self._flushes = flushes
        self._pending = []  # (offset, data) in the first partition, in order
        self.flushed = 0

    def apply(self, flags, offset, data):
        """Takes one entry."""
        if flags & FLUSH and self._flushes:
            _store(self._image, self._pending)
            self._pending = []
            self.flushed += 1
        if START <= offset < START + self._size:
            self._pending.append((offset - START, data))
            if flags & FUA:
                _store(self._image, [self._pending.pop()])
        elif offset >= records_at(self._size):
            _store(self._records, [(offset - records_at(self._size), data)])

    def survivors(self, random):
        """What a cut at this moment leaves besides what is durable: each sector written since then, or not."""
        chance = random.choice((0.0, 0.5, 1.0))
        return [
            (offset + at, data[at : at + SECTOR])
            for offset, data in self._pending
            for at in range(0, len(data), SECTOR)
            if random.random() < chance
        ]


def _store(path, writes):
    with open(path, "r+b") as file:
        for offset, data in writes:
            file.seek(offset)
            file.write(data)


def cut(disk, random, image, out):
    """The image that a cut leaves, as the new file `out`."""
    with open(out, "wb") as target:
        target.truncate(os.path.getsize(image))
        _copy(image, target)
    _store(out, disk.survivors(random))
