// SPDX-License-Identifier: Apache-2.0
#include "backends/state_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/status.h"
#include "core/intel/firmware.h"

namespace nvdimmfs::backends {
namespace {

using core::intel::Firmware;

class StateFileTest : public testing::Test {
 protected:
  StateFileTest() {
    std::string pattern = testing::TempDir() + "/state_file_XXXXXX";
    directory = mkdtemp(pattern.data());
    path = directory + "/dimm.state";
  }
  ~StateFileTest() override { std::filesystem::remove_all(directory); }

  std::shared_ptr<Firmware> PowerOn(bool read_only = false) {
    auto firmware = Firmware::PowerOn({.store = StateFile(path, read_only)});
    EXPECT_TRUE(firmware.ok()) << firmware.status();
    return *std::move(firmware);
  }
  std::string Reason() {
    return core::ReasonOf(Firmware::PowerOn({.store = StateFile(path, true)}).status());
  }
  static void EnableLatch(Firmware& firmware) {
    const std::byte on[] = {std::byte{1}};
    EXPECT_EQ(firmware.Run(core::intel::kEnableLatch, on)[0], std::byte{0});
  }
  void Put(const std::string& text) { std::ofstream(path) << text; }
  std::string Get() {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string directory, path;
};

TEST_F(StateFileTest, NothingIsMadeByLooking) {
  PowerOn();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(StateFileTest, ARecordIsReplacedAndReadAgain) {
  EXPECT_TRUE(StateFile(path, false)->Save("first").ok());
  EXPECT_TRUE(StateFile(path, false)->Save("second").ok());
  EXPECT_EQ(*StateFile(path, true)->Load(), "second");
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(StateFileTest, WhatACutLeftBehindIsInNobodysWay) {
  std::ofstream(path + ".new") << "torn";
  EXPECT_TRUE(StateFile(path, false)->Save("whole").ok());
  EXPECT_EQ(*StateFile(path, true)->Load(), "whole");
}

TEST_F(StateFileTest, AReadOnlyFileIsNotWritten) {
  Put("old");
  const absl::Status refused = StateFile(path, true)->Save("new");
  EXPECT_EQ(core::ErrnoOf(refused), EROFS);
  EXPECT_EQ(Get(), "old");
}

TEST_F(StateFileTest, ADirectoryIsNoState) {
  std::filesystem::create_directory(path);
  EXPECT_EQ(Reason(), "dimm_state.open");
}

TEST_F(StateFileTest, WhereNothingCanBeSavedTheCommandFailsAndNothingChanges) {
  path = directory + "/no/such/directory";
  const auto firmware = PowerOn();
  const std::byte on[] = {std::byte{1}};
  EXPECT_EQ(firmware->Run(core::intel::kEnableLatch, on)[0], std::byte{4});
  const auto changed = firmware->ChangeSecurity(
      [](core::intel::Security& security) { return security.SetPassphrase({}, {std::byte{1}}); });
  EXPECT_EQ(core::ErrnoOf(changed.status()), ENOENT);
  EXPECT_FALSE(firmware->security().enabled());
}

TEST_F(StateFileTest, AnEndThatWasNotCleanCountsOnlyWhereItIsLatched) {
  EnableLatch(*PowerOn());
  EXPECT_EQ(PowerOn()->health().shutdown_count(), 0u);  // its end was clean
  auto* killed = new std::shared_ptr<Firmware>(PowerOn());
  EnableLatch(**killed);
  const auto after = PowerOn();
  EXPECT_EQ(after->shutdowns_at_boot(), 1u);
  EXPECT_TRUE(after->dirty_at_boot());
  EXPECT_EQ(PowerOn(true)->shutdowns_at_boot(), 1u);
  delete killed;
}

TEST_F(StateFileTest, AnythingButARecordIsRefused) {
  EnableLatch(*PowerOn());
  const std::string good = Get();
  ASSERT_EQ(good.size(), 256u);
  Put("");
  EXPECT_EQ(Reason(), "");
  Put(good.substr(1));
  EXPECT_EQ(Reason(), "dimm_state.size");
  for (const auto& [offset, reason] :
       {std::pair(0, "dimm_state.signature"), std::pair(8, "dimm_state.version"),
        std::pair(12, "dimm_state.size"), std::pair(23, "dimm_state.checksum"),
        std::pair(100, "dimm_state.checksum"), std::pair(255, "dimm_state.checksum")}) {
    std::string bad = good;
    bad[static_cast<size_t>(offset)] ^= 0x40;
    Put(bad);
    EXPECT_EQ(Reason(), reason) << offset;
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
