// SPDX-License-Identifier: Apache-2.0
// What a record was before one of its words changed, as its Fletcher-64 tells.
//
// The sum is linear: a change by d of the word that is k words from the end changes the low half by
// d and the high half by k d. From the difference between the stored and the computed sum follow d
// and, but for the lowest bits of k where d ends in zeros, the place. Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_
#define NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_

#include <cstddef>
#include <functional>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// Calls `visit` with each record that has a right checksum and differs from `record` in one aligned
// 4-byte word at most. `record.size()` and `checksum_at` are multiples of 4.
void VisitVouchedFor(absl::Span<const std::byte> record, size_t checksum_at,
                     const std::function<void(absl::Span<const std::byte>)>& visit);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_
