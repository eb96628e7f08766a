# Interleave sets: two DIMMs, and four whose part begins within an alignment; and a volatile range.
uuid=11111111-2222-3333-4444-555555555555

r ndctl list -BDRNviXC
r ndctl list -u
r ndctl list -D -r region2
r ndctl list -R -d nmem5
r ndctl disable-region all
r ndctl init-labels -f nmem0
r ndctl enable-region region0
r ndctl list -RN -r region0
r ndctl disable-region region0
r ndctl init-labels -f nmem2
r ndctl enable-region region0
r ndctl list -RN -r region0
r ndctl disable-region all
r ndctl init-labels -f all
r ndctl check-labels all
r ndctl enable-region all
r ndctl list -RNi

# Every mode, on both sets.
for region in region0 region2; do
  r ndctl create-namespace -r $region -m sector -s 16M -n sec
  r ndctl create-namespace -r $region -m raw -s 4M
  r ndctl create-namespace -r $region -m raw -s 16M -a 4K
  r ndctl create-namespace -r $region -m fsdax -s 16M -a 4K -u $uuid
  r ndctl list -R -r $region
  r ndctl create-namespace -r $region -m devdax
  r ndctl create-namespace -r $region -s 16M
  r ndctl list -Nv -r $region
  r ndctl destroy-namespace -f -r $region all
done
for size in 8M 17M 32M 48M 50M 64M 100M; do
  r ndctl create-namespace -r region2 -m raw -s $size
  r ndctl list -R -r region2
  r ndctl destroy-namespace -f -r region2 all
done
for align in 4K 2M 64M 1G; do
  r ndctl create-namespace -r region2 -m devdax -s 32M -a $align
  r ndctl destroy-namespace -f -r region2 all
done
r ndctl create-namespace -r region1
r ndctl create-namespace -e namespace1.0 -m fsdax -f
r ndctl create-namespace -e namespace1.0 -m sector -f
r ndctl create-namespace -e namespace1.0 -m raw -f
r daxctl list -RDi

# Labels are on each DIMM of a set.
r ndctl create-namespace -r region0 -m raw -s 32M -u $uuid -n first
r ndctl create-namespace -r region0 -m sector -s 32M
r ndctl read-labels -j nmem0 nmem2
r ndctl create-namespace -e namespace0.0 -f -m sector -l 512 -s 64M
r ndctl create-namespace -e namespace0.0 -f -n other
r ndctl list -N -r region0
r ndctl destroy-namespace -f namespace0.1
r ndctl list -RN -r region0

# One DIMM of a set is disabled, or has lost its labels.
r ndctl disable-dimm nmem2
r ndctl disable-region region0
r ndctl disable-dimm nmem2
r ndctl enable-region region0
r ndctl list -RNi -r region0
r ndctl enable-dimm nmem2
r ndctl enable-region region0
r ndctl list -RN -r region0
r ndctl disable-region region0
r ndctl init-labels -f nmem2
r ndctl enable-region region0
r ndctl list -RNi -r region0
r ndctl disable-region region0
r ndctl init-labels -f nmem0
r ndctl enable-region region0
r ndctl list -RNi -r region0
r ndctl disable-region all
r ndctl init-labels -f -V 1.2 all
r ndctl enable-region all
r ndctl list -R
r ndctl create-namespace -r region2 -m sector -s 32M -n set
r ndctl read-labels -j nmem1 nmem3
r ndctl list -BDRNviX
