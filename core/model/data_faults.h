// SPDX-License-Identifier: Apache-2.0
// The faults that users requested for I/O on data files: one table for the process.
//
// A file without faults costs its I/O one relaxed load. Faults end with the file: what removes a
// DataNode from the tree calls ForgetFaults. Thread rules: any thread; call these functions
// with no lock held except the configuration lock.
#ifndef NVDIMMFS_CORE_MODEL_DATA_FAULTS_H_
#define NVDIMMFS_CORE_MODEL_DATA_FAULTS_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "core/media/fault_media.h"
#include "core/media/fault_rules.h"
#include "core/media/media.h"
#include "core/model/data_node.h"

namespace nvdimmfs::core {

// Sets the faults of all I/O on the node that begins from now on; without rules there are none.
// Poison is injected at once. From now on the file is not lent, since a borrower would not see any
// faults.
// Refused with EBUSY, "data.on_loan", while the file is lent; with EINVAL, "faults.range", if a
// range is not within the file; with EINVAL, "faults.atomic", for torn writes of atomic sectors; or
// as Media::InjectPoison. The rules are then as they were.
absl::Status SetFaults(DataNode& node, FaultRules rules);

// Null if none were ever requested for the node. Its rules may be empty.
std::shared_ptr<FaultMedia> FaultsOf(const DataNode& node);
void ForgetFaults(const DataNode& node);

// The number of nodes for which FaultsOf is not null.
inline std::atomic<int> nodes_with_faults{0};

// The Media that serves I/O on a node. It must not outlive the node or, if it stores, the Access.
class NodeMedia {
 public:
  explicit NodeMedia(const DataNode& node)
      : faults_(nodes_with_faults.load(std::memory_order_relaxed) == 0 ? nullptr : FaultsOf(node)),
        media_(faults_ == nullptr ? node.media() : *faults_) {}

  Media& operator*() const { return media_; }
  Media* operator->() const { return &media_; }

 private:
  const std::shared_ptr<FaultMedia> faults_;
  Media& media_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DATA_FAULTS_H_
