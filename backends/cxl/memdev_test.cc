// SPDX-License-Identifier: Apache-2.0
// A memory device over a mailbox that answers as a device would, and as a broken one.
#include "backends/cxl/memdev.h"

#include <linux/cxl_mem.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <optional>

#include "backends/cxl/lsa_media.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::ErrnoOf;
using core::Range;
using core::ReasonOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kPayload = 512;
constexpr uint32_t kLsaSize = 128 * 1024;

template <typename Payload>
std::vector<std::byte> Pack(const Payload& payload) {
  std::vector<std::byte> bytes(sizeof payload);
  std::memcpy(bytes.data(), &payload, sizeof payload);
  return bytes;
}

// The device's state, which outlives its mailbox.
struct Device {
  Device() {
    identify.total = 4;
    identify.volatile_only = 1;
    identify.persistent_only = 3;
    identify.lsa_size = kLsaSize;
    std::memcpy(identify.firmware.data(), "FW 1", 5);
  }
  Identify identify{};
  PartitionInfo partitions{};
  std::vector<std::byte> lsa = std::vector<std::byte>(kLsaSize);
  std::vector<CommandInfo> commands = {{CXL_MEM_COMMAND_ID_GET_LSA, 1, 8, ~0u},
                                       {CXL_MEM_COMMAND_ID_SET_LSA, 1, ~0u, 0}};
  std::vector<size_t> transfers;  // bytes of each Set LSA, header and all
  int writes_until_failure = -1;  // then every Set LSA is refused
  absl::Status failure;
  size_t cut = std::numeric_limits<size_t>::max();  // answers are cut to this
  std::vector<std::vector<std::byte>> poison;       // answers, one each
};

class FakeMailbox final : public Mailbox {
 public:
  explicit FakeMailbox(Device& device) : device_(device) {}
  absl::StatusOr<std::vector<CommandInfo>> Commands() override { return device_.commands; }
  absl::StatusOr<std::vector<std::byte>> Send(uint32_t id, absl::Span<const std::byte> in,
                                              size_t out_size) override {
    ASSIGN_OR_RETURN(std::vector<std::byte> out, Answer(id, in));
    out.resize(std::min({out.size(), out_size, device_.cut}));
    return out;
  }

 private:
  absl::StatusOr<std::vector<std::byte>> Answer(uint32_t id, absl::Span<const std::byte> in) {
    EXPECT_LE(in.size(), kPayload);
    switch (id) {
      case CXL_MEM_COMMAND_ID_IDENTIFY:
        return Pack(device_.identify);
      case CXL_MEM_COMMAND_ID_GET_PARTITION_INFO:
        return Pack(device_.partitions);
      case CXL_MEM_COMMAND_ID_GET_LSA: {
        GetLsa request;
        std::memcpy(&request, in.data(), sizeof request);
        EXPECT_LE(request.length, kPayload);
        const auto from = device_.lsa.begin() + request.offset;
        return std::vector<std::byte>(from, from + request.length);
      }
      case CXL_MEM_COMMAND_ID_SET_LSA: {
        if (device_.writes_until_failure == 0) return device_.failure;
        if (device_.writes_until_failure > 0) --device_.writes_until_failure;
        SetLsa header;
        std::memcpy(&header, in.data(), sizeof header);
        device_.transfers.push_back(in.size());
        std::copy(in.begin() + sizeof header, in.end(), device_.lsa.begin() + header.offset);
        return std::vector<std::byte>();
      }
      case kGetPoisonId: {
        if (device_.poison.empty()) return std::vector<std::byte>();
        std::vector<std::byte> answer = device_.poison.front();
        if (device_.poison.size() > 1) device_.poison.erase(device_.poison.begin());
        return answer;
      }
      default:
        return DeviceRefusal(3, id, "mem0");
    }
  }

  Device& device_;
};

class MemdevTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<Memdev>> Make() {
    return Memdev::Make(std::make_unique<FakeMailbox>(state_), kPayload, "mem0");
  }
  std::shared_ptr<Memdev> MakeOrDie() {
    auto device = Make();
    EXPECT_TRUE(device.ok()) << device.status();
    return *device;
  }
  static std::vector<std::byte> Poison(bool more, std::vector<std::pair<uint64_t, uint32_t>> bad) {
    PoisonList list{};
    list.flags = more ? kMorePoison : 0;
    list.count = static_cast<uint16_t>(bad.size());
    std::vector<std::byte> bytes = Pack(list);
    for (const auto& [address, length] : bad) {
      PoisonRecord record{};
      record.address = address | 3;  // injected
      record.length = length;
      const std::vector<std::byte> packed = Pack(record);
      bytes.insert(bytes.end(), packed.begin(), packed.end());
    }
    return bytes;
  }
  void OfferPoison() { state_.commands.push_back({kGetPoisonId, 1, 16, ~0u}); }

  Device state_;
};

TEST_F(MemdevTest, FixedPartitionsAreTheCapacities) {
  const auto device = MakeOrDie();
  EXPECT_EQ(device->facts().firmware, "FW 1");
  EXPECT_EQ(device->facts().total, 4 * kCapacityUnit);
  EXPECT_EQ(device->facts().volatile_, (Range{0, kCapacityUnit}));
  EXPECT_EQ(device->facts().persistent, (Range{kCapacityUnit, 3 * kCapacityUnit}));
  EXPECT_EQ(device->facts().lsa_size, kLsaSize);
}

TEST_F(MemdevTest, MovablePartitionsAreAskedFor) {
  state_.identify.partition_align = 1;
  state_.partitions.active_volatile = 2;
  state_.partitions.active_persistent = 2;
  EXPECT_EQ(MakeOrDie()->facts().persistent, (Range{2 * kCapacityUnit, 2 * kCapacityUnit}));
}

TEST_F(MemdevTest, NonsenseIsRefused) {
  state_.identify.persistent_only = 4;
  EXPECT_EQ(ReasonOf(Make().status()), "cxl.identify");
  state_.identify.persistent_only = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(ReasonOf(Make().status()), "cxl.identify");
  state_.identify.persistent_only = 3;
  state_.cut = 66;
  EXPECT_EQ(ReasonOf(Make().status()), "cxl.identify");
  EXPECT_EQ(ErrnoOf(Make().status()), EIO);
}

TEST_F(MemdevTest, LabelsMoveInLegalTransfers) {
  const auto device = MakeOrDie();
  std::vector<std::byte> data(2000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
  ASSERT_TRUE(device->WriteLsa(1001, data).ok());
  EXPECT_THAT(state_.transfers, ElementsAre(512, 512, 512, 2000 - 3 * 504 + 8));
  EXPECT_TRUE(std::equal(data.begin(), data.end(), state_.lsa.begin() + 1001));
  EXPECT_EQ(state_.lsa[1000], std::byte{0});
  std::vector<std::byte> read(2000);
  ASSERT_TRUE(device->ReadLsa(1001, absl::MakeSpan(read)).ok());
  EXPECT_EQ(read, data);
}

TEST_F(MemdevTest, NothingBehindTheLabelAreaIsTouched) {
  const auto device = MakeOrDie();
  std::vector<std::byte> data(16);
  for (const uint64_t offset : {uint64_t{kLsaSize - 15}, uint64_t{kLsaSize}, ~uint64_t{0}}) {
    EXPECT_EQ(ReasonOf(device->WriteLsa(offset, data)), "cxl.lsa.range");
    EXPECT_EQ(ReasonOf(device->ReadLsa(offset, absl::MakeSpan(data))), "cxl.lsa.range");
  }
  EXPECT_THAT(state_.transfers, IsEmpty());
}

TEST_F(MemdevTest, AWriteThatFailsHalfWaySaysHowFarItCame) {
  const auto device = MakeOrDie();
  state_.writes_until_failure = 2;
  state_.failure = DeviceRefusal(4, CXL_MEM_COMMAND_ID_SET_LSA, "mem0");
  const absl::Status status = device->WriteLsa(0, std::vector<std::byte>(2000, std::byte{1}));
  EXPECT_EQ(ErrnoOf(status), EIO);
  EXPECT_EQ(ReasonOf(status), "cxl.device");
  EXPECT_THAT(std::string(status.message()), HasSubstr("1008 of 2000 bytes were written"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("internal error"));
}

TEST_F(MemdevTest, TheKernelsClaimOnTheLabelAreaHasItsOwnReason) {
  state_.commands[1].flags |= kCommandExclusive;
  const auto device = MakeOrDie();
  EXPECT_TRUE(device->KernelHas(CXL_MEM_COMMAND_ID_SET_LSA));
  EXPECT_FALSE(device->KernelHas(CXL_MEM_COMMAND_ID_GET_LSA));
  state_.writes_until_failure = 0;
  state_.failure = core::Refusal(EBUSY, "cxl.command", "busy");
  const absl::Status status = device->WriteLsa(0, std::vector<std::byte>(8));
  EXPECT_EQ(ErrnoOf(status), EBUSY);
  EXPECT_EQ(ReasonOf(status), "cxl.lsa.owned");
}

TEST_F(MemdevTest, AShortAnswerIsNoLabelArea) {
  const auto device = MakeOrDie();
  state_.cut = 100;
  std::vector<std::byte> data(101);
  EXPECT_EQ(ReasonOf(device->ReadLsa(0, absl::MakeSpan(data))), "cxl.lsa.short");
}

TEST_F(MemdevTest, PoisonIsReadToTheEndAndCutToWhatWasAsked) {
  OfferPoison();
  state_.poison = {Poison(true, {{0x1000, 1}, {0xfc0, 2}}),
                   Poison(false, {{0x9fc0, 4}, {0x20000, 1}, {~uint64_t{63}, 0xffffffff}})};
  const auto found = MakeOrDie()->ReadPoison({0x1000, 0x9000});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, ElementsAre(Range{0x1000, 64}, Range{0x1000, 64}, Range{0x9fc0, 64}));
}

TEST_F(MemdevTest, APoisonListThatLiesAboutItselfIsNoHarm) {
  OfferPoison();
  std::vector<std::byte> lies = Poison(false, {{0x1000, 1}});
  reinterpret_cast<PoisonList*>(lies.data())->count = 0xffff;
  state_.poison = {lies};
  EXPECT_THAT(*MakeOrDie()->ReadPoison({0, 0x10000}), ElementsAre(Range{0x1000, 64}));
  state_.poison = {Poison(true, {{0x1000, 1}})};  // more, for ever
  EXPECT_EQ(ReasonOf(MakeOrDie()->ReadPoison({0, 0x10000}).status()), "cxl.poison");
  state_.poison = {std::vector<std::byte>(5)};
  EXPECT_EQ(ReasonOf(MakeOrDie()->ReadPoison({0, 0x10000}).status()), "cxl.poison");
}

TEST_F(MemdevTest, WhatTheDeviceLacksIsENOTTY) {
  const auto device = MakeOrDie();
  EXPECT_EQ(ErrnoOf(device->ReadPoison({0, 4096}).status()), ENOTTY);
  EXPECT_EQ(ErrnoOf(device->ReadHealth().status()), ENOTTY);
}

TEST(HealthTest, IsToldInWords) {
  HealthInfo health{};
  health.status = 4;
  health.media = 6;
  health.additional = 0x06;
  health.life_used = 0xff;
  health.temperature = static_cast<uint16_t>(-5);
  health.dirty_shutdowns = 7;
  const std::string text = DescribeHealth(health);
  EXPECT_THAT(text, HasSubstr("replacement_needed: 1\nmedia: persistence loss imminent\n"));
  EXPECT_THAT(text, HasSubstr("life_used_percent: unknown\nlife_used: critical\n"));
  EXPECT_THAT(text, HasSubstr("temperature_celsius: -5\ntemperature: warning\n"));
  EXPECT_THAT(text, HasSubstr("dirty_shutdowns: 7\n"));
  health.media = 200;
  EXPECT_THAT(DescribeHealth(health), HasSubstr("media: reserved"));
}

// Wherever an update of labels is cut by a failing device, the old state or the new one is left.
TEST_F(MemdevTest, AFailingLabelWriteLeavesOldOrNew) {
  state_.failure = DeviceRefusal(4, CXL_MEM_COMMAND_ID_SET_LSA, "mem0");
  core::NamespaceLabel label;
  label.rawsize = 1 << 20;
  for (int allowed = 0;; ++allowed) {
    state_.lsa.assign(kLsaSize, std::byte{0});
    state_.writes_until_failure = -1;
    auto media = std::make_shared<LsaMedia>(MakeOrDie(), false);
    auto area = core::LabelArea::Open(media);
    ASSERT_TRUE(area.ok() && area->Initialise(core::LabelV1_2()).ok());
    ASSERT_TRUE(area->Update(label, {}).ok());
    state_.writes_until_failure = allowed;
    label.dpa = 1 << 20;
    const auto updated = area->Update(label, {});
    state_.writes_until_failure = -1;
    const auto after = core::LabelArea::Open(media);
    ASSERT_TRUE(after.ok() && after->has_index());
    const size_t left = after->labels().size();
    label.dpa = 0;
    if (updated.ok()) {
      EXPECT_EQ(left, 2u);
      break;
    }
    EXPECT_TRUE(left == 1 || left == 2) << left;
    ASSERT_LT(allowed, 100);
  }
}

}  // namespace
}  // namespace nvdimmfs::backends::cxl
