// The options that say where a device's labels are.
#ifndef NVDIMMFS_TOOLS_SOURCES_LABEL_OPTIONS_H_
#define NVDIMMFS_TOOLS_SOURCES_LABEL_OPTIONS_H_

#include "backends/dimm_parts.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

// Reads labels=tail|FILE, label_size= and hide_labels; passes over other options. Refused with
// EINVAL, "source.option".
absl::StatusOr<backends::LabelPlace> ReadLabelPlace(const SourceArguments& arguments);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCES_LABEL_OPTIONS_H_
