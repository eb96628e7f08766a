// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/reclaimer.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;

// The kernel closes a node some time after its last user did.
constexpr absl::Duration kHeld = absl::Seconds(3);
constexpr absl::Duration kPause = absl::Milliseconds(20);

}  // namespace

absl::Status DestroyNamespace(DeviceTree& tree, const std::string& uuid,
                              const std::string& device) {
  const absl::Time end = absl::Now() + kHeld;
  while (true) {
    const absl::StatusOr<DeviceTree::Namespace> ns = tree.Find(uuid, device);
    if (core::ErrnoOf(ns.status()) == ENODEV) return absl::OkStatus();
    if (!ns.ok()) return ns.status();
    const absl::Status status = tree.Destroy(*ns);
    if (core::ErrnoOf(status) != EBUSY || absl::Now() > end) return status;
    absl::SleepFor(kPause);
  }
}

Reclaimer::LeavingPtr Reclaimer::Add(const Record& record, Source& source,
                                     const DeviceTree::Namespace& ns) {
  auto leaving = std::make_shared<Leaving>();
  *leaving = {.record = record, .source = &source, .ns = ns};
  own_.Add(record.uuid);
  absl::MutexLock lock(&mutex_);
  all_.push_back(leaving);
  return leaving;
}

void Reclaimer::Reclaim(const LeavingPtr& leaving) {
  {
    absl::MutexLock lock(&mutex_);
    if (leaving->is_working) return;
    leaving->is_working = true;
  }
  const absl::Status status = Free(leaving);
  const Record& record = leaving->record;  // constant
  if (status.ok()) own_.NoteFreed(record.uuid, absl::Now());
  {
    absl::MutexLock lock(&mutex_);
    leaving->is_working = false;
    leaving->error = std::string(status.message());
    if (status.ok()) all_.erase(std::remove(all_.begin(), all_.end(), leaving), all_.end());
  }
  if (status.ok())
    Log(LogLevel::kInfo, "volume.freed",
        absl::StrCat("freed the ", leaving->ns.size, " bytes of removed volume ", record.name));
  else
    Log(LogLevel::kWarning, core::ReasonOf(status),
        absl::StrCat("free the space of removed volume ", record.name, ": ", status.message(),
                     "; trying again"));
}

absl::Status Reclaimer::Free(const LeavingPtr& leaving) {
  const Record& record = leaving->record;
  DeviceTree& tree = leaving->source->tree();
  if (record.options.erase) {
    const absl::Status erased = tree.Erase(record.uuid, leaving->ns.device, [&](int progress) {
      absl::MutexLock lock(&mutex_);
      leaving->progress = progress;
      return true;
    });
    if (!erased.ok() && core::ErrnoOf(erased) != ENODEV) return erased;  // ENODEV: freed already
  }
  RETURN_IF_ERROR(DestroyNamespace(tree, record.uuid, leaving->ns.device));
  return journal_.Drop(record.uuid);
}

void Reclaimer::RetryAll() {
  std::vector<LeavingPtr> waiting;
  {
    absl::MutexLock lock(&mutex_);
    for (const LeavingPtr& leaving : all_)
      if (!leaving->is_working) waiting.push_back(leaving);
  }
  for (const LeavingPtr& leaving : waiting)
    background_.Spawn([this, leaving] { Reclaim(leaving); });
}

std::optional<Reclaimer::Leaving> Reclaimer::Find(absl::string_view volume) const {
  absl::MutexLock lock(&mutex_);
  for (const LeavingPtr& leaving : all_)
    if (leaving->record.name == volume) return *leaving;
  return std::nullopt;
}

std::vector<Reclaimer::Leaving> Reclaimer::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Leaving> all;
  for (const LeavingPtr& leaving : all_) all.push_back(*leaving);
  return all;
}

}  // namespace nvdimmfs::volumes
