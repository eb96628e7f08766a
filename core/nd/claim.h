// SPDX-License-Identifier: Apache-2.0
// What a namespace needs to know about its claim (claim_device.h).
#ifndef NVDIMMFS_CORE_ND_CLAIM_H_
#define NVDIMMFS_CORE_ND_CLAIM_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/model/data_node.h"

namespace nvdimmfs::core {

class Claim {
 public:
  virtual ~Claim() = default;

  virtual const std::string& claim_name() const = 0;  // "btt0.0"
  // The namespace's `mode` while this claims it: "safe", "memory" or "dax".
  virtual absl::string_view namespace_mode() const = 0;
  // The file that exposes the data while the claim is bound, else null.
  virtual DataNode* node() const = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_CLAIM_H_
