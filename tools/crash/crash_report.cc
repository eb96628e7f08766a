// SPDX-License-Identifier: Apache-2.0
#include "tools/crash/crash_report.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "core/base/json.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

std::string PlaceText(const TornWord& word) {
  return absl::StrFormat("%u:0x%x", word.line, word.offset);
}

std::string FailureText(const CutImage& cut) {
  std::string text = absl::StrCat(
      "fence ", cut.fence, ", seed ", cut.seed, ": the checker's exit code is ",
      cut.verdict.exit_code, "; ", cut.lost,
      cut.undurable == 0 ? "" : absl::StrCat(" of ", cut.undurable), " words did not arrive");
  for (size_t i = 0; i < cut.examples.size(); ++i)
    absl::StrAppend(&text, i == 0 ? ", at " : ", ", PlaceText(cut.examples[i]));
  absl::StrAppend(&text, cut.examples.size() < cut.lost && !cut.examples.empty() ? ", ...\n" : "\n",
                  "    again: -o crash_after=", cut.fence, ",crash_seed=", cut.seed, "\n");
  if (!cut.kept.empty()) absl::StrAppend(&text, "    image: ", cut.kept, "\n");
  if (!cut.verdict.output.empty())
    absl::StrAppend(&text, "    ", absl::StrReplaceAll(cut.verdict.output, {{"\n", "\n    "}}),
                    "\n");
  return text;
}

core::Json JsonOf(const CutImage& cut) {
  core::Json words = core::Json::EmptyArray();
  for (const TornWord& word : cut.examples) words.push_back(core::Json(PlaceText(word)));
  return {{"fence", cut.fence},           {"seed", cut.seed}, {"undurable_words", cut.undurable},
          {"lost_words", cut.lost},       {"words", words},   {"exit", cut.verdict.exit_code},
          {"output", cut.verdict.output}, {"image", cut.kept}};
}

}  // namespace

size_t CrashReport::failed() const {
  return static_cast<size_t>(std::count_if(
      cuts.begin(), cuts.end(), [](const CutImage& cut) { return !cut.verdict.passed(); }));
}

std::string CrashReport::Text() const {
  std::string text;
  std::set<uint64_t> fences;
  for (const CutImage& cut : cuts) {
    fences.insert(cut.fence);
    if (!cut.verdict.passed()) text += FailureText(cut);
  }
  absl::StrAppend(&text, source, ": the command's fences are ", first, " to ", last, "; ",
                  cuts.size(), " images, cut at ", fences.size(), " of them or at the end",
                  rerun ? ", by running the command again" : "", ": ", failed(), " failed",
                  stopped.ok() ? "" : "; it stopped before all images were checked", "\n");
  return text;
}

std::string CrashReport::JsonText() const {
  core::Json all = core::Json::EmptyArray();
  for (const CutImage& cut : cuts) all.push_back(JsonOf(cut));
  const core::Json report = {
      {"source", source},
      {"first_fence", first},
      {"last_fence", last},
      {"rerun", rerun},
      {"failed", failed()},
      {"cuts", all},
      {"stopped", stopped.ok() ? core::Json() : core::Json(core::ReasonOf(stopped))}};
  return report.Indented() + "\n";
}

}  // namespace nvdimmfs::tools
