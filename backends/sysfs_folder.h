// SPDX-License-Identifier: Apache-2.0
// The sysfs attributes of a device of this machine's kernel.
//
// Even the kernel's values are checked: an attribute that is missing, unreadable or in an unknown
// format reads as "nothing". Thread rules: plain values.
#ifndef NVDIMMFS_BACKENDS_SYSFS_FOLDER_H_
#define NVDIMMFS_BACKENDS_SYSFS_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::backends {

class SysfsFolder {
 public:
  explicit SysfsFolder(std::string path) : path_(std::move(path)) {}

  // The device of an open character or block node; nothing if sysfs does not have it.
  static std::optional<SysfsFolder> OfNode(int fd);

  const std::string& path() const { return path_; }
  std::string name() const { return path_.substr(path_.rfind('/') + 1); }

  bool Has(absl::string_view name) const;
  // Reads an attribute, without its final newline.
  std::optional<std::string> Text(absl::string_view name) const;
  // Decimal, or hexadecimal with 0x.
  std::optional<uint64_t> Number(absl::string_view name) const;
  std::optional<int> Signed(absl::string_view name) const;
  // The directory that a link or name in this one leads to.
  std::optional<SysfsFolder> Follow(absl::string_view name) const;
  // Names in the folder that start with `prefix`, ascending.
  std::vector<std::string> Names(absl::string_view prefix) const;
  // The nearest directory, from this one upwards, that contains `name`.
  std::optional<SysfsFolder> Holding(absl::string_view name) const;

 private:
  std::string path_;  // resolved, without a slash at its end
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SYSFS_FOLDER_H_
