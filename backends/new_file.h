// A file that is written whole or not at all.
#ifndef NVDIMMFS_BACKENDS_NEW_FILE_H_
#define NVDIMMFS_BACKENDS_NEW_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::backends {

// Makes the file `path`, which must not exist, and writes `content` durably. 0, or the errno; then
// no file is left behind, unless there was one before (EEXIST).
int WriteNewFile(const std::string& path, absl::string_view content, mode_t mode);

// Puts `content` at `path`, in place of a file that may be there: it is written to `beside`, a path
// in the same directory that must not exist, and renamed. 0, or the errno; then `path` is as it
// was.
int ReplaceFile(const std::string& path, const std::string& beside, absl::string_view content,
                mode_t mode);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NEW_FILE_H_
