# A DIMM without a label area: one namespace, its info blocks, and commands that want labels.
r ndctl list -BDRNviX
r ndctl list -u
r ndctl read-labels nmem0
r ndctl check-labels nmem0
r ndctl init-labels nmem0
r ndctl zero-labels nmem0
r ndctl create-namespace
r ndctl create-namespace -s 32M
r ndctl destroy-namespace namespace0.0
for change in "-m raw" "-m sector" "-m sector -l 512" "-m sector -l 4224" "-m fsdax" "-m fsdax -M mem -a 4K" "-m devdax" \
  "-m devdax -a 4K -M mem" "-m raw" "-m sector -s 64M" "-m fsdax -n name" "-m fsdax -u 11111111-2222-3333-4444-555555555555"; do
  r ndctl create-namespace -e namespace0.0 -f $change
  r ndctl list -Nv
  r ndctl disable-namespace namespace0.0
  r ndctl list -Ni
  r ndctl enable-namespace namespace0.0
done
r ndctl create-namespace -e namespace0.0 -f -m sector --no-autolabel
r ndctl check-namespace -f namespace0.0
r ndctl disable-region region0
r ndctl list -RNi
r ndctl enable-region region0
r ndctl list -RN
r ndctl disable-namespace namespace0.0
r ndctl read-infoblock -j namespace0.0
r ndctl write-infoblock -m fsdax -M dev -a 4K -u 11111111-2222-3333-4444-555555555555 namespace0.0
r ndctl read-infoblock -j namespace0.0
r ndctl enable-namespace namespace0.0
r ndctl list -N
r ndctl disable-namespace namespace0.0
r ndctl write-infoblock -m devdax -a 2M -u 11111111-2222-3333-4444-555555555555 namespace0.0
r ndctl enable-namespace namespace0.0
r daxctl list -RDMi
r ndctl destroy-namespace -f all
r ndctl list -RNi
r ndctl enable-namespace namespace0.0
r ndctl list -RNi
r ndctl destroy-namespace -f namespace0.0
