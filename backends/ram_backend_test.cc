// SPDX-License-Identifier: Apache-2.0
#include "backends/ram_backend.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

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

// A file of zeros that is the range.
class RamFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/ram.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
    path_ = folder_ + "/range";
    Resize(kSize);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Resize(uint64_t size) {
    std::ofstream(path_, std::ios::app).flush();
    std::filesystem::resize_file(path_, size);
  }
  absl::StatusOr<core::BusSource> Open(uint64_t address = 0x10000000, bool read_only = false) {
    return OpenRamFile(path_, address, {.read_only = read_only});
  }

  std::string folder_;
  std::string path_;
};

TEST_F(RamFileTest, TheTreeIsThatOfRamdaxAndOutlivesTheDaemon) {
  {
    core::ModelVerbs model;
    model.Start(*Open());
    ASSERT_TRUE(model.added.ok()) << model.added;
    EXPECT_EQ(model.Get("ndbus0/provider"), "ramdax\n");
    EXPECT_EQ(model.Get("nmem0/flags"), "label \n");
    EXPECT_EQ(model.Get("region0/resource"), "0x10000000\n");
    EXPECT_EQ(model.Get("region0/size"), "67108864\n");
    EXPECT_EQ(model.Get("region0/mapping0"), "nmem0,0,66977792,0\n");
    EXPECT_EQ(model.Get("region0/set_cookie"), "0xcafebeefcafebeef\n");
    EXPECT_EQ(model.Set("namespace0.0/uuid", kUuid), "");
    EXPECT_EQ(model.Set("namespace0.0/size", "33554432"), "");
  }

  std::ifstream file(path_, std::ios::binary);
  file.seekg(kSize - kRamLabelSize);
  char signature[16];
  file.read(signature, sizeof signature);
  EXPECT_EQ(std::memcmp(signature, "NAMESPACE_INDEX", 16), 0);

  core::ModelVerbs again;
  again.Start(*Open(0x20000000, /*read_only=*/true));
  EXPECT_EQ(again.Get("namespace0.0/uuid"), absl::StrCat(kUuid, "\n"));
  EXPECT_EQ(again.Get("namespace0.0/size"), "33554432\n");
}

TEST_F(RamFileTest, WhatCannotBeARangeIsRefused) {
  EXPECT_EQ(core::ReasonOf(Open(0x10000001).status()), "range.address");
  EXPECT_EQ(core::ReasonOf(Open(~uint64_t{0} - 4095).status()), "range.address");
  Resize(kRamLeastSize - 4096);
  EXPECT_EQ(core::ReasonOf(Open().status()), "ram.size");
  Resize(kSize + 1);
  EXPECT_EQ(core::ReasonOf(Open().status()), "range.size");
  std::filesystem::remove(path_);
  EXPECT_EQ(core::ErrnoOf(Open().status()), ENOENT);
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
