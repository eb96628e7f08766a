// SPDX-License-Identifier: Apache-2.0
// Allocates the lowest free number first, as the kernel does for devices.
#ifndef NVDIMMFS_CORE_MODEL_ID_ALLOCATOR_H_
#define NVDIMMFS_CORE_MODEL_ID_ALLOCATOR_H_

#include <set>

namespace nvdimmfs::core {

class IdAllocator {
 public:
  int Take() {
    int id = first_maybe_free_;
    while (used_.count(id) != 0) ++id;
    used_.insert(id);
    first_maybe_free_ = id + 1;
    return id;
  }
  void Give(int id) {
    used_.erase(id);
    if (id < first_maybe_free_) first_maybe_free_ = id;
  }

 private:
  std::set<int> used_;
  int first_maybe_free_ = 0;  // every number below is in use
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ID_ALLOCATOR_H_
