# SPDX-License-Identifier: Apache-2.0
"""Random but plausible sequences of ndctl and daxctl commands, as scripts for sh.

    random_commands.py SEED [COUNT]        prints one

The same seed gives the same sequence everywhere and always: random.Random is used only through random(), whose output
Python promises to keep. Namespaces are picked from those that exist when a command runs; UUIDs are specified, so that a
kernel and a shell leave the same bytes.
"""

import random
import sys

# Every specified UUID begins like this; ndctl makes all others.
OURS = "d1ffe4ed"

PRELUDE = r"""
export LC_ALL=C
devices=/sys/bus/nd/devices
# The word with the given number, modulo their count; "none" if there are no words.
nth() { n=$1; shift; [ $# = 0 ] && { echo none; return; }; shift $((n % $#)); echo "$1"; }
sized() {
  for d in "$devices"/namespace*; do
    s=0; [ -e "$d" ] && read -r s <"$d"/size; [ "$s" = 0 ] || echo "${d##*/}"
  done
}
ns() { nth "$1" $(sized); }
disk() { nth "$1" $(cd /dev && ls -d pmem* 2>/dev/null); }
# A btt, pfn or dax device, by what it holds: its number is the kernel's chance.
device() {
  nth "$2" $(for d in "$devices"/"$1"*; do
    n=; [ -e "$d" ] && { read -r n <"$d"/namespace; echo "${n:-~} ${d##*/}"; }
  done | sort | while read -r _ d; do echo "$d"; done)
}
attribute() { echo "+ cat $1/$2"; cat "$devices/$1/$2" 2>/dev/null || echo "failed"; }
fill() { # NUMBER BLOCK COUNT: a pattern to a disk
  d=$(disk "$1"); [ -e /dev/"$d" ] || return
  echo "+ fill $d $2 $3"
  yes "$1.$2.$3" | head -c $(($3 * 4096)) | dd of=/dev/"$d" bs=4096 seek="$2" conv=notrunc,fsync 2>/dev/null || echo "failed"
}
sum() { # NUMBER BLOCK COUNT
  d=$(disk "$1"); [ -e /dev/"$d" ] || return
  echo "+ sum $d $2 $3"
  dd if=/dev/"$d" bs=4096 skip="$2" count="$3" 2>/dev/null | md5sum
}
# The namespace's raw bytes, below its claim: BLOCK and COUNT of 512 bytes; blocks below 0 from its end.
below() { # NUMBER VALUE BLOCK COUNT
  n=$(ns "$1"); [ -e "$devices/$n" ] || return
  read -r s <"$devices/$n"/size
  b=$3; [ "$b" -ge 0 ] || b=$((s / 512 + b))
  [ "$b" -ge 0 ] && [ "$b" -lt $((s / 512)) ] || return
  echo "+ below $n $2 $b $4"
  ndctl disable-namespace "$n" >/dev/null 2>&1
  echo 1 >"$devices/$n"/force_raw
  ndctl enable-namespace "$n" >/dev/null 2>&1
  p=/dev/pmem${n#namespace}; p=${p%.0}
  if [ -e "$p" ]; then
    yes "$2" | tr -d '\n' | head -c $(($4 * 512)) | dd of="$p" bs=512 seek="$b" conv=notrunc,fsync 2>/dev/null || echo "failed"
  else
    echo "no $p"
  fi
  ndctl disable-namespace "$n" >/dev/null 2>&1
  echo 0 >"$devices/$n"/force_raw
}
bad() {
  for f in /sys/block/pmem*/badblocks "$devices"/region*/badblocks; do [ -e "$f" ] && echo "+ $f" && cat "$f" 2>/dev/null; done
}
# Until the scrub that an injection starts is over.
scrubbed() { sleep 0.3; ndctl wait-scrub >/dev/null 2>&1; }
touch_bad() { # NUMBER of|if BLOCK COUNT: direct I/O
  d=$(disk "$1"); [ -e /dev/"$d" ] || return
  echo "+ touch $d $2 $3 $4"
  if [ "$2" = of ]; then
    head -c $(($4 * 4096)) /dev/zero | dd of=/dev/"$d" bs=4096 seek="$3" iflag=fullblock oflag=direct conv=notrunc 2>/dev/null
  else
    dd if=/dev/"$d" of=/dev/null bs=4096 skip="$3" count="$4" iflag=direct 2>/dev/null
  fi || echo "failed"
}
"""

LIST_FILTERS = ["-b ACPI.NFIT", "-r region0", "-r 1", "-d nmem0", "-d nmem1", "-n {ns}", "-m fsdax", "-m devdax",
                "-m sector", "-m raw", "-U 0", "-t pmem", "-b ndbus0", "-n namespace0.0"]
SIZES = ["16M"] * 3 + ["32M"] * 3 + ["48M", "64M", "20M", "24M", "17M", "4M", "2M", "1G", "0x1800000", "36M", "16388K",
                                     "100M", "33554433", "50331648", "8M"]
NAMES = ["db", "log", "'two words'", "n0123456789012345678901234567890123456789012345678901234567890123456789", "'x,y'"]
ATTRIBUTES = {
    "namespace": ["size", "resource", "uuid", "alt_name", "sector_size", "holder_class", "force_raw", "mode", "nstype",
                  "dpa_extents", "modalias", "devtype", "numa_node", "target_node", "uevent"],
    "region": ["size", "available_size", "max_available_extent", "nstype", "set_cookie", "mappings", "mapping0", "align",
               "read_only", "namespace_seed", "badblocks", "init_namespaces", "persistence_domain", "deep_flush",
               "resource", "modalias", "uevent", "numa_node"],
    "nmem": ["state", "flags", "available_slots", "commands", "modalias", "nfit/flags", "nfit/id", "nfit/serial", "uevent"],
    "btt": ["size", "sector_size", "uuid", "log_zero_flags", "modalias"],
    "pfn": ["size", "align", "uuid", "mode", "supported_alignments", "resource", "modalias"],
    "dax": ["size", "align", "uuid", "mode", "supported_alignments", "resource", "modalias"],
}
STORES = {
    "namespace": [("size", ["16777216", "33554432", "0", "4096", "67108864", "junk", "20971520"]),
                  ("alt_name", ["sys", "''", "'with blank'"]),
                  ("sector_size", ["512", "4096", "520"]),
                  ("holder_class", ["btt", "pfn", "dax", "''", "junk"]),
                  ("force_raw", ["1", "0", "0", "junk"])],
    "region": [("read_only", ["1", "0", "0", "junk"]), ("align", ["0x1000000", "0x200000", "0x1000", "junk", "0x3000000"]),
               ("deep_flush", ["1"])],
    "btt": [("sector_size", ["512", "4096", "520", "1024"]), ("uuid", ["{uuid}", "junk"]),
            ("namespace", ["{ns}", "''", "namespace9.9"])],
    "pfn": [("mode", ["ram", "pmem", "none", "junk"]), ("align", ["4096", "2097152", "1073741824", "65536"]),
            ("uuid", ["{uuid}"]), ("namespace", ["{ns}", "''"])],
    "dax": [("mode", ["ram", "pmem", "none"]), ("align", ["4096", "2097152", "8192"]), ("uuid", ["{uuid}"]),
            ("namespace", ["{ns}", "''"])],
}
MISCELLANY = [
    "ndctl start-scrub", "ndctl wait-scrub", "ndctl clear-errors {ns}", "ndctl clear-errors -s all", "ndctl inject-error -t {ns}",
    "ndctl inject-error -B 1 -n 1 {ns}", "ndctl update-firmware -f /dev/null nmem0", "ndctl activate-firmware all",
    "ndctl list -DF", "ndctl list -DH", "ndctl sanitize-dimm nmem0", "ndctl freeze-security nmem0",
    "ndctl setup-passphrase nmem0 -k user:x", "ndctl remove-passphrase nmem0", "ndctl wait-overwrite nmem0",
    "ndctl inject-smart -m 10 nmem0", "daxctl list -RDMi", "daxctl list", "daxctl list -R", "ndctl list -NX", "daxctl list -Du",
]


class Choices:
    """Random choices, the same for one seed on every machine."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def below(self, end):
        return int(self._random.random() * end)

    def choose(self, options):
        return options[self.below(len(options))]

    def chance(self, probability):
        return self._random.random() < probability


class Sequence(Choices):
    """Lines of a script for sh, with the functions of sessions/prelude.sh and PRELUDE."""

    def __init__(self, seed, regions=1, dimms=1, label_size=128 << 10, profile=""):
        super().__init__(seed)
        self._profile = profile
        self._seed, self._uuids = seed, 0
        self._regions, self._dimms, self._label_size = regions, dimms, label_size
        self._given = 0.9 if seed % 5 == 0 else 1
        self._filled = []
        self.lines = []

    def uuid(self):
        if not self._uuids or not self.chance(0.07):
            self._uuids += 1
            number = self._uuids
        else:
            number = 1 + self.below(self._uuids)
        return f"{OURS}-0000-4000-8000-{self._seed:06x}{number:06x}"

    def ns(self):
        if self.chance(0.1):
            return f"namespace{self.below(self._regions)}.{self.below(4)}"
        return f"$(ns {self.below(12)})"

    def region(self):
        return f"region{self.below(self._regions)}"

    def dimm(self):
        return f"nmem{self.below(self._dimms)}"

    def filled(self, text):
        return text.replace("{ns}", self.ns()).replace("{uuid}", self.uuid()).replace("{nmem}", self.dimm())

    def run(self, command):
        self.lines.append(f"r {command}")

    def some(self, *options):
        """Each (probability, text) that chance selects."""
        return "".join(f" {text}" for probability, text in options if self.chance(probability))

    def shape(self):
        """Options that say what kind of namespace to create."""
        mode = self.choose(["raw", "sector", "fsdax", "devdax", "fsdax", "devdax", "sector", None])
        text = f" -m {mode}" if mode else ""
        if mode in ("sector", "raw") or self.chance(0.05):
            text += self.some((0.5, f"-l {self.choose(['512', '4096', '520', '4160', '4224', '528', '4104', '1024'])}"))
        if mode in ("fsdax", "devdax", None) or self.chance(0.05):
            text += self.some((0.45, f"-a {self.choose(['4K', '2M', '4096', '1G', '64K', '4K', '16M'])}"),
                              (0.45, f"-M {self.choose(['mem', 'dev'])}"))
        return text

    # Commands.

    def create(self):
        text = "ndctl create-namespace" + self.shape()
        text += self.some((0.75, f"-r {self.region()}"), (0.85, f"-s {self.choose(SIZES)}"),
                          (0.3, f"-n {self.choose(NAMES)}"), (self._given, f"-u {self.uuid()}"), (0.1, "-t pmem"), (0.1, "-v"),
                          (0.05, "--no-autolabel"), (0.05, "--no-autorecover"), (0.05, "-f"))
        self.run(text)

    def reconfigure(self):
        text = f"ndctl create-namespace -e {self.ns()}{self.some((0.85, '-f'))}{self.shape()}"
        text += self.some((0.3, f"-s {self.choose(SIZES)}"), (0.2, f"-n {self.choose(NAMES)}"), (self._given, f"-u {self.uuid()}"))
        self.run(text)

    def destroy(self):
        what = self.choose([self.ns(), self.ns(), self.ns(), self.ns(), f"-r {self.region()} all", "all"])
        self.run(f"ndctl destroy-namespace{self.some((0.75, '-f'))} {what}")

    def switch(self):
        verb = self.choose(["disable", "enable", "enable"])
        kind = self.choose(["namespace"] * 6 + ["region"] * 2 + ["dimm"])
        what = {"namespace": [self.ns(), self.ns(), self.ns(), "all", f"-r {self.region()} all"],
                "region": [self.region(), "all"], "dimm": [self.dimm(), "all"]}[kind]
        self.run(f"ndctl {verb}-{kind} {self.choose(what)}")

    def cycle(self):
        what = self.choose(["all", self.region()])
        self.run(f"ndctl disable-region {what}")
        if self.chance(0.3):
            self.labels()
        self.run(f"ndctl enable-region {what}")
        self.run("ndctl list -RNDi")

    def list(self):
        flags = "".join(flag for flag in "BDRNXMHFCicuvv" if self.chance(0.3))
        text = f" -{flags}" if flags else ""
        text += self.some((0.15, self.filled(self.choose(LIST_FILTERS))), (0.05, self.filled(self.choose(LIST_FILTERS))))
        self.run(f"ndctl list{text}")

    def all(self):
        self.run("ndctl list -BDRNXi")

    def check(self):
        target = self.ns()
        if self.chance(0.6):
            self.run(f"ndctl disable-namespace {target}")
        options = self.some((0.6, "-v"), (0.5, "--repair"), (0.25, "--rewrite-log"), (0.2, "-f"))
        self.run(f"ndctl check-namespace{options} {target}")
        if self.chance(0.5):
            self.run(f"ndctl enable-namespace {target}")

    def labels(self):
        dimm, area = self.choose([self.dimm(), self.dimm(), "all"]), self._label_size
        part = self.some((0.2, f"-s {self.choose([1, 256, 4096, 100, area])}"),
                         (0.2, f"-O {self.choose([0, 256, 512, 4096, 1000, area])}"))
        self.run(self.choose([
            f"ndctl init-labels -f{self.some((0.4, '-V ' + self.choose(['1.1', '1.2'])))} {dimm}",
            f"ndctl init-labels{self.some((0.4, '-V ' + self.choose(['1.1', '1.2', '1.3'])))} {dimm}",
            f"ndctl check-labels{self.some((0.5, '-v'))} {dimm}",
            f"ndctl check-labels {dimm}",
            f"ndctl read-labels -j {dimm}",
            f"ndctl read-labels -u {dimm}",
            f"ndctl read-labels{part} -o part {dimm}",
            f"ndctl read-labels -o labels.{self.below(2)} {self.dimm()}",
            f"ndctl read-labels -I -j {dimm}",
            f"ndctl write-labels -i labels.{self.below(2)} {self.dimm()}",
            f"ndctl write-labels -i labels.{self.below(2)} {self.dimm()}",
            f"ndctl write-labels{part} -i part {self.dimm()}",
            f"ndctl zero-labels{part} {dimm}",
        ]))

    def garbage(self):
        """Damages a label area while no region is active."""
        dimm = self.dimm()
        self.run("ndctl disable-region all")
        self.run(f"ndctl read-labels -o area {dimm}")
        for _ in range(1 + self.below(3)):
            offset = self.choose([self.below(512), self.below(512), 512 + self.below(4 * 256), self.below(4096)])
            self.lines.append(f"printf '\\{self.below(256):03o}' | dd of=area bs=1 seek={offset} conv=notrunc 2>/dev/null")
        self.run(f"ndctl write-labels -i area {dimm}")
        self.run(f"ndctl check-labels -v {dimm}")
        self.run(f"ndctl read-labels -j {dimm}")
        self.run("ndctl enable-region all")
        self.run("ndctl list -RNDi")

    def infoblock(self):
        target = self.ns()
        self.run(f"ndctl disable-namespace {target}")
        if self.chance(0.5):
            text = f"-m {self.choose(['fsdax', 'devdax', 'sector'])} -u {self.uuid()}"
            text += self.some((0.4, f"-a {self.choose(['4K', '2M', '1G', '3M'])}"), (0.5, f"-M {self.choose(['mem', 'dev'])}"),
                              (0.1, f"-O {self.choose(['64K', '16M', '4K'])}"))
            self.run(f"ndctl write-infoblock {text} {self.choose([target, target, '-s 64M -o block'])}")
        self.run(f"ndctl read-infoblock{self.choose([' -j', ' -u', ' -j -V'])} {target}")
        if self.chance(0.6):
            self.run(f"ndctl enable-namespace {target}")

    def damage(self):
        block = self.choose([8, 8, 0, 2, 16, -8, -16, 9, -9, -17, self.below(64), -1 - self.below(300), self.below(4000)])
        self.lines.append(f"below {self.below(12)} {self.choose(['x', 'damage', '7'])} {block} {self.choose([1, 1, 8, 16])}")
        self.run("ndctl list -Ni")

    def zero(self):
        self.lines.append(f"below {self.below(12)} 0 {self.choose([8, 0, -8])} 8")

    def data(self):
        if not self._filled or self.chance(0.6):
            self._filled.append((self.below(12), self.choose([self.below(64), self.below(4000)]), 1 + self.below(64)))
            self.lines.append("fill {} {} {}".format(*self._filled[-1]))
        self.lines.append("sum {} {} {}".format(*self.choose(self._filled)))

    def look(self):
        kind = self.choose(["namespace", "namespace", "region", "nmem", "btt", "pfn", "dax"])
        if kind in ("btt", "pfn", "dax"):
            pick = f"$(device {kind} {self.below(6)})"
        else:
            pick = {"namespace": self.ns(), "region": self.region(), "nmem": self.dimm()}[kind]
        self.lines.append(f"attribute {pick} {self.choose(ATTRIBUTES[kind])}")

    def store(self):
        kind = self.choose(["namespace"] * 4 + ["region", "btt", "pfn", "dax"])
        if kind in ("btt", "pfn", "dax"):
            pick = f"$(device {kind} {self.below(6)})"
        else:
            pick = self.region() if kind == "region" else self.choose([self.ns(), f"$(cat $devices/{self.region()}/namespace_seed)"])
        name, values = self.choose(STORES[kind])
        self.lines.append(f"w {self.filled(self.choose(values))} $devices/{pick}/{name}")
        self.lines.append(f"attribute {pick} {name}")

    def bind(self):
        driver = self.choose(["nd_pmem", "nd_pmem", "dax_pmem", "nd_region", "nvdimm"])
        what = self.choose([self.ns(), f"$(device {self.choose(['btt', 'pfn', 'dax'])} {self.below(6)})"])
        self.lines.append(f"w {what} /sys/bus/nd/drivers/{driver}/{self.choose(['bind', 'unbind'])}")

    def daxctl(self):
        device = f"$(nth {self.below(6)} $(cd /sys/bus/dax/devices && ls))"
        self.run("daxctl " + self.choose([
            "list", "list -RDMiu", "list -R", "list -Di", "list -r 0", f"list -d {device}", f"disable-device {device}",
            f"enable-device {device}", "enable-device all", f"reconfigure-device -m devdax -f {device}",
            f"reconfigure-device -m devdax {device}", f"offline-memory {device}", f"online-memory {device}",
            f"destroy-device {device}", "create-device -r 0", "disable-device all",
        ]))

    def other(self):
        self.run(self.filled(self.choose(MISCELLANY)))

    STEPS = ([create] * 14 + [reconfigure] * 9 + [destroy] * 5 + [switch] * 9 + [cycle] * 3 + [list] * 8 + [all] * 5 + [check] * 6 +
             [labels] * 7 + [garbage] + [infoblock] * 5 + [damage] * 3 + [zero] + [data] * 4 + [look] * 8 + [store] * 7 +
             [bind] * 3 + [daxctl] * 4 + [other] * 3)

    def error(self):
        """Errors below a namespace or a disk: injected, found, read, cleared."""
        block, count = self.choose([0, 1, 8, 9, 15, 16, self.below(4096), self.below(40000)]), self.choose([1, 1, 2, 8, 17])
        act = self.below(8)
        if act < 3:
            self.run(f"ndctl inject-error{self.choose(['', '', ' --no-notify', ' -S'])} -B {block} -n {count} {self.ns()}")
            self.lines.append("scrubbed")
        elif act == 3:
            self.run(f"ndctl inject-error -d -B {block} -n {count} {self.ns()}")
        elif act == 4:
            self.run(f"ndctl clear-errors{self.choose(['', '', ' -s'])} {self.ns()}")
        elif act == 5:
            self.run("ndctl start-scrub")
            self.lines.append("scrubbed")
        elif act == 6:
            self.lines.append(f"touch_bad {self.below(12)} {self.choose(['of', 'if'])} {block // 8} {count}")
        self.lines.append("bad")
        self.run(f"ndctl {self.choose(['list -NM', 'list -RM', 'list -RNMi', 'inject-error -t ' + self.ns()])}")

    def memory(self):
        """Turns a device's memory into system RAM, and back."""
        device = f"$(nth {self.below(3)} $(cd /sys/bus/dax/devices && ls))"
        self.run("daxctl " + self.choose([
            f"reconfigure-device -m system-ram {device}", f"reconfigure-device -m system-ram -N {device}",
            f"reconfigure-device -m devdax {device}", f"reconfigure-device -f -m devdax {device}",
            f"online-memory {device}", f"online-memory --no-movable {device}", f"offline-memory {device}",
            f"reconfigure-device -f -m system-ram {device}", f"disable-device {device}", f"enable-device {device}",
        ]))
        self.run("daxctl list -Di")

    # Commands that only one profile has.
    PROFILES = {"": [], "errors": [error] * 50, "memory": [memory] * 30}

    def step(self):
        self.choose(self.STEPS + self.PROFILES[self._profile])(self)

    def begin(self):
        """Labels for DIMMs that have none, most of the time."""
        self.run("ndctl list -BDRNi")
        if self.chance(0.3):
            self.run("ndctl disable-region all")
            self.run(f"ndctl init-labels -f{self.choose([' -V 1.1', '', ''])} all")
            self.run("ndctl enable-region all")

    def finish(self):
        """The state after a new boot."""
        for command in ("list -BDRNXi", "disable-region all", "enable-dimm all", "enable-region all", "list -RDNXi",
                        "read-labels -j all"):
            self.run(f"ndctl {command}")
        self.lines.append("ls -1d /dev/pmem* /dev/dax* /dev/nmem* 2>/dev/null; true")


def generate(seed, steps, **where):
    sequence = Sequence(seed, **where)
    sequence.begin()
    for _ in range(steps):
        sequence.step()
    sequence.finish()
    return PRELUDE + "\n".join(sequence.lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(generate(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60))
