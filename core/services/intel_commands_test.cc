// SPDX-License-Identifier: Apache-2.0
// The commands of a DIMM of the Intel family: CALLs, and the ioctls that two of them have.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/base/endian.h"
#include "core/commands/command.h"
#include "core/intel/firmware.h"
#include "core/media/memory_media.h"
#include "core/testing/silent_listener.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

using intel::Firmware;
using intel::InjectInput;
using intel::SmartOutput;
using intel::Thresholds;

// Hears which attributes changed.
class Listener final : public SilentListener {
 public:
  void AttributeChanged(const Device& device, absl::string_view attribute) override {
    changed.push_back(absl::StrCat(device.name(), "/", attribute));
  }

  std::vector<std::string> changed;
};

class IntelCommandsTest : public testing::Test {
 protected:
  IntelCommandsTest() { Start({}); }

  void Start(Firmware::Options options) {
    options.now = [this] { return now; };
    firmware = *Firmware::PowerOn(std::move(options));
    DimmSource dimm{.description = "memory",
                    .capacity = std::make_shared<MemoryMedia>(64 << 20),
                    .labels = std::make_shared<MemoryMedia>(128 << 10)};
    dimm.firmware = firmware;
    dimm.nfit_flags = kHealthNotified;
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    model.Start(QemuBus(std::move(dimms)), &listener);
  }

  // What ioctl(2) returns or its errno's name; `out` as it comes back.
  std::string Ioctl(uint32_t nr, std::vector<std::byte>& buffer, bool may_write = true) {
    const auto dimm = model.system->Find("nmem0");
    for (const Attribute& attribute : dimm->attributes())
      if (attribute.name == "x/ioctl") {
        const auto result = model.system->RunCommand(*dimm, attribute,
                                                     {.nr = nr,
                                                      .may_write = may_write,
                                                      .length = buffer.size(),
                                                      .buffer = absl::MakeSpan(buffer)});
        return result.ok() ? absl::StrCat(*result) : ErrnoName(ErrnoOf(result.status()));
      }
    return "none";
  }

  std::string Call(uint64_t function, absl::Span<const std::byte> in, size_t out_size) {
    std::vector<std::byte> buffer(64);
    StoreLe<uint64_t>(buffer.data() + 8, function);
    StoreLe(buffer.data() + 16, static_cast<uint32_t>(in.size()));
    StoreLe(buffer.data() + 20, static_cast<uint32_t>(out_size));
    buffer.insert(buffer.end(), in.begin(), in.end());
    buffer.resize(buffer.size() + out_size);
    const std::string result = Ioctl(10, buffer);
    firmware_size = LoadLe<uint32_t>(buffer.data() + 60);
    out.assign(buffer.begin() + 64 + static_cast<long>(in.size()), buffer.end());
    return result;
  }

  template <typename In>
  static std::vector<std::byte> Bytes(const In& in) {
    std::vector<std::byte> bytes(sizeof in);
    std::memcpy(bytes.data(), &in, sizeof in);
    return bytes;
  }

  // The status of a function with this input.
  uint32_t StatusOf(uint64_t function, absl::Span<const std::byte> in, size_t out_size = 4) {
    EXPECT_EQ(Call(function, in, out_size), "0");
    return LoadLe<uint32_t>(out.data());
  }
  template <typename In>
  uint32_t Ask(uint64_t function, const In& in, size_t out_size = 4) {
    return StatusOf(function, Bytes(in), out_size);
  }

  SmartOutput Smart() {
    EXPECT_EQ(StatusOf(intel::kSmart, {}, sizeof(SmartOutput)), 0u);
    SmartOutput smart;
    std::memcpy(&smart, out.data(), sizeof smart);
    return smart;
  }

  uint32_t Send(uint32_t context, uint32_t offset, uint32_t length, size_t data) {
    std::vector<std::byte> in =
        Bytes(intel::FirmwareSendInput{.context = context, .offset = offset, .length = length});
    in.resize(in.size() + data);
    return StatusOf(intel::kFirmwareSend, in);
  }
  uint32_t StartUpdate() {
    EXPECT_EQ(StatusOf(intel::kFirmwareStart, {}, 8), 0u);
    return LoadLe<uint32_t>(out.data() + 4);
  }
  uint32_t Finish(uint32_t context, uint8_t flags = 0) {
    return Ask(intel::kFirmwareFinish,
               intel::FirmwareFinishInput{.flags = flags, .context = context});
  }
  uint32_t Query(uint32_t context) { return Ask(intel::kFirmwareQuery, le32(context), 12); }
  uint64_t StagedVersion() {
    EXPECT_EQ(StatusOf(intel::kFirmwareInfo, {}, 44), 0u);
    return LoadLe<uint64_t>(out.data() + 36);
  }

  absl::Time now = absl::FromUnixSeconds(1'000'000);
  Listener listener;
  std::shared_ptr<Firmware> firmware;
  ModelVerbs model;
  std::vector<std::byte> out;
  uint32_t firmware_size = 0;
};

TEST_F(IntelCommandsTest, AttributesSayWhatThereIs) {
  EXPECT_EQ(model.Get("nmem0/commands"),
            "smart smart_thresh get_size get_data set_data cmd_call \n");
  EXPECT_EQ(model.Get("nmem0/nfit/family"), "0\n");
  EXPECT_EQ(model.Get("nmem0/nfit/dsm_mask"), "0x7ffff476\n");
  EXPECT_EQ(model.Get("nmem0/nfit/flags"), "smart_notify \n");
  EXPECT_EQ(model.Get("nmem0/nfit/dirty_shutdown"), "0\n");
}

TEST_F(IntelCommandsTest, AnIoctlAndACallSayTheSame) {
  std::vector<std::byte> smart(132), thresholds(12), short_one(131);
  EXPECT_EQ(Ioctl(1, smart), "0");
  EXPECT_EQ(Call(1, {}, 132), "0");
  EXPECT_EQ(smart, out);
  EXPECT_EQ(Ioctl(2, thresholds), "0");
  EXPECT_EQ(Call(2, {}, 12), "0");
  EXPECT_EQ(thresholds, out);
  EXPECT_EQ(Ioctl(1, short_one), "EINVAL");
  // Its number is that of a bus command that writes.
  EXPECT_EQ(Ioctl(2, thresholds, false), "EPERM");
}

TEST_F(IntelCommandsTest, AShortOutputIsCutAndTold) {
  EXPECT_EQ(Call(intel::kSmart, {}, 16), "0");
  EXPECT_EQ(firmware_size, 132u);
}

TEST_F(IntelCommandsTest, WhatAKernelKeepsToItself) {
  for (uint64_t function = 19; function <= 30; ++function)
    EXPECT_EQ(Call(function, std::vector<std::byte>(64), 12), "EOPNOTSUPP") << function;
}

TEST_F(IntelCommandsTest, FunctionsThatAreNotThere) {
  for (const uint64_t function : {0, 3, 7, 8, 9, 11, 31, 63, 64, 200})
    EXPECT_EQ(Call(function, {}, 132), "ENOTTY") << function;
}

TEST_F(IntelCommandsTest, InputsOfTheWrongSizeAreInvalid) {
  for (const uint64_t function : {10, 14, 15, 16, 17, 18})
    for (const size_t size : {0, 2, 5, 11})
      EXPECT_EQ(StatusOf(function, std::vector<std::byte>(size)), intel::kInvalidParameter)
          << function << " with " << size;
}

TEST_F(IntelCommandsTest, ThresholdsAreKeptAndRaiseAlarms) {
  const SmartOutput smart = Smart();
  EXPECT_EQ(smart.alarms, 0);
  Thresholds thresholds = {.enabled = intel::kSparesAlarm | intel::kControllerAlarm,
                           .spares = smart.spares,
                           .media_temperature = smart.media_temperature,
                           .controller_temperature = smart.controller_temperature};
  EXPECT_EQ(Ask(intel::kSetThreshold, thresholds), 0u);
  EXPECT_EQ(Smart().alarms, intel::kSparesAlarm | intel::kControllerAlarm);
  EXPECT_EQ(model.Get("nmem0/nfit/flags"), "smart_event smart_notify \n");
  EXPECT_EQ(listener.changed, std::vector<std::string>{"nmem0/nfit/flags"});
  EXPECT_EQ(StatusOf(intel::kSmartThreshold, {}, 12), 0u);
  EXPECT_EQ(std::memcmp(out.data() + 4, &thresholds, sizeof thresholds), 0);
  // Out of reach again: nothing to tell.
  thresholds.enabled = 0;
  EXPECT_EQ(Ask(intel::kSetThreshold, thresholds), 0u);
  EXPECT_EQ(model.Get("nmem0/nfit/flags"), "smart_notify \n");
  EXPECT_EQ(listener.changed.size(), 1u);
}

TEST_F(IntelCommandsTest, ATemperatureBelowZeroTripsNothing) {
  EXPECT_EQ(Ask(intel::kInjectSmart, InjectInput{.flags = intel::kInjectMediaTemperature,
                                                 .media_temperature_enable = 1,
                                                 .media_temperature = 0x8000 | 16 * 40}),
            0u);
  EXPECT_EQ(Smart().media_temperature, 0x8000 | 16 * 40);
  EXPECT_EQ(Smart().alarms, 0);
}

TEST_F(IntelCommandsTest, WhatIsInjectedShowsAndGoesAgain) {
  const SmartOutput before = Smart();
  InjectInput input = {.flags = 15,
                       .media_temperature_enable = 1,
                       .media_temperature = 100 * 16,
                       .spares_enable = 1,
                       .spares = 3,
                       .fatal_enable = 1,
                       .unsafe_shutdown_enable = 1};
  EXPECT_EQ(Ask(intel::kInjectSmart, input), 0u);
  const SmartOutput injected = Smart();
  EXPECT_EQ(injected.media_temperature, 100 * 16);
  EXPECT_EQ(injected.spares, 3);
  EXPECT_EQ(injected.health, intel::kFatal);
  EXPECT_EQ(injected.shutdown_state, 1);
  EXPECT_EQ(injected.shutdown_count, before.shutdown_count + 1);
  EXPECT_EQ(injected.alarms, intel::kSparesAlarm | intel::kMediaAlarm);
  EXPECT_EQ(listener.changed.size(), 1u);
  EXPECT_EQ(Ask(intel::kInjectSmart, InjectInput{.flags = 15}), 0u);
  SmartOutput after = Smart();
  EXPECT_EQ(after.shutdown_count, before.shutdown_count + 1);  // it has happened
  after.shutdown_count = before.shutdown_count;
  EXPECT_EQ(std::memcmp(&after, &before, sizeof after), 0);
  EXPECT_EQ(listener.changed.size(), 1u);
}

TEST_F(IntelCommandsTest, WhatIsNotFlaggedIsNotInjected) {
  const SmartOutput before = Smart();
  EXPECT_EQ(Ask(intel::kInjectSmart, InjectInput{.flags = intel::kInjectSpares,
                                                 .media_temperature_enable = 1,
                                                 .media_temperature = 1600,
                                                 .spares_enable = 1,
                                                 .spares = 50,
                                                 .fatal_enable = 1,
                                                 .unsafe_shutdown_enable = 1}),
            0u);
  SmartOutput after = Smart();
  EXPECT_EQ(after.spares, 50);
  after.spares = before.spares;
  EXPECT_EQ(std::memcmp(&after, &before, sizeof after), 0);
}

TEST_F(IntelCommandsTest, TheLatchIsOnOrOff) {
  const auto latch = [&](uint8_t enable) {
    return Ask(intel::kEnableLatch, intel::LatchInput{.enable = enable});
  };
  EXPECT_EQ(latch(1), 0u);
  EXPECT_EQ(latch(0), 0u);
  EXPECT_EQ(latch(2), intel::kInvalidParameter);
}

TEST_F(IntelCommandsTest, AnImageIsSentVerifiedAndStaged) {
  const uint32_t context = StartUpdate();
  EXPECT_EQ(StatusOf(intel::kFirmwareStart, {}, 8), intel::kUpdateBusy);
  EXPECT_EQ(Query(context), intel::kWrongSequence);
  EXPECT_EQ(Send(context, 0, 1000, 1000), 0u);
  EXPECT_EQ(Send(context, 1000, 24, 24), 0u);
  EXPECT_EQ(Finish(context), 0u);
  EXPECT_EQ(Query(context), intel::kVerifying);
  EXPECT_EQ(Send(context, 1024, 4, 4), intel::kRetry);
  now += absl::Seconds(2);
  EXPECT_EQ(Query(context), 0u);
  const uint64_t staged = LoadLe<uint64_t>(out.data() + 4);
  EXPECT_NE(staged, 0u);
  EXPECT_EQ(StagedVersion(), staged);
  EXPECT_EQ(Finish(context), intel::kUpdateDone);
  EXPECT_EQ(StatusOf(intel::kFirmwareStart, {}, 8), intel::kUpdateBusy);
}

TEST_F(IntelCommandsTest, AnAbortedUpdateStagesNothing) {
  const uint32_t context = StartUpdate();
  EXPECT_EQ(Send(context, 0, 8, 8), 0u);
  EXPECT_EQ(Finish(context, 1), intel::kUpdateAborted);
  EXPECT_EQ(Query(context), 0u);
  EXPECT_EQ(StagedVersion(), 0u);
  EXPECT_EQ(Finish(context), intel::kWrongContext);
  EXPECT_NE(StartUpdate(), context);
}

TEST_F(IntelCommandsTest, AContextThatIsNotThisUpdates) {
  const uint32_t context = StartUpdate();
  EXPECT_EQ(Send(context + 1, 0, 8, 8), intel::kWrongContext);
  EXPECT_EQ(Finish(context + 1), intel::kWrongContext);
  EXPECT_EQ(Query(context + 1), intel::kWrongContext);
  EXPECT_EQ(Finish(context, 2), intel::kInvalidParameter);
}

TEST_F(IntelCommandsTest, APieceThatDoesNotFit) {
  const uint32_t context = StartUpdate();
  EXPECT_EQ(Send(context, 0, 0xffed, 0xffed), intel::kInvalidParameter);
  EXPECT_EQ(Send(context, (1 << 20) - 4, 8, 8), intel::kInvalidParameter);
  EXPECT_EQ(Send(context, UINT32_MAX, UINT32_MAX, 8), intel::kInvalidParameter);
  EXPECT_EQ(Send(context, 0, 9, 8), intel::kInvalidParameter);  // more than there is
}

TEST_F(IntelCommandsTest, AnImageWithAGapOrWithNothingIsBad) {
  for (const uint32_t first : {0u, 16u}) {
    const uint32_t context = StartUpdate();
    if (first != 0) {
      EXPECT_EQ(Send(context, first, 8, 8), 0u);
    }
    EXPECT_EQ(Finish(context), 0u);
    now += absl::Seconds(2);
    EXPECT_EQ(Query(context), intel::kBadImage);
    EXPECT_EQ(StagedVersion(), 0u);
  }
}

TEST_F(IntelCommandsTest, AFirmwareThatDoesNotMoveOnShowsWhatWasActivatedAsTheNext) {
  Firmware::Options options;
  options.update.running_version = 0;
  options.update.activation_moves_on = false;
  Start(std::move(options));
  for (int round = 0; round < 2; ++round) {
    const uint32_t context = StartUpdate();
    EXPECT_EQ(Send(context, 0, 8, 8), 0u);
    EXPECT_EQ(Finish(context), 0u);
    now += absl::Seconds(2);
    EXPECT_EQ(Query(context), 0u);
    ASSERT_TRUE(firmware->Activate().ok());
    EXPECT_EQ(firmware->update().result(), intel::ActivateResult::kSuccess);
    EXPECT_EQ(firmware->update().running_version(), 0u);
    EXPECT_EQ(StagedVersion(), 1u);
  }
  ASSERT_TRUE(firmware->Activate().ok());
  EXPECT_EQ(firmware->update().result(), intel::ActivateResult::kNotStaged);
}

TEST_F(IntelCommandsTest, AFirmwareWithFewerFunctions) {
  Start({.functions = 0x470});
  EXPECT_EQ(model.Get("nmem0/commands"), "get_size get_data set_data cmd_call \n");
  EXPECT_EQ(model.Get("nmem0/nfit/dsm_mask"), "0x470\n");
  EXPECT_EQ(model.Get("nmem0/nfit/dirty_shutdown"), "!ENOENT");
  EXPECT_EQ(Call(1, {}, 132), "ENOTTY");
}

}  // namespace
}  // namespace nvdimmfs::core
