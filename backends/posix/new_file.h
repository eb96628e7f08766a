// SPDX-License-Identifier: Apache-2.0
// A file that is written whole or not at all.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_POSIX_NEW_FILE_H_
#define NVDIMMFS_BACKENDS_POSIX_NEW_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::posix {

// Makes the file `path`, which must not exist, and flushes `content` to it (not its directory's
// entry: SyncFolder). 0, or the errno; then no file is left behind, unless there was one before
// (EEXIST).
int WriteNewFile(const std::string& path, absl::string_view content, mode_t mode);

// Creates or replaces the file `path` with `content`: writes it to `beside`, a path in the same
// directory that must not exist, and renames that. Returns 0 or the errno; after an error `path` is
// unchanged.
int ReplaceFile(const std::string& path, const std::string& beside, absl::string_view content,
                mode_t mode);

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_NEW_FILE_H_
