// SPDX-License-Identifier: Apache-2.0
// Reconstructs a record in which one word changed, from its Fletcher-64 checksum.
//
// The sum is linear: changing the word that is k words from the end by d changes the low half by d
// and the high half by k d. So the difference between the stored and the computed sum gives d and
// the position, except the lowest bits of k if d ends in zero bits. Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_
#define NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_

#include <cstddef>
#include <functional>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// Calls `visit` with each record that has a correct checksum and differs from `record` in at most
// one aligned 4-byte word. `record.size()` and `checksum_at` are multiples of 4.
void VisitVouchedFor(absl::Span<const std::byte> record, size_t checksum_at,
                     const std::function<void(absl::Span<const std::byte>)>& visit);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_CHECKSUM_REPAIR_H_
