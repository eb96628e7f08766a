// SPDX-License-Identifier: Apache-2.0
// The crash laboratory: cuts the power before every step of an operation, and judges every media
// (or a bounded sample of them) that the cut may leave. Recovery, the first start after the cut, is
// itself cut at each of its steps. Then the lab proves that the judge is not blind: it seeds bugs
// into the operation, one at a time (a step that is forgotten, not pushed or late), and expects
// each to leave a media that is refused.
//
//   CrashLab lab("label areas", {.outcomes = 64});
//   lab.Explore(base, {.operate = ..., .recover = ..., .judge = ...});
//   lab.ExpectBugsCaught(base, {...});
//
// Counts of everything that a lab did are printed when it ends, and become properties of the test
// case, from which tools/test makes its table. Thread rules: one thread.
#ifndef NVDIMMFS_CORE_TESTING_CRASH_LAB_H_
#define NVDIMMFS_CORE_TESTING_CRASH_LAB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/testing/faulty_media.h"

namespace nvdimmfs::testing {

// The first failure of the EXPECT_* and ASSERT_* in `body`, which do not fail the test; "" if there
// is none. For judges that are written with these macros.
std::string FailureOf(const std::function<void()>& body);

class CrashLab {
 public:
  using MediaPtr = std::shared_ptr<FaultyMedia>;

  struct Depth {
    // Media judged per cut: all of them, if there are no more than this.
    uint64_t outcomes = 64;
    // Media judged per cut of a recovery; 0: no recovery is cut. It is cut for one in
    // `recovery_every` outcomes.
    uint64_t recovery_outcomes = 4;
    uint64_t recovery_every = 16;
    // Media judged per cut when a bug is seeded.
    uint64_t bug_outcomes = 64;
  };

  struct Subject {
    // Works until power fails. Returns how many of its operations were acknowledged. Makes the same
    // steps on equal media.
    std::function<size_t(const MediaPtr&)> operate;
    // What the next start writes. Empty: nothing.
    std::function<void(const MediaPtr&)> recover = nullptr;
    // "" if the media, which it may change, holds what was promised; otherwise what is wrong.
    std::function<std::string(const MediaPtr&, size_t acknowledged)> judge;
    // Steps before this one prepare, and are not cut.
    int64_t first_step = 0;
  };

  // `area` names the row of the table.
  CrashLab(std::string area, Depth depth);
  ~CrashLab();
  CrashLab(const CrashLab&) = delete;
  CrashLab& operator=(const CrashLab&) = delete;

  // A media that is refused is a failure of the test, with the step and the outcome to repeat. Each
  // step from first_step on is cut, so media are judged before every fence; the fences that made
  // words durable are counted.
  void Explore(const FaultyMedia& base, const Subject& subject);

  // Seeds each possible bug into the subject's steps: a store that is forgotten, not pushed, or
  // made only after the fences that follow it; fences that are forgotten (consecutive ones
  // together, since on this media any of them does the work of all). A bug that no judged media
  // reveals is a failure, unless `harmless` says that the step is redundant by design.
  using Harmless = std::function<bool(SeededBug, int64_t step, const std::vector<MediaStep>&)>;
  void ExpectBugsCaught(const FaultyMedia& base, const Subject& subject,
                        const Harmless& harmless = nullptr);

  uint64_t states() const { return states_; }
  // Counts a media that the test judged itself.
  void CountState() { ++states_; }

 private:
  struct Bug {
    SeededBug kind;
    int64_t first;
    int64_t last;
  };

  static std::vector<Bug> BugsIn(const std::vector<MediaStep>& steps);
  // The steps of the subject, uncut.
  static std::vector<MediaStep> StepsOf(const FaultyMedia& base, const Subject& subject);
  // What the first start after the cut reads of the media.
  static std::vector<core::Range> ReadBy(const MediaPtr& cut, const Subject& subject,
                                         size_t acknowledged);
  // What is wrong with the first media that is refused.
  std::optional<std::string> FirstRefused(const FaultyMedia& base, const Subject& subject,
                                          const std::optional<Bug>& bug, uint64_t outcomes);
  std::optional<std::string> RecoveryRefused(const MediaPtr& after, const Subject& subject,
                                             size_t acknowledged);

  const std::string area_;
  const Depth depth_;
  uint64_t operations_ = 0;
  uint64_t cuts_ = 0;
  uint64_t fences_ = 0;
  uint64_t states_ = 0;
  uint64_t bugs_ = 0;
  uint64_t caught_ = 0;
  uint64_t harmless_ = 0;
};

}  // namespace nvdimmfs::testing

#endif  // NVDIMMFS_CORE_TESTING_CRASH_LAB_H_
