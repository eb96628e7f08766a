// SPDX-License-Identifier: Apache-2.0
// Notices that an open image is no longer what its name says: it was deleted, renamed, or replaced
// by another file (as editors and rsync replace one). A process that has it open keeps using the
// old file, whose contents are lost when it is closed.
#ifndef NVDIMMFS_BACKENDS_IMAGE_WATCH_H_
#define NVDIMMFS_BACKENDS_IMAGE_WATCH_H_

#include <memory>
#include <string>

namespace nvdimmfs::backends {

class ImageWatch {
 public:
  // Watches the regular file of `fd`, which was opened as `path`, for as long as the returned
  // object lives. Logs once what happened, with the command that saves the file. Null if the kernel
  // cannot notify (inotify), or after BeginNone. Thread rules: any thread; it has its own listening
  // thread.
  static std::shared_ptr<ImageWatch> Begin(int fd, const std::string& path);

  // From now on Begin returns null, so this process gets no listening thread. For a program that
  // forks while its sources are open, and whose files no other process knows.
  static void BeginNone();

  virtual ~ImageWatch() = default;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_WATCH_H_
