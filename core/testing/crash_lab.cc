// SPDX-License-Identifier: Apache-2.0
#include "core/testing/crash_lab.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace nvdimmfs::testing {
namespace {

const char* NameOf(SeededBug bug) {
  switch (bug) {
    case SeededBug::kForgotten:
      return "forgotten";
    case SeededBug::kNotPushed:
      return "not pushed";
    case SeededBug::kLate:
      return "late";
  }
  return "?";
}

const char* NameOf(MediaStep::Kind kind) {
  switch (kind) {
    case MediaStep::Kind::kStore:
      return "store";
    case MediaStep::Kind::kPush:
      return "push";
    case MediaStep::Kind::kFence:
      return "fence";
    case MediaStep::Kind::kOther:
      return "step";
  }
  return "?";
}

}  // namespace

std::string FailureOf(const std::function<void()>& body) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    body();
  }
  for (int i = 0; i < results.size(); ++i) {
    const ::testing::TestPartResult& result = results.GetTestPartResult(i);
    if (result.failed()) return absl::StrCat("line ", result.line_number(), ": ", result.message());
  }
  return "";
}

CrashLab::CrashLab(std::string area, Depth depth) : area_(std::move(area)), depth_(depth) {}

CrashLab::~CrashLab() {
  if (cuts_ == 0) return;
  const std::string counts =
      absl::StrCat("operations ", operations_, ", cuts ", cuts_, ", fences ", fences_, ", states ",
                   states_, ", bugs ", bugs_, ", caught ", caught_, ", harmless ", harmless_);
  std::printf("[CRASH LAB ] %s: %s\n", area_.c_str(), counts.c_str());
  // tools/test_report.py reads it.
  ::testing::Test::RecordProperty("crash lab: " + area_, counts);
}

std::vector<MediaStep> CrashLab::StepsOf(const FaultyMedia& base, const Subject& subject) {
  const MediaPtr media = base.Clone();
  (void)subject.operate(media);
  return media->history();
}

std::vector<core::Range> CrashLab::ReadBy(const MediaPtr& cut, const Subject& subject,
                                          size_t acknowledged) {
  std::vector<core::Range> read;
  const MediaPtr newest = cut->Outcomes(2, 0).back();
  newest->OnRead([&read](uint64_t offset, size_t length) {
    // Long ranges are data, which recovery copies but does not interpret.
    if (length <= 4096) read.push_back({offset, length});
  });
  if (subject.recover) {
    subject.recover(newest);
  } else {
    (void)subject.judge(newest, acknowledged);
  }
  newest->OnRead(nullptr);
  return read;
}

std::optional<std::string> CrashLab::RecoveryRefused(const MediaPtr& after, const Subject& subject,
                                                     size_t acknowledged) {
  for (int64_t step = 0;; ++step) {
    const MediaPtr again = after->Clone();
    again->CutBefore(step);
    subject.recover(again);
    if (!again->cut()) return std::nullopt;
    ++cuts_;
    for (const MediaPtr& twice :
         again->Outcomes(depth_.recovery_outcomes, static_cast<uint64_t>(step))) {
      ++states_;
      const std::string wrong = subject.judge(twice, acknowledged);
      if (!wrong.empty()) return absl::StrCat("recovery cut before its step ", step, ": ", wrong);
    }
  }
}

std::optional<std::string> CrashLab::FirstRefused(const FaultyMedia& base, const Subject& subject,
                                                  const std::optional<Bug>& bug,
                                                  uint64_t outcomes) {
  uint64_t nth = 0;
  for (int64_t step = subject.first_step;; ++step) {
    const MediaPtr media = base.Clone();
    if (bug) media->Seed(bug->kind, bug->first, bug->last);
    media->CutBefore(step);
    const size_t acknowledged = subject.operate(media);
    const bool cut = media->cut();
    ++cuts_;
    std::vector<core::Range> read;
    if (media->CountOutcomes(outcomes + 1) > outcomes) read = ReadBy(media, subject, acknowledged);
    uint64_t outcome = 0;
    for (const MediaPtr& after : media->Outcomes(outcomes, static_cast<uint64_t>(step), read)) {
      ++states_;
      const bool recovery_too = subject.recover && !bug && depth_.recovery_outcomes != 0 &&
                                nth++ % depth_.recovery_every == 0;
      const MediaPtr kept = recovery_too ? after->Clone() : nullptr;
      const std::string wrong = subject.judge(after, acknowledged);
      std::optional<std::string> refused;
      if (!wrong.empty()) refused = wrong;
      if (!refused && recovery_too) refused = RecoveryRefused(kept, subject, acknowledged);
      if (refused)
        return absl::StrCat("power cut before step ", step, ", outcome ", outcome, ", ",
                            acknowledged, " acknowledged: ", *refused);
      ++outcome;
    }
    if (!cut) return std::nullopt;  // no step was left to cut
  }
}

void CrashLab::Explore(const FaultyMedia& base, const Subject& subject) {
  ++operations_;
  // Every step is cut, so media are judged before every fence; here they are counted.
  const std::vector<MediaStep> steps = StepsOf(base, subject);
  for (size_t i = static_cast<size_t>(subject.first_step); i < steps.size(); ++i)
    if (steps[i].kind == MediaStep::Kind::kFence && steps[i].effective) ++fences_;
  const std::optional<std::string> refused =
      FirstRefused(base, subject, std::nullopt, depth_.outcomes);
  if (refused) ADD_FAILURE() << area_ << ": " << *refused;
}

std::vector<CrashLab::Bug> CrashLab::BugsIn(const std::vector<MediaStep>& steps) {
  const auto is_fence = [&](size_t i) {
    return i < steps.size() && steps[i].kind == MediaStep::Kind::kFence;
  };
  std::vector<Bug> bugs;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (is_fence(i) && i > 0 && is_fence(i - 1)) continue;  // forgotten with the first of them
    bool effective = steps[i].effective;
    size_t after = i + 1;
    for (; is_fence(after); ++after)
      effective = effective || (is_fence(i) && steps[after].effective);
    if (!effective) continue;
    const auto first = static_cast<int64_t>(i);
    const auto last = static_cast<int64_t>(after - 1);
    bugs.push_back({SeededBug::kForgotten, first, is_fence(i) ? last : first});
    if (steps[i].pushes) bugs.push_back({SeededBug::kNotPushed, first, first});
    if (steps[i].kind == MediaStep::Kind::kStore && last > first)
      bugs.push_back({SeededBug::kLate, first, last});
  }
  return bugs;
}

void CrashLab::ExpectBugsCaught(const FaultyMedia& base, const Subject& subject,
                                const Harmless& harmless) {
  const std::vector<MediaStep> steps = StepsOf(base, subject);
  if (static_cast<int64_t>(steps.size()) <= subject.first_step)
    ADD_FAILURE() << area_ << ": the operation makes no step";
  std::vector<std::string> survivors;
  for (const Bug& bug : BugsIn(steps)) {
    if (bug.first < subject.first_step) continue;
    ++bugs_;
    if (FirstRefused(base, subject, bug, depth_.bug_outcomes)) {
      ++caught_;
    } else if (harmless && harmless(bug.kind, bug.first, steps)) {
      ++harmless_;
    } else {
      survivors.push_back(absl::StrCat(NameOf(steps[static_cast<size_t>(bug.first)].kind), " ",
                                       bug.first, " ", NameOf(bug.kind)));
    }
  }
  if (!survivors.empty())
    ADD_FAILURE() << area_ << ": no media shows these bugs: " << absl::StrJoin(survivors, ", ")
                  << " (of " << steps.size() << " steps)";
}

}  // namespace nvdimmfs::testing
