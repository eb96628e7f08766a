// SPDX-License-Identifier: Apache-2.0
// Directories: what is in one, and its entries made durable.
//
// Thread rules: any thread. A directory of a FUSE mount waits for its server.
#ifndef NVDIMMFS_BACKENDS_POSIX_FOLDER_H_
#define NVDIMMFS_BACKENDS_POSIX_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::posix {

// For reading; none, and errno, where it cannot be opened.
Descriptor OpenFolder(const std::string& path);

// The names in it but "." and "..", sorted. Refused with the errno of opendir(3) or readdir(3),
// "file.read".
absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path);
// Those in an open directory, whose offset stays; none where it cannot be read.
std::vector<std::string> NamesIn(int folder);

// The directory of a path's last component: "." for "file", "/" for "/file".
std::string FolderOf(const std::string& path);
// Makes the directory's entries durable. 0, or the errno of open(2) or fsync(2).
int SyncFolder(const std::string& path);

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_FOLDER_H_
