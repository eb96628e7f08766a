"""Images for tests: the golden ones, and fresh ones; all but create() without help from nvdimmfs."""

import hashlib
import lzma
import os
import struct
import subprocess

from tests.support import mounting

MIB = 1 << 20
CHUNK = MIB


def unpack(compressed, out):
    """Writes the decompressed image to `out`, sparse where it is zero."""
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


def index_blocks(label_size, minor):
    """The two index blocks of a freshly initialised label area of version 1.`minor`.

    As the specification has them: labels of 128 bytes in version 1.1, of 256 from 1.2 on; all slots
    free; index 0 is current (sequence 3 over 2).
    """
    slot_size = 128 if minor < 2 else 256
    index_size = -(-(72 + label_size // slot_size // 8) // 256) * 256
    slots = (label_size - 2 * index_size) // slot_size
    bitmap = bytearray(b"\xff" * (slots // 8))
    if slots % 8:
        bitmap.append((1 << slots % 8) - 1)
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


def create(path, data_size, label_size):
    """An image as `nvdimmfs create` makes it, with an initialised label area of version 1.2."""
    command = [mounting.program("tools/nvdimmfs"), "create", path, "--size", str(data_size)]
    command += ["--label-size", str(label_size), "--labels", "1.2"]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    return path
