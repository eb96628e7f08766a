// SPDX-License-Identifier: Apache-2.0
// Every script of up to three writes from an alphabet of attribute writes, with the power cut at
// each step of its last one (the cuts in the others belong to shorter scripts). The next boot finds
// what it would have found before that write, or after it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/services/cut_model.h"
#include "core/testing/crash_lab.h"

namespace nvdimmfs::core {
namespace {

using nvdimmfs::testing::CrashLab;
using nvdimmfs::testing::FaultyMedia;

struct AttributeWrite {
  const char* attribute;
  const char* value;
};

constexpr AttributeWrite kAlphabet[] = {
    {"region0/x/create", "size=16M name=made uuid=11111111-2222-3333-4444-555555555502"},
    {"region0/x/create", "size=16M mode=fsdax map=mem uuid=11111111-2222-3333-4444-555555555503"},
    {"region0/x/create", "size=16M mode=sector uuid=11111111-2222-3333-4444-555555555504"},
    {"region0/x/destroy", "namespace0.0"},
    {"drivers/nd_pmem/unbind", "namespace0.0\n"},
    {"namespace0.0/uuid", "11111111-2222-3333-4444-555555555501\n"},
    {"namespace0.0/size", "33554432\n"},
    {"namespace0.0/size", "0\n"},
    {"namespace0.0/alt_name", "renamed\n"},
    {"namespace0.0/sector_size", "4096\n"},
};

using Script = std::vector<const AttributeWrite*>;

std::string TextOf(const Script& script) {
  std::string text;
  for (const AttributeWrite* write : script)
    absl::StrAppend(&text, text.empty() ? "" : "; ", write->attribute, " = ", write->value);
  return text;
}

// What a boot finds: values of attributes, in a fixed order.
using State = std::vector<std::string>;

constexpr const char* kNamespaces[] = {"namespace0.0", "namespace0.1", "namespace0.2",
                                       "namespace0.3"};
constexpr const char* kAttributes[] = {"mode", "holder", "size", "uuid", "alt_name", "sector_size"};

State Found(const CrashLab::MediaPtr& media) {
  CutModel m(media);
  State found = {m.Get("region0/available_size")};
  for (const char* name : kNamespaces)
    for (const char* attribute : kAttributes)
      found.push_back(m.Get(absl::StrCat(name, "/", attribute)));
  return found;
}

// What `state` would be if the first namespace had lost the info block of its mode.
State WithoutInfoBlock(State state) {
  if (state[1] != "!ENOENT") state[1] = "raw\n";
  if (state[2] != "!ENOENT") state[2] = "\n";
  return state;
}

class ScriptCrashTest : public ::testing::Test {
 protected:
  void Cut(const Script& script) {
    SCOPED_TRACE(TextOf(script));
    const auto perform = [&script](CutModel& m, size_t from, size_t to) {
      bool taken = true;
      for (size_t i = from; i < to; ++i)
        taken = m.Set(script[i]->attribute, script[i]->value).empty();
      return taken;
    };
    const auto before_media = start_->Clone();
    {
      CutModel m(before_media);
      perform(m, 0, script.size() - 1);
    }
    const auto first = static_cast<int64_t>(before_media->history().size());
    const auto after_media = start_->Clone();
    {
      CutModel m(after_media);
      perform(m, 0, script.size());
    }
    if (static_cast<int64_t>(after_media->history().size()) == first) return;  // it stores nothing
    const State before = Found(before_media), after = Found(after_media);
    // x/destroy removes the info block, then the label (DESIGN.md, "Crash safety").
    const bool destroys = absl::EndsWith(script.back()->attribute, "x/destroy");
    lab_.Explore(*start_,
                 {.operate = [&](const CrashLab::MediaPtr& media) -> size_t {
                    CutModel m(media);
                    return perform(m, 0, script.size()) ? 1 : 0;
                  },
                  .judge = [&](const CrashLab::MediaPtr& left, size_t acknowledged) -> std::string {
                    const State found = Found(left);
                    if (found == after) return "";
                    if (acknowledged == 0 && found == before) return "";
                    if (acknowledged == 0 && destroys && found == WithoutInfoBlock(before))
                      return "";
                    return absl::StrCat("found ", absl::StrJoin(found, ","), "; neither ",
                                        absl::StrJoin(before, ","), " nor ",
                                        absl::StrJoin(after, ","));
                  },
                  .first_step = first});
  }

  void CutAll(Script script, size_t most) {
    if (script.size() == most) return;
    for (const AttributeWrite& write : kAlphabet) {
      Script longer = script;
      longer.push_back(&write);
      Cut(longer);
      if (HasFailure()) return;
      CutAll(longer, most);
    }
  }

  const std::shared_ptr<FaultyMedia> start_ = CutModel::Initialised();
  CrashLab lab_{"scripts of attribute writes", {.outcomes = 4}};
};

TEST_F(ScriptCrashTest, TheNextBootFindsTheStateBeforeAWriteOrAfterIt) { CutAll({}, 3); }

}  // namespace
}  // namespace nvdimmfs::core
