#include "core/devices/scrub.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "core/devices/bus.h"
#include "core/devices/region.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

constexpr uint16_t kPersistent = 2;

std::vector<MediaErrors::Place> PlacesOf(const Bus& bus) {
  std::vector<MediaErrors::Place> places;
  for (const auto& region : bus.regions())
    places.push_back({region->source().spa, region->source().media});
  return places;
}

}  // namespace

// The test module's firmware takes errors at any address.
Scrub::Scrub(Bus& bus, absl::Duration time)
    : bus_(bus),
      time_(time),
      errors_(PlacesOf(bus),
              bus.for_tests() ? MediaErrors::Outside::kNoted : MediaErrors::Outside::kRefused) {
  for (const auto& region : bus.regions())
    requests_.push_back({.region = region->name(), .spa = region->source().spa});
}

// --- The firmware. ---

bool Scrub::StartFirmware(const Range& range, uint16_t type) {
  if (state() == State::kRunning) return false;
  ever_run_ = true;
  ends_ = absl::Now() + time_;
  results_ = {range, type, errors_.Within(range)};
  return true;
}

Scrub::State Scrub::state() const {
  if (!ever_run_) return State::kNeverRun;
  return absl::Now() < ends_ ? State::kRunning : State::kDone;
}

// --- The worker. ---

absl::Status Scrub::Start(Depth depth) {
  if (requests_.empty())
    return Refusal(ENOTTY, "scrub.none",
                   absl::StrCat("scrub ", bus_.name(), ": it has no region to scrub"));
  bool more = false;
  for (Request& request : requests_)
    if (!std::exchange(request.wanted[static_cast<int>(depth)], true)) more = true;
  if (!more)
    return Refusal(EBUSY, "scrub.busy",
                   absl::StrCat("scrub ", bus_.name(), ": one is under way (", Progress(),
                                "); wait until its file `scrub` has no + any more"));
  if (!std::exchange(busy_, true)) Step();
  return absl::OkStatus();
}

void Scrub::Step() {
  for (size_t i = 0; i < requests_.size(); ++i)
    for (const Depth depth : {Depth::kShort, Depth::kLong}) {
      if (!requests_[i].wanted[static_cast<int>(depth)]) continue;
      if (!StartFirmware(requests_[i].spa, kPersistent)) {
        // Somebody's own scrub: after it.
        bus_.system().After(ends_ - absl::Now(), bus_, [this] { Step(); });
        return;
      }
      current_ = &requests_[i];
      depth_ = depth;
      bus_.system().After(time_, bus_, [this, i, depth] { Finish(i, depth); });
      return;
    }
  current_ = nullptr;
  busy_ = false;
  ++cycles_;
  bus_.system().NotifyChanged(bus_, "nfit/scrub");
}

void Scrub::Finish(size_t request, Depth depth) {
  requests_[request].wanted[static_cast<int>(depth)] = false;
  errors_.Reveal(requests_[request].spa);
  Step();
}

std::string Scrub::Progress() const {
  if (!busy_) return "idle";
  if (current_ == nullptr) return "waiting";
  const double done =
      time_ > absl::ZeroDuration() ? 1 - absl::FDivDuration(ends_ - absl::Now(), time_) : 1.0;
  return absl::StrCat(current_->region, depth_ == Depth::kLong ? " long " : " short ",
                      current_ - requests_.data() + 1, "/", requests_.size(), " ",
                      static_cast<int>(100 * std::clamp(done, 0.0, 1.0)), "%");
}

}  // namespace nvdimmfs::core
