// SPDX-License-Identifier: Apache-2.0
// Notices that an open image is no longer what its name says: it was deleted, renamed, or replaced
// by another file (as editors and rsync replace one). Whoever has it open goes on with the old
// file, and what is stored there is gone when it is closed.
#ifndef NVDIMMFS_BACKENDS_IMAGE_WATCH_H_
#define NVDIMMFS_BACKENDS_IMAGE_WATCH_H_

#include <memory>
#include <string>

namespace nvdimmfs::backends {

class ImageWatch {
 public:
  // Watches the regular file of `fd`, which was opened as `path`, for as long as what is returned
  // lives. Says what happened once, with the command that saves the file. Null where the kernel has
  // no such notices (inotify) to give. Thread rules: any thread; a thread of its own listens.
  static std::shared_ptr<ImageWatch> Begin(int fd, const std::string& path);

  virtual ~ImageWatch() = default;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_WATCH_H_
