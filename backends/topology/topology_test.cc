// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/topology.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::ErrnoOf;
using core::ReasonOf;

constexpr uint64_t kMiB = 1 << 20;

class TopologyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/topology.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    for (const char* name : {"a.img", "b.img", "c.img", "d.img"}) Image(name, 16 * kMiB, 128 << 10);
    Image("small.img", 8 * kMiB, 128 << 10);
    Image("plain.img", 4 * kMiB, 0);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Image(const std::string& name, uint64_t data, uint64_t labels) {
    std::ofstream(directory_ + "/" + name).close();
    std::filesystem::resize_file(directory_ + "/" + name, data + labels);
  }

  absl::StatusOr<std::vector<core::BusSource>> Open(const std::string& text,
                                                    bool read_only = false) {
    std::ofstream(directory_ + "/t.toml") << text;
    return OpenTopology(directory_ + "/t.toml", {.read_only = read_only});
  }

  // The refusal without the directory: "t.toml:3:1: ...".
  std::string Refused(const std::string& text) {
    const auto opened = Open(text);
    if (opened.ok()) return "taken";
    std::string sentence(opened.status().message());
    const size_t at = sentence.find("t.toml");
    return at == std::string::npos ? sentence : sentence.substr(at);
  }

  std::string directory_;
};

TEST_F(TopologyTest, NamesTheKernelThatIsMirrored) {
  const auto buses = Open("kernel = \"7.3\"\n[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\n");
  ASSERT_TRUE(buses.ok()) << buses.status();
  EXPECT_EQ((*buses)[0].kernel, core::Kernel::k7_3);
  for (const char* value : {"\"5.0\"", "\"\"", "6.1"})
    EXPECT_THAT(Refused(absl::StrCat("kernel = ", value, "\n[[bus]]\n")),
                testing::StartsWith("t.toml:1:"))
        << value;
}

TEST_F(TopologyTest, ALayoutPacksRegionsAsQemuDoes) {
  Image("odd.img", 16 * kMiB + 12288, 128 << 10);
  const auto starts = [this](const std::string& keys) {
    const auto buses = Open("[[bus]]\n" + keys + R"(
[[bus.dimm]]
image = "odd.img"
label_size = "128K"
[[bus.dimm]]
image = "a.img"
[[bus.dimm]]
image = "b.img"
[[bus.region]]
dimms = ["odd.img"]
)");
    EXPECT_TRUE(buses.ok()) << buses.status();
    std::vector<uint64_t> found;
    if (buses.ok())
      for (const core::RegionSource& region : (*buses)[0].regions)
        found.push_back(region.spa.start);
    return found;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(starts(""), ElementsAre(0x100000000, 0x140000000, 0x180000000));
  EXPECT_THAT(starts("layout = \"qemu\""), ElementsAre(0x100000000, 0x101003000, 0x102003000));
  EXPECT_THAT(starts("layout = \"qemu\"\nmemory = \"8G\""),
              ElementsAre(0x280000000, 0x281003000, 0x282003000));
  EXPECT_THAT(starts("layout = \"qemu-pc\"\nmemory = \"3G\""),
              ElementsAre(0x100000000, 0x101003000, 0x102003000));
}

TEST_F(TopologyTest, ALayoutIsOneThatIsKnown) {
  const std::string rest = "[[bus.dimm]]\nimage = \"a.img\"\n";
  EXPECT_THAT(Refused("[[bus]]\nlayout = \"virt\"\n" + rest), ::testing::HasSubstr("qemu-pc"));
  EXPECT_THAT(Refused("[[bus]]\nmemory = \"1G\"\n" + rest), ::testing::HasSubstr("layout"));
  EXPECT_THAT(Refused("[[bus]]\nlayout = \"qemu\"\nmemory = 4096\n" + rest),
              ::testing::HasSubstr("multiple of 1M"));
}

TEST_F(TopologyTest, DimmsAloneMakeTheBusThatQemuWould) {
  const auto buses = Open(R"(
[[bus]]
[[bus.dimm]]
image = "a.img"
[[bus.dimm]]
image = "b.img"
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  ASSERT_EQ(buses->size(), 1u);
  const core::BusSource& bus = (*buses)[0];
  EXPECT_EQ(bus.provider, "ACPI.NFIT");
  EXPECT_TRUE(bus.has_nfit);
  const core::BusSource qemu = core::QemuBus(bus.dimms);
  ASSERT_EQ(bus.regions.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(bus.dimms[i].identity, QemuIdentity(static_cast<uint32_t>(i)));
    EXPECT_EQ(bus.regions[i].spa, qemu.regions[i].spa);
    EXPECT_EQ(bus.regions[i].range_index, qemu.regions[i].range_index);
    EXPECT_EQ(bus.regions[i].type_guid, qemu.regions[i].type_guid);
    EXPECT_EQ(bus.regions[i].mappings[0].dimm, i);
    EXPECT_EQ(bus.regions[i].mappings[0].dpa, qemu.regions[i].mappings[0].dpa);
  }
}

// What a 6.1 kernel showed of a region over two CXL devices, the second of the file first in it.
TEST_F(TopologyTest, ACxlBusHasLabelsInFilesOfTheirOwnAndCookiesOfItsOwn) {
  Image("a.lsa", 1 * kMiB, 0);
  Image("b.lsa", 1 * kMiB, 0);
  const auto buses = Open(R"(
[[bus]]
provider = "CXL"
[[bus.dimm]]
image = "plain.img"
labels = "a.lsa"
serial = 0x1234567
[[bus.dimm]]
image = "small.img"
labels = "b.lsa"
serial = 0x1234568
[[bus.region]]
dimms = ["small.img", "plain.img"]
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  const core::BusSource& bus = (*buses)[0];
  EXPECT_FALSE(bus.has_nfit);
  EXPECT_TRUE(bus.dimms[0].labelling);
  EXPECT_EQ(bus.dimms[0].labels->size(), 1 * kMiB);
  EXPECT_EQ(bus.dimms[0].capacity->size(), 4 * kMiB);
  EXPECT_THAT(bus.dimms[0].label_file, ::testing::EndsWith("/a.lsa"));
  const core::RegionSource& region = bus.regions[0];
  ASSERT_TRUE(region.cookies.has_value());
  EXPECT_EQ(region.cookies->v1_2, 0x91a2b3e02468acfu);
  EXPECT_EQ(region.cookies->v1_1, region.cookies->v1_2);
  EXPECT_EQ(region.cookies->alternate, 0u);
  EXPECT_TRUE(region.type_guid.is_nil());
  EXPECT_EQ(region.persistence_domain, core::PersistenceDomain::kMemoryController);
}

// The label area of `image`: what region labels it gets.
void LabelRegion(const std::string& directory, const char* image, core::RegionLabel label) {
  auto dimm = OpenImage(directory + "/" + image, 0, {.label_size = 128 << 10});
  ASSERT_TRUE(dimm.ok()) << dimm.status();
  auto area = core::LabelArea::Open(dimm->labels, core::LabelV2_1());
  ASSERT_TRUE(area.ok() &&
              (area->version().has_region_labels() || area->Initialise(core::LabelV2_1()).ok()));
  label.uuid = *core::Uuid::Parse("11111111-2222-3333-4444-555555555501");
  ASSERT_TRUE(area->UpdateRegion(label, {}).ok());
}

constexpr char kTwoCxlDevices[] = R"(
[[bus]]
provider = "CXL"
[[bus.dimm]]
image = "a.img"
serial = 1
[[bus.dimm]]
image = "b.img"
serial = 2
)";

TEST_F(TopologyTest, RegionLabelsMakeTheRegionsThatTheFileDoesNotMention) {
  LabelRegion(directory_, "a.img",
              {.ways = 2,
               .position = 1,
               .dpa = 4096,
               .rawsize = 8 * kMiB,
               .hpa = 0x6d0000000,
               .granularity = 1024});
  LabelRegion(directory_, "b.img",
              {.ways = 2,
               .position = 0,
               .dpa = 0,
               .rawsize = 8 * kMiB,
               .hpa = 0x6d0000000,
               .granularity = 1024});
  const auto buses = Open(kTwoCxlDevices);
  ASSERT_TRUE(buses.ok()) << buses.status();
  const core::BusSource& bus = (*buses)[0];
  ASSERT_EQ(bus.regions.size(), 1u);
  const core::RegionSource& region = bus.regions[0];
  EXPECT_EQ(region.spa, (core::Range{0x6d0000000, 16 * kMiB}));
  EXPECT_EQ(region.uuid.ToString(), "11111111-2222-3333-4444-555555555501");
  ASSERT_EQ(region.mappings.size(), 2u);
  EXPECT_EQ(region.mappings[0].dimm, 1u);
  EXPECT_EQ(region.mappings[1].dpa, (core::Range{4096, 8 * kMiB}));
  EXPECT_EQ(region.cookies->v1_2,
            core::ComputeCxlCookies(std::vector<core::CxlSetMember>{{0, 2}, {4096, 1}}).v1_2);
  const std::byte mark[] = {std::byte{9}};
  ASSERT_TRUE(region.media->Write(1024, mark).ok());
  std::byte seen[1];
  ASSERT_TRUE(bus.dimms[0].capacity->Read(4096, absl::MakeSpan(seen)).ok());
  EXPECT_EQ(seen[0], mark[0]);
}

TEST_F(TopologyTest, AnIncompleteRegionsDevicesAreLeftAloneAndSaySo) {
  LabelRegion(directory_, "b.img", {.ways = 2, .position = 0, .rawsize = 8 * kMiB});
  auto buses = Open(kTwoCxlDevices);
  ASSERT_TRUE(buses.ok()) << buses.status();
  ASSERT_EQ((*buses)[0].regions.size(), 1u);  // that of the other device, which is blank
  EXPECT_EQ((*buses)[0].regions[0].mappings[0].dimm, 0u);
  ASSERT_EQ((*buses)[0].dimms[1].findings.size(), 1u);
  EXPECT_EQ((*buses)[0].dimms[1].findings[0].reason, "label.region.incomplete");
  EXPECT_THAT((*buses)[0].dimms[1].findings[0].sentence,
              ::testing::HasSubstr("no device has its position 1"));
  buses->clear();
  LabelRegion(directory_, "a.img", {.ways = 2, .position = 0, .rawsize = 8 * kMiB});
  buses = Open(kTwoCxlDevices);
  ASSERT_TRUE(buses.ok()) << buses.status();
  EXPECT_TRUE((*buses)[0].regions.empty());
  EXPECT_THAT((*buses)[0].dimms[0].findings[0].sentence,
              ::testing::HasSubstr("two devices have its position 0"));
}

TEST_F(TopologyTest, ALabelFileIsOneAreaAsAWhole) {
  EXPECT_THAT(Refused("[[bus]]\n[[bus.dimm]]\nimage = \"plain.img\"\nlabels = \"small.img\"\n"
                      "label_size = 4096\n"),
              ::testing::HasSubstr("which as a whole is the label area"));
  EXPECT_THAT(Refused("[[bus]]\n[[bus.dimm]]\nimage = \"plain.img\"\nlabels = \"none.lsa\"\n"),
              ::testing::HasSubstr("none.lsa"));
}

TEST_F(TopologyTest, EverythingThatCanBeSaid) {
  const auto buses = Open(R"(
[[bus]]
provider = "CXL"
nfit = true
[[bus.dimm]]
name = "one"
image = "a.img"
label_size = "64K"
label_format = "cxl"
handle = 0x12
phys_id = 3
vendor = 0x8980
device = 0x97a
revision = 1
subsystem_vendor = 4
subsystem_device = 5
subsystem_revision = 6
serial = 0xffffffff
interface_code = 0x201
manufacturing_date = 0x1834
manufacturing_location = 0xa2
poison = [{ offset = 8192, length = 1 }]
[[bus.dimm]]
name = "two"
image = "b.img"
read_only = true
[[bus.region]]
granularity = 256
spa = 0x300000000
numa_node = -1
target_node = 2
read_only = false
page_mapped = true
persistence_domain = "memory_controller"
range_index = 7
type_guid = "00000000-0000-0000-0000-0000000000ab"
uuid = "00000000-0000-0000-0000-0000000000cd"
poison = [{ offset = "1M", length = "1K" }, { offset = 0, length = 1 }]
[[bus.region.mapping]]
dimm = "two"
dpa_offset = "4M"
dpa_size = "8M"
region_offset = 256
[[bus.region.mapping]]
dimm = "one"
dpa_offset = "1M"
region_offset = 0

[[bus]]
[[bus.region]]
image = "plain.img"
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  ASSERT_EQ(buses->size(), 2u);
  const core::BusSource& bus = (*buses)[0];
  EXPECT_EQ(bus.provider, "CXL");
  const core::DimmIdentity& identity = bus.dimms[0].identity;
  EXPECT_EQ(identity.handle, 0x12u);
  EXPECT_EQ(identity.phys_id, 3);
  EXPECT_EQ(identity.vendor, 0x8980);
  EXPECT_EQ(identity.device, 0x97a);
  EXPECT_EQ(identity.serial, 0xffffffffu);
  EXPECT_EQ(identity.subsystem_revision, 6);
  EXPECT_EQ(identity.interface_code, 0x201);
  EXPECT_EQ(identity.manufacturing->date, 0x1834);
  EXPECT_EQ(identity.manufacturing->location, 0xa2);
  EXPECT_EQ(bus.dimms[0].labels->size(), 64u << 10);
  EXPECT_TRUE(bus.dimms[1].read_only);
  ASSERT_EQ(bus.regions.size(), 1u);
  const core::RegionSource& region = bus.regions[0];
  EXPECT_EQ(region.spa, (core::Range{0x300000000, 16 * kMiB}));
  EXPECT_EQ(region.numa_node, -1);
  EXPECT_EQ(region.target_node, 2);
  EXPECT_TRUE(region.read_only);  // a member is
  EXPECT_TRUE(region.page_mapped);
  EXPECT_EQ(region.persistence_domain, core::PersistenceDomain::kMemoryController);
  EXPECT_EQ(region.range_index, 7);
  EXPECT_EQ(region.type_guid.ToString(), "00000000-0000-0000-0000-0000000000ab");
  EXPECT_EQ(region.uuid.ToString(), "00000000-0000-0000-0000-0000000000cd");
  EXPECT_EQ(bus.dimms[0].new_labels, &core::LabelV2_1());
  ASSERT_EQ(region.mappings.size(), 2u);
  EXPECT_EQ(region.mappings[0].dimm, 1u);
  EXPECT_EQ(region.mappings[0].dpa, (core::Range{4 * kMiB, 8 * kMiB}));
  EXPECT_EQ(region.mappings[1].dpa, (core::Range{1 * kMiB, 8 * kMiB}));  // as the other's
  // The first piece is of the DIMM at region offset 0: what lies at DPA 1M there.
  const std::byte mark[] = {std::byte{9}};
  ASSERT_TRUE(bus.dimms[0].capacity->Write(kMiB + 512, mark).ok());
  std::byte seen[1];
  ASSERT_TRUE(region.media->Read(2 * 512, absl::MakeSpan(seen)).ok());
  EXPECT_EQ(seen[0], mark[0]);
  EXPECT_EQ(bus.dimms[0].capacity->BadRanges()[0], (core::Range{8192, 512}));
  EXPECT_TRUE(region.media->IsPoisoned(kMiB, 1));

  EXPECT_EQ((*buses)[1].provider, "e820");
  EXPECT_FALSE((*buses)[1].has_nfit);
  const core::RegionSource& plain = (*buses)[1].regions[0];
  EXPECT_TRUE(plain.mappings.empty());
  EXPECT_TRUE(plain.page_mapped);
  EXPECT_EQ(plain.spa, (core::Range{uint64_t{13} << 30, 4 * kMiB}));
}

TEST_F(TopologyTest, ASetNeedsOnlyTheNamesOfItsDimms) {
  const auto buses = Open(R"(
[[bus]]
dimm = [{ image = "a.img" }, { image = "small.img" }, { image = "b.img" }]
region = [{ dimms = ["small.img", "b.img"], granularity = "1K" }]
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  const core::BusSource& bus = (*buses)[0];
  ASSERT_EQ(bus.regions.size(), 2u);  // and one for the DIMM that is left
  EXPECT_EQ(bus.regions[0].spa.size, 16 * kMiB);
  EXPECT_EQ(bus.regions[0].mappings[1].dpa, (core::Range{0, 8 * kMiB}));
  EXPECT_EQ(bus.regions[0].mappings[1].region_offset, 1024u);
  EXPECT_EQ(bus.regions[1].mappings[0].dimm, 0u);
  EXPECT_EQ(bus.regions[1].spa, (core::Range{uint64_t{5} << 30, 16 * kMiB}));
}

TEST_F(TopologyTest, ReadOnlyHoldsForAll) {
  const auto buses = Open("[[bus]]\ndimm = [{ image = \"a.img\" }]\n", true);
  ASSERT_TRUE(buses.ok()) << buses.status();
  EXPECT_TRUE((*buses)[0].dimms[0].read_only);
  EXPECT_TRUE((*buses)[0].regions[0].read_only);
  EXPECT_EQ(ErrnoOf((*buses)[0].regions[0].media->Store64(0, 1)), EROFS);
}

TEST_F(TopologyTest, TheNumberOfDimmsAndRegionsIsLimited) {
  std::string dimms = "[[bus]]\n";
  for (int i = 0; i < 1025; ++i)
    absl::StrAppend(&dimms, "[[bus.dimm]]\nmissing = true\nsize = 4096\nslot = ", i % 256,
                    "\nhandle = ", i + 1, "\n");
  EXPECT_THAT(Refused(dimms), testing::HasSubstr("more than 1024 DIMMs in the file"));
  std::string regions = "[[bus]]\n[[bus.dimm]]\nname = \"d\"\nmissing = true\nsize = \"8M\"\n";
  for (int i = 0; i < 1025; ++i)
    absl::StrAppend(&regions, "[[bus.region]]\nmapping = [{ dimm = \"d\", dpa_offset = ", i * 4096,
                    ", dpa_size = 4096 }]\n");
  EXPECT_THAT(Refused(regions), testing::HasSubstr("more than 1024 regions in the file"));
}

TEST_F(TopologyTest, AMissingDimmIsASetsMember) {
  const auto buses = Open(R"(
[[bus]]
[[bus.dimm]]
image = "a.img"
[[bus.dimm]]
image = "gone.img"
missing = true
size = "16M"
[[bus.region]]
dimms = ["a.img", "gone.img"]
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  const core::BusSource& bus = (*buses)[0];
  EXPECT_TRUE(bus.dimms[1].missing);
  std::byte byte[1];
  EXPECT_TRUE(bus.regions[0].media->Read(0, absl::MakeSpan(byte)).ok());
  const absl::Status gone = bus.regions[0].media->Read(4096, absl::MakeSpan(byte));
  EXPECT_EQ(ReasonOf(gone), "media.missing");
  EXPECT_NE(gone.message().find("gone.img"), absl::string_view::npos);
}

TEST_F(TopologyTest, AnIntelDimmKeepsItsStateInAFile) {
  const std::string dimm = "[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\n";
  EXPECT_EQ(Open(dimm)->at(0).dimms[0].firmware, nullptr);
  for (const std::string state : {"", "state = \"elsewhere\"\n"}) {
    const std::string path = directory_ + (state.empty() ? "/a.img.state" : "/elsewhere");
    const std::string text = dimm + "family = \"intel\"\n" + state;
    {
      const auto buses = Open(text);
      ASSERT_TRUE(buses.ok()) << buses.status();
      const std::byte latch[] = {std::byte{1}};
      const auto& firmware = buses->at(0).dimms[0].firmware;
      EXPECT_FALSE(std::filesystem::exists(path));
      firmware->Run(core::intel::kEnableLatch, latch);
      EXPECT_TRUE(std::filesystem::exists(path));
    }
    std::ofstream(path) << "no record";
    EXPECT_EQ(ReasonOf(Open(text).status()), "dimm_state.size");
    EXPECT_THAT(Refused(text), ::testing::HasSubstr("t.toml:"));
  }
  EXPECT_THAT(Refused(dimm + "family = \"other\"\n"), ::testing::HasSubstr("\"intel\""));
  EXPECT_THAT(Refused(dimm + "state = \"elsewhere\"\n"), ::testing::HasSubstr("family"));
  EXPECT_THAT(Refused("[[bus]]\ncxl = true\n[[bus.dimm]]\nimage = \"a.img\"\nfamily = \"intel\"\n"),
              ::testing::HasSubstr("CXL"));
}

// --- Refusals: the place, and what would be right. ---

struct Mistake {
  const char* text;
  const char* place;
  const char* says;
};

const Mistake kMistakes[] = {
    {"", "t.toml:", "no [[bus]]"},
    {"[[bus]]\n", "t.toml:1:1: ", "needs a [[bus.dimm]]"},
    {"[[bus]\n", "t.toml:1:", ""},
    {"[[bus]]\nx = \n", "t.toml:2:", ""},
    {"[[bus]]\nprovider = 3\n", "t.toml:2:12: ", "provider: needs a quoted string"},
    {"[[bus]]\ncolour = \"red\"\n", "t.toml:2:1: ",
     "unknown key \"colour\"; [[bus]] takes cxl, dimm, layout, memory, nfit, preset, provider, "
     "region"},
    {"buses = 1\n", "t.toml:1:1: ", "unknown key \"buses\"; the top of the file takes bus"},
    {"bus = 1\n", "t.toml:1:7: ", "needs tables: [[bus]]"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nsize_of_label = 1\n", "t.toml:4:1: ", "label_size"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nlabel_size = -1\n", "t.toml:4:14: ", "bytes"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nlabel_size = \"64M\"\n", "t.toml:3:9: ", ""},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nserial = 0x100000000\n",
     "t.toml:4:10: ", "0 to 4294967295"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nread_only = 1\n", "t.toml:4:13: ", "true or false"},
    {"[[bus]]\n[[bus.dimm]]\nname = \"x\"\n", "t.toml:2:1: ", "needs an image"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"gone.img\"\n", "t.toml:3:9: ", "missing = true"},
    {"[[bus]]\n[[bus.dimm]]\nmissing = true\n", "t.toml:2:1: ", "needs a size"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\nsize = 5000\n", "t.toml:3:9: ", "multiple of 4096"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"a.img\"}]\n", "t.toml:2:", "a.img"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\n[[bus.dimm]]\nimage = \"b.img\"\nhandle = 1\n",
     "t.toml:6:10: ", "handle: 1 is already that of DIMM 0"},
    {"[[bus]]\n[[bus.dimm]]\nimage = \"a.img\"\n[[bus.region]]\n[[bus.region.mapping]]\n"
     "dimm = \"a.img\"\ndpa_size = 0\n",
     "t.toml:7:12: ", "dpa_size"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"b.img\", name = \"a.img\"}]\n",
     "t.toml:2:53: ", "another DIMM"},
    {"[[bus]]\ndimm = [{image = \"a.img\", poison = [{offset = 16777216, length = 1}]}]\n",
     "t.toml:2:", "outside"},
    {"[[bus]]\ndimm = [{image = \"a.img\", poison = [{offset = 1}]}]\n", "t.toml:2:", "length"},
    {"[[bus]]\n[[bus.region]]\n", "t.toml:2:1: ", "needs one of"},
    {"[[bus]]\n[[bus.region]]\nimage = \"plain.img\"\ndimms = [\"a\"]\n",
     "t.toml:2:1: ", "needs one of"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\nregion = [{dimms = [\"b\"]}]\n",
     "t.toml:3:20: ", "no DIMM \"b\"; it has a.img"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\nregion = [{dimms = []}]\n",
     "t.toml:3:20: ", "list of strings"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\nregion = [{dimms = [\"a.img\", \"a.img\"]}]\n",
     "t.toml:3:11: ", "twice"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\n"
     "region = [{dimms = [\"a.img\"]}, {dimms = [\"a.img\"]}]\n",
     "t.toml:3:32: ", "another region"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"b.img\"}]\n"
     "region = [{granularity = 1000, dimms = [\"a.img\", \"b.img\"]}]\n",
     "t.toml:3:26: ", "power of two"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\n"
     "region = [{mapping = [{dimm = \"a.img\", dpa_offset = 1}]}]\n",
     "t.toml:3:11: ", "multiples of 4096"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}]\n"
     "region = [{mapping = [{dimm = \"a.img\", dpa_size = \"17M\"}]}]\n",
     "t.toml:3:11: ", "within"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"b.img\"}]\nregion = [{mapping = [{dimm = "
     "\"a.img\", region_offset = 0}, {dimm = \"b.img\", region_offset = 0}]}]\n",
     "t.toml:3:11: ", "region_offset"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"b.img\"}]\nregion = [{mapping = [{dimm = "
     "\"a.img\", dpa_size = \"4M\"}, {dimm = \"b.img\", dpa_size = \"8M\"}]}]\n",
     "t.toml:3:11: ", "every member"},
    {"[[bus]]\nregion = [{image = \"plain.img\", spa = 1}]\n", "t.toml:2:39: ", "4096"},
    {"[[bus]]\ndimm = [{image = \"a.img\"}, {image = \"b.img\"}]\nregion = [{dimms = [\"a.img\"]}, "
     "{dimms = [\"b.img\"], spa = 0x100800000}]\n",
     "t.toml:3:", "are taken"},
    {"[[bus]]\nregion = [{image = \"plain.img\", persistence_domain = \"none\"}]\n",
     "t.toml:2:54: ", "memory_controller"},
    {"[[bus]]\nregion = [{image = \"plain.img\", type_guid = \"none\"}]\n",
     "t.toml:2:45: ", "UUID"},
    {"[[bus]]\nregion = [{image = \"plain.img\", mapping0 = 1}]\n",
     "t.toml:2:33: ", "unknown key \"mapping0\"; [[bus.region]] takes"},
};

TEST_F(TopologyTest, SaysWhereAMistakeIsAndWhatWouldBeRight) {
  for (const Mistake& mistake : kMistakes) {
    const std::string said = Refused(mistake.text);
    EXPECT_EQ(said.substr(0, std::string(mistake.place).size()), mistake.place) << said << "\nin\n"
                                                                                << mistake.text;
    EXPECT_NE(said.find(mistake.says), std::string::npos) << said << "\nin\n" << mistake.text;
  }
}

TEST_F(TopologyTest, AnImageInItsPlaceIsRefused) {
  Image("t.toml", 2 * kMiB, 0);
  EXPECT_EQ(ReasonOf(OpenTopology(directory_ + "/t.toml", {}).status()), "toml.size");
  EXPECT_EQ(ErrnoOf(OpenTopology(directory_ + "/none.toml", {}).status()), ENOENT);
}

TEST_F(TopologyTest, PresetsStandBesideOtherBuses) {
  const auto buses = Open(R"(
[[bus]]
[[bus.dimm]]
image = "a.img"
[[bus]]
preset = "nfit_test"
[[bus]]
[[bus.region]]
image = "plain.img"
)");
  ASSERT_TRUE(buses.ok()) << buses.status();
  std::vector<std::string> providers;
  for (const core::BusSource& bus : *buses) providers.push_back(bus.provider);
  EXPECT_THAT(providers, ::testing::ElementsAre("ACPI.NFIT", "nfit_test.0", "nfit_test.1", "e820"));
  // The module's addresses are its own, wherever it is in the file; no other bus has any of them.
  EXPECT_EQ((*buses)[1].regions[0].spa.start, 0x100000000u);
  std::vector<core::Range> taken;
  for (const core::BusSource& bus : *buses)
    for (const core::RegionSource& region : bus.regions) {
      for (const core::Range& range : taken) EXPECT_FALSE(range.Overlaps(region.spa));
      taken.push_back(region.spa);
    }
  EXPECT_EQ((*buses)[0].dimms[0].identity, QemuIdentity(0));
}

TEST_F(TopologyTest, APresetIsAWholeTable) {
  EXPECT_THAT(Refused("[[bus]]\npreset = \"none\"\n"), ::testing::HasSubstr("nfit_test and demo"));
  EXPECT_THAT(Refused("[[bus]]\npreset = \"demo\"\n[[bus]]\npreset = \"nfit_test\"\n"),
              ::testing::HasSubstr("one of them"));
  EXPECT_THAT(Refused("[[bus]]\npreset = \"demo\"\nprovider = \"x\"\n"),
              ::testing::HasSubstr("provider"));
  EXPECT_THAT(Refused("[[bus]]\npreset = \"demo\"\n[[bus.dimm]]\nimage = \"a.img\"\n"),
              ::testing::HasSubstr("dimm"));
  EXPECT_THAT(Refused("[[bus]]\npreset = \"demo\"\n[[bus]]\n[[bus.region]]\nimage = "
                      "\"plain.img\"\nspa = 0x100000000\n"),
              ::testing::HasSubstr("taken"));
  const auto read_only = Open("[[bus]]\npreset = \"demo\"\n", /*read_only=*/true);
  ASSERT_TRUE(read_only.ok());
  EXPECT_TRUE((*read_only)[0].regions[0].read_only);
}

}  // namespace
}  // namespace nvdimmfs::backends
