// SPDX-License-Identifier: Apache-2.0
// Devices that fail under a configured tree: the flush fails, the label area fails at any of its
// stores, the data vanishes. Each time: the kernel's errno, a sentence, a tree that holds together,
// and nothing acknowledged that a reboot does not find.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/sources/bus_source.h"
#include "core/testing/faulty_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

using testing::FaultyMedia;

constexpr uint64_t kSize = 64 << 20, kLabels = 128 << 10;
constexpr absl::string_view kUuid = "11111111-2222-3333-4444-555555555501";

// One DIMM whose platform has flush hints.
BusSource BusOf(std::shared_ptr<Media> data, std::shared_ptr<Media> labels) {
  std::vector<DimmSource> dimms(1);
  dimms[0].description = "the device";
  dimms[0].capacity = std::move(data);
  dimms[0].labels = std::move(labels);
  dimms[0].labelling = true;
  dimms[0].identity.serial = 7;
  BusSource bus = QemuBus(std::move(dimms));
  bus.regions[0].deep_flush = true;
  return bus;
}

class DeviceFaultsTest : public ::testing::Test {
 protected:
  DeviceFaultsTest() { model.Start(BusOf(data, labels)); }

  std::shared_ptr<FaultyMedia> data = std::make_shared<FaultyMedia>(kSize);
  std::shared_ptr<FaultyMedia> labels = std::make_shared<FaultyMedia>(kLabels);
  ModelVerbs model;
};

TEST_F(DeviceFaultsTest, AFailedDeepFlushIsEioAndTheNextOneIsAsked) {
  EXPECT_EQ(model.Get("region0/deep_flush"), "1\n");
  EXPECT_EQ(model.Set("region0/deep_flush", "1"), "");
  data->FailAt(0);
  EXPECT_EQ(model.Set("region0/deep_flush", "1"), "EIO");
  EXPECT_TRUE(absl::StrContains(model.Get("region0/x/last_error"), "deep flush of region0"))
      << model.Get("region0/x/last_error");
  EXPECT_EQ(model.Set("region0/deep_flush", "1"), "");
  EXPECT_EQ(model.Set("region0/deep_flush", "0"), "EINVAL");
  EXPECT_EQ(model.Set("region0/deep_flush", "perhaps"), "EINVAL");
}

TEST_F(DeviceFaultsTest, ADeepFlushHoldsUpNobodyWhoReadsAttributes) {
  std::string seen;
  data->OnStep([&](int64_t) {
    // From within the flush: under the configuration lock this would wait for itself.
    if (seen.empty()) seen = model.Get("region0/deep_flush");
  });
  EXPECT_EQ(model.Set("region0/deep_flush", "1"), "");
  EXPECT_EQ(seen, "1\n");
  data->OnStep(nullptr);
}

TEST_F(DeviceFaultsTest, WithoutHintsThereIsNothingToFlush) {
  BusSource bus = BusOf(data, labels);
  bus.regions[0].deep_flush = false;
  model.Start(std::move(bus));
  EXPECT_EQ(model.Get("region0/deep_flush"), "0\n");
}

// The namespace's size as a boot finds it on these labels.
std::string SizeAfterBoot(const std::shared_ptr<FaultyMedia>& labels) {
  ModelVerbs model;
  model.Start(BusOf(std::make_shared<FaultyMedia>(kSize), labels->Clone()));
  EXPECT_TRUE(model.added.ok()) << model.added;
  return model.Get("namespace0.0/size");
}

// Every store, push, drain and flush of a resize fails once, alone.
TEST_F(DeviceFaultsTest, ALabelAreaThatFailsHalfWayLosesNothingThatWasAcknowledged) {
  ASSERT_EQ(model.Set("namespace0.0/uuid", kUuid), "");
  ASSERT_EQ(model.Set("namespace0.0/size", "16777216"), "");
  const std::shared_ptr<FaultyMedia> before = labels->Clone();
  int failures = 0;
  for (int64_t step = 0;; ++step) {
    ASSERT_LT(step, 1000);
    const std::shared_ptr<FaultyMedia> area = before->Clone();
    ModelVerbs session;
    session.Start(BusOf(std::make_shared<FaultyMedia>(kSize), area));
    ASSERT_EQ(session.Unbind("nd_pmem", "namespace0.0"), "");
    const int64_t first = area->steps();
    area->FailAt(step);
    const std::string answer = session.Set("namespace0.0/size", "33554432");
    const bool reached = area->steps() - first > step;
    // After the failure the tree answers, and says why.
    if (!answer.empty()) {
      ++failures;
      EXPECT_EQ(answer, "EIO") << "step " << step;
      EXPECT_NE(session.Get("namespace0.0/x/last_error"), "") << "step " << step;
      EXPECT_EQ(session.Get("region0/nstype"), "5\n");
    }
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const std::string found = SizeAfterBoot(area->Restart(seed));
      if (answer.empty())
        EXPECT_EQ(found, "33554432\n") << "acknowledged, but lost: step " << step;
      else
        EXPECT_TRUE(found == "33554432\n" || found == "16777216\n") << found << " step " << step;
    }
    if (!reached) break;  // there was no such step: every one has failed once
    // And the device is good again: the same store succeeds and stays.
    EXPECT_EQ(session.Set("namespace0.0/size", "33554432"), "") << "step " << step;
    EXPECT_EQ(SizeAfterBoot(area->Restart(9)), "33554432\n") << "step " << step;
  }
  EXPECT_GT(failures, 8);
}

TEST_F(DeviceFaultsTest, ADeviceThatVanishedLeavesATreeThatAnswers) {
  ASSERT_EQ(model.Set("namespace0.0/uuid", kUuid), "");
  ASSERT_EQ(model.Set("namespace0.0/size", "16777216"), "");
  data->CutBefore(0);
  labels->CutBefore(0);
  ASSERT_FALSE(data->Flush().ok());
  EXPECT_EQ(model.Set("region0/deep_flush", "1"), "EIO");
  EXPECT_EQ(model.Get("region0/size"), absl::StrCat(kSize, "\n"));
  EXPECT_EQ(model.Get("namespace0.0/size"), "16777216\n");
  if (model.Bound("namespace0.0")) {
    EXPECT_EQ(model.Unbind("nd_pmem", "namespace0.0"), "");
  }
  EXPECT_EQ(model.Set("namespace0.0/alt_name", "db"), "EIO");
  EXPECT_NE(model.Get("namespace0.0/x/last_error"), "");
  EXPECT_EQ(model.Unbind("nd_region", "region0"), "");
  EXPECT_EQ(model.Get("region0/namespace_seed"), "\n");
}

}  // namespace
}  // namespace nvdimmfs::core
