// SPDX-License-Identifier: Apache-2.0
// A device tree of plain files, for tests that need no server: one bus with one region.
#ifndef NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_
#define NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_

#include <string>
#include <vector>

#include "tools/volumes/device_tree.h"

namespace nvdimmfs::volumes {

// Thread rules: one thread.
class FakeTree {
 public:
  // Makes the tree at `mountpoint`, without namespaces.
  explicit FakeTree(const std::string& mountpoint);

  // What the tree shows from now on.
  void Show(const std::vector<DeviceTree::Namespace>& namespaces);
  // Refuses writes to the attribute with EISDIR, and says `last_error` in x/last_error.json.
  void Refuse(const std::string& device, const std::string& attribute,
              const std::string& last_error);
  // What was written to the attribute; "" if nothing was.
  std::string Written(const std::string& device, const std::string& attribute) const;

 private:
  std::string PathOf(const std::string& device, const std::string& attribute) const;
  void Put(const std::string& device, const std::string& attribute, const std::string& text);

  const std::string mountpoint_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_TESTING_FAKE_TREE_H_
