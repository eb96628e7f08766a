// SPDX-License-Identifier: Apache-2.0
// Regions over several DIMMs: labels on each, stripes over all, and what becomes of a set that has
// lost a member or was cut in the middle of an update.
#include <gtest/gtest.h>

#include <set>

#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/media/memory_media.h"
#include "core/nd/region.h"
#include "core/testing/faulty_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

using testing::FaultyMedia;

constexpr char kA[] = "11111111-2222-3333-4444-555555555501\n";
constexpr char kB[] = "11111111-2222-3333-4444-555555555502\n";
constexpr char k64M[] = "67108864\n";
constexpr uint64_t kDimm = 64 << 20;
constexpr uint64_t kGranularity = 4096;

// `ways` DIMMs of 64 MiB in one interleave set; serial numbers and offsets as in the cookies'
// published vectors.
class SetModel : public ModelVerbs {
 public:
  SetModel(size_t ways, const LabelVersion* version)
      : cxl(version != nullptr && version->has_region_labels()) {
    for (size_t i = 0; i < ways; ++i) {
      auto area = std::make_shared<FaultyMedia>(128 << 10);
      if (version != nullptr) MustInitialise(area, *version);
      labels.push_back(area);
      capacity.push_back(std::make_shared<MemoryMedia>(kDimm));
    }
    missing.resize(ways);
    serial_step.resize(ways);
    Restart();
  }

  void Restart() {
    BusSource bus;
    RegionSource region{.spa = {uint64_t{4} << 30, kDimm * labels.size()},
                        .type_guid = *Uuid::Parse("66f0d379-b4f3-4074-ac43-0d3318b78cdb")};
    for (size_t i = 0; i < labels.size(); ++i) {
      DimmSource dimm{.description = absl::StrCat("dimm", i, ".img"),
                      .capacity = capacity[i],
                      .labels = missing[i] ? nullptr : labels[i],
                      .missing = missing[i],
                      .labelling = cxl,
                      .new_labels = cxl ? &LabelV2_1() : &LabelV1_2()};
      dimm.identity.vendor = 0x8086;
      dimm.identity.serial = static_cast<uint32_t>(0x123456 + i) + serial_step[i];
      bus.dimms.push_back(std::move(dimm));
      region.mappings.push_back({.dimm = i, .dpa = {0, kDimm}, .region_offset = i * kGranularity});
    }
    if (cxl) SetCxl(region);
    region.media = StripeMappings(bus.dimms, region.mappings, kGranularity).value();
    media = region.media;
    bus.regions.push_back(std::move(region));
    Start(std::move(bus));
  }

  // As topology files of CXL buses do.
  void SetCxl(RegionSource& region) const {
    std::vector<CxlSetMember> members;
    for (size_t i = 0; i < labels.size(); ++i)
      members.push_back({.dpa = 0, .serial = 0x1234567 + i + serial_step[i]});
    region.cookies = ComputeCxlCookies(members);
    region.granularity = kGranularity;
    region.type_guid = Uuid();
    if (serial_step[0] != 0) region.uuid = *Uuid::Parse("00000000-0000-4000-8000-0000000000ff");
  }

  std::vector<NamespaceLabel> LabelsOn(size_t dimm) const {
    std::vector<NamespaceLabel> found;
    const LabelArea area = LabelArea::Open(labels[dimm]->Clone()).value();
    for (const StoredLabel& stored : area.labels()) found.push_back(stored.label);
    return found;
  }

  std::vector<std::shared_ptr<FaultyMedia>> labels;
  std::vector<std::shared_ptr<MemoryMedia>> capacity;
  std::vector<bool> missing;
  std::vector<uint32_t> serial_step;
  std::shared_ptr<Media> media;  // the region's
  const bool cxl;
};

std::string MakeNamespace(SetModel& m, const char* uuid, const char* size) {
  const std::string seed = m.Get("region0/namespace_seed");
  const std::string name = seed.substr(0, seed.size() - 1);
  EXPECT_EQ(m.Set(name + "/uuid", uuid), "");
  EXPECT_EQ(m.Set(name + "/size", size), "");
  return name;
}

struct Shape {
  size_t ways;
  const LabelVersion* version;
  const char* cookie;
};

const Shape kShapes[] = {
    {2, &LabelV1_1(), "0x91e2b2002478ad"},  {2, &LabelV1_2(), "0x2565a7e002579b9"},
    {4, &LabelV1_1(), "0x2490adc0049315e"}, {4, &LabelV1_2(), "0x8349e94004b3376"},
    {2, &LabelV2_1(), "0x91a2b3a02468acf"}, {4, &LabelV2_1(), "0x2468acfc048d15a2"},
};

class RegionSetTest : public ::testing::TestWithParam<Shape> {
 protected:
  size_t ways() const { return GetParam().ways; }
  SetModel m{GetParam().ways, GetParam().version};
};

TEST_P(RegionSetTest, ShowsItsMembers) {
  EXPECT_EQ(m.Get("region0/mappings"), absl::StrCat(ways(), "\n"));
  EXPECT_EQ(m.Get("region0/size"), absl::StrCat(kDimm * ways(), "\n"));
  EXPECT_EQ(m.Get("region0/available_size"), absl::StrCat(kDimm * ways(), "\n"));
  EXPECT_EQ(m.Get("region0/max_available_extent"), absl::StrCat(kDimm * ways(), "\n"));
  EXPECT_EQ(m.Get("region0/set_cookie"), absl::StrCat(GetParam().cookie, "\n"));
  EXPECT_EQ(m.Get("region0/mapping1"), "nmem1,0,67108864,1\n");
  EXPECT_EQ(m.Get(absl::StrCat("region0/mapping", ways())), "!ENOENT");
  EXPECT_EQ(m.Get("region0/align"), "0x1000000\n");
  EXPECT_EQ(m.Get("nmem1/state"), "active\n");
}

TEST_P(RegionSetTest, LabelsEveryMember) {
  MakeNamespace(m, kA, k64M);
  m.Set("namespace0.0/alt_name", "db\n");
  for (size_t i = 0; i < ways(); ++i) {
    const auto labels = m.LabelsOn(i);
    ASSERT_EQ(labels.size(), 1u);
    EXPECT_EQ(labels[0].nlabel, m.cxl ? 1 : ways());
    EXPECT_EQ(labels[0].position, i);
    if (!m.cxl) {
      EXPECT_EQ(absl::StrCat("0x", absl::Hex(labels[0].isetcookie)), GetParam().cookie);
    }
    EXPECT_EQ(labels[0].dpa, 0u);
    EXPECT_EQ(labels[0].rawsize, (64 << 20) / ways());
    EXPECT_EQ(labels[0].flags, 0u);
    EXPECT_EQ(labels[0].name, "db");
  }
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kA);
  EXPECT_EQ(m.Get("namespace0.0/dpa_extents"), absl::StrCat(ways(), "\n"));
  EXPECT_TRUE(m.Bound("namespace0.0"));
}

TEST_P(RegionSetTest, ResizesAndDeletesOnEveryMember) {
  MakeNamespace(m, kA, k64M);
  m.Bind("nd_pmem", "namespace0.0");
  MakeNamespace(m, kB, "33554432\n");
  EXPECT_EQ(m.Get("namespace0.1/resource"), "0x104000000\n");
  EXPECT_EQ(m.Set("namespace0.1/size", "50331648\n"), "");
  EXPECT_EQ(m.Get("region0/available_size"), absl::StrCat(kDimm * ways() - (112 << 20), "\n"));
  EXPECT_EQ(m.Set("namespace0.1/size", "8388608\n"), "EINVAL");  // no multiple of the align
  EXPECT_EQ(m.Set("namespace0.1/size", "16777216\n"), "");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.1/size"), "16777216\n");
  m.Unbind("nd_pmem", "namespace0.0");
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "");
  for (size_t i = 0; i < ways(); ++i) EXPECT_EQ(m.LabelsOn(i).size(), 1u);
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kB);
  EXPECT_EQ(m.Get("namespace0.0/resource"), "0x104000000\n");
}

TEST_P(RegionSetTest, StripesANamespacesBytes) {
  MakeNamespace(m, kA, k64M);
  m.Bind("nd_pmem", "namespace0.0");
  const std::string name = MakeNamespace(m, kB, "16777216\n");
  const auto ns = m.system->Find(name);
  ASSERT_NE(ns, nullptr);
  std::vector<std::byte> data(kGranularity * ways() * 2);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i / kGranularity + 1);
  ASSERT_TRUE(m.media->Write(64 << 20, data).ok());
  for (size_t i = 0; i < ways(); ++i) {
    const auto bytes = m.capacity[i]->bytes().subspan((64 << 20) / ways());
    EXPECT_EQ(bytes[0], static_cast<std::byte>(i + 1));
    EXPECT_EQ(bytes[kGranularity], static_cast<std::byte>(i + 1 + ways()));
  }
}

TEST_P(RegionSetTest, RefusesWhileAMemberIsMissingAndComesBackWhole) {
  MakeNamespace(m, kA, k64M);
  for (size_t i = 0; i < ways(); ++i) {
    m.missing.assign(ways(), false);
    m.missing[i] = true;
    m.Restart();
    EXPECT_FALSE(m.Bound("region0"));
    EXPECT_FALSE(m.Bound(absl::StrCat("nmem", i)));
    EXPECT_EQ(m.Bind("nd_region", "region0"), "ENODEV");
    EXPECT_NE(m.Get("region0/x/last_error").find(absl::StrCat("dimm", i, ".img is missing")),
              std::string::npos)
        << m.Get("region0/x/last_error");
    EXPECT_EQ(m.Get("region0/available_size"), "0\n");
    EXPECT_EQ(m.Set("region0/x/create", "size=16M"), "ENXIO");
  }
  m.missing.assign(ways(), false);
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

// A DIMM of another set, put where a member was: the same labels, another cookie.
TEST_P(RegionSetTest, RefusesAForeignMemberAndLeavesItsLabelsAlone) {
  MakeNamespace(m, kA, k64M);
  m.Unbind("nd_region", "region0");
  SetModel other(ways(), GetParam().version);
  MakeNamespace(other, kB, k64M);
  const auto own = m.labels[1];
  m.labels[1] = other.labels[1]->Clone();
  m.Restart();
  EXPECT_FALSE(m.Bound("region0"));
  EXPECT_EQ(m.Bind("nd_region", "region0"), "ENODEV");
  EXPECT_NE(m.Get("region0/x/last_error").find("labels.missing"), std::string::npos)
      << m.Get("region0/x/last_error");
  ASSERT_EQ(m.LabelsOn(1).size(), 1u);
  EXPECT_EQ(m.LabelsOn(1)[0].uuid.ToString() + "\n", kB);
  m.labels[1] = own;
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

// The whole set moved to DIMMs with other serial numbers: its labels are of another set.
TEST_P(RegionSetTest, SkipsLabelsOfAnotherSetAndKeepsTheirSpace) {
  MakeNamespace(m, kA, k64M);
  m.serial_step.assign(ways(), 0x100);
  m.Restart();
  EXPECT_TRUE(m.Bound("region0"));
  EXPECT_EQ(m.Get("namespace0.0/size"), "0\n");
  EXPECT_EQ(m.Get("region0/available_size"), absl::StrCat(kDimm * ways() - (64 << 20), "\n"));
  m.serial_step.assign(ways(), 0);
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

// Mapping 0 is blank while the others hold labels: the kernel then offers an empty namespace, whose
// parts would lie at different places. The others' bytes must stay theirs.
TEST_P(RegionSetTest, GivesNoSpaceThatIsAtDifferentPlacesOnTheMembers) {
  MakeNamespace(m, kA, k64M);
  auto blank = std::make_shared<FaultyMedia>(128 << 10);
  MustInitialise(blank, *GetParam().version);
  m.labels[0] = blank;
  m.Restart();
  EXPECT_TRUE(m.Bound("region0"));
  EXPECT_EQ(m.Set("namespace0.0/uuid", kB), "");
  EXPECT_EQ(m.Set("namespace0.0/size", "16777216\n"), "ENXIO");
  EXPECT_NE(m.Get("namespace0.0/x/last_error").find("namespace.size.uneven"), std::string::npos);
  EXPECT_EQ(m.Get("namespace0.0/size"), "0\n");
  EXPECT_EQ(m.LabelsOn(0).size(), 0u);
  EXPECT_EQ(m.LabelsOn(1).size(), 1u);
  EXPECT_NE(m.Get("region0/x/map.txt").find("no namespace here"), std::string::npos);
  EXPECT_NE(m.Get("region0/x/map.svg").find("no namespace here"), std::string::npos);
}

TEST_P(RegionSetTest, BusMetricsAreThoseOfTheAttributes) {
  MakeNamespace(m, kA, k64M);
  const std::string metrics = m.Get("ndbus0/x/metrics");
  const auto has = [&](const std::string& line) {
    return metrics.find(absl::StrCat("\nnvdimmfs_", line, "\n")) != std::string::npos;
  };
  EXPECT_TRUE(has(absl::StrCat("dimm_size_bytes{bus=\"ndbus0\",dimm=\"nmem0\"} ", kDimm)))
      << metrics;
  const std::string region = "{bus=\"ndbus0\",region=\"region0\"} ";
  const uint64_t size = kDimm * ways();
  EXPECT_TRUE(has(absl::StrCat("region_size_bytes", region, size))) << metrics;
  EXPECT_TRUE(has(absl::StrCat("region_available_bytes", region, size - (64 << 20)))) << metrics;
  EXPECT_TRUE(has(absl::StrCat("region_namespaces", region, 1))) << metrics;
  EXPECT_TRUE(has(absl::StrCat("region_bad_bytes", region, 0))) << metrics;
  EXPECT_NE(metrics.find("nvdimmfs_namespace_size_bytes{bus=\"ndbus0\",region=\"region0\","
                         "namespace=\"namespace0.0\",mode=\"raw\",name=\"\"} 67108864\n"),
            std::string::npos)
      << metrics;
  EXPECT_EQ(metrics.substr(metrics.size() - 6), "# EOF\n");
}

// --- Power fails between two writes to the labels, on any member. ---

// Every state in which `act` may leave the set, as the size of namespace0.0, or "refused".
template <typename Prepare, typename Act>
std::set<std::string> CutEverywhere(const Shape& shape, Prepare prepare, Act act) {
  std::set<std::string> seen;
  for (size_t dimm = 0; dimm < shape.ways; ++dimm) {
    for (int64_t step = 0;; ++step) {
      SetModel m(shape.ways, shape.version);
      prepare(m);
      m.labels[dimm]->CutBefore(step);
      act(m);
      const bool cut = m.labels[dimm]->cut();
      for (auto& area : m.labels) area = area->Restart(static_cast<uint64_t>(step));
      m.Restart();
      if (m.Bound("region0")) {
        seen.insert(m.Get("namespace0.0/size"));
        // Whatever it is, it can be deleted, after which all space is free again.
        m.Unbind("nd_pmem", "namespace0.0");
        if (m.Get("namespace0.0/size") != "0\n") {
          EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "");
          EXPECT_EQ(m.Get("region0/available_size"), absl::StrCat(kDimm * shape.ways, "\n"));
        }
      } else {
        const std::string why = m.Get("region0/x/last_error");
        EXPECT_NE(why.find("labels.missing"), std::string::npos) << why;
        seen.insert("refused");
      }
      if (!cut) break;
    }
  }
  return seen;
}

using States = std::set<std::string>;

TEST_P(RegionSetTest, ACutCreateIsAbsentOrWholeOrRefused) {
  const States seen = CutEverywhere(
      GetParam(), [](SetModel&) {},
      [](SetModel& m) {
        m.Set("namespace0.0/uuid", kA);
        m.Set("namespace0.0/size", k64M);
      });
  EXPECT_EQ(seen, (States{"0\n", k64M, "refused"}));
}

TEST_P(RegionSetTest, ACutDeleteIsWholeOrAbsentOrRefused) {
  const States seen = CutEverywhere(
      GetParam(), [](SetModel& m) { MakeNamespace(m, kA, k64M); },
      [](SetModel& m) { m.Set("namespace0.0/size", "0\n"); });
  EXPECT_TRUE(seen.count("0\n") == 1 && seen.count(k64M) == 1) << ::testing::PrintToString(seen);
  for (const std::string& state : seen)
    EXPECT_TRUE(state == "0\n" || state == k64M || state == "refused") << state;
}

TEST_P(RegionSetTest, ACutResizeAddsUpWhatItFindsAndSaysSo) {
  const States seen = CutEverywhere(
      GetParam(), [](SetModel& m) { MakeNamespace(m, kA, "33554432\n"); },
      [](SetModel& m) { m.Set("namespace0.0/size", k64M); });
  States expected;
  for (size_t grown = 0; grown <= ways(); ++grown)
    expected.insert(absl::StrCat((32 << 20) + (32 << 20) / ways() * grown, "\n"));
  EXPECT_EQ(seen, expected);
}

TEST(RegionSetUneven, IsToldOfInLastError) {
  SetModel m(2, &LabelV1_2());
  MakeNamespace(m, kA, "33554432\n");
  const auto before = m.labels[1]->Clone();
  EXPECT_EQ(m.Set("namespace0.0/size", k64M), "");
  m.labels[1] = before;
  m.Restart();
  EXPECT_TRUE(m.Bound("region0"));
  EXPECT_EQ(m.Get("namespace0.0/size"), "50331648\n");
  EXPECT_NE(m.Get("region0/x/last_error").find("labels.uneven"), std::string::npos);
}

std::string NameOfShape(const ::testing::TestParamInfo<Shape>& info) {
  const LabelVersionNumber number = info.param.version->number();
  return absl::StrCat(info.param.ways, "WayV", number.major, "_", number.minor);
}

INSTANTIATE_TEST_SUITE_P(Sets, RegionSetTest, ::testing::ValuesIn(kShapes), NameOfShape);

TEST(BlankSet, TakesLabelsIntoUseOnEveryMember) {
  SetModel m(2, nullptr);
  EXPECT_EQ(m.Get("region0/nstype"), "4\n");
  EXPECT_EQ(m.Get("namespace0.0/size"), "134217728\n");
  EXPECT_EQ(m.Set("region0/x/create", "size=32M name=db"), "");
  EXPECT_EQ(m.Get("nmem0/flags"), "label \n");
  EXPECT_EQ(m.Get("nmem1/flags"), "label \n");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "db\n");
}

TEST(BlankSet, RefusesWhileAMemberIsMissing) {
  SetModel m(2, nullptr);
  m.missing[1] = true;
  m.Restart();
  EXPECT_FALSE(m.Bound("region0"));
  EXPECT_EQ(m.Bind("nd_region", "region0"), "ENODEV");
}

// --- CXL: region labels. ---

std::vector<RegionLabel> RegionLabelsOn(const SetModel& m, size_t dimm) {
  std::vector<RegionLabel> found;
  const LabelArea area = LabelArea::Open(m.labels[dimm]->Clone()).value();
  for (const StoredRegionLabel& stored : area.region_labels()) found.push_back(stored.label);
  return found;
}

TEST(CxlSet, TheFirstNamespaceBringsTheRegionsLabel) {
  SetModel m(2, &LabelV2_1());
  EXPECT_TRUE(RegionLabelsOn(m, 0).empty());
  MakeNamespace(m, kA, k64M);
  for (size_t i = 0; i < 2; ++i) {
    const auto labels = RegionLabelsOn(m, i);
    ASSERT_EQ(labels.size(), 1u);
    EXPECT_EQ(labels[0].ways, 2u);
    EXPECT_EQ(labels[0].position, i);
    EXPECT_EQ(labels[0].dpa, 0u);
    EXPECT_EQ(labels[0].rawsize, kDimm);
    EXPECT_EQ(labels[0].hpa, uint64_t{4} << 30);
    EXPECT_EQ(labels[0].granularity, kGranularity);
    EXPECT_EQ(labels[0].flags, 0u);
    EXPECT_EQ(labels[0].uuid, RegionLabelsOn(m, 0)[0].uuid);
    EXPECT_EQ(m.LabelsOn(i)[0].region_uuid, labels[0].uuid);
  }
  // It outlives the namespace.
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "");
  m.Restart();
  EXPECT_EQ(RegionLabelsOn(m, 1).size(), 1u);
  EXPECT_EQ(m.Get("region0/available_size"), "134217728\n");
}

TEST(CxlSet, SerialNumbersOfZeroAreNoHindrance) {
  SetModel m(2, &LabelV2_1());
  m.serial_step = {0u - 0x1234567u, 0u - 0x1234568u};
  m.Restart();
  MakeNamespace(m, kA, k64M);
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

TEST(CxlSet, APartThatAnotherRegionHasIsNotTaken) {
  SetModel m(2, &LabelV2_1());
  LabelArea area = MustOpen(m.labels[1], LabelV2_1());
  RegionLabel foreign{
      .uuid = TestUuid("00000000-0000-4000-8000-000000000001"), .dpa = 0, .rawsize = kDimm / 2};
  ASSERT_TRUE(area.UpdateRegion(foreign, {}).ok());
  m.Restart();
  EXPECT_EQ(m.Set("namespace0.0/uuid", kA), "");
  EXPECT_EQ(m.Set("namespace0.0/size", k64M), "ENXIO");
  EXPECT_NE(m.Get("namespace0.0/x/last_error").find("label.region.foreign"), std::string::npos);
  EXPECT_TRUE(m.LabelsOn(0).empty());
  EXPECT_EQ(RegionLabelsOn(m, 1), std::vector<RegionLabel>{foreign});
}

TEST(HalfBlankSet, GetsItsIndexBlocksWithTheFirstNamespace) {
  SetModel m(2, &LabelV1_2());
  m.labels[1] = std::make_shared<FaultyMedia>(128 << 10);
  m.Restart();
  EXPECT_TRUE(m.Bound("region0"));
  MakeNamespace(m, kA, k64M);
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

}  // namespace
}  // namespace nvdimmfs::core
