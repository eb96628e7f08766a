// SPDX-License-Identifier: Apache-2.0
// A record of the journal: what is known about a volume in addition to its label.
//
// Thread rules: plain values.
#ifndef NVDIMMFS_TOOLS_VOLUMES_RECORD_H_
#define NVDIMMFS_TOOLS_VOLUMES_RECORD_H_

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/volumes/volume_options.h"

namespace nvdimmfs::volumes {

enum class RecordState {
  kCreating,    // the namespace may be half made: to be undone
  kFormatting,  // the content may be half made: to be made again
  kReady,
  kRemoving,  // no longer a volume: to be erased, if asked for, and freed
  kRemoved,   // written by older versions; nothing is left
};

struct Record {
  std::string uuid;    // of the namespace
  std::string name;    // of the volume
  std::string source;  // path of the source that holds the namespace
  RecordState state = RecordState::kReady;
  VolumeOptions options;
  bool adopted = false;  // the namespace was not made here
  int64_t changed = 0;   // when it was made or removed, in seconds since 1970
  // Mount ids, valid in the boot with this id.
  std::string boot_id;
  std::set<std::string> mount_ids;
  // Whether a process was seen to have it mounted since the last of these ids came.
  bool seen_in_use = false;
};

// What Record::boot_id is for records of this boot.
std::string BootId();

const char* StateName(RecordState state);

std::string ToJson(const Record& record);
// Refused with EINVAL, "journal.record".
absl::StatusOr<Record> RecordFromJson(absl::string_view text);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_RECORD_H_
