// SPDX-License-Identifier: Apache-2.0
#include "backends/sigbus_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "backends/guarded_copy.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

// A mapped file of two pages whose second can be taken away.
class SigbusGuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    InstallSigbusGuard();
    fd_ = memfd_create("sigbus", MFD_CLOEXEC);
    ASSERT_GE(fd_, 0);
    ASSERT_EQ(ftruncate(fd_, 8192), 0);
    map_ = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    ASSERT_NE(map_, MAP_FAILED);
  }
  void TearDown() override {
    munmap(map_, 8192);
    close(fd_);
  }
  void LoseSecondPage() { ASSERT_EQ(ftruncate(fd_, 4096), 0); }
  bool Touch(size_t offset, size_t length) {
    std::vector<char> out(length);
    return SurvivesSigbus(map_ + offset, length,
                          [&] { std::memcpy(out.data(), map_ + offset, length); });
  }

  int fd_ = -1;
  char* map_ = nullptr;
};

TEST_F(SigbusGuardTest, AccessToAPresentPageSurvives) { EXPECT_TRUE(Touch(0, 8192)); }

TEST_F(SigbusGuardTest, AccessToAVanishedPageIsToldEachTime) {
  LoseSecondPage();
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(Touch(4096, 64));
    EXPECT_FALSE(Touch(0, 8192));
    EXPECT_TRUE(Touch(0, 4096));
  }
}

TEST_F(SigbusGuardTest, StoreToAVanishedPageIsTold) {
  LoseSecondPage();
  EXPECT_FALSE(
      SurvivesSigbus(map_ + 4096, 1, [&] { *const_cast<volatile char*>(map_ + 4096) = 1; }));
}

TEST_F(SigbusGuardTest, EveryThreadHasItsOwnGuard) {
  LoseSecondPage();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_FALSE(Touch(4096, 8));
        EXPECT_TRUE(Touch(8, 8));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// What the kernel sends for memory that failed under an access. A process may send it to itself.
void SendMemoryFailure(int code, const void* address, int shift) {
  siginfo_t info = {};
  info.si_signo = SIGBUS;
  info.si_code = code;
  info.si_addr = const_cast<void*>(address);
  info.si_addr_lsb = static_cast<short>(shift);
  syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info);
}

TEST_F(SigbusGuardTest, FailedMemoryIsToldWithItsExtent) {
  EXPECT_FALSE(
      SurvivesSigbus(map_ + 4100, 64, [&] { SendMemoryFailure(BUS_MCEERR_AR, map_ + 4100, 12); }));
  EXPECT_EQ(LastMemoryFailure().start, reinterpret_cast<uintptr_t>(map_ + 4096));
  EXPECT_EQ(LastMemoryFailure().length, 4096u);
}

TEST_F(SigbusGuardTest, AVanishedPageIsNoFailedMemory) {
  LoseSecondPage();
  EXPECT_FALSE(SurvivesSigbus(map_, 64, [&] { SendMemoryFailure(BUS_MCEERR_AR, map_, 12); }));
  EXPECT_FALSE(Touch(4096, 64));
  EXPECT_EQ(LastMemoryFailure().length, 0u);
}

TEST_F(SigbusGuardTest, MemoryThatFailedUnseenIsNoConcern) {
  SendMemoryFailure(BUS_MCEERR_AO, map_, 12);
  EXPECT_TRUE(SurvivesSigbus(map_, 64, [&] { SendMemoryFailure(BUS_MCEERR_AO, map_, 12); }));
}

TEST_F(SigbusGuardTest, AGuardedCopyIsACopyOfEveryLengthAndAlignment) {
  for (int i = 0; i < 8192; ++i) map_[i] = static_cast<char>(i * 31 + i / 256);
  for (size_t length : {0, 1, 4, 15, 63, 64, 65, 255, 256, 257, 511, 512, 520, 1000, 4096, 4160})
    for (size_t from : {0, 1, 17, 64, 700})
      for (size_t to : {0, 3, 32}) {
        std::vector<char> out(to + length + 64, 'x');
        ASSERT_TRUE(GuardedCopy(out.data() + to, map_ + from, length));
        EXPECT_EQ(std::memcmp(out.data() + to, map_ + from, length), 0) << length;
        EXPECT_EQ(std::string(out.data(), to), std::string(to, 'x'));
        EXPECT_EQ(std::string(out.data() + to + length, 64), std::string(64, 'x')) << length;
      }
  uint32_t word = 0;
  ASSERT_TRUE(GuardedLoad32(&word, map_ + 132));
  EXPECT_EQ(std::memcmp(&word, map_ + 132, 4), 0);
}

TEST_F(SigbusGuardTest, AGuardedCopyFromAVanishedPageSaysSoEachTime) {
  LoseSecondPage();
  std::vector<char> out(8192);
  uint32_t word = 0;
  for (int i = 0; i < 100; ++i) {
    for (size_t length : {1, 60, 64, 512, 600, 4096})
      EXPECT_FALSE(GuardedCopy(out.data(), map_ + 8192 - length, length)) << length;
    EXPECT_FALSE(GuardedCopy(out.data(), map_ + 4095, 2));
    EXPECT_FALSE(GuardedCopy(out.data(), map_, 8192));
    EXPECT_FALSE(GuardedLoad32(&word, map_ + 4096));
    EXPECT_TRUE(GuardedCopy(out.data(), map_, 4096));
    EXPECT_TRUE(GuardedLoad32(&word, map_ + 4092));
  }
}

using SigbusGuardDeathTest = SigbusGuardTest;

TEST_F(SigbusGuardDeathTest, UnguardedAccessStillKills) {
  GTEST_FLAG_SET(death_test_style, "fast");
  LoseSecondPage();
  EXPECT_DEATH(
      {
        volatile char value = map_[4096];
        (void)value;
      },
      "");
}

TEST_F(SigbusGuardDeathTest, AccessOutsideTheGuardedRangeStillKills) {
  GTEST_FLAG_SET(death_test_style, "fast");
  LoseSecondPage();
  EXPECT_DEATH(
      {
        volatile char value = 0;
        (void)SurvivesSigbus(map_, 16, [&] { value = map_[4096]; });
      },
      "");
}

TEST_F(SigbusGuardDeathTest, ASentSignalStillKills) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH((void)SurvivesSigbus(map_, 16, [] { raise(SIGBUS); }), "");
}

}  // namespace
}  // namespace nvdimmfs::backends
