// SPDX-License-Identifier: Apache-2.0
// Makes and recognises the file systems of volumes, and sets their owner.
#ifndef NVDIMMFS_TOOLS_VOLUMES_FILE_SYSTEM_H_
#define NVDIMMFS_TOOLS_VOLUMES_FILE_SYSTEM_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "tools/volumes/volume_options.h"

namespace nvdimmfs::volumes {

// Whether a file system of options.fstype can be made on `capacity` bytes. Refused with EINVAL,
// "volume.size".
absl::Status CheckFileSystemFits(uint64_t capacity, const VolumeOptions& options);

// Makes an empty file system of options.fstype on the block device; its former content is lost.
// Refused as RunCommand.
absl::Status MakeFileSystem(const std::string& device, const VolumeOptions& options);

// Its type as mount(2) takes it ("ext4"); "" if none, or more than one, is recognised.
std::string FindFileSystem(const std::string& path);

// Sets owner and permissions of a mounted file system's root directory, and removes lost+found:
// databases require an empty directory, and e2fsck recreates it when needed.
absl::Status FurnishFileSystem(const std::string& top, const VolumeOptions& options);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_FILE_SYSTEM_H_
