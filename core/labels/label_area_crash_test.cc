// SPDX-License-Identifier: Apache-2.0
// Power fails at every step of every operation on a label area, with every subset (or a bounded
// sample) of the words that were not durable lost. What is found afterwards is the old state or the
// new one.
#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/testing/crash_lab.h"
#include "core/testing/faulty_media.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using nvdimmfs::testing::CrashLab;
using nvdimmfs::testing::FaultyMedia;
using nvdimmfs::testing::MediaStep;
using nvdimmfs::testing::SeededBug;
using ::testing::AnyOf;
using ::testing::Eq;

constexpr uint64_t kArea = 2048;  // 12 or 6 slots
constexpr uint64_t kOutcomes = 64;
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
constexpr uint64_t kMediaPerCut = 256;
#else
constexpr uint64_t kMediaPerCut = 8192;
#endif

// CXL labels where the index permits: what is empty is as it was initialised.
LabelArea OpenAny(std::shared_ptr<Media> media) { return MustOpen(std::move(media), LabelV2_1()); }

// What a reader finds: comparable, and readable in a failure.
std::string StateOf(const LabelArea& area) {
  if (!area.has_index()) return area.verdict() == LabelVerdict::kBlank ? "blank" : "damaged";
  std::string state =
      absl::StrCat("v", area.number().ToString(), area.version().has_region_labels() ? "cxl" : "");
  for (const StoredLabel& stored : area.labels())
    absl::StrAppend(&state, " ", stored.slot, ":", stored.label.uuid.ToString().substr(0, 4), "/",
                    stored.label.name, "/", stored.label.rawsize, "/", stored.label.flags);
  for (const StoredRegionLabel& stored : area.region_labels())
    absl::StrAppend(&state, " ", stored.slot, ":region/", stored.label.rawsize, "/",
                    stored.label.flags);
  if (area.unreadable_slots() != 0)
    absl::StrAppend(&state, " unreadable:", area.unreadable_slots());
  return state;
}

std::string StateOf(std::shared_ptr<Media> media) { return StateOf(OpenAny(std::move(media))); }

// Valid index blocks. One is enough to read the labels; the other one survives damage to it.
int ValidIndexBlocks(const Media& media) {
  int most = 0;
  for (const LabelGeometry& geometry : LabelGeometries(media.size())) {
    const auto pair = IndexPair::Read(media, geometry);
    if (!pair.ok()) continue;
    most = std::max(most, static_cast<int>(pair->blocks[0].ok()) + pair->blocks[1].ok());
  }
  return most;
}

NamespaceLabel Label(uint8_t n, uint64_t rawsize = 4096, uint32_t flags = 0) {
  NamespaceLabel label;
  label.uuid = Uuid(Uuid::Bytes{n});
  label.name = std::string(40, static_cast<char>('a' + n));  // several words
  label.flags = flags;
  label.rawsize = rawsize;
  return label;
}

// One acknowledged-or-not operation on an area.
using Operation = std::function<absl::Status(LabelArea&)>;

Operation Initialise(const LabelVersion& version) {
  return [&version](LabelArea& area) { return area.Initialise(version); };
}
Operation InitialiseOver(const LabelVersion& version) {
  return [&version](LabelArea& area) { return area.InitialiseOver(version); };
}
Operation Store(NamespaceLabel label, std::vector<uint32_t> frees = {}) {
  return [label, frees](LabelArea& area) { return area.Update(label, frees).status(); };
}
Operation Free(std::vector<uint32_t> frees) {
  return [frees](LabelArea& area) { return area.Update(std::nullopt, frees).status(); };
}

std::shared_ptr<FaultyMedia> Blank() { return std::make_shared<FaultyMedia>(kArea); }

// An area after `operations`, all durable.
std::shared_ptr<FaultyMedia> After(const std::vector<Operation>& operations,
                                   std::shared_ptr<FaultyMedia> media = Blank()) {
  LabelArea area = OpenAny(media);
  for (const Operation& operation : operations) {
    const absl::Status status = operation(area);
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(media->undurable_words(), 0u);
  return media;
}

// The state after each of the first 0, 1, ... operations.
std::vector<std::string> States(const FaultyMedia& start,
                                const std::vector<Operation>& operations) {
  auto media = start.Clone();
  std::vector<std::string> states = {StateOf(media)};
  LabelArea area = OpenAny(media);
  for (const Operation& operation : operations) {
    EXPECT_TRUE(operation(area).ok());
    states.push_back(StateOf(media));
  }
  return states;
}

class LabelAreaCrashTest : public ::testing::Test {
 protected:
  // What `operations` leave, cut anywhere: the state after the last that was acknowledged, or after
  // the one that was under way. In the end both index blocks are valid.
  static CrashLab::Subject OldOrNew(const FaultyMedia& start,
                                    const std::vector<Operation>& operations) {
    return {.operate =
                [operations](const std::shared_ptr<FaultyMedia>& media) {
                  LabelArea area = OpenAny(media);
                  size_t done = 0;
                  while (done < operations.size() && operations[done](area).ok()) ++done;
                  return done;
                },
            .judge = [states = States(start, operations)](const std::shared_ptr<FaultyMedia>& left,
                                                          size_t done) -> std::string {
              if (done + 1 == states.size() && ValidIndexBlocks(*left) != 2)
                return "acknowledged, with a single valid index block";
              const std::string found = StateOf(left);
              const std::string& before = states[done];
              const std::string& after = states[std::min(done + 1, states.size() - 1)];
              if (found == before || found == after) return "";
              return absl::StrCat("found '", found, "', which is neither '", before, "' nor '",
                                  after, "'");
            }};
  }

  void ExpectOldOrNew(const FaultyMedia& start, const std::vector<Operation>& operations,
                      const CrashLab::Harmless& harmless = nullptr) {
    CrashLab::Subject subject = OldOrNew(start, operations);
    lab_.ExpectBugsCaught(start, subject, harmless);
    const auto judge = subject.judge;
    uint64_t nth = 0;
    subject.judge = [&](const std::shared_ptr<FaultyMedia>& left, size_t done) {
      std::string wrong = judge(left, done);
      if (wrong.empty() && nth++ % 512 == 0) ExploreNext(left);
      return wrong;
    };
    lab_.Explore(start, subject);
  }

  // The next operation after a crash, cut at each of its steps.
  void ExploreNext(const std::shared_ptr<FaultyMedia>& left) {
    const LabelArea area = OpenAny(left);
    if (!area.has_index()) return;
    std::vector<uint32_t> all;
    for (const StoredLabel& stored : area.labels()) all.push_back(stored.slot);
    for (const auto& next : {Store(Label(9, 777), all), Free(all)})
      next_.Explore(*left, OldOrNew(*left, {next}));
  }

  CrashLab lab_{"label areas", {.outcomes = kMediaPerCut, .bug_outcomes = 64}};
  CrashLab next_{"label areas, the next update", {.outcomes = 4}};
};

const auto kVersions = LabelVersions();

// Two namespaces, the way a kernel leaves them: live in slots 1 and 2.
std::vector<Operation> TwoNamespaces(const LabelVersion& version) {
  return {Initialise(version), Store(Label(1, 4096, kLabelUpdating)), Store(Label(1), {0}),
          Store(Label(2, 4096, kLabelUpdating)), Store(Label(2), {0})};
}

TEST_F(LabelAreaCrashTest, InitialiseLeavesBlankOrInitialised) {
  for (const LabelVersion* version : kVersions) ExpectOldOrNew(*Blank(), {Initialise(*version)});
}

// In one go, where the sequence numbers tie for an instant.
TEST_F(LabelAreaCrashTest, FirstNamespaceOnABlankArea) {
  for (const LabelVersion* version : kVersions)
    ExpectOldOrNew(
        *Blank(),
        {Initialise(*version), Store(Label(1, 4096, kLabelUpdating)), Store(Label(1), {0})},
        [](SeededBug, int64_t step, const std::vector<MediaStep>&) {
          // The second index block, which the first update overwrites. The test above
          // catches these bugs.
          return step == 6 || step == 7;
        });
}

TEST_F(LabelAreaCrashTest, Create) {
  for (const LabelVersion* version : kVersions)
    ExpectOldOrNew(*After(TwoNamespaces(*version)),
                   {Store(Label(3, 4096, kLabelUpdating)), Store(Label(3), {0})});
}

// A region's label, with a namespace's next to it.
TEST_F(LabelAreaCrashTest, RegionLabel) {
  const auto store = [](uint64_t rawsize, uint32_t flags, std::vector<uint32_t> frees) {
    return [=](LabelArea& area) {
      RegionLabel label;
      label.uuid = Uuid(Uuid::Bytes{77});
      label.rawsize = rawsize;
      label.flags = flags;
      return area.UpdateRegion(label, frees).status();
    };
  };
  ExpectOldOrNew(*After({Initialise(LabelV2_1())}),
                 {store(4096, kLabelUpdating, {}), store(4096, 0, {0}), Store(Label(1), {})});
  ExpectOldOrNew(*After(TwoNamespaces(LabelV2_1())),
                 {store(4096, kLabelUpdating, {}), store(8192, 0, {0}), Free({1})});
}

TEST_F(LabelAreaCrashTest, Resize) {
  for (const LabelVersion* version : kVersions)
    ExpectOldOrNew(*After(TwoNamespaces(*version)),
                   {Store(Label(1, 8192, kLabelUpdating), {1}), Store(Label(1, 8192), {0})});
}

TEST_F(LabelAreaCrashTest, Rename) {
  for (const LabelVersion* version : kVersions)
    ExpectOldOrNew(*After(TwoNamespaces(*version)),
                   {Store(Label(4, 4096, kLabelUpdating), {1}), Store(Label(4), {0})});
}

TEST_F(LabelAreaCrashTest, Delete) {
  for (const LabelVersion* version : kVersions)
    ExpectOldOrNew(*After(TwoNamespaces(*version)), {Free({1}), Free({2})});
}

TEST_F(LabelAreaCrashTest, KernelsAreaWithBrokenTwin) {
  auto start = After(TwoNamespaces(LabelV1_2()));
  const std::vector<std::byte> garbage(8, std::byte{0x55});
  const int current = OpenAny(start).current();
  ASSERT_TRUE(start->WriteThrough(current == 0 ? 256 : 0, garbage).ok());
  ASSERT_TRUE(start->Drain().ok());
  ExpectOldOrNew(*start, {Store(Label(3), {}), Store(Label(3, 8192), {0})});
}

// Both label sizes have their index blocks elsewhere in an area of this size.
TEST_F(LabelAreaCrashTest, InitialiseAgainLeavesAllLabelsOrNone) {
  for (uint64_t size : {uint64_t{2048}, uint64_t{262144}}) {
    for (const LabelVersion* from : kVersions) {
      for (const LabelVersion* to : kVersions) {
        auto start = After(TwoNamespaces(*from), std::make_shared<FaultyMedia>(size));
        const std::string old = StateOf(start);
        CrashLab::Subject subject = OldOrNew(*start, {InitialiseOver(*to)});
        const auto next = States(*start, {InitialiseOver(*to)})[1];
        subject.judge = [&](const std::shared_ptr<FaultyMedia>& left, size_t done) -> std::string {
          // All labels, or none: of the old version or the new one, or without an index over what
          // is left in the slots. Done again, it is initialised.
          const std::string found = StateOf(left);
          if (found == next) return "";
          const bool none =
              found == "blank" || found == "damaged" ||
              std::any_of(kVersions.begin(), kVersions.end(), [&](const auto* version) {
                return found == StateOf(After({Initialise(*version)}));
              });
          if (done == 0 && (found == old || none)) return "";
          return absl::StrCat("found '", found, "'");
        };
        lab_.Explore(*start, subject);
      }
    }
  }
}

// One step is refused and the power stays: memory goes on with the old state, and so does the media
// before anything else is written. The second update is cut at every step.
TEST_F(LabelAreaCrashTest, RefusedUpdateThenAnotherUnderCuts) {
  for (const LabelVersion* version : kVersions) {
    const auto start = After(TwoNamespaces(*version));
    const std::vector<std::string> first = States(*start, {Store(Label(1, 8192), {1})});
    const std::vector<std::string> second = States(*start, {Store(Label(5), {2})});
    const std::string& old = first[0];
    for (int64_t failing = 0;; ++failing) {
      SCOPED_TRACE(absl::StrCat("step ", failing, " refused"));
      const auto run = [&](FaultyMedia& media, LabelArea& area) {
        media.FailAt(failing);
        const absl::Status refused = Store(Label(1, 8192), {1})(area);
        if (!refused.ok()) {
          EXPECT_EQ(ReasonOf(refused), "media.fault");
        }
        return !refused.ok();
      };
      bool refused = true;
      for (int64_t step = 0;; ++step) {
        auto media = start->Clone();
        LabelArea area = OpenAny(media);
        refused = run(*media, area);
        if (!refused) break;
        ASSERT_EQ(StateOf(area), old);
        media->CutBefore(step);
        const bool acknowledged = Store(Label(5), {2})(area).ok();
        if (acknowledged) {
          ASSERT_EQ(StateOf(area), second[1]);
        }
        for (const auto& left : media->Outcomes(32, static_cast<uint64_t>(step))) {
          if (acknowledged) {
            ASSERT_EQ(StateOf(left), second[1]);
          } else {
            ASSERT_THAT(StateOf(left), AnyOf(Eq(old), Eq(first[1]), Eq(second[1])));
          }
        }
        if (!media->cut()) break;
      }
      if (!refused) break;  // no step left to refuse
    }
  }
}

TEST_F(LabelAreaCrashTest, ReadErrorIsPassedOn) {
  auto media = After(TwoNamespaces(LabelV1_2()));
  media->Poison(Range{512, 512});
  EXPECT_EQ(ReasonOf(LabelArea::Open(media).status()), "media.poison");
  EXPECT_TRUE(HasLabelIndex(*media));
  media->Poison(Range{0, 1});
  EXPECT_EQ(ReasonOf(LabelArea::Open(media).status()), "media.poison");
  EXPECT_FALSE(HasLabelIndex(*media));
}

// An index block that a process left visible but not durable is made durable before slots are
// reused.
TEST_F(LabelAreaCrashTest, VisibleIndexOfADeadProcessIsAdopted) {
  auto media = After(TwoNamespaces(LabelV1_2()));
  {
    LabelArea dying = OpenAny(media);
    media->FailAt(7);  // adoption (3), label (3), index store; its drain is what fails
    ASSERT_FALSE(Store(Label(1, 8192), {1})(dying).ok());
    ASSERT_GT(media->undurable_words(), 0u);
  }
  const std::string visible = StateOf(media);
  ASSERT_NE(visible.find("8192"), std::string::npos);
  LabelArea area = OpenAny(media);
  ASSERT_TRUE(Store(Label(5), {})(area).ok());
  const std::string state = StateOf(media);
  for (const auto& left : media->Outcomes(kOutcomes, 1)) EXPECT_EQ(StateOf(left), state);
}

// A long life: random updates, cut at a random step, reopened, and on.
TEST_F(LabelAreaCrashTest, RandomLife) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    auto media = After({Initialise(*kVersions[seed % kVersions.size()])});
    LabelArea area = OpenAny(media);
    for (int turn = 0; turn < 60; ++turn) {
      std::vector<uint32_t> frees;
      for (const StoredLabel& stored : area.labels()) {
        if (random() % 3 == 0) frees.push_back(stored.slot);
      }
      const Operation operation =
          random() % 4 == 0 || area.free_slots() == 0
              ? Free(frees)
              : Store(Label(static_cast<uint8_t>(random() % 20), random() % 9999), frees);
      const std::vector<std::string> states = States(*media, {operation});
      if (random() % 3 == 0) media->CutBefore(static_cast<int64_t>(random() % 10));
      const bool acknowledged = operation(area).ok();
      const bool cut = media->cut();
      ASSERT_EQ(acknowledged, !cut);
      media = media->Restart(random());
      if (acknowledged) {
        ASSERT_EQ(StateOf(media), states[1]);
      } else {
        ASSERT_THAT(StateOf(media), AnyOf(Eq(states[0]), Eq(states[1])));
      }
      area = OpenAny(media);
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::core
