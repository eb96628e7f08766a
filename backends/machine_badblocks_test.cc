// SPDX-License-Identifier: Apache-2.0
#include "backends/machine_badblocks.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/media/memory_media.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kMiB = 1 << 20;

// A disk of 8 MiB, and a partition of 1 MiB at 2 MiB.
class DiskBadblocksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/disk.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
    std::filesystem::create_directories(root_ + "/pmem0/pmem0p1");
    Put("badblocks", "0 1\n4090 12\nodd\n5000 8\n6143 2\n16383 1\n16384 1\n");
    Put("pmem0p1/partition", "1\n");
    Put("pmem0p1/start", "4096\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Put(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/pmem0/" + name) << text;
  }
  std::vector<Range> Take(const std::string& name, uint64_t size) {
    core::MemoryMedia media(size);
    TakeDiskBadblocks(SysfsFolder(std::filesystem::canonical(root_ + name).string()), media);
    return media.BadRanges();
  }

  std::string root_;
};

TEST_F(DiskBadblocksTest, OfAWholeDisk) {
  EXPECT_THAT(Take("/pmem0", 8 * kMiB),
              ElementsAre(Range{0, 512}, Range{4090 * 512, 12 * 512}, Range{5000 * 512, 8 * 512},
                          Range{6143 * 512, 2 * 512}, Range{16383 * 512, 512}));
}

TEST_F(DiskBadblocksTest, OfAPartitionCountFromItsStart) {
  EXPECT_THAT(Take("/pmem0/pmem0p1", kMiB),
              ElementsAre(Range{0, 6 * 512}, Range{904 * 512, 8 * 512}, Range{kMiB - 512, 512}));
}

TEST_F(DiskBadblocksTest, OfAPartitionAtNoPlaceAreNone) {
  for (const char* start : {"", "x", "18446744073709551615", "9007199254740992"}) {
    Put("pmem0p1/start", start);
    EXPECT_THAT(Take("/pmem0/pmem0p1", kMiB), IsEmpty()) << start;
  }
}

TEST_F(DiskBadblocksTest, OfADiskWithoutAListAreNone) {
  std::filesystem::remove(root_ + "/pmem0/badblocks");
  EXPECT_THAT(Take("/pmem0", kMiB), IsEmpty());
}

}  // namespace
}  // namespace nvdimmfs::backends
