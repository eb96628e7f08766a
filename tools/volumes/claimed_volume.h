// SPDX-License-Identifier: Apache-2.0
// The right to work on one volume.
//
// At most one ClaimedVolume of a volume exists at a time. Only its owner changes the volume; others
// read copies. The claim ends with the value, on whatever path: so a volume cannot stay claimed.
#ifndef NVDIMMFS_TOOLS_VOLUMES_CLAIMED_VOLUME_H_
#define NVDIMMFS_TOOLS_VOLUMES_CLAIMED_VOLUME_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/volume.h"
#include "tools/volumes/volume_map.h"

namespace nvdimmfs::volumes {

// Thread rules: one thread at a time, not always the same one. Takes the table's lock.
class ClaimedVolume {
 public:
  ClaimedVolume(ClaimedVolume&& other) noexcept;
  ClaimedVolume& operator=(ClaimedVolume&& other) noexcept;
  ~ClaimedVolume() { Release(); }

  const std::string& name() const { return name_; }
  Volume Copy() const;
  Record record() const;
  // Refused with ECANCELED, "volume.cancelled", if the volume was removed while it is being made.
  absl::Status CheckNotCancelled() const;

  // `change` runs under the table's lock: it must only touch memory.
  void Change(absl::FunctionRef<void(Volume&)> change);
  void SetDoing(absl::string_view doing);
  // Changes the record: in the journal, durably, and then in memory. Refused as Journal::Put; the
  // record in memory is then unchanged.
  absl::Status PutRecord(absl::FunctionRef<void(Record&)> change);

  // Whether the volume leaves the table when the claim ends.
  void ForgetWhenReleased(bool forget = true) { forgets_ = forget; }
  // Ends the claim. Nothing but destruction, assignment and another Release may follow.
  void Release();

 private:
  friend class VolumeTable;

  ClaimedVolume(VolumeMap& map, Journal& journal, std::shared_ptr<Volume> volume, std::string name)
      : map_(&map), journal_(&journal), volume_(std::move(volume)), name_(std::move(name)) {}

  VolumeMap* map_;
  Journal* journal_;
  std::shared_ptr<Volume> volume_;  // null: released
  std::string name_;
  bool forgets_ = false;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_CLAIMED_VOLUME_H_
