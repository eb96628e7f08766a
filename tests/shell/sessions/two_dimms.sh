# Every command of ndctl, and its options, on two DIMMs of a region each.
first() { ndctl list -N | sed -n "s/.*\"$1\":\"\(.*\)\".*/\1/p" | head -n 1; }
uuid=11111111-2222-3333-4444-555555555555

r ndctl disable-region all
r ndctl init-labels -f all
r ndctl init-labels -f nmem0 nmem1
r ndctl enable-region all

# Lists.
for flags in "" -u -BDRNXMHFvvv "-D -d nmem1" "-D -d nmem9" "-R -r region1" "-R -r 1" "-R -r region9" \
  "-R -t pmem" "-R -t blk" "-b ACPI.NFIT" "-b ndbus0" "-b nothing" "-B -b all" "-U 0" "-U 7" "-U junk" \
  "-C -R" "-m sector" "-m junk" "-N -n namespace0.0" "-BDu" "-Rvu" "-BR -d nmem1" "-N -c" --junk; do
  r ndctl list $flags
done

# Sector sizes, alignments, maps.
for size in 512 520 528 4096 4104 4160 4224; do
  r ndctl create-namespace -r region0 -m sector -l $size -s 20M
done
r ndctl create-namespace -r region0 -m sector -l 1024 -s 20M
r ndctl list -N
r ndctl list -u -N -v
r ndctl list -m sector -n namespace0.3
r ndctl destroy-namespace -f -r region0 all
for size in 512 4096 520; do
  r ndctl create-namespace -r region0 -m raw -l $size -s 16M
done
for mode in fsdax devdax; do
  for size in 4096 520; do r ndctl create-namespace -r region0 -m $mode -l $size -s 32M; done
done
r ndctl destroy-namespace -f all
for mode in fsdax devdax; do
  for align in 4K 2M 1G 64K; do
    for map in mem dev; do
      r ndctl create-namespace -r region0 -m $mode -a $align -M $map -s 32M
    done
  done
  r ndctl create-namespace -r region0 -m $mode -M junk -s 32M
done
r ndctl list -NX
r ndctl destroy-namespace -f all

# Names, UUIDs, sizes.
r ndctl create-namespace -r region1 -n "a name with spaces" -s 32M -v
r ndctl create-namespace -r region1 -n 0123456789012345678901234567890123456789012345678901234567890123456789 -s 32M
r ndctl create-namespace -r region1 -n 012345678901234567890123456789012345678901234567890123456789012 -s 16M -m raw
r ndctl create-namespace -r region1 -u not-a-uuid -s 32M
for size in 17M 15M 5000 0 -1 junk 1T 0x2000000; do
  r ndctl create-namespace -r region1 -s $size
done
r ndctl create-namespace -r region1 -s 3M -m raw
r ndctl create-namespace -r region1 -c
r ndctl create-namespace -c -r region1 -a 4K
r ndctl list -N
r ndctl destroy-namespace -f all
r ndctl create-namespace -r region1 -s 32M -m raw -u $uuid
r ndctl create-namespace -r region1 -s 32M -m raw -u $uuid
r ndctl create-namespace -r region0 -s 32M -m raw -u $uuid
r ndctl destroy-namespace -f all
r ndctl create-namespace -r region1 -s 32M --no-autolabel --no-autorecover
r ndctl create-namespace -r region9
r ndctl create-namespace -b nothing -s 32M
r ndctl create-namespace -t blk
r ndctl create-namespace -t junk
for mode in safe memory dax junk; do
  r ndctl create-namespace -m $mode -s 32M -r region1
done
r ndctl list -N

# Another mode, size, name.
for change in "-m raw" "-m sector" "-m sector -l 512" "-m fsdax" "-m fsdax -M mem" "-m fsdax -a 4K" "-m devdax" \
  "-m devdax -a 4K" "-n renamed" "-s 64M" "-s 48M" "-s 256M" "-u $uuid" "-m raw" "-m devdax -M mem -n again -s 32M"; do
  r ndctl create-namespace -e namespace1.1 -f $change
  r ndctl list -N -n namespace1.1
done
r ndctl create-namespace -e namespace1.1 -m raw
r ndctl create-namespace -e namespace9.9 -m raw -f
r ndctl create-namespace -e namespace1.1 -f
r ndctl list -Nu

# Disabled and enabled.
r ndctl disable-namespace all
r ndctl list -N
r ndctl list -Ni
r ndctl enable-namespace all
r ndctl disable-namespace namespace1.1 namespace1.2
r ndctl disable-namespace namespace1.1
r ndctl enable-namespace namespace1.1
r ndctl enable-namespace namespace1.1
r ndctl enable-namespace -r region1 all
r ndctl enable-namespace namespace9.9
r ndctl disable-namespace -r region0 all
r ndctl disable-namespace -b nothing all
r ndctl disable-region region1
r ndctl disable-dimm nmem1
r ndctl list -DRi
r ndctl enable-region region1
r ndctl enable-dimm nmem1
r ndctl enable-region region1
r ndctl disable-region region1
r ndctl enable-region region1
r ndctl enable-region region9
r ndctl disable-region -b nothing all
r ndctl disable-dimm nmem0
r ndctl disable-dimm nmem9
r ndctl disable-dimm all
r ndctl enable-dimm all
r ndctl list -N
r ndctl destroy-namespace all
r ndctl destroy-namespace namespace1.1
r ndctl destroy-namespace -f namespace1.1
r ndctl destroy-namespace -f namespace1.1
r ndctl destroy-namespace -f all

# A BTT is checked and repaired.
r ndctl create-namespace -r region0 -m sector -s 32M -l 4096
namespace=$(first dev)
disk=$(first blockdev)
echo "$namespace $disk"
head -c 1048576 /dev/zero | tr '\0' 'x' >data
dd if=data of=/dev/"$disk" bs=4096 conv=notrunc,fsync 2>/dev/null
content() { dd if=/dev/"$disk" bs=4096 count=256 2>/dev/null | cmp - data && echo "as written"; }
# The blocks of the namespace, below its BTT.
below() {
  ndctl disable-namespace "$namespace" >/dev/null 2>&1
  echo 1 >/sys/bus/nd/devices/"$namespace"/force_raw
  ndctl enable-namespace "$namespace" >/dev/null 2>&1
  "$@"
  sync
  ndctl disable-namespace "$namespace" >/dev/null 2>&1
  echo 0 >/sys/bus/nd/devices/"$namespace"/force_raw
}
zero() { dd if=/dev/zero of=/dev/"${disk%s}" bs=4096 seek="$1" count="$2" conv=notrunc,fsync 2>/dev/null; }
ones() { printf '\377\377\377\377' | dd of=/dev/"${disk%s}" bs=1 seek="$1" conv=notrunc,fsync 2>/dev/null; }
r ndctl check-namespace "$namespace"
r ndctl check-namespace -v -f "$namespace"
r ndctl disable-namespace "$namespace"
r ndctl check-namespace -v "$namespace"
r ndctl check-namespace -v --rewrite-log "$namespace"
r ndctl check-namespace -v --rewrite-log --repair "$namespace"
r ndctl enable-namespace "$namespace"
content
last=$(((32 << 20) / 4096 - 1))
for block in 1 $last; do
  below zero $block 1
  r ndctl check-namespace -v "$namespace"
  r ndctl check-namespace -v --repair "$namespace"
  r ndctl check-namespace -v "$namespace"
  r ndctl enable-namespace "$namespace"
  content
done
# An entry of the map that points past the end.
below ones $(((last - 12) * 4096 + 400))
r ndctl check-namespace -v "$namespace"
r ndctl check-namespace -v --repair "$namespace"
r ndctl check-namespace -v -f "$namespace"
r ndctl check-namespace namespace9.9
r ndctl check-namespace all
r ndctl destroy-namespace -f all

# Labels.
r ndctl create-namespace -r region0 -s 32M -n one -u $uuid -m raw
r ndctl read-labels -j nmem0
r ndctl read-labels -u nmem0
r ndctl read-labels -I -j nmem0
r ndctl read-labels -j nmem0 nmem1
r ndctl check-labels all
r ndctl check-labels -v nmem0
r ndctl write-labels -i data nmem0
r ndctl zero-labels nmem0
r ndctl disable-region region0
r ndctl read-labels nmem0 -o labels
r ndctl read-labels -I nmem0 -o index
r ndctl read-labels -s 256 -O 1024 nmem0 -o part
wc -c <labels; wc -c <index; wc -c <part
r ndctl read-labels -s 1 -O 131072 nmem0 -o part
r ndctl read-labels -s 200000 nmem0 -o part
r ndctl read-labels nmem9
r ndctl zero-labels nmem0
r ndctl check-labels nmem0
r ndctl read-labels -j nmem0
r ndctl write-labels -i labels nmem0
r ndctl check-labels nmem0
r ndctl read-labels nmem0 -o again
cmp labels again && echo "labels are back"
r ndctl write-labels -s 100 -O 131072 -i data nmem0
r ndctl init-labels nmem0
r ndctl zero-labels -s 4096 -O 4096 nmem0
r ndctl zero-labels -s 4096 -O 131072 nmem0
r ndctl init-labels -v -f -V 1.1 nmem0
r ndctl read-labels -j nmem0
r ndctl init-labels -f -V 1.3 nmem0
r ndctl init-labels -f -V 2.0 nmem0
r ndctl write-labels -i /dev/null nmem0
r ndctl write-labels -i missing nmem0
r ndctl zero-labels -b ACPI.NFIT all
r ndctl check-labels -b nothing nmem0
r ndctl init-labels -f all
r ndctl init-labels -f nmem0
r ndctl enable-region all

# Info blocks.
r ndctl create-namespace -r region0 -s 32M -m fsdax -M dev -a 4K -u $uuid
namespace=$(first dev)
r ndctl read-infoblock "$namespace"
r ndctl disable-namespace "$namespace"
r ndctl read-infoblock -j "$namespace"
r ndctl read-infoblock -u -V "$namespace"
r ndctl read-infoblock "$namespace" -o block
wc -c <block
r ndctl read-infoblock -j -i block
r ndctl read-infoblock -u -V -i block
r ndctl read-infoblock -j -i /dev/null
r ndctl read-infoblock -j -i missing
r ndctl read-infoblock -j namespace9.9
other=99999999-2222-3333-4444-555555555555
r ndctl write-infoblock -m devdax -a 2M -u $other "$namespace"
r ndctl read-infoblock -j "$namespace"
r ndctl enable-namespace "$namespace"
r ndctl list -N
r ndctl disable-namespace "$namespace"
for block in "-m fsdax -M mem -a 1G" "-m fsdax -M mem -a 3M" "-m fsdax -O 64K -a 4K" "-m devdax -M dev -a 4K" \
  "-m fsdax -M dev -a 2M -u $other" "-m devdax -M mem" "-m sector" "-m junk" ""; do
  r ndctl write-infoblock $block "$namespace"
  r ndctl read-infoblock -j "$namespace"
  r ndctl enable-namespace "$namespace"
  r ndctl list -N
  r ndctl disable-namespace "$namespace"
done
for block in "-m fsdax -s 64M" "-m devdax -s 64M -M mem" "-m fsdax -s 64M -a 4K -O 16M" "-m devdax -s 1G -a 1G" "-m fsdax"; do
  r ndctl write-infoblock $block -u $other -o block
  r ndctl read-infoblock -j -i block
  r ndctl read-infoblock -V -j -i block
done
ndctl write-infoblock -m devdax -s 64M -u $other -c >block 2>/dev/null
wc -c <block
r ndctl read-infoblock -j -i block
r ndctl write-infoblock -m devdax -u $other all
r ndctl destroy-namespace -f all

# Errors and scrubs, which this bus has no commands for.
r ndctl create-namespace -r region0 -s 32M -m raw
namespace=$(first dev)
r ndctl list -NM
r ndctl list -NMu
r ndctl list -RM
r ndctl clear-errors "$namespace"
r ndctl clear-errors -s "$namespace"
r ndctl clear-errors all
r ndctl start-scrub
r ndctl start-scrub ACPI.NFIT
r ndctl start-scrub nothing
r ndctl wait-scrub
r ndctl wait-scrub all
r ndctl inject-error -B 1 -n 1 "$namespace"
r ndctl inject-error -t "$namespace"
r ndctl inject-error -d -B 1 -n 1 "$namespace"

# What these DIMMs have no commands for.
r ndctl inject-smart -m 10 nmem0
r ndctl list -DH
r ndctl list -DF
r ndctl list -BF
r ndctl monitor -d nmem0 -1
r ndctl update-firmware -f data nmem0
r ndctl activate-firmware all
r ndctl setup-passphrase nmem0 -k user:x
r ndctl update-passphrase nmem0
r ndctl freeze-security nmem0
r ndctl sanitize-dimm nmem0
r ndctl wait-overwrite nmem0
r ndctl remove-passphrase nmem0
r ndctl destroy-namespace -f all
r ndctl list -BDRNi

# The nil UUID is a UUID.
r ndctl disable-region region0
r ndctl init-labels -f nmem0
r ndctl enable-region region0
r ndctl create-namespace -s 64M -t pmem -m raw -l 4096 -u 00000000-0000-0000-0000-000000000000
r ndctl list -N
r cat /sys/bus/nd/devices/namespace0.0/uuid
r ndctl create-namespace -e namespace0.0 -m sector --force
r cat /sys/bus/nd/devices/ndbus0/commands /sys/bus/nd/devices/ndbus0/nfit/dsm_mask
