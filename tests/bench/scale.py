# SPDX-License-Identifier: Apache-2.0
"""Configuration at scale: mounts with many namespaces, their memory, attributes per second, an idle daemon."""

import fcntl
import os
import statistics
import subprocess
import time

import sides

MIB = 1 << 20
COUNTS = (1, 100, 1000)
NAMESPACE = 16 * MIB
IDLE = 5  # seconds of doing nothing


def _status(daemon, key):
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key))


def _cpu(daemon):
    """The daemon's CPU time in seconds."""
    total = 0
    tasks = f"/proc/{daemon.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as source:
            total += int(source.read().split()[0])
    return total / 1e9


def _mount(program, directory, image):
    bench = sides.Bench(program, directory, 1)
    mountpoint, daemon = bench.mount("mnt.scale", image)
    return bench, mountpoint, daemon


def _await_released(image):
    """Waits until the daemon that had the image is gone: its lock goes with it."""
    with open(image, "rb") as file:
        end = time.monotonic() + sides.PATIENCE
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)


def _mount_times(program, directory, images, rounds=9):
    """Seconds until the mount command returns, and for a first listing then; medians, alternating images."""
    mountpoint = os.path.join(directory, "mnt.ready")
    os.makedirs(mountpoint, exist_ok=True)
    times = {image: [] for image in images}
    for _ in range(rounds):
        for image in images:
            _await_released(image)
            start = time.monotonic()
            subprocess.run([program, image, mountpoint], check=True, capture_output=True)
            ready = time.monotonic()
            os.listdir(os.path.join(mountpoint, "ndbus0/region0"))
            times[image].append((ready - start, time.monotonic() - ready))
            subprocess.run(["umount", mountpoint], check=True)
    for image in images:
        _await_released(image)
    return {image: [statistics.median(part) for part in zip(*pairs)] for image, pairs in times.items()}


def _create(mountpoint, count):
    """Makes `count` namespaces; seconds for each tenth."""
    create = os.path.join(mountpoint, "ndbus0/region0/x/create")
    tenths = []
    for _ in range(10 if count >= 10 else 1):
        start = time.monotonic()
        for _ in range(max(1, count // 10)):
            with open(create, "w", encoding="ascii") as file:
                file.write(f"size={NAMESPACE} mode=raw\n")
        tenths.append(time.monotonic() - start)
    return tenths


def _destroy(mountpoint, count):
    region = os.path.join(mountpoint, "ndbus0/region0")
    names = [n for n in os.listdir(region) if n.startswith("namespace0.")]
    names = [n for n in names if open(os.path.join(region, n, "size"), encoding="ascii").read() != "0\n"]
    start = time.monotonic()
    for name in names[:count]:
        with open(os.path.join(region, "x/destroy"), "w", encoding="ascii") as file:
            file.write(name + "\n")
    return (time.monotonic() - start) / max(1, min(count, len(names)))


def _attribute_rate(mountpoint, seconds=1.0):
    path = os.path.join(mountpoint, "ndbus0/region0/size")
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for _ in range(100):
            descriptor = os.open(path, os.O_RDONLY)
            os.read(descriptor, 4096)
            os.close(descriptor)
        count += 100
    return count / seconds


def _read_labels(image):
    """Seconds to read the file's label area twice, as a plain file."""
    start = time.monotonic()
    for _ in range(2):
        with open(image, "rb") as file:
            file.seek(COUNTS[-1] * NAMESPACE + NAMESPACE)
            file.read()
    return time.monotonic() - start


def measure(program, directory):
    """Rows of (what, figure)."""
    rows = []
    images = {}
    for count in COUNTS:
        images[count] = image = os.path.join(directory, f"scale{count}.img")
        size = (count + 1) * NAMESPACE
        subprocess.run(
            [program, "create", image, "--size", str(size), "--label-size", "512K", "--labels", "1.2"],
            check=True,
            capture_output=True,
        )
        bench, mountpoint, daemon = _mount(program, directory, image)
        with bench.ends:
            tenths = _create(mountpoint, count)
            per = sum(tenths) / count
            rows.append([f"create, {count} namespaces", f"{1 / per:.0f} a second"])
            if count >= 100:
                rows.append(
                    [f"the last tenth of {count} compared with the first", f"{tenths[-1] / tenths[0]:.2f} times as long"]
                )
        bench, mountpoint, daemon = _mount(program, directory, image)
        with bench.ends:
            memory = _status(daemon, "VmRSS:") - _status(daemon, "RssShmem:")
            rows.append([f"memory, {count} namespaces", f"{memory / 1024:.1f} MiB (without the image's pages)"])
            if count == 1:
                rows.append(["attribute reads (open, read, close)", f"{_attribute_rate(mountpoint):.0f} a second"])
                time.sleep(0.1)  # the last operation may still be under way
                before = _cpu(daemon)
                time.sleep(IDLE)
                rows.append([f"CPU in {IDLE} s of idleness", f"{(_cpu(daemon) - before) * 1000:.2f} ms"])
    huge = os.path.join(directory, "huge.img")
    with open(huge, "wb") as file:
        file.truncate(1 << 40)
    rows += _mount_rows(program, directory, images, huge)
    for count in COUNTS[1:]:
        bench, mountpoint, daemon = _mount(program, directory, images[count])
        with bench.ends:
            rows.append([f"destroy, of {count} namespaces", f"{1 / _destroy(mountpoint, 100):.0f} a second"])
    bench, _, daemon = _mount(program, directory, huge)
    with bench.ends:
        memory = _status(daemon, "VmRSS:") - _status(daemon, "RssShmem:")
        rows.append(["memory, sparse image of 1 TiB", f"{memory / 1024:.1f} MiB"])
    for image in [*images.values(), huge]:
        os.unlink(image)
    return rows


def _mount_rows(program, directory, images, huge):
    """The time of a mount: starting, what namespaces add, and that relative to reading their labels."""
    times = _mount_times(program, directory, [*images.values(), huge])
    rows = [
        [f"mount, {count} namespaces", f"{times[image][0] * 1000:.1f} ms, first listing {times[image][1] * 1000:.1f} ms"]
        for count, image in images.items()
    ]
    rows.append(["mount, sparse image of 1 TiB", f"{times[huge][0] * 1000:.1f} ms"])
    first, last = images[COUNTS[0]], images[COUNTS[-1]]
    added = times[last][0] - times[first][0]
    read = statistics.median(_read_labels(last) for _ in range(9))
    rows.append(["to read that label area twice, as a file", f"{read * 1000:.2f} ms"])
    rows.append([f"what {COUNTS[-1]} namespaces add to a mount", f"{added * 1000:.1f} ms, {added / read:.0f} times that"])
    return rows
