// SPDX-License-Identifier: Apache-2.0
// Bad ranges known to this machine's kernel, from its `badblocks` files.
#ifndef NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_
#define NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "backends/sysfs_folder.h"
#include "core/base/range.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

// Marks the bytes of `media`, which is at `place`, as bad if `listing` contains them: lines of a
// `badblocks` file with sectors relative to address `base`. Skips malformed lines.
void TakeBadblocks(absl::string_view listing, uint64_t base, const core::Range& place,
                   core::Media& media);

// The same for a disk or partition whose bytes are those of `media`. (A disk over a BTT has no such
// file: I/O on a bad sector below it just fails.)
void TakeDiskBadblocks(const SysfsFolder& disk, core::Media& media);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_
