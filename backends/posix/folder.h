// SPDX-License-Identifier: Apache-2.0
// Lists directories, and makes their entries durable.
//
// Thread rules: any thread. A directory of a FUSE mount waits for its server.
#ifndef NVDIMMFS_BACKENDS_POSIX_FOLDER_H_
#define NVDIMMFS_BACKENDS_POSIX_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::posix {

// Opens it for reading; if that fails, returns an empty descriptor and sets errno.
Descriptor OpenFolder(const std::string& path);

// The names in it except "." and "..", sorted. Refused with the errno of opendir(3) or readdir(3),
// "file.read".
absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path);
// The names in an open directory, whose offset does not change; empty if it cannot be read.
std::vector<std::string> NamesIn(int folder);

// The directory part of a path: "." for "file", "/" for "/file".
std::string FolderOf(const std::string& path);
// Makes the directory's entries durable. 0, or the errno of open(2) or fsync(2).
int SyncFolder(const std::string& path);

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_FOLDER_H_
