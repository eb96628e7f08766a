// SPDX-License-Identifier: Apache-2.0
#include "backends/ram_backend.h"

#include <cerrno>
#include <cstring>

#include "core/base/status.h"
#include "core/testing/system_test_util.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kSize = 64 << 20;
constexpr absl::string_view kUuid = "11111111-2222-3333-4444-555555555501";

TEST(RamBackendTest, TheTreeIsThatOfRamdax) {
  core::ModelVerbs model;
  model.Start(*OpenRam(kSize, false));
  ASSERT_TRUE(model.added.ok()) << model.added;
  EXPECT_EQ(model.Get("ndbus0/provider"), "ramdax\n");
  EXPECT_EQ(model.Get("ndbus0/commands"), "\n");
  EXPECT_EQ(model.Get("nmem0/commands"), "get_size get_data set_data \n");
  EXPECT_EQ(model.Get("nmem0/flags"), "label \n");
  EXPECT_EQ(model.Get("nmem0/nfit/handle"), "!ENOENT");
  EXPECT_EQ(model.Get("region0/size"), "67108864\n");
  EXPECT_EQ(model.Get("region0/nstype"), "5\n");
  EXPECT_EQ(model.Get("region0/mapping0"), "nmem0,0,66977792,0\n");
  EXPECT_EQ(model.Get("region0/set_cookie"), "0xcafebeefcafebeef\n");
  EXPECT_EQ(model.Get("region0/persistence_domain"), "!ENOENT");
  EXPECT_EQ(model.Get("namespace0.0/size"), "0\n");
}

TEST(RamBackendTest, LabelsOfANamespaceAreInTheLast128KiB) {
  const core::BusSource bus = *OpenRam(kSize, false);
  const std::shared_ptr<core::Media> whole = bus.regions[0].media;
  core::ModelVerbs model;
  model.Start(bus);
  EXPECT_EQ(model.Set("namespace0.0/uuid", kUuid), "");
  EXPECT_EQ(model.Set("namespace0.0/size", "33554432"), "");
  std::byte signature[16];
  ASSERT_TRUE(whole->Read(kSize - kRamLabelSize, absl::MakeSpan(signature)).ok());
  EXPECT_EQ(std::memcmp(signature, "NAMESPACE_INDEX", 16), 0);
  model.Start(bus);  // the same memory, after a reboot
  EXPECT_EQ(model.Get("namespace0.0/uuid"), absl::StrCat(kUuid, "\n"));
  EXPECT_EQ(model.Get("namespace0.0/size"), "33554432\n");
}

TEST(RamBackendTest, SizesThatHoldNoNamespaceAreRefused) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{4096}, kRamLeastSize - 4096, kSize + 1}) {
    EXPECT_EQ(core::ErrnoOf(OpenRam(size, false).status()), EINVAL) << size;
    EXPECT_EQ(core::ReasonOf(OpenRam(size, false).status()), "ram.size") << size;
  }
  EXPECT_TRUE(OpenRam(kRamLeastSize, false).ok());
  EXPECT_EQ(core::ErrnoOf(OpenRam(uint64_t{1} << 60, false).status()), ENOMEM);
}

}  // namespace
}  // namespace nvdimmfs::backends
