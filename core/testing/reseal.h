// SPDX-License-Identifier: Apache-2.0
// Correct checksums for damaged structures, so that what a fuzzer changed gets past that check.
#ifndef NVDIMMFS_CORE_TESTING_RESEAL_H_
#define NVDIMMFS_CORE_TESTING_RESEAL_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// Of both index blocks of a label area whose labels have `label_size` bytes, and of the labels, if
// they have checksums, in slots that begin before byte `touched`. An area that is too small for
// them stays as it is.
void ResealLabels(absl::Span<std::byte> area, uint32_t label_size, size_t touched);

// Of the info block of a BTT, pfn or dax: 4096 bytes.
void ResealInfoBlock(absl::Span<std::byte> block);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_TESTING_RESEAL_H_
