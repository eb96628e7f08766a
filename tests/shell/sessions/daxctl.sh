# Device-dax nodes: daxctl, and the drivers it goes through.
drivers=/sys/bus/dax/drivers
memory=/sys/devices/system/memory
r ndctl init-labels -f nmem0
r ndctl disable-region region0
r ndctl init-labels -f nmem0
r ndctl enable-region region0
r ndctl create-namespace -m devdax -s 400M -n big -u 12345678-1234-1234-1234-123456789abc
r ndctl create-namespace -m devdax -s 64M -n small -u 12345678-1234-1234-1234-123456789abd

# Every list.
r daxctl list
for flags in -R -D -M -u -Ri -Du -DM -RDM -RDMiu "-r 0" "-r 1" "-d dax0.1" "-d dax9.9" "-R -d dax0.1"; do
  r daxctl list $flags
done
r ndctl list -NX
r ndctl list -NXu
device=$(readlink -f /sys/bus/dax/devices/dax0.0)
cd "$device" || exit
r cat size align target_node numa_node uevent
bound() { basename "$(readlink "$device"/driver)"; }

# The drivers.
for name in dax0.9 dax0.0; do
  for file in device_dax/bind kmem/unbind kmem/bind; do w $name $drivers/$file; done
done
w dax0.9 $drivers/device_dax/unbind
w junk $drivers/device_dax/new_id
w "dax0.0 x" $drivers/device_dax/new_id
w dax0.7 $drivers/device_dax/new_id
w dax0.7 $drivers/device_dax/remove_id
w dax0.7 $drivers/device_dax/remove_id
w dax0.0 $drivers/device_dax/unbind
r cat uevent
r daxctl list -RDMi
r ndctl list -NXi
w dax0.0 $drivers/device_dax/unbind
w dax0.0 $drivers/kmem/bind
w dax0.0 $drivers/device_dax/bind
r daxctl list -Di
w dax0.0 $drivers/device_dax/unbind
w dax0.0 $drivers/device_dax/new_id
r daxctl list -Di
w dax0.0 $drivers/device_dax/remove_id
r daxctl list -Di

# Disabled, enabled, reconfigured.
r daxctl disable-device dax0.0
r daxctl disable-device dax0.0
r daxctl list -Di
r daxctl list
r ndctl list -N
r daxctl enable-device dax0.0
r daxctl enable-device dax0.0
r daxctl disable-device all
r daxctl enable-device all
r daxctl disable-device -r 0 all
r daxctl enable-device -r 0 all
r daxctl disable-device dax9.9
r daxctl create-device -r 0
r daxctl create-device -r 0 -s 2M
r daxctl destroy-device dax0.0
r daxctl destroy-device -f dax0.0
r daxctl reconfigure-device -m devdax dax0.0
r daxctl reconfigure-device -m devdax -f dax0.0
r daxctl reconfigure-device -m junk dax0.0
r daxctl reconfigure-device -s 4M dax0.0
r daxctl reconfigure-device -s 4M -f dax0.0
r daxctl reconfigure-device -a 4096 dax0.0
r daxctl online-memory dax0.0
r daxctl offline-memory dax0.0
r daxctl list -RDMi

# As memory.
r daxctl reconfigure-device -m system-ram dax0.1
r daxctl list -Di
r daxctl reconfigure-device -m system-ram -N dax0.0
r daxctl list -RDMiu
r cat uevent
start=$(cat mapping0/start)
block=$memory/memory$(((start + 0x7ffffff) / 0x8000000))
r cat $block/online $block/state $block/removable $block/valid_zones
w junk $block/state
w online_movable $block/state
r cat $block/state $block/valid_zones $block/online
w online_movable $block/state
w offline $block/state
w offline $block/state
w 1 $block/online
r cat $block/state $block/valid_zones
w 0 $block/online
w 0 $block/online
w 7 $block/online
r daxctl online-memory dax0.0
r daxctl list -Di
r daxctl online-memory dax0.0
r ndctl disable-namespace namespace0.0
r ndctl destroy-namespace -f namespace0.0
r daxctl reconfigure-device -m devdax dax0.0
r daxctl disable-device dax0.0
r daxctl offline-memory dax0.0
r daxctl offline-memory dax0.0
r daxctl list -Di
r daxctl reconfigure-device -m devdax dax0.0
r daxctl list -Di
r daxctl reconfigure-device -m system-ram dax0.0
r daxctl list -Di
r daxctl reconfigure-device -m system-ram dax0.0
r daxctl reconfigure-device -m devdax dax0.0
r daxctl reconfigure-device -f -m devdax dax0.0
r daxctl list -Di
w online_movable $memory/auto_online_blocks
r cat $memory/auto_online_blocks
r daxctl reconfigure-device -m system-ram dax0.0
r daxctl reconfigure-device -m system-ram -N dax0.0
r daxctl reconfigure-device -m system-ram -f dax0.0
r daxctl list -Di
r cat $block/valid_zones
r daxctl reconfigure-device -f -m devdax dax0.0
w offline $memory/auto_online_blocks
w junk $memory/auto_online_blocks
r cat $memory/auto_online_blocks
r daxctl list -Di

# Below daxctl's back.
r ndctl disable-namespace namespace0.0
r daxctl list -Di
r ndctl enable-namespace namespace0.0
r daxctl list -Di
w dax0.0 $drivers/device_dax/unbind
w dax0.0 $drivers/kmem/new_id
bound
w dax0.0 $drivers/device_dax/bind
w dax0.0 $drivers/kmem/unbind
w dax0.0 $drivers/device_dax/bind
bound
w dax0.0 $drivers/kmem/remove_id
w dax0.0 $drivers/device_dax/bind
w dax0.0 $drivers/device_dax/unbind
w dax0.0 $drivers/kmem/new_id
bound
r ndctl disable-namespace namespace0.0
r ndctl enable-namespace namespace0.0
bound
r daxctl list -Di
r ndctl destroy-namespace -f all
r daxctl list -RDi

# What a kernel has put into its own zone stays.
r ndctl create-namespace -m devdax -s 400M -n big -u 12345678-1234-1234-1234-123456789abc
r daxctl reconfigure-device -m system-ram -N dax0.0
r daxctl online-memory --no-movable dax0.0
r daxctl list -Di
r daxctl offline-memory dax0.0
r daxctl reconfigure-device -f -m devdax dax0.0
r daxctl reconfigure-device -m system-ram dax0.0
r ndctl disable-namespace namespace0.0
r daxctl list -Di
