// SPDX-License-Identifier: Apache-2.0
// Device node numbers as a kernel would show them, and the settings that determine them.
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
  // As in `dev`: "259:0".
  std::string ToString() const { return absl::StrCat(major, ":", minor); }
  // As in `uevent`.
  std::string Variables() const { return absl::StrCat("MAJOR=", major, "\nMINOR=", minor, "\n"); }
};

// A major number, or a parameter from which minors are computed. A program that creates real nodes,
// or shows the tree next to a machine's own devices, can choose another value. Each setting is a
// single object, identified by its address.
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
