// SPDX-License-Identifier: Apache-2.0
// Overwrites all bytes of a DIMM with zeros, on its own thread.
//
// Bad bytes are good again afterwards. Thread rules: that thread calls `done` once, with the
// result. If the object is destroyed first, the thread stops where it is and `done` is not called.
#ifndef NVDIMMFS_CORE_MEDIA_OVERWRITE_H_
#define NVDIMMFS_CORE_MEDIA_OVERWRITE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

class Overwrite {
 public:
  Overwrite(std::vector<std::shared_ptr<Media>> media, std::function<void(absl::Status)> done);
  ~Overwrite();
  Overwrite(const Overwrite&) = delete;
  Overwrite& operator=(const Overwrite&) = delete;

 private:
  void Run();
  absl::Status Zero(Media& media);

  const std::vector<std::shared_ptr<Media>> media_;
  const std::function<void(absl::Status)> done_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

// Erases the content of `media` durably, as if its encryption key were thrown away. Fast if the
// underlying storage can punch holes.
absl::Status EraseContent(Media& media);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_OVERWRITE_H_
