// SPDX-License-Identifier: Apache-2.0
// Writes zeros over everything that a DIMM has, in a thread of its own.
//
// Bad bytes are good again afterwards. Thread rules: `done` is called from that thread, once, with
// how it went; not if the object is destroyed before, which stops the thread where it is.
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

// The content of `media` is gone, durably: as where the key to it was thrown away. Quick where the
// store beneath can take space back.
absl::Status EraseContent(Media& media);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_OVERWRITE_H_
