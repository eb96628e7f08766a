// What is known of a volume beside its label: a record of the journal.
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
  kCreating,    // the namespace may be half made: undone by whoever finds this
  kFormatting,  // the namespace is whole, its content is not: made again from the start
  kReady,
  kRemoving,  // no volume any more: erased (or not) and freed by whoever finds this
  kRemoved,   // of an older version; nothing is left
};

struct Record {
  std::string uuid;    // of the namespace
  std::string name;    // of the volume
  std::string source;  // the file that it is on
  RecordState state = RecordState::kReady;
  VolumeOptions options;
  bool adopted = false;  // the namespace was there before
  int64_t changed = 0;   // seconds since 1970: made, or removed
  // Who has it mounted, in this boot of the machine.
  std::string boot_id;
  std::set<std::string> mount_ids;
  // Whether somebody was seen to have it mounted since the last of these came.
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
