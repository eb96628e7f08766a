// SPDX-License-Identifier: Apache-2.0
// The dax bus: its drivers, and the memory that kmem gives to the system. What is expected is what
// a 6.1 kernel answered to the same writes.
#include "core/dax/dax_bus.h"

#include <string>

#include "core/dax/dax_kind.h"
#include "core/testing/system_test_util.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

// A namespace of 512 MiB in mode devdax, and one that has no whole block of memory.
class DaxBusTest : public testing::Test {
 protected:
  explicit DaxBusTest(Kernel kernel = Kernel::k6_1)
      : m({.size = 1 << 30, .labels = &LabelV1_2(), .kernel = kernel}) {
    EXPECT_EQ(m.Set("region0/x/create", "size=512M mode=devdax align=2M map=mem"), "");
    EXPECT_EQ(m.Set("region0/x/create", "size=64M mode=devdax align=2M map=mem"), "");
  }

  // The driver that `name` says in its uevent; "" for none.
  std::string DriverOf(const std::string& name) {
    const std::shared_ptr<Device> instance = Instance(name);
    if (instance == nullptr) return "";
    const std::string uevent = m.system->WithLock([&] { return instance->uevent(); });
    const size_t at = uevent.find("DRIVER=");
    return at == std::string::npos ? "" : uevent.substr(at + 7, uevent.find('\n', at) - at - 7);
  }
  std::shared_ptr<Device> Instance(const std::string& name) {
    for (const auto& device : m.system->Devices())
      if (device->kind() == DaxKind::kInstance && device->name() == name) return device;
    return nullptr;
  }
  std::string Blocks() {
    std::string names;
    for (const auto& device : m.system->Devices())
      if (device->kind() == DaxKind::kMemoryBlock) names += device->name() + " ";
    return names;
  }
  void GiveToKmem(const std::string& name) {
    EXPECT_EQ(m.Set("device_dax/unbind", name), "");
    EXPECT_EQ(m.Set("kmem/new_id", name), "");
  }
  std::string FirstBlock() { return Blocks().substr(0, Blocks().find(' ')); }

  Model m;
};

TEST_F(DaxBusTest, NewDevicesAreOfDeviceDax) {
  EXPECT_EQ(DriverOf("dax0.0"), "device_dax");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0\n"), "EBUSY");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.9\n"), "ENODEV");
  EXPECT_EQ(m.Set("device_dax/unbind", "dax0.9\n"), "ENODEV");
  EXPECT_EQ(m.Set("kmem/unbind", "dax0.0\n"), "ENODEV");
}

TEST_F(DaxBusTest, WhatIsUnboundKeepsItsNamespaceAndComesBack) {
  EXPECT_EQ(m.Set("device_dax/unbind", "dax0.0\n"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "");
  EXPECT_TRUE(m.Bound("dax0.0"));  // that of the nd bus
  EXPECT_EQ(m.Set("device_dax/unbind", "dax0.0\n"), "ENODEV");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0\n"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "device_dax");
  EXPECT_EQ(m.Unbind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(Instance("dax0.0"), nullptr);
  EXPECT_EQ(m.Bind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "device_dax");
}

TEST_F(DaxBusTest, IdsAreNamesAsAKernelWritesThem) {
  for (const char* text : {"junk", "dax0.0 x", "dax0", "dax00.1", "dax.1", "dax0.", "dax-1.0", ""})
    EXPECT_EQ(m.Set("kmem/new_id", text), "EINVAL") << text;
  for (const char* text : {"dax0.7\n", "dax0.7", "dax12.0"}) {
    EXPECT_EQ(m.Set("kmem/new_id", text), "");
    EXPECT_EQ(m.Set("kmem/remove_id", text), "");
    EXPECT_EQ(m.Set("kmem/remove_id", text), "");
  }
}

TEST_F(DaxBusTest, KmemTakesWhoIsInItsListOnly) {
  EXPECT_EQ(m.Set("device_dax/unbind", "dax0.0"), "");
  EXPECT_EQ(m.Set("kmem/bind", "dax0.0"), "ENODEV");
  EXPECT_EQ(m.Set("kmem/new_id", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "kmem");
  EXPECT_EQ(m.Set("kmem/bind", "dax0.0"), "EBUSY");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0"), "EBUSY");
  EXPECT_NE(Blocks(), "");
  EXPECT_EQ(m.Set("kmem/unbind", "dax0.0"), "");
  EXPECT_EQ(Blocks(), "");
  EXPECT_EQ(m.Set("kmem/remove_id", "dax0.0"), "");
  EXPECT_EQ(m.Set("kmem/bind", "dax0.0"), "ENODEV");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0"), "");
}

TEST_F(DaxBusTest, WhatNewerKernelsHaveIsNotThere) {
  EXPECT_EQ(m.Get("dax0.0/memmap_on_memory"), "!ENOENT");
  EXPECT_EQ(m.Set("fsdev_dax/new_id", "dax0.0"), "ENOENT");
}

class DaxBus612Test : public DaxBusTest {
 protected:
  DaxBus612Test() : DaxBusTest(Kernel::k6_12) {}
};

TEST_F(DaxBus612Test, PageStructsStayElsewhere) {
  EXPECT_EQ(m.Get("dax0.0/memmap_on_memory"), "0\n");
  EXPECT_EQ(m.Set("dax0.0/memmap_on_memory", "0"), "");
  EXPECT_EQ(m.Set("dax0.0/memmap_on_memory", "1"), "EOPNOTSUPP");
  EXPECT_EQ(m.Set("dax0.0/memmap_on_memory", "junk"), "EINVAL");
  EXPECT_EQ(m.Set("dax0.0/memmap_on_memory", "d"), "EINVAL");
  EXPECT_EQ(m.Set("fsdev_dax/new_id", "dax0.0"), "ENOENT");
}

class DaxBus73Test : public DaxBusTest {
 protected:
  DaxBus73Test() : DaxBusTest(Kernel::k7_3) {}
};

// As a 7.3 kernel answered to the same writes.
TEST_F(DaxBus73Test, FsdevTakesWhatIsInItsListOnly) {
  EXPECT_EQ(m.Set("dax0.0/memmap_on_memory", "d"), "");
  EXPECT_EQ(m.Set("fsdev_dax/bind", "dax0.0"), "ENODEV");
  EXPECT_EQ(m.Set("device_dax/unbind", "dax0.0"), "");
  EXPECT_EQ(m.Set("fsdev_dax/bind", "dax0.0"), "ENODEV");
  EXPECT_EQ(m.Set("fsdev_dax/new_id", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "fsdev_dax");
  EXPECT_EQ(m.Set("fsdev_dax/bind", "dax0.0"), "EBUSY");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0"), "EBUSY");
  EXPECT_EQ(m.Set("fsdev_dax/new_id", "junk"), "EINVAL");
  EXPECT_EQ(m.Set("fsdev_dax/unbind", "dax0.0"), "");
  EXPECT_EQ(m.Set("dax/drivers_probe", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "device_dax");
  EXPECT_EQ(m.Set("fsdev_dax/remove_id", "dax0.0"), "");
}

TEST_F(DaxBusTest, WhatHasNoWholeBlockIsNoMemory) {
  GiveToKmem("dax0.1");
  EXPECT_EQ(DriverOf("dax0.1"), "");
  EXPECT_EQ(m.Set("kmem/bind", "dax0.1"), "EINVAL");
}

TEST_F(DaxBusTest, ABlockIsOfflineAtFirstAndGoesOnline) {
  GiveToKmem("dax0.0");
  const std::string block = FirstBlock();
  EXPECT_EQ(m.Get(block + "/state"), "offline\n");
  EXPECT_EQ(m.Get(block + "/valid_zones"), "Normal Movable\n");
  EXPECT_EQ(m.Set(block + "/state", "junk"), "EINVAL");
  EXPECT_EQ(m.Set(block + "/state", "offline"), "EINVAL");
  EXPECT_EQ(m.Set(block + "/state", "online_movable"), "");
  EXPECT_EQ(m.Set(block + "/state", "online_movable"), "EINVAL");
  EXPECT_EQ(m.Get(block + "/state") + m.Get(block + "/online"), "online\n1\n");
  EXPECT_EQ(m.Get(block + "/valid_zones"), "Movable\n");
  EXPECT_EQ(m.Set(block + "/state", "offline"), "");
  EXPECT_EQ(m.Set(block + "/online", "1"), "");
  EXPECT_EQ(m.Get(block + "/valid_zones"), "Movable\n");
  EXPECT_EQ(m.Set(block + "/online", "0"), "");
  EXPECT_EQ(m.Set(block + "/online", "0"), "");
  EXPECT_EQ(m.Set(block + "/online", "7"), "EINVAL");
}

TEST_F(DaxBusTest, ABlockOfZoneNormalCannotGoOffline) {
  GiveToKmem("dax0.0");
  const std::string block = FirstBlock();
  EXPECT_EQ(m.Set(block + "/state", "online"), "");
  EXPECT_EQ(m.Set(block + "/state", "offline"), "EBUSY");
  EXPECT_EQ(m.Set(block + "/online", "0"), "EBUSY");
}

TEST_F(DaxBusTest, MemoryThatIsOnlineOutlivesItsDriver) {
  GiveToKmem("dax0.0");
  const std::string blocks = Blocks();
  EXPECT_EQ(m.Set(FirstBlock() + "/state", "online_movable"), "");
  EXPECT_EQ(m.Unbind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(Blocks(), blocks);
  EXPECT_EQ(m.Bind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "");
  EXPECT_EQ(m.Set("device_dax/bind", "dax0.0"), "EBUSY");
  EXPECT_EQ(m.Set("kmem/bind", "dax0.0"), "EBUSY");
}

TEST_F(DaxBusTest, NewBlocksFollowThePolicy) {
  EXPECT_EQ(m.Get("memory/auto_online_blocks"), "offline\n");
  EXPECT_EQ(m.Get("memory/block_size_bytes"), "8000000\n");
  EXPECT_EQ(m.Set("memory/auto_online_blocks", "junk"), "EINVAL");
  EXPECT_EQ(m.Set("memory/auto_online_blocks", "online_movable\n"), "");
  GiveToKmem("dax0.0");
  EXPECT_EQ(m.Get(FirstBlock() + "/valid_zones"), "Movable\n");
}

TEST_F(DaxBusTest, WithoutAutoprobeDevicesWaitToBeOffered) {
  EXPECT_EQ(m.Set("dax/drivers_autoprobe", "0"), "");
  EXPECT_EQ(m.Unbind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(m.Bind("dax_pmem", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "");
  EXPECT_EQ(m.Set("dax/drivers_probe", "dax0.0"), "");
  EXPECT_EQ(DriverOf("dax0.0"), "device_dax");
  EXPECT_EQ(m.Set("dax/drivers_probe", "dax0.9"), "ENODEV");
}

}  // namespace
}  // namespace nvdimmfs::core
