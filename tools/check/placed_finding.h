// SPDX-License-Identifier: Apache-2.0
// A finding of `check`, and where on the source it is.
#ifndef NVDIMMFS_TOOLS_CHECK_PLACED_FINDING_H_
#define NVDIMMFS_TOOLS_CHECK_PLACED_FINDING_H_

#include <cstdint>
#include <string>

#include "core/base/finding.h"

namespace nvdimmfs::tools {

enum class Outcome {
  kFound,    // it was found, and remains
  kMended,   // it was found, and repaired
  kPlanned,  // what a repair would do
  kNote,     // advice, or a number: not a finding
  kNotRead,  // a part that was not looked at: nobody can say that it is sound
};

// "found", "mended", "planned", "note", "not read".
inline const char* NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "found";
    case Outcome::kMended:
      return "mended";
    case Outcome::kPlanned:
      return "planned";
    case Outcome::kNote:
      return "note";
    case Outcome::kNotRead:
      return "not read";
  }
  return "";
}

struct PlacedFinding {
  std::string subject;  // "nmem0", "region0", "namespace0.1"
  // Its offset is from the start of the image; of a namespace over several, or over none, from the
  // start of its region.
  core::Finding finding;
  Outcome outcome = Outcome::kFound;
  uint64_t length = 0;    // bytes from the offset on that it is about; 0: not stated
  std::string file = {};  // in which the offset counts; empty: the source
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_PLACED_FINDING_H_
