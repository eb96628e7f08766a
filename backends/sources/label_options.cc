// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/label_options.h"

#include "core/base/input.h"

namespace nvdimmfs::backends {

absl::StatusOr<LabelPlace> ReadLabelPlace(const SourceArguments& arguments) {
  LabelPlace place;
  for (const auto& [key, value] : arguments.options) {
    if (key == "label_size") {
      const auto size = core::ParseSize(value);
      if (!size.ok()) return BadOption(key, value, "needs a size in bytes, or with K, M or G");
      place.size = *size;
    } else if (key == "hide_labels") {
      place.hide_labels = true;
    } else if (key == "labels") {
      if (value.empty()) return BadOption(key, value, "needs the path of a file, or tail");
      place.tail = value == "tail";
      place.file = place.tail ? "" : value;
    }
  }
  return place;
}

}  // namespace nvdimmfs::backends
