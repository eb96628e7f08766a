// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/source_keeper.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;

// How long a server that a predecessor was starting may take to appear.
constexpr absl::Duration kAppearance = absl::Seconds(4);
// Between two attempts to serve a source.
constexpr absl::Duration kRetry = absl::Seconds(5);
// How long work on the files of a dead server takes to fail.
constexpr absl::Duration kWork = absl::Seconds(10);
// How long a server may take to answer.
constexpr absl::Duration kPing = absl::Seconds(1);

constexpr char kTryingAgain[] = "; trying again";

void Note(absl::string_view sentence) {
  Log(LogLevel::kNotice, "volumes.recovery", std::string(sentence));
}

}  // namespace

absl::StatusOr<FoundNamespaces> SourceKeeper::ServeAll() {
  FoundNamespaces found;
  absl::Status refused;
  const absl::Time patience = absl::Now() + kAppearance;
  for (const auto& source : sources_) {
    absl::StatusOr<FoundNamespaces> its = Serve(*source, patience);
    refused.Update(its.status());
    if (its.ok()) found.Merge(*std::move(its));
  }
  if (next_try_.size() == sources_.size()) return refused;
  for (const auto& [source, next] : next_try_)
    Note(absl::StrCat(source->Unserved(source->trouble()), kTryingAgain));
  return found;
}

absl::StatusOr<FoundNamespaces> SourceKeeper::Serve(Source& source, absl::Time patience) {
  absl::Status status = source.Serve(patience);
  FoundNamespaces found;
  if (status.ok()) {
    const auto all = source.tree().Namespaces();
    status = all.status();
    if (all.ok())
      for (const DeviceTree::Namespace& ns : *all) found.by_uuid[ns.uuid] = {&source, ns};
  }
  if (status.ok()) {
    next_try_.erase(&source);
    found.sources.insert(&source);
    return found;
  }
  next_try_[&source] = absl::Now() + kRetry;
  return core::Refusal(core::ErrnoOf(status), core::ReasonOf(status),
                       source.Unserved(status.message()));
}

void SourceKeeper::Watch() {
  for (const auto& source : sources_) WatchSource(*source);
}

void SourceKeeper::WatchSource(Source& source) {
  if (const auto next = next_try_.find(&source); next != next_try_.end()) {
    if (next->second < absl::Now()) Revive(source, false);
    return;
  }
  switch (source.Ping(absl::Now() + kPing)) {
    case Source::Answer::kServing:
      if (late_.erase(&source) > 0)
        Note(absl::StrCat("the server of ", source.path(), " answers again"));
      return;
    case Source::Answer::kLate:
      if (late_.insert(&source).second)
        Log(LogLevel::kWarning, "source.late",
            absl::StrCat("the server of ", source.path(), " does not answer"));
      return;
    case Source::Answer::kGone:
      break;
  }
  {
    absl::MutexLock lock(&mutex_);
    ++deaths_[&source];
  }
  Revive(source, true);
}

// Containers that had files of the dead server open keep dead mounts, which answer EIO or ENOTCONN;
// restarted, they get what is mounted here. `is_first`: the server has just died.
void SourceKeeper::Revive(Source& source, bool is_first) {
  std::vector<std::string> names;
  table_.ForEach([&](const Volume& volume) {
    if (volume.source == &source) names.push_back(volume.record.name);
  });
  const std::string trouble = source.trouble();
  if (is_first)
    Log(LogLevel::kError, "source.gone",
        absl::StrCat("the server of ", source.path(),
                     " died; starting another; volumes: ", absl::StrJoin(names, ", ")));
  std::vector<ClaimedVolume> claimed;
  for (const std::string& name : names)
    if (auto volume = table_.Claim(name, "being recovered", absl::Now() + kWork); volume.ok())
      claimed.push_back(*std::move(volume));
  std::map<std::string, std::vector<MountedThing>> dead;  // by the volume's name
  for (const MountEntry& entry : MountTable())
    if (IsWithin(entry.place, directory_.volumes()))
      dead[directory_.NameAt(entry.place)].push_back(ThingOf(entry));
  for (ClaimedVolume& volume : claimed) {
    core::LogRefusal(LogLevel::kWarning, UnmountTree(directory_.PlaceOf(volume.name())));
    const std::vector<MountedThing>& its = dead[volume.name()];
    volume.Change(
        [&](Volume& changed) { changed.dead.insert(changed.dead.end(), its.begin(), its.end()); });
  }
  // If another process has the image open, waiting for it once, when the server dies, is enough.
  const auto found = Serve(source, absl::Now() + (is_first ? kAppearance : absl::ZeroDuration()));
  for (ClaimedVolume& volume : claimed) recovery_.Restore(std::move(volume), found);
  if (!found.ok()) {
    if (source.trouble() != trouble) Note(absl::StrCat(found.status().message(), kTryingAgain));
    return;
  }
  Note(absl::StrCat("source ", source.path(), " is served ", is_first ? "again" : "now"));
  if (const absl::Status status = recovery_.RecoverPostponed(*found); !status.ok())
    Note(status.message());
}

uint64_t SourceKeeper::CountDeaths(const Source& source) const {
  absl::MutexLock lock(&mutex_);
  const auto found = deaths_.find(&source);
  return found == deaths_.end() ? 0 : found->second;
}

}  // namespace nvdimmfs::volumes
