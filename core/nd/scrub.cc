// SPDX-License-Identifier: Apache-2.0
#include "core/nd/scrub.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

constexpr uint16_t kPersistent = 2;

std::vector<MediaErrors::Place> PlacesOf(const std::vector<Scrub::Part>& parts) {
  std::vector<MediaErrors::Place> places;
  places.reserve(parts.size());
  for (const Scrub::Part& part : parts) places.push_back(part.place);
  return places;
}

}  // namespace

Scrub::Scrub(Device& bus, const std::vector<Part>& parts, MediaErrors::Outside outside,
             absl::Duration time)
    : bus_(bus), time_(time), errors_(PlacesOf(parts), outside) {
  for (const Part& part : parts)
    requests_.push_back({.region = part.region, .spa = part.place.spa});
}

// --- The firmware. ---

bool Scrub::StartFirmware(const Range& range, uint16_t type) {
  bus_.engine().AssertLocked();
  if (state() == State::kRunning) return false;
  ever_run_ = true;
  ends_ = absl::Now() + time_;
  results_ = {range, type, errors_.Within(range)};
  return true;
}

Scrub::State Scrub::state() const {
  bus_.engine().AssertLocked();
  if (!ever_run_) return State::kNeverRun;
  return absl::Now() < ends_ ? State::kRunning : State::kDone;
}

// --- The worker. ---

absl::Status Scrub::Start(Depth depth) {
  bus_.engine().AssertLocked();
  if (requests_.empty())
    return Refusal(ENOTTY, "scrub.none",
                   absl::StrCat("scrub ", bus_.name(), ": it has no region to scrub"));
  bool more = false;
  for (Request& request : requests_)
    if (!std::exchange(request.wanted[static_cast<int>(depth)], true)) more = true;
  if (!more)
    return Refusal(EBUSY, "scrub.busy",
                   absl::StrCat("scrub ", bus_.name(), ": a scrub is running (", Progress(),
                                "); wait until there is no + in its file `scrub`"));
  if (!std::exchange(busy_, true)) Step();
  return absl::OkStatus();
}

void Scrub::Step() {
  bus_.engine().AssertLocked();
  for (size_t i = 0; i < requests_.size(); ++i)
    for (const Depth depth : {Depth::kShort, Depth::kLong}) {
      if (!requests_[i].wanted[static_cast<int>(depth)]) continue;
      if (!StartFirmware(requests_[i].spa, kPersistent)) {
        // A scrub that a program started is running: continue after it.
        bus_.engine().After(ends_ - absl::Now(), bus_, [this] { Step(); });
        return;
      }
      current_ = &requests_[i];
      depth_ = depth;
      bus_.engine().After(time_, bus_, [this, i, depth] { Finish(i, depth); });
      return;
    }
  current_ = nullptr;
  busy_ = false;
  ++cycles_;
  bus_.engine().NotifyChanged(bus_, "nfit/scrub");
}

void Scrub::Finish(size_t request, Depth depth) {
  bus_.engine().AssertLocked();
  requests_[request].wanted[static_cast<int>(depth)] = false;
  errors_.Reveal(requests_[request].spa);
  Step();
}

std::string Scrub::Progress() const {
  bus_.engine().AssertLocked();
  if (!busy_) return "idle";
  if (current_ == nullptr) return "waiting";
  const double done =
      time_ > absl::ZeroDuration() ? 1 - absl::FDivDuration(ends_ - absl::Now(), time_) : 1.0;
  return absl::StrCat(current_->region, depth_ == Depth::kLong ? " long " : " short ",
                      current_ - requests_.data() + 1, "/", requests_.size(), " ",
                      static_cast<int>(100 * std::clamp(done, 0.0, 1.0)), "%");
}

}  // namespace nvdimmfs::core
