// SPDX-License-Identifier: Apache-2.0
// nmemN/security, nmemN/frozen and the firmware/ groups, as Linux 6.1 answers them, and what
// becomes of the DIMM's bytes.
#include "core/services/dimm_security.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "core/intel/firmware.h"
#include "core/media/memory_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

using intel::Firmware;
using intel::Passphrase;

constexpr uint64_t kSize = 16 << 20;

// Keys 1 to 9, and whatever has a name.
class FakeKeyRing final : public intel::KeyRing {
 public:
  absl::StatusOr<Passphrase> Read(uint32_t serial) override {
    if (serial > 9) return Refusal(ENOKEY, "security.key", "no such key");
    return Passphrase{static_cast<std::byte>(serial)};
  }
  absl::StatusOr<Passphrase> Find(const std::string& description) override {
    const auto found = named.find(description);
    if (found == named.end()) return Refusal(ENOKEY, "security.key", "no such key");
    return Read(found->second);
  }

  std::map<std::string, uint32_t> named;
};

// A record that survives a power cycle.
class FakeStore final : public intel::StateStore {
 public:
  explicit FakeStore(std::string& record) : record_(record) {}
  absl::StatusOr<std::string> Load() override { return record_; }
  absl::Status Save(absl::string_view record) override {
    record_ = std::string(record);
    return absl::OkStatus();
  }

 private:
  std::string& record_;
};

class DimmSecurityTest : public testing::Test {
 protected:
  DimmSecurityTest() {
    LabelArea::Open(labels)->Initialise(LabelV1_2()).IgnoreError();
    PowerCycle();
  }

  void PowerCycle(bool read_only = false) {
    model.system.reset();
    for (auto& firmware : firmwares) firmware.reset();
    std::vector<DimmSource> dimms;
    for (uint32_t i = 0; i < 5; ++i) {
      DimmSource dimm{.description = "memory",
                      .capacity = i == 0 ? capacity : std::make_shared<MemoryMedia>(1 << 20),
                      .labels = i == 0 ? labels : nullptr};
      dimm.identity = {.handle = i + 1, .vendor = 0x8086, .serial = 0x123456 + i};
      Firmware::Options options{.now = [this] { return now; }, .keys = keys};
      if (i == 0) options.store = std::make_shared<FakeStore>(record);
      options.passphrase_tries = passphrase_tries;
      if (i == 0) dimm.read_only = read_only;
      dimm.firmware = firmwares[i] = *Firmware::PowerOn(std::move(options));
      dimms.push_back(std::move(dimm));
    }
    model.Start(QemuBus(std::move(dimms)));
    ASSERT_TRUE(model.added.ok()) << model.added;
  }

  std::string Security(absl::string_view text) { return model.Set("nmem0/security", text); }
  std::string State() { return model.Get("nmem0/security"); }
  // The errno and the reason with which the write is refused.
  std::string Refusal(absl::string_view text) {
    const std::string error = Security(text);
    const std::string last = model.Get("nmem0/x/last_error.json");
    const size_t start = last.find("security.");
    return start == std::string::npos
               ? absl::StrCat(error, " ", last)
               : absl::StrCat(error, " ", last.substr(start, last.find('"', start) - start));
  }
  void DisableRegion() { EXPECT_EQ(model.Unbind("nd_region", "region0"), ""); }
  std::string EnableRegion() { return model.Bind("nd_region", "region0"); }

  void Fill() {
    const std::vector<std::byte> data(kSize, std::byte{0xa5});
    EXPECT_TRUE(capacity->Write(0, data).ok());
  }
  static bool IsBlank(const Media& media) {
    std::vector<std::byte> data(media.size());
    EXPECT_TRUE(media.Read(0, absl::MakeSpan(data)).ok());
    for (const std::byte byte : data)
      if (byte != std::byte{0}) return false;
    return true;
  }
  // The overwrite runs in a thread of its own.
  void AwaitOverwrite() {
    while (State() == "overwrite\n") absl::SleepFor(absl::Milliseconds(1));
  }

  absl::Time now = absl::FromUnixSeconds(1'000'000);
  std::shared_ptr<FakeKeyRing> keys = std::make_shared<FakeKeyRing>();
  std::shared_ptr<MemoryMedia> capacity = std::make_shared<MemoryMedia>(kSize);
  std::shared_ptr<MemoryMedia> labels = std::make_shared<MemoryMedia>(128 << 10);
  std::string record;
  int passphrase_tries = 0;
  std::shared_ptr<Firmware> firmwares[5];
  ModelVerbs model;
};

TEST_F(DimmSecurityTest, AQemuDimmHasNoSecurity) {
  Model qemu;
  EXPECT_EQ(qemu.Get("nmem0/security"), "!ENOENT");
  EXPECT_EQ(qemu.Get("nmem0/frozen"), "!ENOENT");
  EXPECT_EQ(qemu.Get("nmem0/firmware/activate"), "!ENOENT");
  EXPECT_EQ(qemu.Get("ndbus0/firmware/activate"), "!ENOENT");
}

TEST_F(DimmSecurityTest, WhatIsNoCommand) {
  for (const char* text : {"", "\n", "unlock", "update", "update 0", "update 0 x", "disable",
                           "erase 99999999999", "disable -1", "overwrite 4294967296", "Freeze"})
    EXPECT_EQ(Security(text), "EINVAL") << text;
}

TEST_F(DimmSecurityTest, APassphraseIsSetChangedAndRemoved) {
  EXPECT_EQ(State(), "disabled\n");
  EXPECT_EQ(Security("update 0 1\n"), "");
  EXPECT_EQ(State(), "unlocked\n");
  EXPECT_EQ(Security("update 1 2"), "");
  EXPECT_EQ(Security("disable 2"), "");
  EXPECT_EQ(State(), "disabled\n");
}

TEST_F(DimmSecurityTest, AWrongKeyIsRefused) {
  EXPECT_EQ(Security("update 3 1"), "EINVAL");  // none is set
  EXPECT_EQ(Security("disable 0"), "ENXIO");
  EXPECT_EQ(Security("update 0 1"), "");
  EXPECT_EQ(Security("update 2 3"), "EINVAL");
  EXPECT_EQ(Security("disable 2"), "EINVAL");
  DisableRegion();
  EXPECT_EQ(Security("erase 2"), "EINVAL");
  EXPECT_EQ(Security("erase 0"), "EINVAL");
  EXPECT_EQ(Security("overwrite 2"), "EINVAL");
  EXPECT_EQ(State(), "unlocked\n");
}

TEST_F(DimmSecurityTest, TooManyWrongKeysAreAsAFreeze) {
  passphrase_tries = intel::kPassphraseTries;
  PowerCycle();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Security("update 3 1"), "EINVAL");  // none is set
  EXPECT_EQ(Security("update 0 1"), "");
  EXPECT_EQ(Security("disable 2"), "EINVAL");
  EXPECT_EQ(Security("update 2 3"), "EINVAL");
  EXPECT_EQ(Security("update 1 1"), "");  // the right one: the count is from 0 again
  DisableRegion();
  EXPECT_EQ(Security("disable 2"), "EINVAL");
  EXPECT_EQ(Security("erase 2"), "EINVAL");
  EXPECT_EQ(model.Get("nmem0/frozen"), "0\n");
  EXPECT_EQ(Security("overwrite 2"), "EINVAL");
  EXPECT_EQ(model.Get("nmem0/frozen"), "1\n");
  EXPECT_EQ(State(), "unlocked\n");
  EXPECT_EQ(Refusal("disable 1"), "EIO security.tries");
  EXPECT_EQ(Security("freeze"), "");
  EXPECT_EQ(Refusal("disable 1"), "EIO security.tries");
  PowerCycle();
  EXPECT_EQ(model.Get("nmem0/frozen"), "0\n");
  EXPECT_EQ(State(), "locked\n");
}

TEST_F(DimmSecurityTest, TheMasterPassphraseHasACountOfItsOwn) {
  passphrase_tries = intel::kPassphraseTries;
  PowerCycle();
  EXPECT_EQ(Security("master_update 0 5"), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Security("master_update 6 7"), "EINVAL");
  EXPECT_EQ(Refusal("master_update 5 7"), "EIO security.tries");
  EXPECT_EQ(model.Get("nmem0/frozen"), "0\n");
  EXPECT_EQ(Security("update 0 1"), "");
}

TEST_F(DimmSecurityTest, AKeyThatIsNotThere) {
  EXPECT_EQ(Security("update 0 77"), "ENOKEY");
  EXPECT_EQ(Security("update 77 1"), "ENOKEY");
  EXPECT_EQ(Refusal("update 0 0"), "ENOKEY security.new_key");
  EXPECT_EQ(Refusal("disable 77"), "ENOKEY security.key");
  DisableRegion();
  EXPECT_EQ(Security("erase 77"), "ENOKEY");
}

TEST_F(DimmSecurityTest, WhatIsFrozenStaysSoUntilThePowerGoes) {
  EXPECT_EQ(Refusal("freeze"), "EIO security.no_passphrase");
  EXPECT_EQ(Security("update 0 1"), "");
  EXPECT_EQ(model.Get("nmem0/frozen"), "0\n");
  EXPECT_EQ(Security("freeze"), "");
  EXPECT_EQ(model.Get("nmem0/frozen"), "1\n");
  DisableRegion();
  for (const char* text :
       {"update 1 2", "disable 1", "erase 1", "overwrite 1", "master_update 0 1", "master_erase 0"})
    EXPECT_EQ(Refusal(text), "EIO security.frozen") << text;
  PowerCycle();
  EXPECT_EQ(model.Get("nmem0/frozen"), "0\n");
}

TEST_F(DimmSecurityTest, AfterAPowerCycleItIsLockedUntilItsKeyIsThere) {
  EXPECT_EQ(Security("update 0 1"), "");
  PowerCycle();
  EXPECT_EQ(State(), "locked\n");
  EXPECT_EQ(model.Get("nmem0/flags"), "label lock \n");
  EXPECT_TRUE(model.Bound("nmem0"));
  EXPECT_FALSE(model.Bound("namespace0.0"));
  EXPECT_NE(model.Get("nmem0/x/last_error").find("ENOKEY"), std::string::npos);
  EXPECT_EQ(Refusal("update 1 2"), "EIO security.locked");
  EXPECT_EQ(Refusal("disable 1"), "ENXIO security.locked");
  keys->named["nvdimm:8680-56341200"] = 2;
  PowerCycle();
  EXPECT_EQ(State(), "locked\n");
  EXPECT_NE(model.Get("nmem0/x/last_error").find("EINVAL"), std::string::npos);
  keys->named["nvdimm:8680-56341200"] = 1;
  DisableRegion();
  EXPECT_EQ(model.Unbind("nvdimm", "nmem0"), "");
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(State(), "unlocked\n");
  EXPECT_EQ(model.Get("nmem0/flags"), "label \n");
}

TEST_F(DimmSecurityTest, AnEraseTakesTheDataAndThePassphraseButNotTheLabels) {
  Fill();
  EXPECT_EQ(Security("update 0 1"), "");
  EXPECT_EQ(Security("erase 1"), "EBUSY");
  DisableRegion();
  EXPECT_EQ(Security("erase 1"), "");
  EXPECT_EQ(State(), "disabled\n");
  EXPECT_TRUE(IsBlank(*capacity));
  EXPECT_FALSE(IsBlank(*labels));
  PowerCycle();
  EXPECT_EQ(State(), "disabled\n");
}

TEST_F(DimmSecurityTest, ALabellessRegionKeepsItsDataFromAnErase) {
  EXPECT_EQ(model.Set("nmem1/security", "erase 0"), "EBUSY");
  EXPECT_EQ(model.Unbind("nd_region", "region1"), "");
  EXPECT_EQ(model.Set("nmem1/security", "erase 0"), "");
}

TEST_F(DimmSecurityTest, AnEraseWithoutAPassphrase) {
  Fill();
  DisableRegion();
  EXPECT_EQ(Security("erase 0"), "");
  EXPECT_TRUE(IsBlank(*capacity));
}

TEST_F(DimmSecurityTest, TheMasterErasesWhereTheUserHasForgotten) {
  EXPECT_EQ(Security("master_update 0 5"), "");
  EXPECT_EQ(Security("master_update 0 6"), "EINVAL");
  EXPECT_EQ(Security("update 0 1"), "");
  Fill();
  DisableRegion();
  EXPECT_EQ(Security("master_erase 1"), "EINVAL");
  EXPECT_EQ(Security("master_erase 5"), "");
  EXPECT_EQ(State(), "disabled\n");
  EXPECT_TRUE(IsBlank(*capacity));
  PowerCycle();
  EXPECT_EQ(Security("master_update 5 6"), "");
}

TEST_F(DimmSecurityTest, AnOverwriteTakesEverythingInTheBackground) {
  Fill();
  EXPECT_TRUE(capacity->InjectPoison({4096, 512}).ok());
  EXPECT_EQ(Security("update 0 1"), "");
  EXPECT_EQ(Security("overwrite 1"), "EBUSY");
  DisableRegion();
  EXPECT_EQ(Security("overwrite 1"), "");
  AwaitOverwrite();
  EXPECT_EQ(State(), "unlocked\n");
  EXPECT_TRUE(IsBlank(*capacity));
  EXPECT_TRUE(IsBlank(*labels));
  EXPECT_EQ(EnableRegion(), "");
  EXPECT_EQ(model.Get("region0/available_size"), absl::StrCat(kSize, "\n"));
}

TEST_F(DimmSecurityTest, ADisabledDimmIsNotOverwritten) {
  DisableRegion();
  EXPECT_EQ(model.Unbind("nvdimm", "nmem0"), "");
  EXPECT_EQ(Security("overwrite 0"), "EINVAL");
}

TEST_F(DimmSecurityTest, AnOverwriteThatWasCutIsTakenUpAgain) {
  Fill();
  DisableRegion();
  model.system.reset();
  for (auto& firmware : firmwares) firmware.reset();
  // As the record was when the power went.
  auto kept =
      *intel::DecodeKeptState(intel::Encode({.thresholds = intel::HealthProfile().thresholds}));
  kept.security.overwriting = true;
  record = intel::Encode(kept);
  PowerCycle(true);
  EXPECT_EQ(State(), "overwrite\n");  // nothing is written to what must not be
  EXPECT_FALSE(IsBlank(*capacity));
  EXPECT_EQ(EnableRegion(), "EBUSY");
  EXPECT_EQ(Security("update 0 1"), "EROFS");
  PowerCycle();
  AwaitOverwrite();
  EXPECT_EQ(State(), "disabled\n");
  EXPECT_TRUE(IsBlank(*capacity));
}

// --- firmware/ ---

class ActivationTest : public DimmSecurityTest {
 protected:
  void Stage(int dimm) {
    Firmware& firmware = *firmwares[dimm];
    uint32_t context = 0;
    EXPECT_EQ(firmware.update().Start(now, context), intel::kSuccess);
    EXPECT_EQ(firmware.update().Send({.context = context, .length = 8}, 8), intel::kSuccess);
    EXPECT_EQ(firmware.update().Finish({.context = context}, now), intel::kSuccess);
    now += absl::Seconds(2);
    EXPECT_NE(firmware.update().staged_version(now), 0u);
  }
  std::string Arm(int dimm) {
    return model.Set(absl::StrCat("nmem", dimm, "/firmware/activate"), "arm\n");
  }
  std::string Dimm(int dimm, absl::string_view attribute) {
    return model.Get(absl::StrCat("nmem", dimm, "/firmware/", attribute));
  }
  std::string Bus(absl::string_view text) { return model.Set("ndbus0/firmware/activate", text); }
  std::string BusState() { return model.Get("ndbus0/firmware/activate"); }
};

TEST_F(ActivationTest, NothingArmedNothingActivated) {
  EXPECT_EQ(model.Get("ndbus0/firmware/capability"), "quiesce\n");
  EXPECT_EQ(BusState(), "idle\n");
  EXPECT_EQ(Dimm(0, "activate"), "idle\n");
  EXPECT_EQ(Dimm(0, "result"), "none\n");
  EXPECT_EQ(Bus("quiesce\n"), "ENXIO");
  EXPECT_EQ(Bus("now\n"), "EINVAL");
  EXPECT_EQ(model.Set("nmem0/firmware/activate", "fire"), "EINVAL");
}

TEST_F(ActivationTest, WhatIsStagedAndArmedRuns) {
  Stage(0);
  const uint64_t staged = firmwares[0]->update().staged_version(now);
  EXPECT_EQ(Arm(0), "");
  EXPECT_EQ(Arm(0), "");
  EXPECT_EQ(Arm(1), "");
  EXPECT_EQ(BusState(), "armed\n");
  EXPECT_EQ(Dimm(0, "activate"), "armed\n");
  EXPECT_EQ(Bus("quiesce\n"), "");
  EXPECT_EQ(BusState(), "busy\n");
  EXPECT_EQ(Dimm(0, "activate"), "busy\n");
  EXPECT_EQ(Dimm(0, "result"), "none\n");
  EXPECT_EQ(Arm(2), "EBUSY");
  EXPECT_EQ(Bus("live"), "EBUSY");
  now += absl::Seconds(5);
  EXPECT_EQ(BusState(), "idle\n");
  EXPECT_EQ(Dimm(0, "result"), "success\n");
  EXPECT_EQ(Dimm(1, "result"), "not_staged\n");
  EXPECT_EQ(Dimm(2, "result"), "none\n");
  EXPECT_EQ(firmwares[0]->update().running_version(), staged);
  EXPECT_EQ(firmwares[0]->update().staged_version(now), 0u);
}

TEST_F(ActivationTest, MoreDimmsThanTheBusMayStandStillFor) {
  for (const int dimm : {0, 1, 2}) EXPECT_EQ(Arm(dimm), "");
  EXPECT_EQ(BusState(), "armed\n");
  EXPECT_EQ(Arm(3), "");
  EXPECT_EQ(BusState(), "overflow\n");
  EXPECT_EQ(model.Set("nmem3/firmware/activate", "disarm"), "");
  EXPECT_EQ(BusState(), "armed\n");
}

TEST_F(ActivationTest, APowerCycleActivatesToo) {
  Stage(0);
  const uint64_t staged = firmwares[0]->update().staged_version(now);
  PowerCycle();
  EXPECT_EQ(firmwares[0]->update().running_version(), staged);
  EXPECT_EQ(firmwares[0]->update().staged_version(now), 0u);
}

TEST_F(ActivationTest, WithoutIdleIsYesOrNo) {
  EXPECT_EQ(model.Get("ndbus0/nfit/firmware_activate_noidle"), "N\n");
  EXPECT_EQ(model.Set("ndbus0/nfit/firmware_activate_noidle", "1"), "");
  EXPECT_EQ(model.Get("ndbus0/nfit/firmware_activate_noidle"), "Y\n");
  EXPECT_EQ(model.Set("ndbus0/nfit/firmware_activate_noidle", "?"), "EINVAL");
}

}  // namespace
}  // namespace nvdimmfs::core
