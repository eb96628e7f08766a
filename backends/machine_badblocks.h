// SPDX-License-Identifier: Apache-2.0
// What this machine's kernel knows to be bad, in the words of its `badblocks` files.
#ifndef NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_
#define NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "backends/sysfs_folder.h"
#include "core/base/range.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

// Makes bad in `media`, which lies at `place`, what of `listing` lies there: lines of a `badblocks`
// file whose sectors count from address `base`. Lines of another form are passed over.
void TakeBadblocks(absl::string_view listing, uint64_t base, const core::Range& place,
                   core::Media& media);

// The same of a disk, or of a partition of one, whose bytes are those of `media`. (A disk over a
// BTT has no such file: below it a sector that is bad fails by itself.)
void TakeDiskBadblocks(const SysfsFolder& disk, core::Media& media);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_MACHINE_BADBLOCKS_H_
