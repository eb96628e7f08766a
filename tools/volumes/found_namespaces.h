// SPDX-License-Identifier: Apache-2.0
// What the sources show when they are first served, or served again.
#ifndef NVDIMMFS_TOOLS_VOLUMES_FOUND_NAMESPACES_H_
#define NVDIMMFS_TOOLS_VOLUMES_FOUND_NAMESPACES_H_

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tools/volumes/device_tree.h"
#include "tools/volumes/source.h"

namespace nvdimmfs::volumes {

// Thread rules: a plain value.
struct FoundNamespaces {
  std::set<const Source*> sources;  // that are served
  std::map<std::string, std::pair<Source*, DeviceTree::Namespace>> by_uuid;

  void Merge(FoundNamespaces other) {
    sources.merge(other.sources);
    by_uuid.merge(other.by_uuid);
  }
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_FOUND_NAMESPACES_H_
