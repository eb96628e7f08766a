// SPDX-License-Identifier: Apache-2.0
#include "core/media/fault_rules.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/input.h"
#include "core/base/nearest_word.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr unsigned kReadWrite = FaultRule::kRead | FaultRule::kWrite;

bool ParseLatency(absl::string_view value, FaultRule& rule);
bool ParseShareOrRange(absl::string_view value, FaultRule& rule);
bool ParseSpace(absl::string_view value, FaultRule& rule);
bool ParseShare(absl::string_view value, FaultRule& rule);
bool ParseRange(absl::string_view value, FaultRule& rule);

struct Kind {
  absl::string_view name;
  FaultKind kind;
  unsigned usual, possible;  // operations: by default; at most
  bool (*parse)(absl::string_view, FaultRule&);
  absl::string_view takes;
};

constexpr Kind kKinds[] = {
    {"latency", FaultKind::kLatency, kReadWrite, kReadWrite | FaultRule::kFlush, ParseLatency,
     "a time up to 10s, or two: 2ms, 1ms..5ms, 20ms@0.05"},
    {"eio", FaultKind::kEio, kReadWrite, kReadWrite | FaultRule::kFlush, ParseShareOrRange,
     "a share of the accesses, above 0 and at most 1, or a range of bytes: 0.01, 4096+512"},
    {"enospc", FaultKind::kEnospc, FaultRule::kWrite, FaultRule::kWrite, ParseShareOrRange,
     "a share of the writes, above 0 and at most 1, or a range of bytes: 0.01, 4096+512"},
    {"space", FaultKind::kSpace, FaultRule::kWrite, FaultRule::kWrite, ParseSpace,
     "a number of bytes: 64M"},
    {"torn", FaultKind::kTorn, FaultRule::kWrite, FaultRule::kWrite, ParseShare,
     "a share of the writes, above 0 and at most 1: 0.01"},
    {"poison", FaultKind::kPoison, kReadWrite, 0, ParseRange, "a range of bytes: 4096+512"},
};

constexpr std::pair<absl::string_view, unsigned> kOperations[] = {
    {"read", FaultRule::kRead}, {"write", FaultRule::kWrite}, {"flush", FaultRule::kFlush}};

constexpr std::pair<absl::string_view, uint64_t> kUnits[] = {
    {"us", 1}, {"ms", 1000}, {"s", 1'000'000}};

constexpr size_t kRateDigits = 9;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool ParseTime(absl::string_view text, uint64_t& us) {
  for (const auto& [unit, factor] : kUnits) {
    absl::string_view digits = text;
    if (!absl::ConsumeSuffix(&digits, unit) || !IsDigits(digits)) continue;
    uint64_t number;
    if (!absl::SimpleAtoi(digits, &number)) return false;
    const auto product = CheckedMul(number, factor);
    if (!product || *product > FaultRules::kMostLatency) return false;
    us = *product;
    return true;
  }
  return false;
}

bool ParseShare(absl::string_view text, FaultRule& rule) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('.', 1));
  if (parts[0] != "0" && parts[0] != "1") return false;
  std::string digits;
  if (parts.size() == 2) {
    if (!IsDigits(parts[1]) || parts[1].size() > kRateDigits) return false;
    digits = std::string(parts[1]);
  }
  digits.resize(kRateDigits, '0');
  uint32_t fraction;
  if (!absl::SimpleAtoi(digits, &fraction)) return false;
  const uint32_t rate = (parts[0] == "1" ? FaultRule::kAlways : 0) + fraction;
  if (rate == 0 || rate > FaultRule::kAlways) return false;
  rule.rate = rate;
  return true;
}

bool ParseRange(absl::string_view text, FaultRule& rule) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('+', 1));
  if (parts.size() != 2) return false;
  const auto start = ParseSize(parts[0]), size = ParseSize(parts[1]);
  if (!start.ok() || !size.ok() || *size == 0) return false;
  rule.range = MakeRange(*start, *size);
  return rule.range.has_value();
}

bool ParseShareOrRange(absl::string_view text, FaultRule& rule) {
  return text.find('+') == absl::string_view::npos ? ParseShare(text, rule)
                                                   : ParseRange(text, rule);
}

bool ParseSpace(absl::string_view text, FaultRule& rule) {
  const auto size = ParseSize(text);
  if (!size.ok()) return false;
  rule.space = *size;
  return true;
}

bool ParseLatency(absl::string_view text, FaultRule& rule) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  if (parts.size() == 2 && !ParseShare(parts[1], rule)) return false;
  const std::vector<absl::string_view> times = absl::StrSplit(parts[0], absl::MaxSplits("..", 1));
  if (!ParseTime(times.front(), rule.least_us) || !ParseTime(times.back(), rule.most_us))
    return false;
  return rule.least_us <= rule.most_us;
}

std::string TimeText(uint64_t us) {
  for (auto unit = std::rbegin(kUnits); unit != std::rend(kUnits); ++unit)
    if (us % unit->second == 0) return absl::StrCat(us / unit->second, unit->first);
  return "";
}

std::string RateText(uint32_t rate) {
  if (rate == FaultRule::kAlways) return "1";
  std::string digits = absl::StrCat(rate);
  digits.insert(0, kRateDigits - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return absl::StrCat("0.", digits);
}

std::string ValueText(const FaultRule& rule) {
  switch (rule.kind) {
    case FaultKind::kLatency:
      return absl::StrCat(
          TimeText(rule.least_us),
          rule.most_us == rule.least_us ? "" : absl::StrCat("..", TimeText(rule.most_us)),
          rule.rate == FaultRule::kAlways ? "" : absl::StrCat("@", RateText(rule.rate)));
    case FaultKind::kSpace:
      return absl::StrCat(rule.space);
    default:
      return rule.range ? absl::StrCat(rule.range->start, "+", rule.range->size)
                        : RateText(rule.rate);
  }
}

const Kind& KindOf(FaultKind kind) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds),
                       [&](const Kind& row) { return row.kind == kind; });
}

std::string RuleText(const FaultRule& rule) {
  const Kind& kind = KindOf(rule.kind);
  std::vector<absl::string_view> operations;
  if (rule.operations != kind.usual)
    for (const auto& [name, bit] : kOperations)
      if ((rule.operations & bit) != 0) operations.push_back(name);
  return absl::StrCat(absl::StrJoin(operations, "+"), operations.empty() ? "" : ":", kind.name, "=",
                      ValueText(rule));
}

absl::Status Bad(absl::string_view word, absl::string_view why) {
  return Refusal(EINVAL, "faults.syntax", absl::StrCat("faults: \"", word, "\": ", why));
}

absl::StatusOr<unsigned> ParseOperations(absl::string_view word, absl::string_view text) {
  unsigned operations = 0;
  for (const absl::string_view name : absl::StrSplit(text, '+')) {
    const auto* found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                     [&](const auto& row) { return row.first == name; });
    if (found == std::end(kOperations) || (operations & found->second) != 0)
      return Bad(word,
                 "before the colon, write read, write or flush, joined with +, each at most once");
    operations |= found->second;
  }
  return operations;
}

absl::StatusOr<FaultRule> ParseRule(absl::string_view word) {
  const std::vector<absl::string_view> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
  if (parts.size() != 2)
    return Bad(word, "needs KIND=VALUE, such as eio=0.01; none, alone, ends all faults");
  absl::string_view name = parts[0];
  std::vector<std::string> names = {"seed"};
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  const size_t colon = name.find(':');
  const bool has_operations = colon != absl::string_view::npos;
  if (has_operations) name.remove_prefix(colon + 1);
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& row) { return row.name == name; });
  if (kind == std::end(kKinds))
    return Bad(word,
               absl::StrCat("the kinds are ", absl::StrJoin(names, ", "), DidYouMean(name, names)));
  FaultRule rule = {.kind = kind->kind, .operations = kind->usual};
  if (has_operations) {
    ASSIGN_OR_RETURN(rule.operations, ParseOperations(word, parts[0].substr(0, colon)));
    if ((rule.operations & ~kind->possible) != 0)
      return Bad(word, kind->possible == 0 ? absl::StrCat(name, " takes no operations")
                                           : absl::StrCat(name, " applies only to ",
                                                          kind->possible == FaultRule::kWrite
                                                              ? "writes"
                                                              : "reads, writes and flushes"));
  }
  if (!kind->parse(parts[1], rule)) return Bad(word, absl::StrCat("needs ", kind->takes));
  if (rule.range && (rule.operations & FaultRule::kFlush) != 0)
    return Bad(word, "a flush has no range; use a share of the flushes");
  return rule;
}

}  // namespace

absl::StatusOr<FaultRules> FaultRules::Parse(absl::string_view line) {
  FaultRules parsed;
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\n,"), absl::SkipEmpty());
  if (words.empty()) return Bad("", "needs KIND=VALUE, such as eio=0.01, or none");
  if (words.size() == 1 && words[0] == "none") return parsed;
  bool has_seed = false;
  for (absl::string_view word : words) {
    absl::string_view value = word;
    if (absl::ConsumePrefix(&value, "seed=")) {
      if (std::exchange(has_seed, true)) return Bad(word, "there is only one seed, for all rules");
      if (!IsDigits(value) || !absl::SimpleAtoi(value, &parsed.seed))
        return Bad(word, "needs a number");
      continue;
    }
    if (parsed.rules.size() == kMost)
      return Bad(word, absl::StrCat("a file has at most ", kMost, " rules"));
    ASSIGN_OR_RETURN(const FaultRule rule, ParseRule(word));
    parsed.rules.push_back(rule);
  }
  if (parsed.rules.empty()) return Bad(words[0], "a seed without a rule changes nothing");
  return parsed;
}

std::string FaultRules::Text() const {
  if (rules.empty()) return "none";
  std::vector<std::string> words;
  words.reserve(rules.size() + 1);
  for (const FaultRule& rule : rules) words.push_back(RuleText(rule));
  if (seed != 1) words.push_back(absl::StrCat("seed=", seed));
  return absl::StrJoin(words, " ");
}

}  // namespace nvdimmfs::core
