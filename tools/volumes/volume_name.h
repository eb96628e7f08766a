// SPDX-License-Identifier: Apache-2.0
// Names of volumes, and what of them fits into a label.
//
// Thread rules: functions of their arguments.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_NAME_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::volumes {

// A label has 64 bytes for the name; the last is 0 (core/labels/label_format.md).
inline constexpr size_t kLongestLabelName = 63;

// Docker's rule, [a-zA-Z0-9][a-zA-Z0-9_.-]*, up to the 255 bytes of a directory entry: so no name
// leaves its directory or means anything to a shell. Refused with EINVAL, "volume.name".
absl::Status CheckName(absl::string_view name);

// The text in alt_name: the name, or for one of more than 63 bytes its first 46, a '~' (which no
// name has) and 16 hexadecimal digits of its FNV-1a hash. The whole name is in the journal.
std::string LabelName(absl::string_view name);

// The same rule for a label's name, which may be such a shortened name. Other programs write
// labels, too, so a name from a label may become a path only after this check.
absl::Status CheckLabelName(absl::string_view name);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_NAME_H_
