"""Configuration at scale: mounts with many namespaces, their memory, attributes a second, an idle daemon."""

import os
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
    """Seconds that the daemon has computed."""
    with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mount(program, directory, image):
    """A mount, the daemon and the seconds until its tree could be listed."""
    bench = sides.Bench(program, directory, 1)
    start = time.monotonic()
    mountpoint, daemon = bench.mount("mnt.scale", image)
    return bench, mountpoint, daemon, time.monotonic() - start


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
    for count in COUNTS:
        image = os.path.join(directory, f"scale{count}.img")
        size = (count + 1) * NAMESPACE
        subprocess.run(
            [program, "create", image, "--size", str(size), "--label-size", "512K", "--labels", "1.2"],
            check=True,
            capture_output=True,
        )
        bench, mountpoint, daemon, _ = _mount(program, directory, image)
        with bench.ends:
            tenths = _create(mountpoint, count)
            per = sum(tenths) / count
            rows.append([f"create, {count} namespaces", f"{1 / per:.0f} a second"])
            if count >= 100:
                rows.append(
                    [f"the last tenth of {count} beside the first", f"{tenths[-1] / tenths[0]:.2f} times as long"]
                )
        times = []
        for _ in range(3):
            bench, mountpoint, daemon, seconds = _mount(program, directory, image)
            with bench.ends:
                times.append(seconds)
                if len(times) == 3:
                    memory = _status(daemon, "VmRSS:") - _status(daemon, "RssShmem:")
                    rows.append([f"memory, {count} namespaces", f"{memory / 1024:.1f} MiB (without the image's pages)"])
                    if count == 1:
                        rows.append(["attribute reads (open, read, close)", f"{_attribute_rate(mountpoint):.0f} a second"])
                        before = _cpu(daemon)
                        time.sleep(IDLE)
                        rows.append([f"CPU in {IDLE} s of idleness", f"{(_cpu(daemon) - before) * 1000:.0f} ms"])
                    if count >= 100:
                        rows.append([f"destroy, of {count} namespaces", f"{1 / _destroy(mountpoint, 100):.0f} a second"])
        rows.append([f"mount, {count} namespaces", f"{sorted(times)[1] * 1000:.0f} ms"])
        if count == COUNTS[-1]:
            rows.append(["to read that label area twice, as a file", f"{_read_labels(image) * 1000:.2f} ms"])
        os.unlink(image)
    image = os.path.join(directory, "huge.img")
    with open(image, "wb") as file:
        file.truncate(1 << 40)
    bench, _, daemon, seconds = _mount(program, directory, image)
    with bench.ends:
        memory = _status(daemon, "VmRSS:") - _status(daemon, "RssShmem:")
        rows.append(["mount of a sparse image of 1 TiB", f"{seconds * 1000:.0f} ms, {memory / 1024:.1f} MiB"])
    os.unlink(image)
    return rows
