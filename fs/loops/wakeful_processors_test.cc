// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/wakeful_processors.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

constexpr int32_t kAny = std::numeric_limits<int32_t>::max();

// Files in the place of the kernel's.
class WakefulProcessorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    paths_.request = ::testing::TempDir() + "/cpu_dma_latency";
    paths_.shallowest = ::testing::TempDir() + "/state0_name";
    Write(paths_.request, "");
    Write(paths_.shallowest, "POLL\n");
    if (get_nprocs() < 2 || get_nprocs() > WakefulProcessors::kMostProcessors)
      GTEST_SKIP() << "not used with " << get_nprocs() << " CPUs";
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
  }
  // What was asked for, in order.
  std::vector<int32_t> Asked() const {
    std::ifstream file(paths_.request, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<int32_t> asked(bytes.size() / sizeof(int32_t));
    bytes.copy(reinterpret_cast<char*>(asked.data()), bytes.size());
    return asked;
  }

  WakefulProcessors::Paths paths_;
};

TEST_F(WakefulProcessorsTest, AsksOncePerChange) {
  const auto processors = WakefulProcessors::Create(paths_);
  ASSERT_NE(processors, nullptr);
  EXPECT_FALSE(processors->held());
  processors->LetSleep();
  processors->Hold();
  processors->Hold();
  EXPECT_TRUE(processors->held());
  processors->LetSleep();
  EXPECT_FALSE(processors->held());
  EXPECT_EQ(Asked(), (std::vector<int32_t>{kAny, 0, kAny}));
}

TEST_F(WakefulProcessorsTest, NotWhereTheKernelDoesNotPoll) {
  Write(paths_.shallowest, "WFI\n");
  EXPECT_EQ(WakefulProcessors::Create(paths_), nullptr);
  unlink(paths_.shallowest.c_str());
  EXPECT_EQ(WakefulProcessors::Create(paths_), nullptr);
}

TEST_F(WakefulProcessorsTest, NotWhereItMayNotBeAskedFor) {
  unlink(paths_.request.c_str());
  EXPECT_EQ(WakefulProcessors::Create(paths_), nullptr);
}

TEST_F(WakefulProcessorsTest, ARefusedRequestIsNotHeld) {
  paths_.request = "/dev/full";
  EXPECT_EQ(WakefulProcessors::Create(paths_), nullptr);
}

}  // namespace
}  // namespace nvdimmfs::fs
