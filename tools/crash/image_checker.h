// SPDX-License-Identifier: Apache-2.0
// Opens an image as after a power cut, so that it is recovered, and has it checked.
#ifndef NVDIMMFS_TOOLS_CRASH_IMAGE_CHECKER_H_
#define NVDIMMFS_TOOLS_CRASH_IMAGE_CHECKER_H_

#include <string>

namespace nvdimmfs::tools {

struct CheckerOptions {
  std::string command;     // for sh -c; {} is the data file. Empty: nvdimmfs check
  std::string name;        // the data file's; empty: the only one
  std::string mountpoint;  // an empty directory
  std::string log;         // a file, for what the checker prints
};

struct Verdict {
  int exit_code = 0;   // of the checker; 128 and a signal's number; 125 if it could not be run
  std::string output;  // the end of what it printed
  bool passed() const { return exit_code == 0; }
};

// Writes to `source`: recovery does, and the checker may. Thread rules: the caller has one thread.
Verdict CheckImage(const std::string& source, const CheckerOptions& options);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_IMAGE_CHECKER_H_
