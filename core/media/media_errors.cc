// SPDX-License-Identifier: Apache-2.0
#include "core/media/media_errors.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSector = 512;

// Empty if they do not overlap.
Range Common(const Range& a, const Range& b) {
  const uint64_t start = std::max(a.start, b.start);
  const uint64_t end = std::min(a.end(), b.end());
  return {start, end > start ? end - start : 0};
}

Range Moved(const Range& range, uint64_t from, uint64_t to) {
  return {range.start - from + to, range.size};
}

}  // namespace

MediaErrors::MediaErrors(std::vector<Place> places, Outside outside)
    : places_(std::move(places)), outside_(outside) {
  for (size_t i = 0; i < places_.size(); ++i)
    for (const Range& bad : places_[i].media->BadRanges())
      errors_.push_back({Moved(bad, 0, places_[i].spa.start), i, /*revealed=*/true});
}

bool MediaErrors::Covers(const Range& spa) const {
  uint64_t covered = 0;
  for (const Place& place : places_) covered += Common(place.spa, spa).size;
  return covered == spa.size;
}

std::vector<MediaErrors::Error> MediaErrors::PartsOf(const Range& spa) const {
  std::vector<Error> parts;
  for (size_t i = 0; i < places_.size(); ++i)
    if (const Range part = Common(places_[i].spa, spa); !part.empty())
      parts.push_back({part, i, /*revealed=*/false});
  std::sort(parts.begin(), parts.end(),
            [](const Error& a, const Error& b) { return a.spa.start < b.spa.start; });
  std::vector<Error> all;
  uint64_t at = spa.start;
  for (const Error& part : parts) {
    if (at < part.spa.start) all.push_back({{at, part.spa.start - at}, kNowhere});
    all.push_back(part);
    at = part.spa.end();
  }
  if (at < spa.end()) all.push_back({{at, spa.end() - at}, kNowhere});
  return all;
}

absl::Status MediaErrors::Inject(const Range& spa) {
  if (spa.empty() || (outside_ == Outside::kRefused && !Covers(spa)))
    return Refusal(EINVAL, "errors.range",
                   absl::StrCat("inject errors in ", spa.size, " bytes at ", spa.start,
                                ": needs a range within the addresses of the bus's regions"));
  ForgetHealed();
  const std::vector<Error> parts = PartsOf(spa);
  if (errors_.size() + parts.size() > kMostErrors)
    return Refusal(ENOSPC, "errors.full",
                   absl::StrCat("inject errors: the firmware has noted ", errors_.size(),
                                "; clear some first"));
  for (const Error& part : parts) {
    const auto same = std::find_if(errors_.begin(), errors_.end(), [&](const Error& error) {
      return error.spa.start == part.spa.start;
    });
    if (same != errors_.end()) errors_.erase(same);
    errors_.push_back(part);
  }
  return absl::OkStatus();
}

void MediaErrors::Withdraw(const Range& spa) {
  std::vector<Error> kept;
  for (const Error& error : errors_) {
    const Range gone = Common(error.spa, spa);
    if (gone.empty()) {
      kept.push_back(error);
      continue;
    }
    Error head = error, tail = error;
    head.spa.size = gone.start - error.spa.start;
    tail.spa = {gone.end(), error.spa.end() - gone.end()};
    for (const Error& rest : {head, tail})
      if (!rest.spa.empty()) kept.push_back(rest);
  }
  errors_ = std::move(kept);
}

bool MediaErrors::AnyIn(const Range& spa) const {
  return std::any_of(errors_.begin(), errors_.end(),
                     [&](const Error& error) { return error.spa.Overlaps(spa); });
}

absl::Status MediaErrors::ClearIn(const Place& place, const Range& spa) {
  const Range part = Moved(Common(place.spa, spa), place.spa.start, 0);
  // The range may cover the sectors at its ends only partly, and their other bytes may have an
  // error.
  uint64_t first = RoundDown(part.start, kSector), end = part.end();
  if (part.start != first && AnyIn(Moved({first, kSector}, 0, place.spa.start))) first += kSector;
  if (const uint64_t last = RoundDown(end, kSector); last != end)
    end = AnyIn(Moved({last, kSector}, 0, place.spa.start)) ? last : last + kSector;
  return first < end ? place.media->ClearPoison(first, end - first) : absl::OkStatus();
}

absl::Status MediaErrors::Clear(const Range& spa) {
  ForgetHealed();
  Withdraw(spa);
  for (const Place& place : places_)
    if (place.spa.Overlaps(spa)) RETURN_IF_ERROR(ClearIn(place, spa));
  return absl::OkStatus();
}

void MediaErrors::Reveal(const Range& spa) {
  ForgetHealed();
  for (Error& error : errors_) {
    if (error.revealed || error.place == kNowhere || !error.spa.Overlaps(spa)) continue;
    const Place& place = places_[error.place];
    error.revealed = place.media->InjectPoison(Moved(error.spa, place.spa.start, 0)).ok();
  }
}

std::vector<Range> MediaErrors::Within(const Range& spa) {
  ForgetHealed();
  std::vector<Range> ranges;
  for (const Error& error : errors_)
    if (const Range common = Common(error.spa, spa); !common.empty()) ranges.push_back(common);
  return ranges;
}

std::vector<Range> MediaErrors::All() { return Within({0, UINT64_MAX}); }

void MediaErrors::ForgetHealed() {
  std::vector<std::vector<Range>> bad;
  for (const Place& place : places_) bad.push_back(place.media->BadRanges());
  std::vector<Error> kept;
  for (const Error& error : errors_) {
    if (!error.revealed) {
      kept.push_back(error);
      continue;
    }
    for (const Range& range : bad[error.place]) {
      Error rest = error;
      rest.spa = Common(error.spa, Moved(range, 0, places_[error.place].spa.start));
      if (!rest.spa.empty()) kept.push_back(rest);
    }
  }
  errors_ = std::move(kept);
}

}  // namespace nvdimmfs::core
