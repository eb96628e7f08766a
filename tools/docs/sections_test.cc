// SPDX-License-Identifier: Apache-2.0
// Whether the generated sections of the pages are those of the tables, and the tables those of the
// programs.
#include "tools/docs/sections.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "backends/sources/option_help.h"
#include "backends/sources/source.h"
#include "backends/topology/topology.h"
#include "backends/topology/topology_keys.h"
#include "fs/mount/mount_options.h"
#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

std::string ReadPage(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class PageTest : public testing::TestWithParam<const char*> {};

TEST_P(PageTest, IsAsGenerated) {
  const std::string page = ReadPage(GetParam());
  ASSERT_TRUE(absl::StrContains(page, "generated: ")) << GetParam();
  const auto regenerated = Regenerate(page);
  ASSERT_TRUE(regenerated.ok()) << regenerated.status();
  EXPECT_EQ(page, *regenerated) << "run: bazel run //tools/docs -- --update $PWD/" << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Pages, PageTest,
                         testing::Values("README.md", "tools/nvdimmfs.8",
                                         "backends/topology/topology.md", "tools/check/vet.md"));

TEST(Sections, NeedAnEndAndAName) {
  EXPECT_FALSE(Regenerate("<!-- generated: options.md; -->\n").ok());
  EXPECT_FALSE(Regenerate("<!-- generated: nothing; -->\n<!-- end of generated -->\n").ok());
  EXPECT_EQ(Regenerate("a\nb\n").value(), "a\nb\n");
}

// The names that a refusal of an option or key lists between `begin` and `end`.
std::set<std::string> Listed(absl::string_view message, absl::string_view begin,
                             absl::string_view end) {
  const size_t start = message.find(begin);
  if (start == message.npos) return {};
  message = message.substr(start + begin.size());
  message = message.substr(0, message.find(end));
  std::set<std::string> names;
  for (const absl::string_view name : absl::StrSplit(message, ", ", absl::SkipEmpty()))
    names.emplace(name.substr(0, name.find('=')));
  return names;
}

TEST(Options, EveryOneIsDocumentedAndTaken) {
  const auto refused = fs::ParseOptions("?", backends::SourceOptions());
  ASSERT_FALSE(refused.ok());
  std::set<std::string> taken = Listed(refused.status().message(), "known are ", " and those");
  // Those of any file system, which mount(8) documents.
  for (const char* name : {"suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "dirsync",
                           "noatime", "nodiratime"})
    EXPECT_EQ(taken.erase(name), 1u) << name;
  std::set<std::string> documented;
  for (const core::OptionHelp& option : fs::MountOptionHelp()) documented.emplace(option.name);
  for (const core::OptionHelp& option : backends::SourceOptionHelp())
    documented.emplace(option.name);
  EXPECT_EQ(absl::StrJoin(taken, " "), absl::StrJoin(documented, " "));
}

// A sound file with one key more in each table.
std::string WithUnknownKey(absl::string_view table) {
  const std::string dimm = "missing = true\nimage = \"a\"\nsize = \"64M\"\n";
  const auto unknown = [&](absl::string_view here) {
    return here == table ? "nonesuch = 1\n" : "";
  };
  // Bad bytes of a missing DIMM are refused: they are there only where they are asked about.
  const auto poison = [&](absl::string_view here) {
    return here == table ? absl::StrCat("[[", here, "]]\noffset = 0\nlength = 512\nnonesuch = 1\n")
                         : "";
  };
  return absl::StrCat(table.empty() ? "nonesuch = 1\n" : "", "[[bus]]\n", unknown("bus"),
                      "[[bus.dimm]]\n", dimm, unknown("bus.dimm"), poison("bus.dimm.poison"),
                      "[[bus.region]]\n", unknown("bus.region"),
                      "[[bus.region.mapping]]\ndimm = \"a\"\n", unknown("bus.region.mapping"),
                      poison("bus.region.poison"));
}

TEST(TopologyKeys, AreThoseOfTheReader) {
  std::set<std::string> tables;
  for (const backends::TopologyKey& key : backends::TopologyKeys()) tables.emplace(key.table);
  for (const std::string& table : tables) {
    std::set<std::string> documented;
    // (The reader asks for a region's keys of an image where it has one; this region has a DIMM.)
    for (const backends::TopologyKey& key : backends::TopologyKeys())
      if (key.table == table && !absl::StartsWith(key.meaning, "with `image`:")) {
        EXPECT_TRUE(documented.emplace(key.name).second) << key.name;
        EXPECT_FALSE(key.type.empty() || key.meaning.empty()) << key.name;
      }
    const auto refused =
        backends::ParseTopology(WithUnknownKey(table), "t.toml", {.read_only = true});
    ASSERT_FALSE(refused.ok()) << table;
    const std::set<std::string> taken = Listed(refused.status().message(), " takes ", "\n");
    EXPECT_EQ(absl::StrJoin(taken, " "), absl::StrJoin(documented, " "))
        << table << ": " << refused.status().message();
  }
}

}  // namespace
}  // namespace nvdimmfs::tools
