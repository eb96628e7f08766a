// SPDX-License-Identifier: Apache-2.0
// The file that keeps a label area as it was before it was given up.
#ifndef NVDIMMFS_TOOLS_CHECK_LABEL_COPY_H_
#define NVDIMMFS_TOOLS_CHECK_LABEL_COPY_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/media/media.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::tools {

// Writes the area, byte for byte, to `path`, which must not exist, or to the first free name of
// `beside`.labels-1, -2, ... Returns the name, once the file and its name are durable. Refused with
// the errno of open(2) or write(2), "labels.keep"; an unfinished file is removed. The copy can be
// mounted with `labels=FILE`.
absl::StatusOr<std::string> KeepLabelArea(const core::Media& area,
                                          const std::optional<std::string>& path,
                                          const std::string& beside);

// The command that restores the copy.
std::string HowToBringBack(const std::string& copy, const core::DimmSource& dimm);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_LABEL_COPY_H_
