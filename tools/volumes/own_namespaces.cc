// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/own_namespaces.h"

#include <iterator>

namespace nvdimmfs::volumes {
namespace {

constexpr absl::Duration kRemembered = absl::Hours(1);

}  // namespace

bool OwnNamespaces::Has(const std::string& uuid) const {
  absl::MutexLock lock(&mutex_);
  return freed_.count(uuid) > 0;
}

void OwnNamespaces::Add(const std::string& uuid) {
  absl::MutexLock lock(&mutex_);
  freed_.emplace(uuid, absl::InfiniteFuture());
}

void OwnNamespaces::Drop(const std::string& uuid) {
  absl::MutexLock lock(&mutex_);
  freed_.erase(uuid);
}

void OwnNamespaces::NoteFreed(const std::string& uuid, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  freed_[uuid] = when;
}

void OwnNamespaces::Prune(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (auto at = freed_.begin(); at != freed_.end();)
    at = at->second + kRemembered < now ? freed_.erase(at) : std::next(at);
}

}  // namespace nvdimmfs::volumes
