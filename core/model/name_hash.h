// SPDX-License-Identifier: Apache-2.0
// The order of directory entries: as in the kernel's sysfs, which sorts the names of a directory by
// a hash.
//
// The hash is also the entry's directory offset, which makes offsets stable: an entry keeps its
// place while others come and go. "." and ".." have offsets 0 and 1; kEndOffset is past the last
// entry.
//
// Source: observed order of a 6.1 and a 6.18 kernel; vectors in name_hash_test.cc.
#ifndef NVDIMMFS_CORE_MODEL_NAME_HASH_H_
#define NVDIMMFS_CORE_MODEL_NAME_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

constexpr uint32_t kFirstOffset = 2;
constexpr uint32_t kEndOffset = 0x7fffffff;

// From kFirstOffset up to, but not including, kEndOffset. Two names may have the same hash.
uint32_t NameHash(absl::string_view name);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_NAME_HASH_H_
