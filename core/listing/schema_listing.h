// SPDX-License-Identifier: Apache-2.0
// `nvdimmfs list --schema 1`: everything about a system, in a stable schema for programs, which is
// specified in tools/README.md, "list --schema 1".
#ifndef NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_
#define NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_

#include <string>
#include <vector>

#include "core/system/system.h"

namespace nvdimmfs::core {

// `sources` has the name of each bus's source, in the order in which the buses were added. UTF-8
// with a final newline; bytes of names that are not UTF-8 become U+FFFD. Takes the lock.
std::string ListInSchema1(System& system, const std::vector<std::string>& sources);
// The same for this bus only; the caller holds the lock.
std::string ListInSchema1(Bus& bus, const std::string& source);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_
