// SPDX-License-Identifier: Apache-2.0
// Finds label areas that are not at the end of a file, where readers expect them: because the file
// has grown or shrunk, or QEMU was given a size= smaller than the file.
#ifndef NVDIMMFS_BACKENDS_LABEL_SEARCH_H_
#define NVDIMMFS_BACKENDS_LABEL_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "backends/file_reader.h"
#include "core/base/finding.h"
#include "core/base/range.h"

namespace nvdimmfs::backends {

// The reason of DescribeDisplaced's findings.
inline constexpr char kDisplaced[] = "image.labels.displaced";

// How much may be read. Likely places are searched first.
enum class SearchEffort {
  kQuick,     // at every open: a few hundred places, where parts of the file begin or end
  kThorough,  // at every MiB, then at each page: up to 4 GiB of stored bytes
};

// The areas described by the valid index blocks that were found; they may extend past the end of
// `file`. At most a few, in order of offset. Bytes inside a file system at the start of the file
// (content.h) are data and do not count. Holes cost nothing. Thread rules: any thread; reads `file`
// only.
std::vector<core::Range> FindDisplacedLabels(const FileReader& file, SearchEffort effort);

// A finding about `file`, whose labels are at `area`, with the commands and options that make them
// usable again. `has_fixed_size`: it is a device.
core::Finding DescribeDisplaced(const FileReader& file, core::Range area, const std::string& path,
                                bool has_fixed_size);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_LABEL_SEARCH_H_
