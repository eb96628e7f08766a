// SPDX-License-Identifier: Apache-2.0
#include "tools/version/version.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fs/protocol/kernel_offer.h"

namespace nvdimmfs::tools {
namespace {

// kVersion, kCommit, kLibraries.
#include "tools/version/version_data.inc"

}  // namespace

absl::string_view VersionNumber() { return kVersion; }

std::string VersionText(absl::string_view program) {
  const absl::StatusOr<fs::KernelOffer> offer = fs::AskKernel();
  return absl::StrCat(
      program, " ", kVersion, "\ncommit ", kCommit, "\nlinked with ", kLibraries,
      "\nthe kernel's FUSE ",
      offer.ok() ? fs::OfferText(*offer) : absl::StrCat("is unknown: ", offer.status().message()));
}

}  // namespace nvdimmfs::tools
