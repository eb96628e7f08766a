// SPDX-License-Identifier: Apache-2.0
// Keeps the sources served: replaces servers that died, and tries sources again that could not be
// served.
//
// A source that cannot be served does not hold up the others: its volumes exist and say why they
// are unusable.
#ifndef NVDIMMFS_TOOLS_VOLUMES_SOURCE_KEEPER_H_
#define NVDIMMFS_TOOLS_VOLUMES_SOURCE_KEEPER_H_

#include <cstdint>
#include <map>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tools/volumes/found_namespaces.h"
#include "tools/volumes/recovery.h"
#include "tools/volumes/source.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

// Thread rules: ServeAll and Watch from one thread; CountDeaths from any.
class SourceKeeper {
 public:
  SourceKeeper(const StateDirectory& directory, const Sources& sources, VolumeTable& table,
               Recovery& recovery)
      : directory_(directory), sources_(sources), table_(table), recovery_(recovery) {}

  // Serves all sources. Refused only if none can be served, as Source::Serve.
  absl::StatusOr<FoundNamespaces> ServeAll();
  // Call it every second: asks each server whether it answers.
  void Watch();
  // How many servers of the source died since the plugin started.
  uint64_t CountDeaths(const Source& source) const;

 private:
  absl::StatusOr<FoundNamespaces> Serve(Source& source, absl::Time patience);
  void WatchSource(Source& source);
  void Revive(Source& source, bool is_first);

  const StateDirectory& directory_;
  const Sources& sources_;
  VolumeTable& table_;
  Recovery& recovery_;
  std::map<const Source*, absl::Time> next_try_;  // of those that are not served
  std::set<const Source*> late_;                  // servers that did not answer

  mutable absl::Mutex mutex_;
  std::map<const Source*, uint64_t> deaths_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_SOURCE_KEEPER_H_
