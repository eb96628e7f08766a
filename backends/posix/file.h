// SPDX-License-Identifier: Apache-2.0
// Reads and writes whole files and attributes.
//
// Thread rules: any thread. A file of a FUSE mount waits for its server.
#ifndef NVDIMMFS_BACKENDS_POSIX_FILE_H_
#define NVDIMMFS_BACKENDS_POSIX_FILE_H_

#include <fcntl.h>

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::posix {

// The file's bytes, the first `longest` of them at most; pass one more than the limit to tell a
// file that is too long. Refused with the errno of open(2) or read(2), "file.read".
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t longest = 4 << 20);

// Reads an attribute with one read(2), as for sysfs: at most a page. Nothing if it cannot be read.
// `path` is relative to the directory `folder`.
std::optional<std::string> ReadAttribute(int folder, const std::string& path);
// Its first line, without the newline.
std::optional<std::string> ReadLine(int folder, const std::string& path);

// Writes all bytes at the descriptor's offset, in as many calls as it takes. 0, or the errno.
int WriteAll(int fd, absl::Span<const std::byte> bytes);
int WriteAll(int fd, absl::string_view text);

// Writes `text` to an existing file in one write(2), as attributes require. Returns 0 or the errno,
// EIO if only a part was written.
int WriteAttribute(int folder, const std::string& path, absl::string_view text);
inline int WriteAttribute(const std::string& path, absl::string_view text) {
  return WriteAttribute(AT_FDCWD, path, text);
}

// Creates the file, or replaces its contents. Neither durable nor atomic (new_file.h is both). 0,
// or the errno.
int WriteFile(const std::string& path, absl::string_view text, mode_t mode);

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_FILE_H_
