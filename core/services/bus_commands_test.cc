// SPDX-License-Identifier: Apache-2.0
// Scrub, error injection and address translation of a bus, as its commands and files show them.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/commands/bus_command_format.h"
#include "core/commands/command_call.h"
#include "core/media/memory_media.h"
#include "core/testing/silent_listener.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSize = 32 << 20, kSpa = uint64_t{4} << 30, kGranularity = 4096;
constexpr int kCall = 10;

// Remembers changes of attributes.
class Changes final : public SilentListener {
 public:
  void AttributeChanged(const Device& device, absl::string_view attribute) override {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&text_, device.name(), "/", attribute, " ");
  }
  std::string text() {
    absl::MutexLock lock(&mutex_);
    return text_;
  }

 private:
  absl::Mutex mutex_;
  std::string text_;
};

// Two DIMMs as one set, and a third on its own; `time` is what scrubbing a region takes.
class BusCommandsTest : public testing::Test, public ModelVerbs {
 protected:
  // The system tells its listener of its end.
  ~BusCommandsTest() override { system.reset(); }
  void SetUp() override { Boot(absl::ZeroDuration()); }
  void Boot(absl::Duration time, const BusQuirks& quirks = {}) {
    BusSource bus;
    for (uint32_t i = 0; i < 3; ++i) {
      capacity[i] = std::make_shared<MemoryMedia>(kSize);
      bus.dimms.push_back({.description = absl::StrCat("dimm", i), .capacity = capacity[i]});
      bus.dimms.back().identity.handle = 0x10 + i;
    }
    bus.regions.resize(2);
    bus.regions[0].mappings = {{.dimm = 0, .dpa = {0, kSize}, .region_offset = 0},
                               {.dimm = 1, .dpa = {0, kSize}, .region_offset = kGranularity}};
    bus.regions[0].granularity = kGranularity;
    bus.regions[0].spa = {kSpa, 2 * kSize};
    bus.regions[1].mappings = {{.dimm = 2, .dpa = {0, kSize}}};
    bus.regions[1].spa = {kSpa + 2 * kSize, kSize};
    for (RegionSource& region : bus.regions)
      region.media = *StripeMappings(bus.dimms, region.mappings, kGranularity);
    bus.scrubs = true;
    bus.families = 3;
    bus.functions = kAllBusFunctions;
    bus.quirks = quirks;
    bus.scrub_time = time;
    system.reset();
    Start(std::move(bus), &changes);
    ASSERT_TRUE(added.ok()) << added;
  }

  // What ioctl(2) returns, or the errno's name.
  std::string Ioctl(uint32_t nr, absl::Span<std::byte> buffer, bool may_write = true) {
    for (const auto& device : system->Devices())
      for (const Attribute& attribute : device->attributes())
        if (device->name() == "ndctl0" && attribute.name == "x/ioctl") {
          const auto result = system->RunCommand(
              *device, attribute,
              {.nr = nr, .may_write = may_write, .length = buffer.size(), .buffer = buffer});
          return result.ok() ? absl::StrCat(*result) : ErrnoName(ErrnoOf(result.status()));
        }
    return "none";
  }
  template <typename Payload>
  std::string Run(uint32_t nr, Payload& payload) {
    return Ioctl(nr, {reinterpret_cast<std::byte*>(&payload), sizeof payload});
  }

  // A CALL; `out` comes back in the vector.
  template <typename In>
  std::string Call(uint64_t function, const In& in, std::vector<std::byte>& out,
                   uint64_t family = 0) {
    std::vector<std::byte> buffer(kCallHeader + sizeof in + out.size());
    StoreLe<uint64_t>(buffer.data(), family);
    StoreLe<uint64_t>(buffer.data() + 8, function);
    StoreLe<uint32_t>(buffer.data() + 16, sizeof in);
    StoreLe<uint32_t>(buffer.data() + 20, static_cast<uint32_t>(out.size()));
    std::memcpy(buffer.data() + kCallHeader, &in, sizeof in);
    const std::string result = Ioctl(kCall, absl::MakeSpan(buffer));
    std::copy(buffer.end() - static_cast<ptrdiff_t>(out.size()), buffer.end(), out.begin());
    return result;
  }
  // The status of one that has nothing else to say.
  template <typename In>
  std::string StatusOf(uint64_t function, const In& in) {
    std::vector<std::byte> out(4);
    const std::string result = Call(function, in, out);
    return result == "0" ? absl::StrCat("status ", LoadLe<uint32_t>(out.data())) : result;
  }
  std::string Inject(uint64_t at, uint64_t size, bool notify = false) {
    return StatusOf(kInjectErrors, InjectErrorsIn{kSpa + at, size, notify});
  }
  std::string Withdraw(uint64_t at, uint64_t size) {
    return StatusOf(kWithdrawErrors, WithdrawErrorsIn{kSpa + at, size});
  }
  std::string Listed(size_t room = 4096) {
    std::vector<std::byte> out(room);
    struct Nothing {};
    std::vector<std::byte> buffer(kCallHeader + room);
    StoreLe<uint64_t>(buffer.data() + 8, kListErrors);
    StoreLe<uint32_t>(buffer.data() + 20, static_cast<uint32_t>(room));
    EXPECT_EQ(Ioctl(kCall, absl::MakeSpan(buffer)), "0");
    const std::byte* at = buffer.data() + kCallHeader;
    std::string text;
    for (uint32_t i = 0; i < LoadLe<uint32_t>(at + 4); ++i)
      absl::StrAppend(&text, text.empty() ? "" : " ", LoadLe<uint64_t>(at + 8 + 16 * i) - kSpa, "+",
                      LoadLe<uint64_t>(at + 16 + 16 * i));
    return text;
  }
  std::string Clear(uint64_t at, uint64_t size, uint64_t preset = 0) {
    ClearErrorPayload payload = {};
    payload.address = kSpa + at;
    payload.length = size;
    payload.cleared = preset;
    const std::string result = Run(kClearError, payload);
    return result == "0" ? absl::StrCat("cleared ", uint64_t{payload.cleared}) : result;
  }
  std::string Translate(uint64_t spa) {
    std::vector<std::byte> out(sizeof(TranslateSpaOut) + sizeof(TranslatedDimm));
    if (const std::string result = Call(kTranslateSpa, TranslateSpaIn{spa}, out); result != "0")
      return result;
    TranslateSpaOut head;
    TranslatedDimm dimm;
    std::memcpy(&head, out.data(), sizeof head);
    std::memcpy(&dimm, out.data() + sizeof head, sizeof dimm);
    if (head.status != 0) return absl::StrCat("status ", uint32_t{head.status});
    return absl::StrCat(absl::Hex(uint32_t{dimm.handle}), ":", uint64_t{dimm.dpa}, "+",
                        uint64_t{head.translate_length});
  }

  void Scrub() {
    const std::string before = Get("ndbus0/nfit/scrub");
    ASSERT_EQ(Set("ndbus0/nfit/scrub", "1\n"), "");
    AwaitScrub();
    EXPECT_NE(Get("ndbus0/nfit/scrub"), before);
  }
  void AwaitScrub() {
    while (absl::StrContains(Get("ndbus0/nfit/scrub"), "+")) absl::SleepFor(absl::Milliseconds(1));
  }
  ArsStatusPayload Status(std::vector<ArsRecord>* records = nullptr) {
    std::vector<std::byte> buffer(kMaxArsOut);
    StoreLe<uint32_t>(buffer.data() + 4, kMaxArsOut);
    EXPECT_EQ(Ioctl(kArsStatus, absl::MakeSpan(buffer)), "0");
    ArsStatusPayload status;
    std::memcpy(&status, buffer.data(), sizeof status);
    if (records != nullptr) {
      records->resize(status.num_records);
      std::memcpy(records->data(), buffer.data() + sizeof status,
                  records->size() * sizeof(ArsRecord));
    }
    return status;
  }
  std::string StartArs(uint64_t at, uint64_t size) {
    ArsStartPayload payload = {};
    payload.address = kSpa + at;
    payload.length = size;
    payload.type = 2;
    const std::string result = Run(kArsStart, payload);
    return result == "0" ? absl::StrCat("status ", uint32_t{payload.status}) : result;
  }

  Changes changes;
  std::shared_ptr<MemoryMedia> capacity[3];
};

TEST_F(BusCommandsTest, WhatTheBusSaysOfItself) {
  EXPECT_EQ(Get("ndbus0/commands"), "ars_cap ars_start ars_status clear_error cmd_call \n");
  EXPECT_EQ(Get("ndbus0/nfit/dsm_mask"), "0x3be\n");
  EXPECT_EQ(Get("ndbus0/nfit/scrub"), "1\n");
  EXPECT_EQ(Get("ndbus0/x/scrub"), "idle\n");
}

TEST_F(BusCommandsTest, ABusWithoutScrubHasNothingOfIt) {
  Model qemu;
  EXPECT_EQ(qemu.Get("ndbus0/nfit/scrub"), "!ENOENT");
  EXPECT_EQ(qemu.Get("ndbus0/commands"), "cmd_call \n");
  EXPECT_EQ(qemu.Get("ndbus0/nfit/dsm_mask"), "0x0\n");
}

TEST_F(BusCommandsTest, Capabilities) {
  ArsCapPayload payload = {};
  payload.address = kSpa;
  payload.length = kSize;
  EXPECT_EQ(Run(kArsCap, payload), "0");
  EXPECT_EQ(uint32_t{payload.status}, 0x30000u);
  EXPECT_EQ(uint32_t{payload.max_ars_out}, 4128u);
  EXPECT_EQ(uint32_t{payload.clear_err_unit}, 256u);
}

TEST_F(BusCommandsTest, InjectedErrorsShowAfterAScrub) {
  EXPECT_EQ(Inject(1 << 20, 256), "status 0");
  EXPECT_EQ(Get("region0/badblocks"), "");
  EXPECT_EQ(Listed(), "1048576+256");
  Scrub();
  EXPECT_EQ(Get("region0/badblocks"), "2048 1\n");
  EXPECT_TRUE(absl::StrContains(changes.text(), "ndbus0/nfit/scrub "));
}

TEST_F(BusCommandsTest, ANotificationScrubsByItself) {
  EXPECT_EQ(Inject(2 * kSize, 512, /*notify=*/true), "status 0");
  AwaitScrub();
  EXPECT_EQ(Get("ndbus0/nfit/scrub"), "2\n");
  EXPECT_EQ(Get("region1/badblocks"), "0 1\n");
}

TEST_F(BusCommandsTest, WithdrawnErrorsNeverShow) {
  EXPECT_EQ(Inject(0, 1024), "status 0");
  EXPECT_EQ(Withdraw(0, 512), "status 0");
  EXPECT_EQ(Listed(), "512+512");
  Scrub();
  EXPECT_EQ(Get("region0/badblocks"), "1 1\n");
}

TEST_F(BusCommandsTest, InjectionsThatAreInvalid) {
  EXPECT_EQ(Inject(0, 0), "status 2");
  EXPECT_EQ(Inject(3 * kSize, 512), "status 2");
  EXPECT_EQ(Inject(UINT64_MAX - kSpa, 512), "status 2");
  EXPECT_EQ(Withdraw(0, 0), "status 2");
  EXPECT_EQ(StatusOf(kInjectErrors, WithdrawErrorsIn{kSpa, 512}), "EINVAL");
  EXPECT_EQ(StatusOf(kWithdrawErrors, InjectErrorsIn{kSpa, 512, 0}), "EINVAL");
}

TEST_F(BusCommandsTest, TheListIsCutToTheRoomThereIs) {
  for (uint64_t i = 0; i < 4; ++i) Inject(4096 * i, 256);
  EXPECT_EQ(Listed(8 + 2 * 16 + 15), "0+256 4096+256");
  EXPECT_EQ(Listed(8), "");
}

TEST_F(BusCommandsTest, ErrorsAreCleared) {
  Inject(0, 512);
  Scrub();
  EXPECT_EQ(Clear(0, 512), "cleared 512");
  EXPECT_EQ(Get("region0/badblocks"), "");
  EXPECT_EQ(Listed(), "");
}

TEST_F(BusCommandsTest, PartsOfAUnitAreNotCleared) {
  for (const auto& [at, size] : {std::pair(0, 100), {128, 256}}) {
    ClearErrorPayload payload = {};
    payload.address = kSpa + static_cast<uint64_t>(at);
    payload.length = static_cast<uint64_t>(size);
    EXPECT_EQ(Run(kClearError, payload), "0");
    EXPECT_EQ(uint32_t{payload.status}, kBusStatusInvalid);
    EXPECT_EQ(uint64_t{payload.cleared}, 0u);
  }
}

TEST_F(BusCommandsTest, IoctlsAreFunctionsToo) {
  Inject(0, 512);
  std::vector<std::byte> out(16);
  ASSERT_EQ(Call(kArsCap, WithdrawErrorsIn{kSpa, kSize}, out), "0");
  EXPECT_EQ(LoadLe<uint32_t>(out.data()), 0x30000u);
  EXPECT_EQ(LoadLe<uint32_t>(out.data() + 8), 256u);
  EXPECT_EQ(StatusOf(kArsCap, TranslateSpaIn{kSpa}), "EINVAL");

  struct {
    le64 address, length;
    le16 type;
    uint8_t flags, reserved[5];
  } start = {kSpa, kSize, 2, 0, {}};
  EXPECT_EQ(StatusOf(kArsStart, start), "status 0");
  AwaitScrub();
  std::vector<std::byte> buffer(kCallHeader + 48 + 24);
  StoreLe<uint64_t>(buffer.data() + 8, kArsStatus);
  StoreLe<uint32_t>(buffer.data() + 20, 48 + 24);
  EXPECT_EQ(Ioctl(kCall, absl::MakeSpan(buffer)), "0");
  EXPECT_EQ(LoadLe<uint32_t>(buffer.data() + kCallHeader + 44), 1u);  // records
  EXPECT_EQ(LoadLe<uint64_t>(buffer.data() + kCallHeader + 48 + 8),
            kSpa);  // the first one's address
}

TEST_F(BusCommandsTest, AKernelKnowsNothingOfWhatAFunctionCleared) {
  Inject(0, 512);
  Scrub();
  std::vector<std::byte> out(16);
  ASSERT_EQ(Call(kClearError, WithdrawErrorsIn{kSpa, 512}, out), "0");
  EXPECT_EQ(LoadLe<uint32_t>(out.data()), 0u);
  EXPECT_EQ(LoadLe<uint64_t>(out.data() + 8), 512u);
  EXPECT_EQ(Listed(), "");
  EXPECT_EQ(Get("region0/badblocks"), "0 1\n");
}

// The firmware of the kernel's test module differs.
class TestBusCommandsTest : public BusCommandsTest {
 protected:
  void SetUp() override {
    Boot(absl::ZeroDuration(), {.errors_anywhere = true,
                                .records_without_dimm = true,
                                .translates_to_last_dimm = true,
                                .refuses_partial_clear = true,
                                .checks_call_sizes = true});
  }
};

TEST_F(TestBusCommandsTest, ErrorsAreNotedAtAnyAddress) {
  EXPECT_EQ(Inject(3 * kSize - 512, 1024), "status 0");
  EXPECT_EQ(Inject(uint64_t{1} << 40, 512), "status 0");
  EXPECT_EQ(Listed(),
            absl::StrCat(3 * kSize - 512, "+512 ", 3 * kSize, "+512 ", uint64_t{1} << 40, "+512"));
  Scrub();
  EXPECT_EQ(Get("region1/badblocks"), absl::StrCat(kSize / 512 - 1, " 1\n"));
  EXPECT_EQ(Clear(3 * kSize, 512), "cleared 512");
  EXPECT_EQ(Withdraw(uint64_t{1} << 40, 256), "status 0");
  EXPECT_EQ(Listed(), absl::StrCat(3 * kSize - 512, "+512 ", (uint64_t{1} << 40) + 256, "+256"));
}

TEST_F(TestBusCommandsTest, AnAddressIsTheLastDimms) {
  EXPECT_EQ(Translate(kSpa), "11:0+0");
  EXPECT_EQ(Translate(kSpa + kSize + 100), absl::StrCat("11:", kSize + 100, "+0"));
  EXPECT_EQ(Translate(kSpa + 3 * kSize), "status 2");
  Inject(4096, 512);
  EXPECT_EQ(StartArs(0, kSize), "status 0");
  std::vector<ArsRecord> records;
  Status(&records);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(uint32_t{records[0].handle}, 0u);
}

TEST_F(TestBusCommandsTest, PartsOfAUnitAreAnErrno) {
  EXPECT_EQ(Clear(0, 100), "EINVAL");
  EXPECT_EQ(Clear(128, 256), "EINVAL");
}

TEST_F(BusCommandsTest, AnEnabledNamespaceIsNotClearedUnderneath) {
  ASSERT_TRUE(Bound("namespace1.0"));
  EXPECT_EQ(Clear(2 * kSize, kSize, /*preset=*/kSize), "EBUSY");
  ASSERT_EQ(Unbind("nd_pmem", "namespace1.0"), "");
  EXPECT_EQ(Clear(2 * kSize, kSize, /*preset=*/kSize), absl::StrCat("cleared ", kSize));
}

TEST_F(BusCommandsTest, AddressesAreTranslatedThroughTheSet) {
  EXPECT_EQ(Translate(kSpa), "10:0+4096");
  EXPECT_EQ(Translate(kSpa + 4096 + 100), "11:100+3996");
  EXPECT_EQ(Translate(kSpa + 3 * 4096), "11:4096+4096");
  EXPECT_EQ(Translate(kSpa + 2 * kSize + 12345), absl::StrCat("12:12345+", kSize - 12345));
  EXPECT_EQ(Translate(kSpa - 1), "status 2");
  EXPECT_EQ(Translate(kSpa + 3 * kSize), "status 2");
}

TEST_F(BusCommandsTest, TheBytesAreWhereTheTranslationSays) {
  Inject(3 * 4096, 512);
  Scrub();
  EXPECT_TRUE(capacity[1]->IsPoisoned(4096, 512));
  EXPECT_EQ(capacity[1]->BadRanges().size(), 1u);
}

TEST_F(BusCommandsTest, AScrubOfOnesOwn) {
  EXPECT_EQ(uint32_t{Status().status}, 0x20000u);
  Inject(512, 256);
  Inject(2 * kSize, 512);
  EXPECT_EQ(StartArs(0, 2 * kSize), "status 0");
  std::vector<ArsRecord> records;
  const ArsStatusPayload status = Status(&records);
  EXPECT_EQ(uint32_t{status.status}, 0u);
  EXPECT_EQ(uint32_t{status.out_length}, 48u + 24u);
  EXPECT_EQ(uint64_t{status.length}, 2 * kSize);
  EXPECT_EQ(uint16_t{status.type}, 2);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(uint32_t{records[0].handle}, 0x10u);
  EXPECT_EQ(uint64_t{records[0].address}, kSpa + 512);
  EXPECT_EQ(uint64_t{records[0].length}, 256u);
}

TEST_F(BusCommandsTest, MoreErrorsThanRoomStopAScrubEarly) {
  for (uint64_t i = 0; i < kMostArsRecords + 3; ++i) Inject(i * 4096, 256);
  EXPECT_EQ(StartArs(0, 2 * kSize), "status 0");
  std::vector<ArsRecord> records;
  const ArsStatusPayload status = Status(&records);
  EXPECT_EQ(uint32_t{status.status}, 0x30000u);
  EXPECT_EQ(uint16_t{status.flags}, 1);
  EXPECT_EQ(records.size(), 170u);
  EXPECT_EQ(uint64_t{status.restart_address}, kSpa + 170 * 4096);
  EXPECT_EQ(StartArs(170 * 4096, status.restart_length), "status 0");
  Status(&records);
  EXPECT_EQ(records.size(), 3u);
}

TEST_F(BusCommandsTest, ResultsWantABufferThatHoldsThem) {
  Inject(0, 256);
  EXPECT_EQ(StartArs(0, kSize), "status 0");
  std::vector<std::byte> buffer(48 + 23);
  EXPECT_EQ(Ioctl(kArsStatus, absl::MakeSpan(buffer)), "EINVAL");
  buffer.resize(47);
  EXPECT_EQ(Ioctl(kArsStatus, absl::MakeSpan(buffer)), "EINVAL");
}

// Nothing in these waits for the hour to pass.
class SlowScrubTest : public BusCommandsTest {
 protected:
  void SetUp() override { Boot(absl::Hours(1)); }
};

TEST_F(SlowScrubTest, OneScrubAtATime) {
  EXPECT_EQ(Set("ndbus0/nfit/scrub", "1\n"), "");
  EXPECT_EQ(Get("ndbus0/nfit/scrub"), "1+\n");
  EXPECT_EQ(Get("ndbus0/x/scrub"), "region0 long 1/2 0%\n");
  EXPECT_EQ(Set("ndbus0/nfit/scrub", "1\n"), "EBUSY");
  EXPECT_EQ(StartArs(0, kSize), "EBUSY");
  EXPECT_EQ(uint32_t{Status().status}, 0x10000u);
  EXPECT_EQ(Inject(0, 512, /*notify=*/true), "status 0");
}

TEST_F(SlowScrubTest, TheFirmwareIsBusyWithOnesOwn) {
  EXPECT_EQ(StartArs(0, kSize), "status 0");
  EXPECT_EQ(StartArs(0, kSize), "status 6");
  EXPECT_EQ(uint32_t{Status().status}, 0x10000u);
  // The kernel's waits for it.
  EXPECT_EQ(Set("ndbus0/nfit/scrub", "1\n"), "");
  EXPECT_EQ(Get("ndbus0/x/scrub"), "waiting\n");
}

TEST_F(SlowScrubTest, OnlyOneMeansStart) {
  for (const char* text : {"0\n", "2\n", "-1\n", "\n", "x"})
    EXPECT_EQ(Set("ndbus0/nfit/scrub", text), "EINVAL") << text;
}

TEST_F(SlowScrubTest, ADescriptorForReadingMayOnlyAsk) {
  ArsCapPayload payload = {};
  const absl::Span<std::byte> buffer(reinterpret_cast<std::byte*>(&payload), sizeof payload);
  EXPECT_EQ(Ioctl(kArsCap, buffer, false), "0");
  EXPECT_EQ(Ioctl(kArsStart, buffer, false), "EPERM");
  EXPECT_EQ(Ioctl(kClearError, buffer, false), "EPERM");
}

TEST_F(SlowScrubTest, WhatIsNotThere) {
  std::vector<std::byte> out(64);
  for (const uint64_t function : {0, 6, 10, 63, 64})
    EXPECT_EQ(Call(function, TranslateSpaIn{}, out), "ENOTTY") << function;
  EXPECT_EQ(Call(1, TranslateSpaIn{}, out, 1), "EOPNOTSUPP");
  EXPECT_EQ(Call(5, TranslateSpaIn{}, out, 1), "ENOTTY");
  EXPECT_EQ(Call(5, TranslateSpaIn{}, out, 2), "EINVAL");
  std::vector<std::byte> buffer(64);
  for (const uint32_t nr : {0, 5, 6, 9, 11}) EXPECT_EQ(Ioctl(nr, absl::MakeSpan(buffer)), "ENOTTY");
}

}  // namespace
}  // namespace nvdimmfs::core
