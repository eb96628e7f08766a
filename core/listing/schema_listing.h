// SPDX-License-Identifier: Apache-2.0
// `nvdimmfs list --schema 1`: everything about a system, in a shape that stays. For programs; the
// shape is specified in tools/README.md, "list --schema 1".
#ifndef NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_
#define NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_

#include <string>
#include <vector>

#include "core/system/system.h"

namespace nvdimmfs::core {

// `sources` has for each bus the name of its source, in the order in which they were added. UTF-8
// with a final newline; bytes of names that are none become U+FFFD. Takes the lock.
std::string ListInSchema1(System& system, const std::vector<std::string>& sources);
// The same with this bus alone, for one who has the lock.
std::string ListInSchema1(Bus& bus, const std::string& source);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LISTING_SCHEMA_LISTING_H_
