// SPDX-License-Identifier: Apache-2.0
// The faults that were asked for in data files' I/O: one table for the process.
//
// A file without faults costs its I/O one relaxed load. Faults end with the file: what removes a
// DataNode from the tree calls ForgetFaults. Thread rules: any thread; none is called with a lock
// held but the configuration lock.
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

// Faults of all I/O that begins from now on; none for no rules. Poison is injected at once. The
// file is not lent any more, nor would a borrower see them.
// Refused with EBUSY, "data.on_loan", while the file is lent; with EINVAL, "faults.range", where a
// range is not within the file; with EINVAL, "faults.atomic", for torn writes of atomic sectors; or
// as Media::InjectPoison. The rules are then as they were.
absl::Status SetFaults(DataNode& node, FaultRules rules);

// Null where none were asked for since the node is there. Its rules may be none.
std::shared_ptr<FaultMedia> FaultsOf(const DataNode& node);
void ForgetFaults(const DataNode& node);

// How many nodes FaultsOf finds something for.
inline std::atomic<int> nodes_with_faults{0};

// What I/O on a node goes to. Lives within the node, and where it stores, within an Access.
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
