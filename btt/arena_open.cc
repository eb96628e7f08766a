// SPDX-License-Identifier: Apache-2.0
// Opening an arena: padding, lanes, and the roll-forward of interrupted writes (btt_format.md,
// "Recovery"). Any store here may be cut; the next opening repeats it.
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/arena.h"
#include "btt/survey.h"
#include "core/base/event.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {

Arena::Arena(std::shared_ptr<core::Media> ns, const ArenaGeometry& geometry, const Options& options)
    : ns_(std::move(ns)),
      view_(ns_->direct_view()),
      geometry_(geometry),
      sector_size_(SectorSizeOf(geometry.external_lbasize)),
      read_only_(options.read_only || ns_->read_only()),
      error_flagged_(options.error_flagged),
      name_(options.name),
      frozen_(read_only_ || options.error_flagged),
      lanes_(geometry.nfree) {}

absl::StatusOr<std::unique_ptr<Arena>> Arena::Open(std::shared_ptr<core::Media> ns,
                                                   const ArenaGeometry& geometry,
                                                   const Options& options) {
  std::unique_ptr<Arena> arena(new Arena(std::move(ns), geometry, options));
  RETURN_IF_ERROR(arena->Recover());
  return arena;
}

absl::Status Arena::Recover() {
  ASSIGN_OR_RETURN(const FlogImage flog, LoadFlog(*ns_, geometry_));
  const auto pair = DetectPadding(flog.Readable());
  // A reader needs no lanes.
  if (!pair.ok() && !read_only_) return pair.status();
  if (pair.ok()) pair_ = *pair;
  if (error_flagged_) SetDamage("its info block flags it read-only after an error");
  const bool small = uint64_t{geometry_.external_nlba} * sizeof(uint32_t) <= kSurveyedAtOnce;
  if (small) Judge();
  RETURN_IF_ERROR(LoadLanes(flog));
  TellOpening();
  if (frozen_) return absl::OkStatus();
  if (small) {
    MendFreeLanes();
  } else {
    frozen_ = true;
    absl::MutexLock lock(&judge_mutex_);
    unjudged_ = true;
  }
  return absl::OkStatus();
}

// Surveys the map; freezes the arena if a write could destroy intact data.
void Arena::Judge() {
  const auto survey = SurveyArena(*ns_, geometry_);
  if (survey.ok() && !survey->contradictory()) return;
  frozen_ = true;
  SetDamage(survey.ok() ? WorstOf(*survey) : std::string(survey.status().message()));
}

void Arena::SetDamage(std::string sentence) {
  absl::MutexLock lock(&judge_mutex_);
  if (damage_.empty()) damage_ = std::move(sentence);
}

std::string Arena::damage() const {
  absl::MutexLock lock(&judge_mutex_);
  return damage_;
}

// The first write to an arena with a large map waits here, and so do concurrent ones.
absl::Status Arena::RefuseUnlessSound() {
  absl::MutexLock lock(&judge_mutex_);
  if (unjudged_) {
    unjudged_ = false;
    const auto survey = SurveyArena(*ns_, geometry_);
    if (!survey.ok()) damage_ = std::string(survey.status().message());
    if (survey.ok() && survey->contradictory()) damage_ = WorstOf(*survey);
    if (damage_.empty()) {
      MendFreeLanes();
      frozen_.store(false, std::memory_order_release);
    } else {
      TellReadOnly("btt.arena.damaged", damage_);
    }
  }
  if (writable()) return absl::OkStatus();
  if (!read_only_ && !damage_.empty())
    return core::Refusal(EIO, "btt.arena.damaged",
                         absl::StrCat("the arena is damaged and therefore read-only: ", damage_,
                                      "; run `nvdimmfs check --dry-run`, copy the image, then run "
                                      "`nvdimmfs check --repair`"));
  if (read_only_) return core::Refusal(EROFS, "media.read_only", "the arena was opened read-only");
  return core::Refusal(EIO, "btt.arena.read_only",
                       "the arena became read-only after a metadata error; run `nvdimmfs check`");
}

absl::Status Arena::LoadLanes(const FlogImage& flog) {
  for (uint32_t lane = 0; lane < geometry_.nfree; ++lane) {
    if (flog.unreadable[lane] || IsBlank(flog.groups[lane])) {
      // Its free block is unknown. An interrupted write through it stays undone: the sector keeps
      // its old contents.
      lanes_.RetireInitial(lane);
      continue;
    }
    const auto record = ReadLane(flog.groups[lane], pair_);
    const absl::Status sane = record.ok() ? CheckRecord(*record, geometry_) : record.status();
    if (!sane.ok() && read_only_) {
      lanes_.RetireInitial(lane);
      SetDamage(absl::StrCat("flog of lane ", lane, ": ", sane.message()));
      continue;
    }
    if (!sane.ok()) return core::Annotate(sane, absl::StrCat("flog of lane ", lane));
    RETURN_IF_ERROR(AdoptLane(lane, *record));
  }
  if (!frozen_) RETURN_IF_ERROR(ns_->Drain());  // the rolled-forward map entries
  return absl::OkStatus();
}

void Arena::MendFreeLanes() {
  for (uint32_t lane = 0; lane < geometry_.nfree; ++lane)
    if (!lanes_.IsHeld(lane)) MendLane(lane);
}

void Arena::TellOpening() const {
  if (rolled_forward_ != 0)
    core::Report(core::Event::kArenaRecovered, name_, "",
                 absl::StrCat("the arena at ", geometry_.start, ": completed ", rolled_forward_,
                              " sector writes that a crash had interrupted"));
  if (frozen_ && !read_only_) TellReadOnly("", damage());
}

void Arena::TellReadOnly(absl::string_view reason, absl::string_view why) const {
  core::Report(core::Event::kArenaReadOnly, name_, reason,
               absl::StrCat("the arena at ", geometry_.start, " is read-only: ", why,
                            "; run `nvdimmfs check`"));
}

absl::Status Arena::AdoptLane(uint32_t lane, const LaneRecord& record) {
  LaneState& state = lanes_.Initial(lane);
  state.free_block = record.old_block;
  state.seq = NextSeq(record.seq);
  state.position = record.newer ^ 1;
  state.free_block_is_bad = record.old_had_error;
  return frozen_ ? absl::OkStatus() : RollForward(lane, record);
}

// The flog entry is durable, so the map follows. If the map names neither block, it was written
// later, through another lane.
absl::Status Arena::RollForward(uint32_t lane, const LaneRecord& record) {
  if (record.old_block == record.new_block) return absl::OkStatus();
  const auto entry = LoadMap(record.lba);
  if (!entry.ok()) {
    if (!IsPoison(entry.status())) return entry.status();
    // It is unknown whether the sector still owns the old block, so the lane may not write to it.
    lanes_.RetireInitial(lane);
    return absl::OkStatus();
  }
  if (entry->block() != record.old_block) return absl::OkStatus();
  RETURN_IF_ERROR(ns_->Store32(geometry_.MapAt(record.lba), MapEntry::Normal(record.new_block)));
  ++rolled_forward_;
  return ns_->Push(geometry_.MapAt(record.lba), sizeof(uint32_t));
}

// Cleans poisoned free blocks now instead of during a write.
void Arena::MendLane(uint32_t lane) {
  LaneState& state = lanes_.Initial(lane);
  if (state.free_block_is_bad && !CleanFreeBlock(state).ok()) lanes_.RetireInitial(lane);
}

}  // namespace nvdimmfs::btt
