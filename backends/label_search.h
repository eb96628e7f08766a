// SPDX-License-Identifier: Apache-2.0
// Label areas that are not at the end of a file, where a reader expects them: the file was made
// longer or shorter since, or QEMU was told a size= smaller than the file's.
#ifndef NVDIMMFS_BACKENDS_LABEL_SEARCH_H_
#define NVDIMMFS_BACKENDS_LABEL_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "backends/file_reader.h"
#include "core/base/finding.h"
#include "core/base/range.h"

namespace nvdimmfs::backends {

// The reason of what DescribeDisplaced says.
inline constexpr char kDisplaced[] = "image.labels.displaced";

// How much may be read. Places are asked in the order of their likelihood.
enum class SearchEffort {
  kQuick,     // at every open: some hundred places, where parts of the file begin or end
  kThorough,  // at every MiB, then at each page: up to 4 GiB of what is stored
};

// Where valid index blocks are, as the area that they describe, which may reach past the end of
// `file`. At most a few, in the order of their places. What lies in a file system that begins the
// file (content.h) is somebody's data. Holes cost nothing. Thread rules: any thread; reads `file`
// only.
std::vector<core::Range> FindDisplacedLabels(const FileReader& file, SearchEffort effort);

// What is wrong with `file` that has its labels at `area`, and the commands and options that bring
// them back. `has_fixed_size`: it is a device.
core::Finding DescribeDisplaced(const FileReader& file, core::Range area, const std::string& path,
                                bool has_fixed_size);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_LABEL_SEARCH_H_
