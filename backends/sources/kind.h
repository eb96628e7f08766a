// SPDX-License-Identifier: Apache-2.0
// A kind of SOURCE: its scheme, the options that it takes, and its opener. kinds.cc has one row per
// kind; each opener has its own file.
#ifndef NVDIMMFS_BACKENDS_SOURCES_KIND_H_
#define NVDIMMFS_BACKENDS_SOURCES_KIND_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

using OptionList = std::vector<std::pair<std::string, std::string>>;

// The arguments of an opener.
struct SourceArguments {
  std::string name;        // what follows the scheme: a path, a size, ...
  OptionList options;      // in order; the names are known to be those of the kind
  bool read_only = false;  // must not be written
};

using Buses = std::vector<core::BusSource>;

struct SourceKind {
  absl::string_view scheme;   // with its colon; "" for plain files
  absl::string_view form;     // for usage texts: "cxl:/dev/cxl/memN"
  absl::string_view summary;  // what it is
  // In addition to ro, kernel and those of power_options.h, which all kinds take.
  absl::Span<const absl::string_view> options;
  // Whether `name` is a path, relative to the working directory.
  bool (*names_a_file)(absl::string_view name) = [](absl::string_view) { return true; };
  absl::StatusOr<Buses> (*open)(const SourceArguments&) = nullptr;
  // Whether it drives a device of the machine, for which it needs rights all the time.
  bool drives_device = false;
  // Whether a kernel module provides the buses of that name; null: never.
  bool (*is_module)(absl::string_view name) = nullptr;
};

// All that this program can open, plain files last.
absl::Span<const SourceKind> SourceKinds();

// The refusal of an option's value: EINVAL, "source.option". `wanted` ends the sentence: "needs a
// size in bytes".
absl::Status BadOption(absl::string_view key, absl::string_view value, absl::string_view wanted);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_KIND_H_
