// SPDX-License-Identifier: Apache-2.0
#include "tools/version/version.h"

#include "absl/strings/str_cat.h"

namespace nvdimmfs::tools {
namespace {

// kVersion, kCommit, kLibraries.
#include "tools/version/version_data.inc"

}  // namespace

std::string VersionText(absl::string_view program) {
  return absl::StrCat(program, " ", kVersion, "\ncommit ", kCommit, "\nlinked with ", kLibraries);
}

}  // namespace nvdimmfs::tools
