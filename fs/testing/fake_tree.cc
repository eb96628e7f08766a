// SPDX-License-Identifier: Apache-2.0
#include "fs/testing/fake_tree.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace nvdimmfs::fs {
namespace {

constexpr char kRegion[] = "devices/region0";

}  // namespace

FakeTree::FakeTree(uint64_t data_size)
    : region_(std::make_shared<FakeDevice>(
          "region0",
          std::vector<core::Attribute>{{.name = "size"},
                                       {.name = "uuid", .mode = 0644},
                                       {.name = "bind", .mode = 0200},
                                       {.name = "badblocks"},
                                       {.name = "resource", .mode = 0400},
                                       {.name = "big"}},
          std::vector<std::string>{"x"})) {
  tree_.AddDevice(kRegion, region_);
  tree_.LinkAdded("bus/nd/devices/region0", kRegion);
  model_.Set(*region_, "size", absl::StrCat(data_size, "\n"));
  model_.Set(*region_, "uuid", "\n");
  model_.Set(*region_, "resource", "0x100000000\n");
  model_.Set(*region_, "big", std::string(3 << 20, 'b'));
  EnableData(data_size);
  tree_.DataAdded(
      "dev/pmem0s",
      std::make_shared<core::DataNode>(
          std::make_shared<core::MemoryMedia>(data_size),
          core::DataNode::Options{.name = "pmem0s", .block_size = 4096, .atomic_sectors = true}));
}

void FakeTree::RemoveRegion() {
  model_.Remove(*region_);
  tree_.RemoveDevice(kRegion);
}

void FakeTree::DisableData() {
  data_->Close();
  tree_.DataRemoved("dev/pmem0");
}

void FakeTree::EnableData(uint64_t size) {
  media_ = std::make_shared<CountingMedia>(size);
  data_ = std::make_shared<core::DataNode>(media_, core::DataNode::Options{.name = "pmem0"});
  tree_.DataAdded("dev/pmem0", data_);
}

}  // namespace nvdimmfs::fs
