// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/testing/fake_tree.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "core/base/input.h"
#include "core/base/json.h"
#include "core/base/words.h"

namespace nvdimmfs::volumes {
namespace {

// What ends the creator: no line for x/create.
constexpr char kEnd[] = "end";

void Put(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

DeviceTree::Namespace NamespaceOf(const std::string& line, size_t number) {
  DeviceTree::Namespace ns{.device = absl::StrCat("namespace0.", number),
                           .region = "region0",
                           .node = absl::StrCat("pmem0.", number),
                           .sector_size = 512};
  for (const core::Word& word : core::ParseWords(line).value_or(std::vector<core::Word>())) {
    if (word.key == "size") ns.size = ns.capacity = core::ParseSize(word.value).value_or(0);
    if (word.key == "mode") ns.mode = word.value;
    if (word.key == "name") ns.label_name = word.value;
    if (word.key == "uuid") ns.uuid = word.value;
  }
  return ns;
}

}  // namespace

FakeTree::FakeTree(const std::string& mountpoint) : mountpoint_(mountpoint) {
  std::filesystem::create_directories(mountpoint + "/ndbus0/region0");
  for (const char* file : {"create", "destroy"})
    Put(PathOf("region0", absl::StrCat("x/", file)), "");
  for (const char* file : {"bind", "unbind"})
    Put(absl::StrCat(mountpoint, "/bus/nd/drivers/nd_pmem/", file), "");
  Show({});
}

FakeTree::~FakeTree() {
  if (!creator_.joinable()) return;
  std::ofstream(PathOf("region0", "x/create")) << kEnd;
  creator_.join();
}

void FakeTree::Show(const std::vector<DeviceTree::Namespace>& namespaces) {
  for (const DeviceTree::Namespace& ns : shown_) std::filesystem::remove_all(PathOf(ns.device, ""));
  std::filesystem::remove_all(mountpoint_ + "/dev/by-uuid");
  std::filesystem::create_directories(mountpoint_ + "/dev/by-uuid");
  core::Json entries = core::Json::EmptyArray();
  for (const DeviceTree::Namespace& ns : namespaces) {
    entries.push_back({{"dev", ns.device},
                       {"name", ns.label_name},
                       {"raw_uuid", ns.uuid},
                       {"mode", ns.mode},
                       {"blockdev", ns.node},
                       {"raw_size", ns.size},
                       {"size", ns.capacity}});
    Set(ns.device, "uuid", ns.uuid);
    Set(ns.device, "size", absl::StrCat(ns.size));
    Set(ns.device, "mode", ns.mode);
    Set(ns.device, "alt_name", ns.label_name);
    Set(ns.device, "force_raw", "0");
    if (ns.node.empty()) continue;
    const std::string node = absl::StrCat(mountpoint_, "/dev/", ns.node);
    if (!std::filesystem::exists(node)) Put(node, "");
    std::filesystem::resize_file(node, ns.capacity);
    std::filesystem::create_directories(PathOf(ns.device, absl::StrCat("block/", ns.node)));
    std::filesystem::create_symlink("../" + ns.node,
                                    absl::StrCat(mountpoint_, "/dev/by-uuid/", ns.uuid));
  }
  shown_ = namespaces;
  core::Json region{{"dev", "region0"}, {"namespaces", entries}};
  core::Json bus{{"dev", "ndbus0"}, {"regions", core::Json::ArrayOf(std::vector{region})}};
  core::Json list{{"buses", core::Json::ArrayOf(std::vector{bus})}};
  Set("ndbus0", "x/list.json", list.Line());
}

void FakeTree::Set(const std::string& device, const std::string& attribute,
                   const std::string& value) {
  Put(PathOf(device, attribute), value);
}

void FakeTree::Refuse(const std::string& device, const std::string& attribute,
                      const std::string& last_error) {
  std::filesystem::remove(PathOf(device, attribute));
  std::filesystem::create_directories(PathOf(device, attribute));
  Set(device, "x/last_error.json", last_error);
}

std::string FakeTree::Written(const std::string& device, const std::string& attribute) const {
  return posix::ReadFile(PathOf(device, attribute)).value_or("");
}

// Opening a FIFO waits for the other end, so the writer of a line gets the answer to that line.
void FakeTree::StartCreating() {
  const std::string path = PathOf("region0", "x/create");
  std::filesystem::remove(path);
  if (mkfifo(path.c_str(), 0600) != 0) std::abort();
  creator_ = std::thread([this, path] {
    while (true) {
      const std::string line = posix::ReadFile(path).value_or(kEnd);
      if (line == kEnd) return;
      Create(line);
      std::ofstream(path) << shown_.back().device << "\n";
    }
  });
}

void FakeTree::Create(const std::string& line) {
  std::vector<DeviceTree::Namespace> all = shown_;
  all.push_back(NamespaceOf(line, all.size()));
  Show(all);
}

std::string FakeTree::PathOf(const std::string& device, const std::string& attribute) const {
  return absl::StrCat(mountpoint_, "/bus/nd/devices/", device, "/", attribute);
}

}  // namespace nvdimmfs::volumes
