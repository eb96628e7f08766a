// SPDX-License-Identifier: Apache-2.0
// A DIMM whose label area is damaged, of an unknown version or not read: nothing but a user's word
// takes it into use, and every refusal says why and what helps.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/nd/bus.h"
#include "core/nd/region.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

constexpr char kA[] = "11111111-2222-3333-4444-555555555501\n";

using Damage = std::function<void(absl::Span<std::byte> area)>;

IndexBlock& Head(absl::Span<std::byte> area, uint64_t at) {
  return *reinterpret_cast<IndexBlock*>(area.data() + at);
}

void Reseal(absl::Span<std::byte> area) {
  for (const uint64_t block : {0, 256}) ResealIndex(area.data() + block, 256);
}

// Each leaves the labels of five namespaces in the slots, and no index that a kernel accepts.
const std::pair<const char*, Damage> kLost[] = {
    {"sequence bytes",
     [](absl::Span<std::byte> area) {
       area[20] ^= std::byte{0x55};
       area[276] ^= std::byte{0x55};
     }},
    {"bitmaps",
     [](absl::Span<std::byte> area) {
       area[100] ^= std::byte{1};
       area[400] ^= std::byte{1};
     }},
    {"signatures",
     [](absl::Span<std::byte> area) {
       for (const uint64_t block : {0, 256}) std::memset(area.data() + block, 0xee, 16);
     }},
    {"first 512 bytes", [](absl::Span<std::byte> area) { std::memset(area.data(), 0, 512); }},
    {"label size",
     [](absl::Span<std::byte> area) {
       for (const uint64_t block : {0, 256}) Head(area, block).label_size = 32;
       Reseal(area);
     }},
    {"slot count",
     [](absl::Span<std::byte> area) {
       for (const uint64_t block : {0, 256}) Head(area, block).slot_count = 1 << 20;
       Reseal(area);
     }},
    {"offsets",
     [](absl::Span<std::byte> area) {
       Head(area, 0).other_offset = ~uint64_t{0};
       Head(area, 256).label_offset = ~uint64_t{0};
       Reseal(area);
     }},
    {"size, and offset",
     [](absl::Span<std::byte> area) {
       Head(area, 0).my_size = ~uint64_t{0};
       Head(area, 256).my_offset = 0;
       Reseal(area);
     }},
    {"sequence 0",
     [](absl::Span<std::byte> area) {
       for (const uint64_t block : {0, 256}) Head(area, block).sequence = 0;
       Reseal(area);
     }},
};

Model Golden() {
  Model m;
  m.labels = GoldenArea("k12.labels", 128 << 10);
  m.Restart();
  return m;
}

std::vector<std::byte> BytesOf(const Model& m) {
  const absl::Span<std::byte> labels = m.labels->bytes();
  return {labels.begin(), labels.end()};
}

constexpr char kRepair[] = "nvdimmfs check --repair SOURCE";
constexpr char kGiveUp[] = "nvdimmfs init-labels --force SOURCE";

void ExpectAdvice(const std::string& text, const char* reason,
                  const std::vector<const char*>& commands = {kRepair, kGiveUp}) {
  for (const char* part : {reason, "nvdimmfs check SOURCE"})
    EXPECT_TRUE(absl::StrContains(text, part)) << part << ": " << text;
  for (const char* command : {kRepair, kGiveUp})
    EXPECT_EQ(absl::StrContains(text, command),
              std::find(commands.begin(), commands.end(), command) != commands.end())
        << command << ": " << text;
}

TEST(LabelDamage, ADamagedAreaIsNeverTakenIntoUseByItself) {
  for (const auto& [name, damage] : kLost) {
    SCOPED_TRACE(name);
    Model m = Golden();
    damage(m.labels->bytes());
    m.Restart();
    const std::vector<std::byte> before = BytesOf(m);
    ExpectAdvice(m.Get("nmem0/x/last_error"), "[label.area.damaged]");
    EXPECT_EQ(m.Get("region0/nstype"), "4\n");
    std::memset(m.capacity->bytes().data(), 0x77, 8192);
    for (const char* line :
         {"size=16M\n", "size=16M mode=sector\n", "mode=fsdax\n", "mode=raw\n"}) {
      EXPECT_EQ(m.Set("region0/x/create", line), "EUCLEAN");
      ExpectAdvice(m.Get("region0/x/last_error"), "label.area.damaged");
    }
    EXPECT_EQ(m.Set("region0/x/destroy", "namespace0.0\n"), "EUCLEAN");
    EXPECT_EQ(ErrnoOf(m.system->CreateAttribute(*m.system->Find("namespace0.0"), "uuid")), EUCLEAN);
    EXPECT_EQ(BytesOf(m), before);
    EXPECT_EQ(m.capacity->bytes()[100], std::byte{0x77});
  }
}

// One index block is what a kernel needs, and a power cut leaves.
TEST(LabelDamage, OneGoodIndexIsUsedAndTold) {
  for (const uint64_t at : {0, 20, 100, 256, 276, 400}) {
    SCOPED_TRACE(at);
    Model m = Golden();
    m.labels->bytes()[at] ^= std::byte{0x55};
    m.Restart();
    EXPECT_EQ(m.Get("region0/nstype"), "5\n");
    ExpectAdvice(m.Get("nmem0/x/last_error"), "its twin is used", {kRepair});
  }
}

TEST(LabelDamage, AnUnknownVersionIsShownAndKept) {
  Model m = Golden();
  for (const uint64_t block : {0, 256}) {
    Head(m.labels->bytes(), block).major = 9;
    Head(m.labels->bytes(), block).minor = 7;
  }
  Reseal(m.labels->bytes());
  m.Restart();
  const std::vector<std::byte> before = BytesOf(m);
  ExpectAdvice(m.Get("nmem0/x/last_error"), "[label.index.version]", {kGiveUp});
  EXPECT_EQ(m.Get("region0/nstype"), "5\n");
  const std::string size = m.Get("namespace0.1/size");
  EXPECT_NE(size, "0\n");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M\n"), "EOPNOTSUPP");
  ExpectAdvice(m.Get("region0/x/last_error"), "version 9.7", {kGiveUp});
  EXPECT_EQ(m.Set("region0/x/destroy", "namespace0.1\n"), "EOPNOTSUPP");
  if (m.Bound("namespace0.1")) m.Unbind("nd_pmem", "namespace0.1");
  EXPECT_EQ(m.Set("namespace0.1/size", "0\n"), "EOPNOTSUPP");
  EXPECT_EQ(m.Set("namespace0.1/alt_name", "new\n"), "EOPNOTSUPP");
  EXPECT_EQ(m.Set("namespace0.1/uuid", kA), "EOPNOTSUPP");
  EXPECT_EQ(m.Get("namespace0.1/size"), size);
  const std::string seed = m.Get("region0/namespace_seed");
  EXPECT_EQ(m.Set(seed.substr(0, seed.size() - 1) + "/uuid", kA), "EOPNOTSUPP");
  EXPECT_EQ(BytesOf(m), before);
}

// The kernel gives its space away; x/create does not.
TEST(LabelDamage, ALabelThatCannotBeReadIsToldAndItsSpaceNotGivenAway) {
  for (const uint64_t at : {0x300 + 20, 0x300 + 120}) {
    Model m = Golden();
    const std::string intact = m.Get("region0/available_size");
    m.labels->bytes()[at] ^= std::byte{1};
    m.Restart();
    ExpectAdvice(m.Get("nmem0/x/last_error"), "[label.slot.", {kRepair});
    EXPECT_NE(m.Get("region0/available_size"), intact);
    EXPECT_EQ(m.Set("region0/x/create", "size=16M\n"), "EUCLEAN");
    ExpectAdvice(m.Get("region0/x/last_error"), "cannot be read", {kRepair});
  }
}

// Labels that a kernel cannot use together: it leaves the DIMM without a driver, and the region
// with one namespace over everything.
TEST(LabelDamage, LabelsThatAreNotReadAreNotOverwritten) {
  Model m({.labels = &LabelV1_2()});
  {
    LabelArea area = MustOpen(m.labels);
    NamespaceLabel label;
    label.rawsize = 32 << 20;
    for (const uint8_t n : {1, 2}) {
      label.uuid = Uuid(Uuid::Bytes{n});
      ASSERT_TRUE(area.Update(label, {}).ok());
    }
  }
  m.Restart();
  ASSERT_FALSE(m.Bound("nmem0"));
  ASSERT_EQ(m.Get("region0/nstype"), "4\n");
  std::memset(m.capacity->bytes().data(), 0x77, 8192);
  EXPECT_EQ(m.Set("region0/x/create", "mode=sector\n"), "ENXIO");
  EXPECT_TRUE(absl::StrContains(m.Get("region0/x/last_error"), "dpa.overlap"));
  EXPECT_EQ(m.Set("region0/x/destroy", "namespace0.0\n"), "ENXIO");
  EXPECT_EQ(m.capacity->bytes()[100], std::byte{0x77});
}

// A set of two, the labels of one damaged: either way round, and for CXL, whose labels are in use
// whatever the area holds.
TEST(LabelDamage, OneDamagedDimmOfASet) {
  for (const size_t damaged : {0, 1}) {
    for (const bool labelling : {false, true}) {
      SCOPED_TRACE(absl::StrCat("nmem", damaged, labelling ? " labelling" : ""));
      std::vector<std::shared_ptr<MemoryMedia>> areas;
      BusSource bus;
      RegionSource region{.spa = {uint64_t{4} << 30, 128 << 20}};
      for (size_t i = 0; i < 2; ++i) {
        areas.push_back(std::make_shared<MemoryMedia>(128 << 10));
        if (i != damaged && !labelling) MustInitialise(areas[i], LabelV1_2());
        if (i == damaged) areas[i]->bytes()[4000] = std::byte{1};
        DimmSource dimm{.description = "dimm",
                        .capacity = std::make_shared<MemoryMedia>(64 << 20),
                        .labels = areas[i],
                        .labelling = labelling};
        dimm.identity.serial = static_cast<uint32_t>(7 + i);
        bus.dimms.push_back(std::move(dimm));
        region.mappings.push_back({.dimm = i, .dpa = {0, 64 << 20}, .region_offset = i * 4096});
      }
      region.media = StripeMappings(bus.dimms, region.mappings, 4096).value();
      bus.regions.push_back(std::move(region));
      ModelVerbs m;
      m.Start(std::move(bus));
      ExpectAdvice(m.Get(absl::StrCat("nmem", damaged, "/x/last_error")), "[label.area.damaged]");
      EXPECT_EQ(m.Set("region0/x/create", "size=32M\n"), "EUCLEAN");
      const std::string seed = m.Get("region0/namespace_seed");
      EXPECT_EQ(m.Set(seed.substr(0, seed.size() - 1) + "/uuid", kA), "EUCLEAN");
      EXPECT_FALSE(MustOpen(areas[damaged]).has_index());
      EXPECT_EQ(areas[damaged]->bytes()[4000], std::byte{1});
    }
  }
}

TEST(LabelDamage, ABlankAreaIsStillTakenIntoUse) {
  Model m;
  EXPECT_EQ(m.Get("nmem0/x/last_error"), "");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M\n"), "");
  m.Restart();
  EXPECT_EQ(m.Get("region0/nstype"), "5\n");
  EXPECT_EQ(m.Get("nmem0/x/last_error"), "");
}

}  // namespace
}  // namespace nvdimmfs::core
