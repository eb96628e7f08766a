// SPDX-License-Identifier: Apache-2.0
// Options of a new volume, `-o key=value`.
//
// Thread rules: plain values.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_OPTIONS_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_OPTIONS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace nvdimmfs::volumes {

enum class VolumeMode { kFs, kRaw, kSector, kFsdax };

using OptionMap = std::map<std::string, std::string>;

struct VolumeOptions {
  uint64_t size = 0;  // of the namespace, in bytes; 0: not given
  VolumeMode mode = VolumeMode::kFs;
  bool on_raw = false;          // mode fs: on a raw namespace instead of a BTT
  std::string fstype = "ext4";  // of modes fs and fsdax
  std::optional<uint64_t> sector_size;
  std::optional<uint64_t> align;
  std::string region;  // "region0", or "SOURCE/region0" where SOURCE is a file's name; "": any
  bool erase = true;
  uid_t uid = 0;
  gid_t gid = 0;
  std::optional<mode_t> permissions;
  bool read_only = false;

  // Whether the volume is a file system; else it is a directory with the namespace's data file.
  bool has_file_system() const { return mode == VolumeMode::kFs || mode == VolumeMode::kFsdax; }
  // Mode of the namespace, as x/create takes it.
  const char* namespace_mode() const;
  // Of the file system's top, or of the data file.
  mode_t permission_bits() const { return permissions.value_or(has_file_system() ? 0755 : 0660); }

  friend bool operator==(const VolumeOptions&, const VolumeOptions&) = default;
};

// Refuses unknown options and values, and contradictions, with EINVAL, "volume.option", and the
// word that was probably meant. "mode" takes a volume's mode or, in octal digits, the permission
// bits. "o" takes several options, separated by commas.
absl::StatusOr<VolumeOptions> ParseVolumeOptions(const OptionMap& options);

// The same as a map that ParseVolumeOptions reads.
OptionMap ToMap(const VolumeOptions& options);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_OPTIONS_H_
