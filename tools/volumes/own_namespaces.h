// SPDX-License-Identifier: Apache-2.0
// The uuids of all namespaces that this plugin, or a predecessor, made or removed.
//
// They are nobody else's, however far their making or removal is when somebody looks at them. A
// freed one is remembered for an hour: a look at the namespaces that began before may still find
// it.
#ifndef NVDIMMFS_TOOLS_VOLUMES_OWN_NAMESPACES_H_
#define NVDIMMFS_TOOLS_VOLUMES_OWN_NAMESPACES_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread.
class OwnNamespaces {
 public:
  bool Has(const std::string& uuid) const;
  void Add(const std::string& uuid);
  // Somebody else destroyed it.
  void Drop(const std::string& uuid);
  // It was destroyed here, at `when`.
  void NoteFreed(const std::string& uuid, absl::Time when);
  // Drops those that were freed an hour before `now`.
  void Prune(absl::Time now);

 private:
  mutable absl::Mutex mutex_;
  // When it was freed; InfiniteFuture: it was not.
  std::map<std::string, absl::Time> freed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_OWN_NAMESPACES_H_
