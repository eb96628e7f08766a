// SPDX-License-Identifier: Apache-2.0
// dev/by-name and dev/by-uuid of a whole model, while namespaces of one name come, go and change.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/labels/label_area.h"
#include "core/testing/silent_listener.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

// What a mount would show in dev/.
class Links final : public SilentListener {
 public:
  void LinkAdded(absl::string_view path, absl::string_view target) override {
    if (absl::StartsWith(path, "dev/")) links[std::string(path)] = std::string(target);
  }
  void LinkRemoved(absl::string_view path) override { links.erase(std::string(path)); }
  void DataAdded(absl::string_view path, const std::shared_ptr<DataNode>&) override {
    files.push_back(std::string(path));
  }
  void DataRemoved(absl::string_view path) override {
    files.erase(std::find(files.begin(), files.end(), path));
  }

  std::map<std::string, std::string> links;
  std::vector<std::string> files;
};

class AliasTest : public ::testing::Test {
 protected:
  AliasTest() {
    auto area = LabelArea::Open(model.labels);
    EXPECT_TRUE(area->Initialise(LabelV1_2()).ok());
    Restart();
  }
  ~AliasTest() override { model.system.reset(); }

  void Restart() {
    model.system.reset();
    links.links.clear();
    DimmSource dimm{.description = "memory", .capacity = model.capacity, .labels = model.labels};
    dimm.identity = {.handle = 1, .vendor = 0x8086, .serial = 0x123456, .interface_code = 0x301};
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    model.Start(QemuBus(std::move(dimms)), &links);
  }

  std::string Create(absl::string_view line) {
    EXPECT_EQ(model.Set("region0/x/create", line), "") << line;
    return Word("region0/x/create");
  }
  std::string Word(absl::string_view path) {
    return std::string(absl::StripSuffix(model.Get(path), "\n"));
  }
  void Destroy(const std::string& ns) { EXPECT_EQ(model.Set("region0/x/destroy", ns), ""); }
  std::string Named(absl::string_view name) { return Link(absl::StrCat("dev/by-name/", name)); }
  std::string WithUuid(absl::string_view uuid) { return Link(absl::StrCat("dev/by-uuid/", uuid)); }

  Links links;
  Model model;

 private:
  std::string Link(const std::string& path) {
    const auto found = links.links.find(path);
    return found == links.links.end() ? "" : found->second;
  }
};

TEST_F(AliasTest, TheFirstOwnerKeepsTheNameAndTheNextTakesOver) {
  const std::string first = Create("size=16M name=db");
  const std::string second = Create("size=16M name=db mode=sector");
  const std::string third = Create("size=16M name=db mode=devdax map=mem");
  EXPECT_EQ(Named("db"), "dev/pmem0");
  Destroy(second);
  EXPECT_EQ(Named("db"), "dev/pmem0");
  Destroy(first);
  EXPECT_EQ(Named("db"), "dev/dax0.2");
  Destroy(third);
  EXPECT_EQ(Named("db"), "");
}

TEST_F(AliasTest, UnbindingGivesTheNameAwayAndBindingDoesNotTakeItBack) {
  const std::string first = Create("size=16M name=db");
  Create("size=16M name=db");
  EXPECT_EQ(model.Unbind("nd_pmem", first), "");
  EXPECT_EQ(Named("db"), "dev/pmem0.1");
  EXPECT_EQ(model.Bind("nd_pmem", first), "");
  EXPECT_EQ(Named("db"), "dev/pmem0.1");
  // What comes first at the next start is the first again.
  Restart();
  EXPECT_EQ(Named("db"), "dev/pmem0");
}

TEST_F(AliasTest, ARenamedOwnerLeavesItsNameToTheNext) {
  const std::string first = Create("size=16M name=db");
  Create("size=16M name=db");
  EXPECT_EQ(model.Unbind("nd_pmem", first), "");
  EXPECT_EQ(model.Set(first + "/alt_name", "log\n"), "");
  EXPECT_EQ(model.Bind("nd_pmem", first), "");
  EXPECT_EQ(Named("db"), "dev/pmem0.1");
  EXPECT_EQ(Named("log"), "dev/pmem0");
}

// A BTT's own uuid may be any other's.
TEST_F(AliasTest, TheSameHoldsByUuid) {
  constexpr char kUuid[] = "11111111-2222-3333-4444-555555555501";
  constexpr char kOther[] = "11111111-2222-3333-4444-555555555502";
  const std::string first = Create(absl::StrCat("size=16M uuid=", kUuid));
  const std::string second = Create("size=16M mode=sector");
  const std::string btt = Word(second + "/holder");
  EXPECT_EQ(model.Unbind("nd_pmem", btt), "");
  EXPECT_EQ(model.Set(btt + "/uuid", kUuid), "");
  EXPECT_EQ(model.Bind("nd_pmem", btt), "");
  EXPECT_EQ(WithUuid(kUuid), "dev/pmem0");
  EXPECT_EQ(model.Unbind("nd_pmem", first), "");
  EXPECT_EQ(model.Set(first + "/uuid", kOther), "");
  EXPECT_EQ(model.Bind("nd_pmem", first), "");
  EXPECT_EQ(WithUuid(kUuid), "dev/pmem0.1s");
  EXPECT_EQ(WithUuid(kOther), "dev/pmem0");
}

TEST_F(AliasTest, NothingIsLeftWhenTheRegionIsDisabled) {
  for (int i = 0; i < 3; ++i) Create("size=16M name=db");
  EXPECT_EQ(model.Unbind("nd_region", "region0"), "");
  EXPECT_TRUE(links.links.empty());
  EXPECT_EQ(model.Bind("nd_region", "region0"), "");
  EXPECT_EQ(Named("db"), "dev/pmem0");
}

// Whatever happens: a name is there as long as an enabled namespace has it, leads to such a one,
// and moves only when its owner goes.
class RandomAliases : public AliasTest {
 protected:
  struct Known {
    std::string ns;
    std::string name;
    bool enabled = true;
    int since = 0;  // the step at which it was enabled last
  };

  std::string FileOf(const Known& known) {
    const std::string number(absl::StripPrefix(known.ns, "namespace0."));
    return number == "0" ? "dev/pmem0" : absl::StrCat("dev/pmem0.", number);
  }
  const Known* OwnerOf(const std::string& name) const {
    const Known* owner = nullptr;
    for (const Known& known : all)
      if (known.enabled && known.name == name && (owner == nullptr || known.since < owner->since))
        owner = &known;
    return owner;
  }
  std::string AnyName() { return std::string(1, static_cast<char>('a' + random() % 3)); }

  void Step(int step) {
    const size_t choice = random() % 4;
    if (all.empty() || (choice == 0 && all.size() < 8)) {
      const std::string name = AnyName();
      all.push_back({Create(absl::StrCat("size=16M name=", name)), name, true, step});
      return;
    }
    Known& known = all[random() % all.size()];
    if (choice == 1) {
      Destroy(known.ns);
      all.erase(all.begin() + (&known - all.data()));
    } else if (known.enabled) {
      EXPECT_EQ(model.Unbind("nd_pmem", known.ns), "");
      known.enabled = false;
    } else {
      if (choice == 2) {
        known.name = AnyName();
        EXPECT_EQ(model.Set(known.ns + "/alt_name", known.name), "");
      }
      EXPECT_EQ(model.Bind("nd_pmem", known.ns), "");
      known.enabled = true;
      known.since = step;
    }
  }

  std::mt19937_64 random;
  std::vector<Known> all;
};

TEST_F(RandomAliases, AlwaysLeadToTheFirstThatIsThere) {
  for (int step = 0; step < 3000; ++step) {
    Step(step);
    for (const char* name : {"a", "b", "c"}) {
      const Known* owner = OwnerOf(name);
      ASSERT_EQ(Named(name), owner == nullptr ? "" : FileOf(*owner)) << "step " << step;
    }
    for (const auto& [path, target] : links.links)
      ASSERT_NE(std::find(links.files.begin(), links.files.end(), target), links.files.end())
          << path << " leads nowhere at step " << step;
  }
}

}  // namespace
}  // namespace nvdimmfs::core
