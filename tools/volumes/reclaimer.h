// SPDX-License-Identifier: Apache-2.0
// Gives the space of removed volumes back: erases their bytes and destroys their namespaces.
//
// Once the record says "removing" there is no such volume; what fails from then on is tried again,
// by this process or by the next one.
#ifndef NVDIMMFS_TOOLS_VOLUMES_RECLAIMER_H_
#define NVDIMMFS_TOOLS_VOLUMES_RECLAIMER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tools/volumes/background_work.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"

namespace nvdimmfs::volumes {

// Destroys the namespace if it exists; waits some seconds for the kernel to close its node.
// `device` as in DeviceTree::Find. Refused as DeviceTree::Destroy.
absl::Status DestroyNamespace(DeviceTree& tree, const std::string& uuid, const std::string& device);

// Thread rules: any thread.
class Reclaimer {
 public:
  // A namespace that no longer belongs to a volume.
  struct Leaving {
    Record record;
    Source* source = nullptr;
    DeviceTree::Namespace ns;
    int progress = 0;  // of erasing, in per cent
    bool is_working = false;
    std::string error;  // of the last attempt
  };
  using LeavingPtr = std::shared_ptr<Leaving>;

  Reclaimer(Journal& journal, OwnNamespaces& own, BackgroundWork& background)
      : journal_(journal), own_(own), background_(background) {}

  // Takes over a namespace whose record says "removing". The caller, or RetryAll, begins the work.
  LeavingPtr Add(const Record& record, Source& source, const DeviceTree::Namespace& ns);
  // Does the work, in the caller's thread, unless it is under way.
  void Reclaim(const LeavingPtr& leaving);
  // Begins, on threads of their own, the work on all that are not worked on.
  void RetryAll();

  std::optional<Leaving> Find(absl::string_view volume) const;
  std::vector<Leaving> All() const;

 private:
  absl::Status Free(const LeavingPtr& leaving);

  Journal& journal_;
  OwnNamespaces& own_;
  BackgroundWork& background_;
  mutable absl::Mutex mutex_;
  std::vector<LeavingPtr> all_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_RECLAIMER_H_
