// SPDX-License-Identifier: Apache-2.0
// What `ndctl list` would print about a system: the same objects, keys, order and numbers.
//
// Source: output of ndctl 76.1 on a 6.1 kernel and on trees derived from one; tests/golden/list.
#ifndef NVDIMMFS_TOOLS_LIST_LISTING_H_
#define NVDIMMFS_TOOLS_LIST_LISTING_H_

#include <string>

#include "core/system/system.h"
#include "tools/list/listing_filter.h"

namespace nvdimmfs::tools {

struct ListingOptions {
  bool buses = false;
  bool dimms = false;
  bool regions = false;
  bool namespaces = false;
  bool idle = false;        // include devices that are not enabled
  bool configured = false;  // include namespaces that are not enabled but configured
  bool device_dax = false;  // details of devdax namespaces; without anything else, only those
  bool media_errors = false;
  bool health = false;    // of DIMMs
  bool firmware = false;  // of DIMMs, and how buses activate it
  bool capabilities = false;
  bool human = false;
  int verbose = 0;
  FilterTexts filter;
};

// The listing with its final newline; empty if there is nothing to list. Takes the configuration
// lock. Errors as ListingFilter::Make.
absl::StatusOr<std::string> List(core::System& system, const ListingOptions& options);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LIST_LISTING_H_
