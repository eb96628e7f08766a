// SPDX-License-Identifier: Apache-2.0
// The options for the location of a device's labels.
#ifndef NVDIMMFS_BACKENDS_SOURCES_LABEL_OPTIONS_H_
#define NVDIMMFS_BACKENDS_SOURCES_LABEL_OPTIONS_H_

#include "backends/dimm_parts.h"
#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Reads labels=tail|FILE, label_size= and hide_labels; ignores other options. Refused with EINVAL,
// "source.option".
absl::StatusOr<LabelPlace> ReadLabelPlace(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_LABEL_OPTIONS_H_
