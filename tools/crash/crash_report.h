// SPDX-License-Identifier: Apache-2.0
// What `nvdimmfs crash` found, as text or JSON.
#ifndef NVDIMMFS_TOOLS_CRASH_CRASH_REPORT_H_
#define NVDIMMFS_TOOLS_CRASH_CRASH_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/crash/image_checker.h"
#include "tools/crash/torn_images.h"

namespace nvdimmfs::tools {

// One image that was checked.
struct CutImage {
  uint64_t fence = 0;
  uint64_t seed = 0;
  size_t undurable = 0;            // words that the cut could lose; 0 if unknown
  size_t lost = 0;                 // words that it lost
  std::vector<TornWord> examples;  // the first of those
  Verdict verdict;
  std::string kept;  // the image's copy; empty: none
};

struct CrashReport {
  std::string source;
  uint64_t first = 0, last = 0;  // fences of the command
  bool rerun = false;            // the command ran again for each cut
  std::vector<CutImage> cuts;    // in the order in which they were checked
  absl::Status stopped;          // why these are not all of them; OK if they are

  size_t failed() const;
  // For each failed image: fence, seed, words, and the checker's exit code and output; then the
  // totals.
  std::string Text() const;
  std::string JsonText() const;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_CRASH_REPORT_H_
