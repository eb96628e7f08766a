# SPDX-License-Identifier: Apache-2.0
"""Images for tests: golden and fresh ones; only create() uses nvdimmfs."""

import hashlib
import lzma
import os
import struct
import subprocess
import uuid

from tests.support import mounting

MIB = 1 << 20
CHUNK = MIB


def unpack(compressed, out):
    """Writes the decompressed image to `out`, with holes for zeros."""
    size = 0
    with lzma.open(compressed) as source, open(out, "wb") as target:
        while chunk := source.read(CHUNK):
            if chunk.count(0) == len(chunk):
                target.seek(len(chunk), os.SEEK_CUR)
            else:
                target.write(chunk)
            size += len(chunk)
        target.truncate(size)
    return out


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def blank(path, data_size, label_size):
    """A DIMM image of zeros: `data_size` bytes, then a label area of `label_size` bytes."""
    with open(path, "wb") as target:
        target.truncate(data_size + label_size)
    return path


def fletcher64(data):
    low = high = 0
    for (word,) in struct.iter_unpack("<I", data):
        low = (low + word) & 0xFFFFFFFF
        high = (high + low) & 0xFFFFFFFF
    return high << 32 | low


def index_blocks(label_size, minor, used=0):
    """The two index blocks of a freshly initialised label area of version 1.`minor`.

    According to the specification: labels of 128 bytes in version 1.1, of 256 from 1.2 on; the slots
    whose bits are set in `used` hold labels, the others are free; index 0 is current (sequence 3 over 2).
    """
    slot_size = 128 if minor < 2 else 256
    index_size = -(-(72 + label_size // slot_size // 8) // 256) * 256
    slots = (label_size - 2 * index_size) // slot_size
    bitmap = bytearray(b"\xff" * (slots // 8))
    if slots % 8:
        bitmap.append((1 << slots % 8) - 1)
    bitmap = (int.from_bytes(bitmap, "little") & ~used).to_bytes(len(bitmap), "little")
    tail = bytes(bitmap).ljust(index_size - 72, b"\0")
    blocks = b""
    for number, sequence in ((0, 3), (1, 2)):
        head = struct.pack(
            "<16s3xBIQQQQIHH",
            b"NAMESPACE_INDEX\0",
            slot_size // 256,
            sequence,
            number * index_size,
            index_size,
            (1 - number) * index_size,
            2 * index_size,
            slots,
            1,
            minor,
        )
        blocks += head + struct.pack("<Q", fletcher64(head + bytes(8) + tail)) + tail
    return blocks


def initialised(path, data_size, label_size, minor):
    """A DIMM image without namespaces whose label area was initialised as version 1.`minor`."""
    blank(path, data_size, label_size)
    with open(path, "r+b") as target:
        target.seek(data_size)
        target.write(index_blocks(label_size, minor))
    return path


def cookie(slot):
    """The cookie in the v1.2 labels of the DIMM that QEMU makes in a slot."""
    return fletcher64(struct.pack("<QIH34x", 0, 0x123456 + slot, 0x8086))


# A namespace's range type.
PMEM_RANGE = uuid.UUID("66f0d379-b4f3-4074-ac43-0d3318b78cdb")


def label(place, number, dpa, size, dimm=0, **odd):
    """A v1.2 label for slot `place` of namespace ...-`number` on the DIMM in QEMU's slot `dimm`.

    `odd` overrides fields.
    """
    fields = {"name": f"ns{number}", "flags": 0, "nlabel": 1, "position": 0, "cookie": cookie(dimm)}
    fields |= {"slot": place, "type": PMEM_RANGE, "break_checksum": 0} | odd
    owner = uuid.UUID(f"abababab-0000-4000-8000-{number:012d}")
    body = owner.bytes + fields["name"].encode().ljust(64, b"\0")
    body += struct.pack("<IHHQ", fields["flags"], fields["nlabel"], fields["position"], fields["cookie"])
    body += struct.pack("<QQQII", 512, dpa, size, fields["slot"], 0)
    body += fields["type"].bytes_le + bytes(16) + bytes(88)
    return body + struct.pack("<Q", fletcher64(body + bytes(8)) ^ fields["break_checksum"])


def with_labels(path, data_size, label_size, labels, broken_index=None):
    """A DIMM image whose area (v1.2) holds these labels, in slots 0, 1, ..., all in use.

    `broken_index` (0 or 1) is a block that fails its checksum; both know the same slots.
    """
    initialised(path, data_size, label_size, 2)
    with open(path, "r+b") as target:
        for block in (0, 1):
            target.seek(data_size + block * 256)
            bytes_of_block = bytearray(target.read(256))
            for slot in range(len(labels)):
                bytes_of_block[72 + slot // 8] &= ~(1 << slot % 8)
            bytes_of_block[64:72] = bytes(8)
            checksum = fletcher64(bytes_of_block) ^ (block == broken_index)
            bytes_of_block[64:72] = struct.pack("<Q", checksum)
            target.seek(data_size + block * 256)
            target.write(bytes_of_block)
        target.seek(data_size + 512)
        target.write(b"".join(labels))
    return path


def _damaged_labels(dimm):
    return [
        label(0, 1, 0, 16 * MIB, dimm),
        label(1, 2, 16 * MIB, 16 * MIB, dimm, break_checksum=1),
        label(2, 3, 32 * MIB, 16 * MIB, dimm, slot=7),
        label(3, 4, 64 * MIB, 16 * MIB, dimm, cookie=cookie(dimm) + 1),
        label(4, 5, 96 * MIB, 32 * MIB, dimm, flags=8),
        label(5, 6, 512 * MIB, 16 * MIB, dimm),
        label(6, 7, 144 * MIB + 4096, 4 * MIB + 4096, dimm),
    ]


def _misplaced_labels(dimm):
    return [label(0, 1, 0, 16 * MIB, dimm), label(1, 2, 32 * MIB, 16 * MIB, dimm, position=1)]


def _overlapping_labels(dimm):
    return [label(0, 1, 0, 32 * MIB, dimm), label(1, 2, 16 * MIB, 32 * MIB, dimm)]


# Possible damage to a label area: {name: (the labels of the DIMM in a slot, with_labels' broken_index)}.
DAMAGES = {
    "damaged": (_damaged_labels, 0),
    "position": (_misplaced_labels, None),
    "overlap": (_overlapping_labels, None),
}


def damaged(path, data_size, label_size, kind, slot=0):
    """An image with one of DAMAGES, of the DIMM in QEMU's slot `slot`."""
    labels, broken_index = DAMAGES[kind]
    return with_labels(path, data_size, label_size, labels(slot), broken_index)


def create(path, data_size, label_size):
    """An image made by `nvdimmfs create`, with an initialised label area of version 1.2."""
    command = [mounting.program("tools/nvdimmfs"), "create", path, "--size", str(data_size)]
    command += ["--label-size", str(label_size), "--labels", "1.2"]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    return path
