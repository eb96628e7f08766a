// SPDX-License-Identifier: Apache-2.0
#include "tools/list/listing.h"

#include <string>

#include "core/listing/ndctl_json.h"
#include "core/listing/schema_listing.h"
#include "core/testing/system_test_util.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace nvdimmfs::tools {
namespace {

using core::Model;

constexpr char kUuid[] = "11111111-2222-3333-4444-555555550001";

Model Labelled() { return Model({.labels = &core::LabelV1_2()}); }

// A raw namespace of 64 MiB at the region's start, enabled.
void MakeRaw(Model& model, const std::string& name = "") {
  ASSERT_EQ("", model.Set("namespace0.0/uuid", kUuid));
  ASSERT_EQ("", model.Set("namespace0.0/alt_name", name));
  ASSERT_EQ("", model.Set("namespace0.0/size", "0x4000000\n"));
  ASSERT_EQ("", model.Set("namespace0.0/sector_size", "512\n"));
  ASSERT_EQ("", model.Bind("nd_pmem", "namespace0.0"));
}

std::string Listed(Model& model, const ListingOptions& options) {
  const auto text = List(*model.system, options);
  return text.ok() ? *text : core::ReasonOf(text.status());
}

TEST(ListingTest, NothingToListIsNoOutput) {
  Model model = Labelled();
  EXPECT_EQ("", Listed(model, {}));
  EXPECT_EQ("", Listed(model, {.regions = true, .filter = {.region = "region9"}}));
}

TEST(ListingTest, SeedIsIdle) {
  Model model = Labelled();
  const char kExpected[] = R"([
  {
    "dev":"namespace0.0",
    "mode":"raw",
    "size":0,
    "uuid":"00000000-0000-0000-0000-000000000000",
    "sector_size":512,
    "state":"disabled"
  }
]
)";
  EXPECT_EQ(kExpected, Listed(model, {.idle = true}));
}

TEST(ListingTest, LonelyObjectForPeopleHasNoArrayAroundIt) {
  Model model = Labelled();
  MakeRaw(model, "a/b");
  const char kExpected[] = R"JSON({
  "dev":"namespace0.0",
  "mode":"raw",
  "size":"64.00 MiB (67.11 MB)",
  "uuid":"11111111-2222-3333-4444-555555550001",
  "sector_size":512,
  "blockdev":"pmem0",
  "name":"a\/b"
}
)JSON";
  EXPECT_EQ(kExpected, Listed(model, {.human = true}));
}

TEST(ListingTest, LabellessRegionHasNothingAvailableAndNoCookie) {
  Model model({.size = 64 << 20, .label_size = 0});
  const char kExpected[] = R"([
  {
    "dev":"region0",
    "size":67108864,
    "align":16777216,
    "available_size":0,
    "max_available_extent":0,
    "type":"pmem",
    "persistence_domain":"unknown"
  }
]
)";
  EXPECT_EQ(kExpected, Listed(model, {.regions = true}));
}

TEST(ListingTest, UnboundNamespaceIsListedWhenConfiguredOnesAreWanted) {
  Model model = Labelled();
  MakeRaw(model);
  ASSERT_EQ("", model.Unbind("nd_pmem", "namespace0.0"));
  EXPECT_EQ("", Listed(model, {}));
  const auto listed = nlohmann::json::parse(Listed(model, {.configured = true}));
  ASSERT_EQ(1u, listed.size());
  EXPECT_EQ("disabled", listed[0]["state"]);
}

TEST(ListingTest, BadBlocksCountInUnitsOf512Bytes) {
  Model model = Labelled();
  MakeRaw(model);
  ASSERT_TRUE(model.capacity->InjectPoison({4096, 1024}).ok());
  const auto listed = nlohmann::json::parse(Listed(model, {.regions = true, .media_errors = true}));
  EXPECT_EQ(2, listed[0]["badblock_count"]);
  EXPECT_EQ(R"([{"dimms":["nmem0"],"length":2,"offset":8}])", listed[0]["badblocks"].dump());
}

TEST(ListingTest, FilterThatCannotBeIsRefused) {
  Model model = Labelled();
  EXPECT_EQ("list.mode", Listed(model, {.filter = {.mode = "bogus"}}));
  EXPECT_EQ("list.type", Listed(model, {.filter = {.type = "bogus"}}));
  EXPECT_EQ("list.numa_node", Listed(model, {.filter = {.numa_node = "x"}}));
}

// Each row as ndctl 76.1 understood it; `matches`: whether region0 was listed.
TEST(ListingTest, IdentifiersAreReadAsNdctlReadsThem) {
  Model model = Labelled();
  const struct {
    const char* region;
    bool matches;
  } kRows[] = {
      {"region0", true}, {"0", true},        {"00", true},          {"0x0", true},
      {"+0", true},      {"all", true},      {"x region0", true},   {"0 9", true},
      {"9 0", false},    {"", false},        {"region0x", false},   {"region0,x", false},
      {"-1", false},     {"REGION0", false}, {"4294967296", false}, {" 0", true},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(row.matches, !Listed(model, {.filter = {.region = row.region}}).empty())
        << '"' << row.region << '"';
}

TEST(ListingTest, FiltersAloneChooseWhatIsListed) {
  Model model = Labelled();
  EXPECT_NE(std::string::npos, Listed(model, {.filter = {.bus = "0"}}).find("\"provider\""));
  EXPECT_NE(std::string::npos, Listed(model, {.filter = {.dimm = "0"}}).find("\"phys_id\""));
  EXPECT_EQ("", Listed(model, {.filter = {.ns = "0.0"}}));
}

TEST(NdctlJsonTest, SizesForPeople) {
  const core::NumberFormat people(true);
  const struct {
    uint64_t bytes;
    const char* text;
  } kRows[] = {
      {0, "0"},
      {5119999, "5119999"},
      {5120000, "\"4.88 MiB (5.12 MB)\""},
      {2147483647, "\"2048.00 MiB (2147.48 MB)\""},
      {2147483648, "\"2.00 GiB (2.15 GB)\""},
      {2199023255551, "\"2048.00 GiB (2199.02 GB)\""},
      {2199023255552, "\"2.00 TiB (2.20 TB)\""},
  };
  for (const auto& row : kRows) EXPECT_EQ(row.text, core::WriteNdctlJson(people.Size(row.bytes)));
  EXPECT_EQ("\"0\"", core::WriteNdctlJson(people.Hex(0)));
  EXPECT_EQ("\"0x1f\"", core::WriteNdctlJson(people.Hex(31)));
  EXPECT_EQ("\"0x7fffffffffffffff\"", core::WriteNdctlJson(people.Cookie(0xfa90120012b4dcff)));
}

TEST(NdctlJsonTest, StringsAreEscapedAsJsonCDoes) {
  EXPECT_EQ(R"("a\/b\"c\\d\te\u0001\b\f\r\n\u001fgröße")",
            core::WriteNdctlJson("a/b\"c\\d\te\x01\b\f\r\n\x1fgröße"));
}

TEST(NdctlJsonTest, WhatDoesNotShowIsEscapedWhereJsonCDoesNot) {
  EXPECT_EQ("\"\\u007f\\u0085\\u202e\xef\xbf\xbd\"",
            core::WriteNdctlJson("\x7f\xc2\x85\xe2\x80\xae\xff"));
}

TEST(SchemaListingTest, EveryKeyIsThereWhateverTheState) {
  Model model = Labelled();
  MakeRaw(model, "db\xff");
  const auto listed = nlohmann::json::parse(core::ListInSchema1(*model.system, {"vm.img"}));
  EXPECT_EQ(1, listed["schema"]);
  const auto& bus = listed["buses"][0];
  EXPECT_EQ("vm.img", bus["source"]);
  EXPECT_EQ(1u, bus["dimms"][0]["label_area"]["labels"].size());
  const auto& namespaces = bus["regions"][0]["namespaces"];
  ASSERT_EQ(2u, namespaces.size());
  for (const auto& [key, value] : namespaces[0].items()) EXPECT_TRUE(namespaces[1].contains(key));
  EXPECT_EQ("db\xef\xbf\xbd", namespaces[0]["name"]);
  EXPECT_TRUE(namespaces[1]["uuid"].is_null());
}

}  // namespace
}  // namespace nvdimmfs::tools
