// SPDX-License-Identifier: Apache-2.0
// All volumes, by name. Work on one of them needs a claim.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_TABLE_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_TABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/volume.h"
#include "tools/volumes/volume_map.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread. Outlives its claims. Its lock is held for work on memory alone.
class VolumeTable {
 public:
  // Claims write records through `journal`.
  explicit VolumeTable(Journal& journal) : journal_(journal) {}
  VolumeTable(const VolumeTable&) = delete;
  VolumeTable& operator=(const VolumeTable&) = delete;

  // Claims the volume; if it is claimed, waits until `deadline`. `doing` is what other callers are
  // told meanwhile: "being mounted". Refused with ENOENT, "volume.none"; EAGAIN,
  // "volume.busy".
  absl::StatusOr<ClaimedVolume> Claim(absl::string_view name, absl::string_view doing,
                                      absl::Time deadline);
  // Adds a volume and claims it; `volume.doing` says what for. Nothing if the name is taken. The
  // volume is forgotten when the claim ends, unless its owner decides otherwise.
  std::optional<ClaimedVolume> Add(Volume volume);
  // Marks the volume as cancelled if it is being made: its maker stops and undoes its work.
  void CancelMaking(absl::string_view name);

  std::optional<Volume> Find(absl::string_view name) const;
  std::vector<Volume> All() const;
  // Visits all volumes, by name, under the lock. `visit` touches memory alone.
  void ForEach(absl::FunctionRef<void(const Volume&)> visit) const;
  // The same for a visit that may change `next_look` of the volume, and nothing else.
  void Schedule(absl::FunctionRef<void(Volume&)> visit);

  // The refusal of a call about an unknown volume: ENOENT, "volume.none".
  static absl::Status NoVolume(absl::string_view name);

 private:
  ClaimedVolume ClaimOf(std::shared_ptr<Volume> volume, std::string name) {
    return {map_, journal_, std::move(volume), std::move(name)};
  }

  Journal& journal_;
  VolumeMap map_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_TABLE_H_
