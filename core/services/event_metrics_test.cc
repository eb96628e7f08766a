// SPDX-License-Identifier: Apache-2.0
// The events that the device model reports, and the files that show and count them.
#include "core/services/event_metrics.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/media/memory_media.h"
#include "core/model/event_log.h"
#include "core/nd/bus.h"
#include "core/testing/silent_listener.h"
#include "core/testing/system_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// Remembers which attributes of the mount have changed.
class Changes final : public SilentListener {
 public:
  void AttributeChanged(const Device& device, absl::string_view attribute) override {
    absl::MutexLock lock(&mutex_);
    if (device.name() == "x") changed_.emplace_back(attribute);
  }
  bool Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return changed_.size() >= count;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(60));
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> changed_ ABSL_GUARDED_BY(mutex_);
};

class ModelEventsTest : public testing::Test, public ModelVerbs {
 protected:
  // The system tells its listener of its end.
  ~ModelEventsTest() override { system.reset(); }

  void Boot() {
    system.reset();
    system = std::make_unique<System>(layer, &changes);
    system->ShowEvents(events);
    std::vector<DimmSource> dimms;
    dimms.push_back({.description = "memory", .capacity = capacity, .labels = labels});
    ASSERT_TRUE(system->AddBus(QemuBus(std::move(dimms))).ok());
  }

  void FlipLabelByte(uint64_t offset) {
    std::byte byte;
    ASSERT_TRUE(labels->Read(offset, absl::MakeSpan(&byte, 1)).ok());
    byte ^= std::byte{0x55};
    ASSERT_TRUE(labels->Write(offset, absl::MakeConstSpan(&byte, 1)).ok());
  }

  EventLog events;
  Changes changes;
  std::shared_ptr<MemoryMedia> capacity = std::make_shared<MemoryMedia>(64 << 20);
  std::shared_ptr<MemoryMedia> labels = std::make_shared<MemoryMedia>(128 << 10);
};

TEST_F(ModelEventsTest, AnUneventfulStartHasNone) {
  Boot();
  EXPECT_EQ(Get("x/events"), "");
  EXPECT_EQ(Get("x/events.json"), "");
  const std::string metrics = Get("x/metrics");
  for (const EventKind& kind : EventKinds())
    EXPECT_THAT(metrics, HasSubstr(absl::StrCat("nvdimmfs_events_total{event=\"", kind.name,
                                                "\",level=\"", NameOf(kind.level), "\"} 0\n")));
}

TEST_F(ModelEventsTest, BadBytesAreCountedOnce) {
  Boot();
  ASSERT_TRUE(capacity->InjectPoison({4096, 1024}).ok());
  EXPECT_THAT(Get("x/events"), AllOf(HasSubstr(" warning media.bad_bytes region0 1024 bytes went "),
                                     HasSubstr("so 1024 are bad now")));
  // Nothing new is bad.
  ASSERT_TRUE(capacity->InjectPoison({4096, 512}).ok());
  EXPECT_THAT(Get("x/events"), Not(HasSubstr("times")));
  ASSERT_TRUE(capacity->ClearPoison(4096, 512).ok());
  EXPECT_THAT(Get("x/events"),
              HasSubstr(" note media.healed region0 512 bad bytes were written over or cleared; "
                        "512 are still bad"));
  EXPECT_THAT(Get("ndbus0/x/metrics"),
              HasSubstr("nvdimmfs_bus_events_total{bus=\"ndbus0\",object=\"region0\",event=\"media."
                        "bad_bytes\"} 1\n"));
}

TEST_F(ModelEventsTest, BytesThatWereBadAtTheStartAreNoNews) {
  ASSERT_TRUE(capacity->InjectPoison({4096, 1024}).ok());
  Boot();
  EXPECT_EQ(Get("x/events"), "");
  ASSERT_TRUE(capacity->InjectPoison({8192, 512}).ok());
  EXPECT_THAT(Get("x/events"), HasSubstr("512 bytes went bad, so 1536 are bad now"));
}

TEST_F(ModelEventsTest, ALostIndexBlockIsNotADamagedArea) {
  ASSERT_TRUE(LabelArea::Open(labels)->Initialise(LabelV1_2()).ok());
  FlipLabelByte(20);
  Boot();
  EXPECT_THAT(Get("x/events"),
              AllOf(HasSubstr(" warning label.index.lost nmem0 one index block "),
                    HasSubstr(" [label.index.checksum]"), Not(HasSubstr("label.damaged"))));
  FlipLabelByte(256 + 20);
  Boot();
  EXPECT_THAT(Get("x/events"),
              HasSubstr(" warning label.damaged nmem0 the label area is damaged, and no label is "
                        "used: "));
}

TEST_F(ModelEventsTest, LabelsThatTheMediaRefusesAreAnEvent) {
  ASSERT_TRUE(LabelArea::Open(labels)->Initialise(LabelV1_2()).ok());
  Boot();
  const std::string ns = Get("region0/namespace_seed").substr(0, 12);
  // A store of part of a bad unit is refused; index blocks are half as long as a unit.
  ASSERT_TRUE(labels->InjectPoison({0, 64 << 10}).ok());
  EXPECT_EQ(Set(ns + "/uuid", "11111111-2222-3333-4444-555555555501\n"), "EIO");
  EXPECT_THAT(Get("x/events"),
              AllOf(HasSubstr(" error label.write_failed nmem0 "), HasSubstr(" [media.poison]")));
  // A refusal that is no failure of the media is none.
  EXPECT_EQ(events.CountsByKind()[static_cast<size_t>(Event::kLabelWriteFailed)], 1U);
  EXPECT_EQ(Set(ns + "/uuid", "junk\n"), "EINVAL");
  EXPECT_EQ(events.CountsByKind()[static_cast<size_t>(Event::kLabelWriteFailed)], 1U);
}

TEST_F(ModelEventsTest, PollersOfBothFilesAreWoken) {
  Boot();
  ASSERT_TRUE(capacity->InjectPoison({4096, 512}).ok());
  EXPECT_TRUE(changes.Await(2));
}

TEST_F(ModelEventsTest, ObjectsBelongToTheirBus) {
  Boot();
  const std::shared_ptr<Device> device = system->Find("ndbus0");
  ASSERT_NE(device, nullptr);
  const auto& bus = static_cast<const Bus&>(*device);
  for (const char* const of_it : {"nmem0", "dev/nmem0", "region0", "namespace0.7", "btt0.1",
                                  "dev/pmem0", "dev/pmem0.1s", "pfn0.0", "dev/dax0.3"})
    EXPECT_TRUE(IsOfBus(bus, of_it)) << of_it;
  for (const char* const other : {"", "nmem1", "region1", "region", "dev/pmem10", "namespace1.0",
                                  "/srv/pmem0", "pmem99999999999999999999", "xpmem0", "dev/"})
    EXPECT_FALSE(IsOfBus(bus, other)) << other;
}

}  // namespace
}  // namespace nvdimmfs::core
