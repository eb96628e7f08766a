// SPDX-License-Identifier: Apache-2.0
// The attribute tables against the tree that they make: every attribute is documented, and a write
// is refused for the reasons that its row names.
#include <algorithm>
#include <cctype>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "backends/sources/preset_source.h"
#include "btt/btt_layer.h"
#include "core/base/event.h"
#include "core/base/kernel.h"
#include "core/base/status.h"
#include "core/model/event_log.h"
#include "core/system/system.h"
#include "core/system/tree_reference.h"
#include "gtest/gtest.h"
#include "tools/docs/reasons.h"
#include "tools/docs/tree_page.h"

namespace nvdimmfs::tools {
namespace {

using core::Attribute;
using core::Device;
using core::TableReference;
using Devices = std::vector<std::shared_ptr<Device>>;

constexpr absl::string_view kUuid = "11111111-2222-3333-4444-555555555555";

// What any write can be refused with, so that no row names it.
bool IsOfAnyWrite(absl::string_view reason) {
  return reason == "device.gone" || reason == "command.empty" || reason == "command.nul" ||
         reason == "command.length";
}

// A pattern of DeviceKind as a regular expression.
std::string ExpressionOf(absl::string_view pattern) {
  std::string expression = "(.*/)?";
  for (size_t i = 0; i < pattern.size(); ++i) {
    size_t end = i;
    while (end < pattern.size() && std::isupper(static_cast<unsigned char>(pattern[end])) != 0)
      ++end;
    if (end == i) {
      absl::StrAppend(&expression, pattern[i] == '.' ? "\\" : "", pattern.substr(i, 1));
      continue;
    }
    absl::StrAppend(&expression, end - i == 1 ? "[0-9]+" : "[^/]+");
    i = end - 1;
  }
  return expression;
}

class TreeTest : public testing::TestWithParam<std::tuple<std::string, core::Kernel>> {
 protected:
  void SetUp() override {
    const auto& [preset, kernel] = GetParam();
    auto buses = backends::OpenPreset({.name = preset});
    ASSERT_TRUE(buses.ok()) << buses.status();
    system_ = std::make_unique<core::System>(
        layer_, nullptr,
        backends::IsModule(preset)
            ? core::System::BusMaker([] { return backends::OpenModule(false); })
            : core::System::BusMaker(),
        kernel);
    system_->ShowEvents(events_);
    system_->set_bus_lister([](core::Bus&) { return std::string("{}\n"); });
    for (core::BusSource& bus : *buses) ASSERT_TRUE(system_->AddBus(std::move(bus)).ok());
    MakeOneOfEach();
  }

  // Devices that come with namespaces: btt, pfn, dax, disks, arenas, memory, partitions.
  void MakeOneOfEach() {
    for (const auto& device : system_->Devices()) {
      if (!absl::StartsWith(device->name(), "region")) continue;
      for (const char* mode : {"raw", "sector", "fsdax", "devdax"})
        Write(*device, "x/create", absl::StrCat("size=16M mode=", mode)).IgnoreError();
    }
    for (const auto& device : system_->Devices()) {
      if (device->kind().name() == "dax")
        if (const auto kmem = Find("bus/dax/drivers/kmem")) {
          if (const auto device_dax = Find("bus/dax/drivers/device_dax"))
            Write(*device_dax, "unbind", device->name()).IgnoreError();
          Write(*kmem, "new_id", device->name()).IgnoreError();
        }
      if (device->kind().name() == "block")
        Write(*Find("bus/nd"), "x/partitions", absl::StrCat(device->name(), "\n1 8 8 259:7"))
            .IgnoreError();
    }
  }

  std::shared_ptr<Device> Find(absl::string_view path) {
    for (const auto& device : system_->Devices())
      if (device->path() == path) return device;
    return nullptr;
  }

  absl::Status Write(Device& device, absl::string_view name, absl::string_view text) {
    for (const Attribute& attribute : device.attributes())
      if (attribute.name == name && IsVisible(device, attribute))
        return system_->Store(device, attribute, text);
    return core::Refusal(ENOENT, "tree.none", "no such attribute");
  }

  bool IsVisible(const Device& device, const Attribute& attribute) {
    return system_->WithLock([&] { return system_->ModeOf(device, attribute) != 0; });
  }

  core::EventLog events_;
  btt::BttLayer layer_;
  std::unique_ptr<core::System> system_;
};

TEST_P(TreeTest, EveryDeviceHasATableAtItsPlace) {
  const std::vector<TableReference> tables = core::TreeReference();
  std::set<std::string> seen;
  for (const auto& device : system_->Devices()) {
    if (device->attributes().empty()) continue;
    bool has_table = false, has_place = false;
    for (const TableReference& table : tables) {
      if (table.attributes.data() != device->attributes().data() ||
          !(*table.kind == device->kind()))
        continue;
      has_table = true;
      seen.emplace(table.title);
      has_place = has_place ||
                  std::regex_match(device->path(), std::regex(ExpressionOf(table.kind->pattern())));
    }
    EXPECT_TRUE(has_table) << device->path() << ": add its table to TreeReference()";
    EXPECT_TRUE(has_place) << device->path() << " is not at " << device->kind().pattern();
  }
  EXPECT_GE(seen.size(), 15u) << absl::StrJoin(seen, ", ");
}

// What is written everywhere, and what each attribute takes.
std::vector<std::string> Words(const Attribute& attribute, const Devices& devices) {
  std::vector<std::string> words = {"",
                                    "0",
                                    "1",
                                    "-1",
                                    "4096",
                                    "16777216",
                                    "junk",
                                    "x ",
                                    "off",
                                    "1000",
                                    "99999999999999999999",
                                    std::string(100, 'n'),
                                    std::string(kUuid)};
  for (const absl::string_view word :
       absl::StrSplit(attribute.grammar, absl::ByAnyChar("|[];:,"), absl::SkipEmpty()))
    words.emplace_back(absl::StrCat(word, " 1 2"));
  for (const absl::string_view word :
       absl::StrSplit(attribute.grammar, absl::ByAnyChar(" |[];:,"), absl::SkipEmpty()))
    words.emplace_back(word);
  if (absl::StrContains(attribute.grammar, core::Grammar::kDevice) ||
      absl::StrContains(attribute.grammar, "NAMESPACE"))
    for (const auto& device : devices) words.push_back(device->name());
  if (attribute.name == "x/create")
    for (const char* line :
         {"size=1", "size=16M mode=sector", "size=16M mode=fsdax align=2M", "mode=devdax map=mem",
          "size=1T", "size=16M mode=fsdax align=5", "sector_size=520", "name=n uuid=x"})
      words.emplace_back(line);
  return words;
}

TEST_P(TreeTest, WritesAreRefusedForTheReasonsOfTheTable) {
  const Devices devices = system_->Devices();
  size_t refused = 0;
  for (const auto& device : devices)
    for (const Attribute& attribute : device->attributes()) {
      if (attribute.store == nullptr || !IsVisible(*device, attribute)) continue;
      const std::vector<absl::string_view> named =
          absl::StrSplit(attribute.refusals, ' ', absl::SkipEmpty());
      for (const std::string& word : Words(attribute, devices)) {
        const absl::Status status = system_->Store(*device, attribute, word);
        if (status.ok()) continue;
        ++refused;
        const std::string what = absl::StrCat(device->path(), "/", attribute.name, " <- \"", word,
                                              "\": ", status.message());
        const Reason* const reason = FindReason(core::ReasonOf(status));
        ASSERT_NE(reason, nullptr) << what << ": no reason " << core::ReasonOf(status);
        EXPECT_TRUE(IsOfAnyWrite(reason->name) ||
                    std::any_of(named.begin(), named.end(),
                                [&](const auto& pattern) { return IsNamedBy(*reason, pattern); }))
            << what << ": the row does not name " << reason->name;
        const std::set<std::string> errnos = absl::StrSplit(reason->errnos, ' ');
        EXPECT_TRUE(errnos.count("*") != 0 ||
                    errnos.count(core::ErrnoName(core::ErrnoOf(status))) != 0)
            << what << ": " << reason->name << " with " << core::ErrnoName(core::ErrnoOf(status));
      }
    }
  EXPECT_GT(refused, 100u);
}

INSTANTIATE_TEST_SUITE_P(Sources, TreeTest,
                         testing::Combine(testing::Values("nfit_test", "demo"),
                                          testing::ValuesIn(core::kKernels)),
                         [](const auto& info) {
                           return absl::StrCat(
                               std::get<0>(info.param), "_",
                               absl::StrReplaceAll(core::KernelName(std::get<1>(info.param)),
                                                   {{".", "_"}}));
                         });

TEST(Tables, EveryAttributeIsDocumented) {
  for (const TableReference& table : core::TreeReference()) {
    EXPECT_FALSE(table.attributes.empty()) << table.title;
    EXPECT_FALSE(table.kind->pattern().empty()) << table.title;
    std::set<std::pair<core::Kernel, absl::string_view>> names;
    for (const Attribute& attribute : table.attributes) {
      const std::string what = absl::StrCat(table.title, ": ", attribute.name);
      EXPECT_LE(attribute.since, attribute.until) << what;
      for (const core::Kernel kernel : core::kKernels)
        EXPECT_TRUE(!attribute.IsIn(kernel) || names.emplace(kernel, attribute.name).second)
            << what << " is there twice in " << core::KernelName(kernel);
      EXPECT_FALSE(attribute.summary.empty()) << what;
      EXPECT_FALSE(absl::EndsWith(attribute.summary, ".")) << what;
      EXPECT_NE(attribute.mode, 0) << what;
      const bool takes = attribute.store != nullptr || attribute.command != nullptr;
      EXPECT_EQ(takes, !attribute.grammar.empty()) << what;
      EXPECT_EQ(takes, (attribute.mode & 0222) != 0) << what;
      EXPECT_EQ(attribute.show != nullptr || attribute.command != nullptr,
                (attribute.mode & 0444) != 0)
          << what;
      EXPECT_TRUE(takes || attribute.refusals.empty()) << what;
      for (const absl::string_view pattern :
           absl::StrSplit(attribute.refusals, ' ', absl::SkipEmpty()))
        EXPECT_TRUE(std::any_of(Reasons().begin(), Reasons().end(),
                                [&](const Reason& reason) { return IsNamedBy(reason, pattern); }))
            << what << ": " << pattern << " is not in the table of reasons";
    }
  }
}

TEST(Tables, ReasonsAreSortedAndComplete) {
  EXPECT_TRUE(std::is_sorted(Reasons().begin(), Reasons().end(),
                             [](const Reason& a, const Reason& b) { return a.name <= b.name; }) ||
              Reasons().empty());
  for (const Reason& reason : Reasons()) {
    EXPECT_EQ(FindReason(reason.name), &reason) << reason.name;
    EXPECT_FALSE(reason.meaning.empty()) << reason.name;
    EXPECT_FALSE(reason.advice.empty()) << reason.name;
    const std::vector<std::string> errnos = absl::StrSplit(reason.errnos, ' ', absl::SkipEmpty());
    for (size_t i = 0; i < errnos.size(); ++i)
      EXPECT_TRUE(absl::StartsWith(errnos[i], "E") || (errnos[i] == "*" && i + 1 == errnos.size()))
          << reason.name;
  }
  EXPECT_EQ(FindReason("no.such"), nullptr);
  EXPECT_EQ(ErrnoText(*FindReason("namespace.claimed")), "EBUSY or ENXIO");
  EXPECT_EQ(ErrnoText(*FindReason("mount.start")), "");
}

TEST(Tables, PagesHaveEveryRow) {
  for (const core::EventKind& kind : core::EventKinds())
    ASSERT_NE(FindReason(kind.name), nullptr) << kind.name << ": an event needs a row of reasons";
  const std::string page = TreePage();
  for (const core::EventKind& kind : core::EventKinds())
    EXPECT_TRUE(absl::StrContains(page, absl::StrCat("MESSAGE_ID=", kind.message_id)));
  for (const TableReference& table : core::TreeReference()) {
    EXPECT_TRUE(absl::StrContains(page, absl::StrCat(".Ss ", table.title, "\n")));
    EXPECT_TRUE(absl::StrContains(page, table.kind->pattern()));
  }
  const std::string reasons = ReasonsPage();
  for (const Reason& reason : Reasons())
    EXPECT_TRUE(absl::StrContains(reasons, absl::StrCat(".It Li \"\\&", reason.name, "\"")));
}

}  // namespace
}  // namespace nvdimmfs::tools
