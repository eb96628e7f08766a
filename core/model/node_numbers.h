// SPDX-License-Identifier: Apache-2.0
// Numbers of device nodes as a kernel would show them, and the settings that they are made of.
#ifndef NVDIMMFS_CORE_MODEL_NODE_NUMBERS_H_
#define NVDIMMFS_CORE_MODEL_NODE_NUMBERS_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

inline constexpr uint32_t kMajorLimit = 1 << 12, kMinorLimit = 1 << 20;

struct DeviceNumber {
  uint32_t major = 0, minor = 0;

  bool operator==(const DeviceNumber&) const = default;
  // As `dev` has it: "259:0".
  std::string ToString() const { return absl::StrCat(major, ":", minor); }
  // As `uevent` has it.
  std::string Variables() const { return absl::StrCat("MAJOR=", major, "\nMINOR=", minor, "\n"); }
};

// A major, or what minors are made of. Whoever makes real nodes, or shows the tree beside a
// machine's own devices, may choose another value. Each is one object, and known by its address.
struct NodeSetting {
  absl::string_view word;
  uint32_t initial, least, limit;
};
constexpr NodeSetting MajorSetting(absl::string_view word, uint32_t initial) {
  return {word, initial, 1, kMajorLimit};
}

class NodeNumbers {
 public:
  uint32_t operator[](const NodeSetting& setting) const {
    const auto found = chosen_.find(&setting);
    return found == chosen_.end() ? setting.initial : found->second;
  }
  void Choose(const NodeSetting& setting, uint32_t value) { chosen_[&setting] = value; }

 private:
  absl::flat_hash_map<const NodeSetting*, uint32_t> chosen_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_NODE_NUMBERS_H_
