// SPDX-License-Identifier: Apache-2.0
#include "btt/flog.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "btt/map_entry.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

bool IsEmpty(const FlogEntry& entry) {
  static constexpr FlogEntry kZero{};
  return std::memcmp(&entry, &kZero, sizeof entry) == 0;
}

absl::Status PaddingRefusal(size_t lane) {
  return core::Refusal(ENXIO, "btt.flog.padding",
                       absl::StrCat("flog group ", lane,
                                    " uses other slots than the groups before it: the padding "
                                    "layout is ambiguous"));
}

}  // namespace

absl::StatusOr<FlogPair> DetectPadding(absl::Span<const FlogGroup> groups) {
  FlogPair pair = {0, 0};
  int known = 0;
  bool all_initial = true;
  for (size_t lane = 0; lane < groups.size(); ++lane) {
    int empty_slots = 0;
    for (uint8_t slot = 0; slot < 4; ++slot) {
      const bool empty = IsEmpty(groups[lane].slots[slot]);
      if (known < 2) {
        if (empty)
          ++empty_slots;
        else if (known == 0 || slot != pair[0])
          pair[known++] = slot;
      } else if (slot == pair[0] ? empty : slot != pair[1] && !empty) {
        return PaddingRefusal(lane);
      }
    }
    if (empty_slots < 3) all_initial = false;
  }
  if (all_initial && known >= 1) {
    pair[1] = 1;
    known = 2;
  }
  if (known == 2 && (pair == kNewPadding || pair == kOldPadding)) return pair;
  return core::Refusal(ENXIO, "btt.flog.padding",
                       "the flog's padding layout is neither (0, 1) nor (0, 2)");
}

bool MisusesSlots(const FlogGroup& group, FlogPair pair) {
  for (size_t slot = 0; slot < group.slots.size(); ++slot)
    if (slot != pair[0] && slot != pair[1] && !IsEmpty(group.slots[slot])) return true;
  return IsEmpty(group.slots[pair[0]]) && !IsBlank(group);
}

std::optional<FlogPair> LikelyPadding(absl::Span<const FlogGroup> groups) {
  constexpr size_t kByFar = 4;  // times as many as the other
  const auto votes = [&](FlogPair pair) {
    return std::count_if(groups.begin(), groups.end(), [&](const FlogGroup& group) {
      return !IsEmpty(group.slots[pair[1]]) && !MisusesSlots(group, pair);
    });
  };
  const size_t now = votes(kNewPadding), old = votes(kOldPadding);
  if (now > kByFar * old) return kNewPadding;
  if (old > kByFar * now) return kOldPadding;
  const auto fresh = [](const FlogGroup& group) {
    return !IsEmpty(group.slots[0]) && !MisusesSlots(group, {0, 0});
  };
  if (now + old == 0 && std::any_of(groups.begin(), groups.end(), fresh)) return kNewPadding;
  return std::nullopt;
}

absl::StatusOr<int> NewerOf(uint32_t seq0, uint32_t seq1) {
  const bool told = seq0 <= 3 && seq1 <= 3 && seq0 != seq1;
  if (!told)
    return core::Refusal(
        EIO, "btt.flog.seq",
        absl::StrCat("sequence numbers ", seq0, " and ", seq1, ": cannot tell which is newer"));
  if (seq0 == 0) return 1;
  if (seq1 == 0) return 0;
  return NextSeq(seq0) == seq1 ? 1 : 0;
}

absl::StatusOr<LaneRecord> ReadLane(const FlogGroup& group, FlogPair pair) {
  ASSIGN_OR_RETURN(const int newer, NewerOf(group.slots[pair[0]].seq, group.slots[pair[1]].seq));
  const FlogEntry& entry = group.slots[pair[newer]];
  LaneRecord record;
  record.lba = entry.lba;
  record.old_block = entry.old_map & kMapBlockMask;
  record.new_block = entry.new_map & kMapBlockMask;
  record.old_had_error = (entry.old_map & kMapFlags) == kMapE;
  record.newer = static_cast<uint8_t>(newer);
  record.seq = entry.seq;
  return record;
}

bool IsBlank(const FlogGroup& group) {
  return std::all_of(group.slots.begin(), group.slots.end(), IsEmpty);
}

FlogGroup InitialGroup(uint32_t lane, uint32_t external_nlba) {
  FlogGroup group{};
  FlogEntry& entry = group.slots[0];
  entry.lba = lane;
  entry.old_map = external_nlba + lane;
  entry.new_map = external_nlba + lane;
  entry.seq = uint32_t{1};
  return group;
}

}  // namespace nvdimmfs::btt
