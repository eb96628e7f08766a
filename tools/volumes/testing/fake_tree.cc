// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/testing/fake_tree.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "nlohmann/json.hpp"

namespace nvdimmfs::volumes {

FakeTree::FakeTree(const std::string& mountpoint) : mountpoint_(mountpoint) {
  std::filesystem::create_directories(mountpoint + "/ndbus0/region0");
  std::filesystem::create_directories(mountpoint + "/dev/by-uuid");
  Put("region0", "x/create", "");
  Put("region0", "x/destroy", "");
  Show({});
}

void FakeTree::Show(const std::vector<DeviceTree::Namespace>& namespaces) {
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (const DeviceTree::Namespace& ns : namespaces) {
    entries.push_back({{"dev", ns.device},
                       {"name", ns.label_name},
                       {"raw_uuid", ns.uuid},
                       {"mode", ns.mode},
                       {"blockdev", ns.node},
                       {"raw_size", ns.size},
                       {"size", ns.capacity}});
    Put(ns.device, "uuid", ns.uuid);
    Put(ns.device, "size", absl::StrCat(ns.size));
  }
  const nlohmann::ordered_json region = {{"dev", "region0"}, {"namespaces", entries}};
  const nlohmann::ordered_json bus = {{"dev", "ndbus0"}, {"regions", {region}}};
  const nlohmann::ordered_json list = {{"buses", {bus}}};
  Put("ndbus0", "x/list.json", list.dump());
}

void FakeTree::Refuse(const std::string& device, const std::string& attribute,
                      const std::string& last_error) {
  std::filesystem::remove(PathOf(device, attribute));
  std::filesystem::create_directories(PathOf(device, attribute));
  Put(device, "x/last_error.json", last_error);
}

std::string FakeTree::Written(const std::string& device, const std::string& attribute) const {
  return posix::ReadFile(PathOf(device, attribute)).value_or("");
}

std::string FakeTree::PathOf(const std::string& device, const std::string& attribute) const {
  return absl::StrCat(mountpoint_, "/bus/nd/devices/", device, "/", attribute);
}

void FakeTree::Put(const std::string& device, const std::string& attribute,
                   const std::string& text) {
  const std::filesystem::path path = PathOf(device, attribute);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace nvdimmfs::volumes
