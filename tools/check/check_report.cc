// SPDX-License-Identifier: Apache-2.0
#include "tools/check/check_report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

// If one object has more findings of one kind, only the first few are printed, the rest are
// counted.
constexpr size_t kMostOfAKind = 8;
constexpr size_t kShownOfMany = 3;

using Kind = std::tuple<std::string, std::string, Outcome>;  // subject, reason, outcome

Kind KindOf(const PlacedFinding& found) {
  return {found.subject, found.finding.reason, found.outcome};
}

// What begins the sentence in text.
const char* PrefixOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "";
    case Outcome::kMended:
      return "mended: ";
    case Outcome::kPlanned:
      return "planned: ";
    case Outcome::kNote:
      return "note: ";
    case Outcome::kNotRead:
      return "not read: ";
  }
  return "";
}

std::string Offset(uint64_t offset) { return absl::StrFormat("%#x", offset); }

// Findings of one kind that are not printed one by one.
struct Tally {
  size_t count = 0;
  size_t seen = 0;
  uint64_t first = 0, last = 0;  // offsets of those left out
};

void PrintLine(const std::string& source, const PlacedFinding& found) {
  const bool is_place = found.outcome != Outcome::kNote && found.outcome != Outcome::kNotRead;
  const std::string where =
      !is_place ? "" : absl::StrCat("offset ", Offset(found.finding.offset), ": ");
  PrintData(absl::StrCat(core::EscapeSentence(absl::StrCat(
                             source, ": ", found.subject, ": ", where, PrefixOf(found.outcome),
                             found.finding.sentence, " [", found.finding.reason, "]")),
                         "\n"));
}

// The file of a source that is one, without its options.
std::string SourceFile(const std::string& source) { return backends::Source(source).name(); }

core::Json AsJson(const std::string& source, const PlacedFinding& found) {
  return {{"source", source},
          {"subject", found.subject},
          {"offset", found.finding.offset},
          {"length", found.length},
          {"file", found.file.empty() ? SourceFile(source) : found.file},
          {"reason", found.finding.reason},
          {"sentence", found.finding.sentence},
          {"level", LevelOf(found)},
          {"outcome", NameOf(found.outcome)},
          {"repaired", found.outcome == Outcome::kMended}};
}

size_t Count(const std::vector<PlacedFinding>& findings, Outcome outcome) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const PlacedFinding& found) { return found.outcome == outcome; });
}

}  // namespace

void CheckReport::Add(const std::string& source, const std::vector<PlacedFinding>& findings) {
  const size_t mended = Count(findings, Outcome::kMended);
  const size_t left = Count(findings, Outcome::kFound);
  if (mended != 0) code_ |= kMendedSome;
  if (left != 0) code_ |= kFindingsLeft;
  if (Count(findings, Outcome::kNotRead) != 0) code_ |= kCannotTell;
  if (options_.format != ReportFormat::kText) {
    for (const PlacedFinding& found : findings) {
      if (options_.format == ReportFormat::kJson)
        list_.push_back(AsJson(source, found));
      else
        sarif_.Add(SourceFile(source), found);
    }
    return;
  }
  Print(source, findings);
  if (mended + left != 0)
    PrintData(absl::StrCat(source, ": ", mended + left, " found, ", mended, " mended\n"));
  else if (options_.verbose && Count(findings, Outcome::kNotRead) == 0)
    PrintData(absl::StrCat(source, ": sound\n"));
}

void CheckReport::Print(const std::string& source,
                        const std::vector<PlacedFinding>& findings) const {
  std::map<Kind, Tally> kinds;
  for (const PlacedFinding& found : findings) ++kinds[KindOf(found)].count;
  for (const PlacedFinding& found : findings) {
    Tally& tally = kinds[KindOf(found)];
    ++tally.seen;
    if (options_.verbose || tally.count <= kMostOfAKind || tally.seen <= kShownOfMany) {
      PrintLine(source, found);
      continue;
    }
    const uint64_t offset = found.finding.offset;
    const bool first_hidden = tally.seen == kShownOfMany + 1;
    tally.first = first_hidden ? offset : std::min(tally.first, offset);
    tally.last = first_hidden ? offset : std::max(tally.last, offset);
    if (tally.seen == tally.count)
      PrintData(absl::StrCat(source, ": ", found.subject, ": ", PrefixOf(found.outcome),
                             tally.count - kShownOfMany, " more like this, at offsets ",
                             Offset(tally.first), " to ", Offset(tally.last),
                             " (--verbose lists them) [", found.finding.reason, "]\n"));
  }
}

void CheckReport::AddRefusal(const std::string& source, const absl::Status& status) {
  code_ |= kCannotTell;
  Complain(InContext("check", source, status));
  if (options_.format == ReportFormat::kSarif) sarif_.AddRefusal(SourceFile(source), status);
  if (options_.format == ReportFormat::kJson)
    list_.push_back({{"source", source},
                     {"subject", nullptr},
                     {"offset", nullptr},
                     {"reason", core::ReasonOf(status)},
                     {"sentence", std::string(status.message())},
                     {"outcome", "cannot tell"},
                     {"errno", core::ErrnoName(core::ErrnoOf(status))},
                     {"repaired", false}});
}

int CheckReport::Finish() {
  if (options_.format == ReportFormat::kJson) PrintData(core::EscapeJson(list_.Indented()) + "\n");
  if (options_.format == ReportFormat::kSarif)
    PrintData(core::EscapeJson(sarif_.Finish(code_).Indented()) + "\n");
  // A verdict that could not be printed does not count.
  return FinishData(kDone) == kDone ? code_ : code_ | kCannotTell;
}

}  // namespace nvdimmfs::tools
