# What a person does with ndctl on one empty DIMM.

# Labels: the area is blank.
r ndctl check-labels nmem0
r ndctl init-labels nmem0
r ndctl disable-region region0
r ndctl init-labels nmem0
r ndctl check-labels nmem0
r ndctl read-labels -j nmem0
r ndctl init-labels nmem0
r ndctl init-labels -f -V 1.1 nmem0
r ndctl read-labels -j nmem0
r ndctl init-labels -f -V 1.2 nmem0
r ndctl read-labels -s 32 -O 0 -o index nmem0
r grep -c NAMESPACE_INDEX index
r ndctl zero-labels -s 512 nmem0
r ndctl write-labels -i index -s 32 -O 0 nmem0
r ndctl disable-dimm nmem0
r ndctl list -DRi
r ndctl read-labels -j nmem0
r ndctl enable-dimm nmem0
r ndctl init-labels -f nmem0
r ndctl enable-region region0

# Namespaces in every mode.
r ndctl create-namespace -m raw -s 32M -n raw1
r ndctl create-namespace -m sector -s 48M -l 512 -n sec
r ndctl create-namespace -m sector -s 48M -l 4096 -n sec4
r ndctl create-namespace -m fsdax -s 64M -M dev -n fsd
r ndctl create-namespace -m fsdax -s 64M -M mem -a 4096 -n fsm
r ndctl create-namespace -m devdax -s 64M -M dev -n dd -u 12345678-1234-1234-1234-123456789abc
r ndctl create-namespace -m raw -s 5M
r ndctl create-namespace -m raw -s 4G
r ndctl create-namespace -m sector -s 32M -l 1000
r ndctl list -BDRNMviX
r daxctl list -DMi
r ndctl init-labels -f nmem0
r ndctl disable-dimm nmem0

# Checking and info blocks.
r ndctl check-namespace namespace0.1
r ndctl check-namespace -f namespace0.1
r ndctl disable-namespace namespace0.1
r ndctl check-namespace namespace0.1
r ndctl check-namespace --repair namespace0.1
r ndctl check-namespace namespace0.3
r ndctl read-infoblock -o block namespace0.1
r grep -c BTT_ARENA_INFO block
r ndctl list -Ni
r ndctl enable-namespace namespace0.1
r ndctl disable-namespace namespace0.3
r ndctl read-infoblock -j namespace0.3
r ndctl enable-namespace namespace0.3

# Another mode for a namespace that exists.
r ndctl create-namespace -e namespace0.0 -m sector
r ndctl create-namespace -e namespace0.0 -m sector -f
r ndctl create-namespace -e namespace0.3 -m raw -f
r ndctl create-namespace -e namespace0.5 -m fsdax -f -a 4096
r ndctl create-namespace -e namespace0.4 -m devdax -f
r ndctl create-namespace -e namespace0.2 -m fsdax -f -n other
r ndctl write-infoblock -m fsdax -M mem namespace0.3
r ndctl disable-namespace namespace0.3
r ndctl write-infoblock -m fsdax -M mem namespace0.3
r ndctl enable-namespace namespace0.3
r ndctl list -Nv

# Away with all of it.
r ndctl destroy-namespace namespace0.1
r ndctl destroy-namespace -f namespace0.1
r ndctl disable-region region0
r ndctl list -RNi
r ndctl enable-region region0
r ndctl list -RN
r ndctl clear-errors namespace0.4
r ndctl start-scrub
r ndctl wait-scrub
r ndctl destroy-namespace -f all
r ndctl list -RN
r ndctl create-namespace
r ndctl destroy-namespace -f all
r ndctl create-namespace -m devdax
r daxctl list -DMi
r ndctl destroy-namespace -f all

# Labels of the old version, and those that a reconfiguration makes.
r ndctl disable-region region0
r ndctl zero-labels nmem0
r ndctl check-labels nmem0
r ndctl init-labels -V 1.1 nmem0
r ndctl enable-region all
r ndctl create-namespace -m sector -s 64M
r ndctl read-labels -j nmem0
r ndctl destroy-namespace -f all
r ndctl disable-region region0
r ndctl zero-labels nmem0
r ndctl disable-dimm nmem0
r ndctl enable-dimm nmem0
r ndctl enable-region region0
r ndctl create-namespace -e namespace0.0 -m fsdax -f
r ndctl list -DRN
