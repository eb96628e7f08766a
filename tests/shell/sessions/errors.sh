# Errors that are injected, found by a scrub, listed and cleared, in every mode.
r ndctl disable-region all
r ndctl init-labels -f all
r ndctl enable-region all
r cat /sys/bus/nd/devices/ndbus0/commands /sys/bus/nd/devices/ndbus0/nfit/dsm_mask
bad() { cat /sys/block/pmem0/badblocks /sys/bus/nd/devices/region0/badblocks; }
# Until the scrub that an injection starts is over.
scrubbed() {
  sleep 0.2
  ndctl wait-scrub >/dev/null
}

r ndctl create-namespace -m raw -s 32M -n raw
r ndctl inject-error -t namespace0.0
r ndctl inject-error -B 10 -n 4 namespace0.0
scrubbed
bad
r ndctl list -NM
r ndctl list -RM
r ndctl inject-error -t namespace0.0
r sh -c "dd if=/dev/pmem0 of=/dev/null bs=512 skip=10 count=1 iflag=direct 2>/dev/null"
# A sector that is written is good again.
r sh -c "dd if=/dev/zero of=/dev/pmem0 bs=512 seek=10 count=1 oflag=direct 2>/dev/null"
bad
r ndctl inject-error -t namespace0.0
r ndctl inject-error -B 100 -n 2 --no-notify namespace0.0
bad
r ndctl start-scrub
r ndctl wait-scrub
bad
r ndctl inject-error -d -B 100 -n 2 namespace0.0
r ndctl inject-error -t namespace0.0
bad
r ndctl clear-errors namespace0.0
bad
r ndctl inject-error -S -B 20 -n 1 namespace0.0
scrubbed
bad
r ndctl list -NMu
r ndctl disable-namespace namespace0.0
r ndctl enable-namespace namespace0.0
bad
r ndctl clear-errors -s namespace0.0
r ndctl list -NM
r ndctl inject-error -B 70000 -n 1 namespace0.0
r ndctl inject-error -B 1 -n 0 namespace0.0
r ndctl inject-error namespace9.9 -B 1 -n 1
r ndctl create-namespace -e namespace0.0 -f -m fsdax -M dev
r ndctl inject-error -B 5 -n 1 namespace0.0
scrubbed
bad
r ndctl list -NM
r ndctl clear-errors all
r ndctl list -RNM
r ndctl create-namespace -e namespace0.0 -f -m devdax -M dev
r ndctl inject-error -B 5 -n 1 namespace0.0
scrubbed
r ndctl list -NM
r ndctl clear-errors namespace0.0
r ndctl list -NM
r ndctl create-namespace -e namespace0.0 -f -m sector
r ndctl inject-error -B 5 -n 1 namespace0.0
r ndctl list -BM
r cat /sys/bus/nd/devices/ndbus0/nfit/hw_error_scrub
r ndctl destroy-namespace -f all
