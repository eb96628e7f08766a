// SPDX-License-Identifier: Apache-2.0
// The label area of a device that cxl_pmem drives: a sysfs of two such devices, as a kernel shows
// it, and a kernel that takes label commands under the conditions of a real one.
#include "backends/cxl/nmem_lsa.h"

#include <linux/ndctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::ErrnoOf;
using core::ReasonOf;
using ::testing::HasSubstr;

constexpr size_t kMost = 100;  // bytes that one command writes

// The device's mailbox, which takes no writes.
class ReadOnlyArea final : public LsaAccess {
 public:
  const std::string& name() const override { return name_; }
  uint64_t lsa_size() const override { return bytes.size(); }
  absl::Status ReadLsa(uint64_t offset, absl::Span<std::byte> out) const override {
    RETURN_IF_ERROR(CheckLsa(offset, out.size()));
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return absl::OkStatus();
  }
  absl::Status WriteLsa(uint64_t, absl::Span<const std::byte>) override {
    return core::Refusal(EBUSY, "cxl.lsa.owned", "exclusive");
  }

  std::vector<std::byte> bytes = std::vector<std::byte>(4096);

 private:
  const std::string name_ = "mem1";
};

class NmemLsaTest : public ::testing::Test {
 protected:
  // mem1 is driven as pmem1 and is nmem0, mem0 as pmem0 and is nmem1; both are in region0.
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/nmem.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = std::filesystem::canonical(path).string();
    for (const char* name : {"nmem0", "nmem1", "region0", "region1"}) {
      std::filesystem::create_directories(root_ + "/ndbus0/" + name);
      std::filesystem::create_directories(root_ + "/bus");
      std::filesystem::create_directory_symlink("../ndbus0/" + std::string(name),
                                                root_ + "/bus/" + name);
    }
    Put("ndbus0/provider", "CXL");
    Put("ndbus0/region0/mappings", "2");
    Put("ndbus0/region0/mapping0", "nmem1,0,268435456,0");
    Put("ndbus0/region0/mapping1", "nmem0,0,268435456,1");
    Put("ndbus0/region1/mappings", "1");
    Put("ndbus0/region1/mapping0", "nmem1,268435456,268435456,0");
    regions_ = {{.name = "region0", .targets = {{.memdev = "mem0"}, {.memdev = "mem1"}}},
                {.name = "region1", .targets = {{.memdev = "mem0"}}}};
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text << "\n";
  }
  void Enable(const std::string& device) {
    std::filesystem::create_directories(root_ + "/ndbus0/" + device + "/driver");
  }
  void Disable(const std::string& device) {
    std::filesystem::remove_all(root_ + "/ndbus0/" + device + "/driver");
  }
  std::string Nmem(const std::string& memdev, const std::string& pmem) {
    const auto found = FindNmem(SysfsFolder(root_ + "/bus"), memdev, pmem, regions_);
    return found ? found->name() : "";
  }

  // The kernel's side of ND_IOCTL_SET_CONFIG_DATA.
  int SetLabels(unsigned long request, void* argument) {
    EXPECT_EQ(request, ND_IOCTL_SET_CONFIG_DATA);
    if (error_ != 0) return error_;
    nd_cmd_set_config_hdr header;
    auto* const command = static_cast<std::byte*>(argument);
    std::memcpy(&header, command, sizeof header);
    EXPECT_LE(header.in_length, kMost);
    std::copy_n(command + sizeof header, header.in_length, area_->bytes.begin() + header.in_offset);
    std::memcpy(command + sizeof header + header.in_length, &status_, sizeof status_);
    if (++commands_ == fail_after_) error_ = EIO;
    return 0;
  }
  NmemLsa Open() {
    return NmemLsa(
        area_, kMost, SysfsFolder(root_ + "/ndbus0/nmem0"),
        [this](unsigned long request, void* argument) { return SetLabels(request, argument); });
  }

  std::string root_;
  std::vector<Region> regions_;
  const std::shared_ptr<ReadOnlyArea> area_ = std::make_shared<ReadOnlyArea>();
  int error_ = 0;
  int commands_ = 0;
  int fail_after_ = 0;
  uint32_t status_ = 0;
};

TEST_F(NmemLsaTest, TheDimmIsFoundByItsProviderOrByARegion) {
  EXPECT_EQ(Nmem("mem0", "pmem0"), "nmem1");
  EXPECT_EQ(Nmem("mem1", "pmem1"), "nmem0");
  EXPECT_EQ(Nmem("mem2", "pmem2"), "");
  Put("ndbus0/nmem0/cxl/provider", "pmem2");
  EXPECT_EQ(Nmem("mem2", "pmem2"), "nmem0");
  Put("ndbus0/provider", "ACPI.NFIT");  // region0 is of another bus then
  EXPECT_EQ(Nmem("mem0", "pmem0"), "");
}

TEST_F(NmemLsaTest, NothingMayBeEnabled) {
  const SysfsFolder nmem(root_ + "/ndbus0/nmem0");
  EXPECT_TRUE(CheckDisabled(nmem).ok());
  Enable("region1");  // which is not over it
  EXPECT_TRUE(CheckDisabled(nmem).ok());
  Enable("region0");
  const absl::Status region = CheckDisabled(nmem);
  EXPECT_EQ(ErrnoOf(region), EBUSY);
  EXPECT_EQ(ReasonOf(region), "cxl.lsa.owned");
  EXPECT_THAT(std::string(region.message()), HasSubstr("region0 over nmem0 enabled. Disable both"));
  Disable("region0");
  Enable("nmem0");
  EXPECT_THAT(std::string(CheckDisabled(nmem).message()),
              HasSubstr("ndctl disable-region all; ndctl disable-dimm nmem0"));
}

TEST_F(NmemLsaTest, WhatIsWrittenInPiecesIsRead) {
  NmemLsa lsa = Open();
  std::vector<std::byte> data(2 * kMost + 1);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
  ASSERT_TRUE(lsa.WriteLsa(1001, data).ok());
  EXPECT_EQ(commands_, 3);
  std::vector<std::byte> read(data.size());
  ASSERT_TRUE(lsa.ReadLsa(1001, absl::MakeSpan(read)).ok());
  EXPECT_EQ(read, data);
  EXPECT_EQ(ReasonOf(lsa.WriteLsa(4000, data)), "cxl.lsa.range");
  EXPECT_EQ(ReasonOf(lsa.WriteLsa(~uint64_t{0}, data)), "cxl.lsa.range");
  EXPECT_EQ(commands_, 3);
}

TEST_F(NmemLsaTest, NothingIsWrittenBehindAnEnabledDimm) {
  NmemLsa lsa = Open();
  Enable("nmem0");
  EXPECT_EQ(ReasonOf(lsa.WriteLsa(0, std::vector<std::byte>(8))), "cxl.lsa.owned");
  EXPECT_EQ(commands_, 0);
}

TEST_F(NmemLsaTest, AFailureSaysHowMuchWasWritten) {
  NmemLsa lsa = Open();
  fail_after_ = 2;
  const absl::Status half = lsa.WriteLsa(0, std::vector<std::byte>(3 * kMost));
  EXPECT_EQ(ErrnoOf(half), EIO);
  EXPECT_EQ(ReasonOf(half), "cxl.command");
  EXPECT_THAT(std::string(half.message()), HasSubstr("200 of 300 bytes were written"));
  error_ = 0;
  status_ = 3;
  EXPECT_THAT(std::string(lsa.WriteLsa(0, std::vector<std::byte>(8)).message()),
              HasSubstr("status 3"));
}

}  // namespace
}  // namespace nvdimmfs::backends::cxl
