// SPDX-License-Identifier: Apache-2.0
#include "btt/info_block.h"

#include <cerrno>

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kSize = uint64_t{64} << 20;
const core::Uuid kUuid = *core::Uuid::Parse("3f9a6699-6bdc-424e-bc9f-c86d979c47e6");
const core::Uuid kParent = *core::Uuid::Parse("968ed3f7-0000-4000-8000-000000000001");

InfoBlock Valid() {
  return MakeInfo(DivideIntoArenas(kSize, Version::kV1_1, 4096)[0], kUuid, kParent, Version::kV1_1);
}

// The first check that refuses, in the order of an opening.
std::string Refused(const InfoBlock& info, const core::Uuid& parent = kParent) {
  if (auto status = CheckInfo(info, parent); !status.ok()) return core::ReasonOf(status);
  if (auto status = CheckVersion(info, Version::kV1_1); !status.ok()) return core::ReasonOf(status);
  return core::ReasonOf(ParseArena(info, 4096, kSize - 4096).status());
}

TEST(InfoBlockTest, WhatIsMadeIsRead) {
  EXPECT_EQ(Refused(Valid()), "");
  EXPECT_EQ(ParseArena(Valid(), 4096, kSize - 4096)->external_nlba, 16104u);
}

TEST(InfoBlockTest, ANilParentFitsAnyNamespaceAndAStrangerNone) {
  InfoBlock info = Valid();
  EXPECT_EQ(Refused(info, core::Uuid()), "btt.info.parent");
  EXPECT_EQ(Refused(info, kUuid), "btt.info.parent");
  info.parent_uuid = {};
  Seal(info);
  EXPECT_EQ(Refused(info, kUuid), "");
  EXPECT_EQ(Refused(info, core::Uuid()), "");
}

TEST(InfoBlockTest, UnsealedChangesAreRefused) {
  InfoBlock info = Valid();
  info.padding[77] = 1;
  EXPECT_EQ(Refused(info), "btt.info.checksum");
  info = Valid();
  info.signature[0] = 'b';
  EXPECT_EQ(Refused(info), "btt.info.signature");
}

TEST(InfoBlockTest, TheErrorFlagIsNoReasonToRefuse) {
  InfoBlock info = Valid();
  info.flags = kInfoFlagError;
  Seal(info);
  EXPECT_EQ(Refused(info), "");
}

// Each row is sealed again, so it is its own check that refuses.
TEST(InfoBlockTest, EveryNumberIsChecked) {
  const struct {
    const char* name;
    void (*damage)(InfoBlock&);
    const char* reason;
  } kDamage[] = {
      {"Major", [](InfoBlock& b) { b.version_major = 2; }, "btt.info.version"},
      {"Minor", [](InfoBlock& b) { b.version_minor = 0; }, "btt.info.version"},
      {"External", [](InfoBlock& b) { b.external_lbasize = 1024; }, "btt.info.lbasize"},
      {"InternalSmall", [](InfoBlock& b) { b.internal_lbasize = 4032; }, "btt.info.lbasize"},
      {"InternalHuge", [](InfoBlock& b) { b.internal_lbasize = 1u << 31; }, "btt.info.lbasize"},
      {"NfreeZero", [](InfoBlock& b) { b.nfree = 0; }, "btt.info.nfree"},
      {"NfreeBelowLanes", [](InfoBlock& b) { b.nfree = 255; }, "btt.info.nfree"},
      {"NfreeHuge", [](InfoBlock& b) { b.nfree = 0xffffffff; }, "btt.info.nfree"},
      {"NfreeUnlikeNlba", [](InfoBlock& b) { b.nfree = 257; }, "btt.info.nlba"},
      {"NoSectors",
       [](InfoBlock& b) {
         b.external_nlba = 0;
         b.internal_nlba = 256;
       },
       "btt.info.nlba"},
      {"NlbaWraps",
       [](InfoBlock& b) {
         b.external_nlba = 0xffffff00;
         b.internal_nlba = 0;
       },
       "btt.info.nlba"},
      {"NlbaBeyondMap",
       [](InfoBlock& b) {
         b.external_nlba = 0x40000000;
         b.internal_nlba = 0x40000100;
       },
       "btt.info.nlba"},
      {"TooManyForData",
       [](InfoBlock& b) {
         b.external_nlba = b.external_nlba + 100;
         b.internal_nlba = b.internal_nlba + 100;
       },
       "btt.info.layout"},
      {"Infosize", [](InfoBlock& b) { b.infosize = 512; }, "btt.info.layout"},
      {"DataInInfo", [](InfoBlock& b) { b.dataoff = 0; }, "btt.info.layout"},
      {"MapInData", [](InfoBlock& b) { b.mapoff = 8192; }, "btt.info.layout"},
      {"MapUnaligned", [](InfoBlock& b) { b.mapoff = b.mapoff + 4; }, "btt.info.layout"},
      {"LogInMap", [](InfoBlock& b) { b.logoff = b.mapoff + 4096; }, "btt.info.layout"},
      {"LogWraps", [](InfoBlock& b) { b.logoff = 0xfffffffffffff000; }, "btt.info.layout"},
      {"Info2InLog", [](InfoBlock& b) { b.info2off = b.logoff + 4096; }, "btt.info.layout"},
      {"Info2Outside", [](InfoBlock& b) { b.info2off = kSize; }, "btt.info.layout"},
      {"NextInside", [](InfoBlock& b) { b.nextoff = 4096; }, "btt.info.nextoff"},
      {"NextOutside", [](InfoBlock& b) { b.nextoff = kSize; }, "btt.info.nextoff"},
      {"NextUnaligned", [](InfoBlock& b) { b.nextoff = (1 << 24) + 512; }, "btt.info.layout"},
      {"NextWraps", [](InfoBlock& b) { b.nextoff = 0xfffffffffffff000; }, "btt.info.nextoff"},
  };
  for (const auto& row : kDamage) {
    InfoBlock info = Valid();
    row.damage(info);
    Seal(info);
    EXPECT_EQ(Refused(info), row.reason) << row.name;
  }
}

TEST(InfoBlockTest, TooFewLanesAreRefusedAsNewKernelsDo) {
  InfoBlock info = Valid();
  info.nfree = 16;
  EXPECT_EQ(core::ErrnoOf(ParseArena(info, 4096, kSize - 4096).status()), ENODEV);
}

}  // namespace
}  // namespace nvdimmfs::btt
