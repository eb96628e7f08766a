// File systems of volumes: made, told apart, given their owner.
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

// An empty file system of options.fstype on the block device. What was on it is lost.
// Refused as RunCommand is.
absl::Status MakeFileSystem(const std::string& device, const VolumeOptions& options);

// Its type as mount(2) takes it ("ext4"); "" where none, or more than one, is recognised.
std::string FindFileSystem(const std::string& path);

// Gives the top of a mounted file system the volume's owner and permissions, and takes lost+found
// away: databases want an empty directory, and e2fsck makes it again when it needs it.
absl::Status FurnishFileSystem(const std::string& top, const VolumeOptions& options);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_FILE_SYSTEM_H_
