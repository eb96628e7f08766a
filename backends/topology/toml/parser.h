// SPDX-License-Identifier: Apache-2.0
// Parses TOML 1.0, without its floats and dates, from a text that may be hostile: memory is bounded
// by a small multiple of the text, the stack by kMaxDepth, and time is linear except for look-ups.
//
// Source: https://toml.io/en/v1.0.0
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_PARSER_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_PARSER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/topology/toml/value.h"

namespace nvdimmfs::backends::toml {

// The deepest nesting of tables and arrays, whether created by headers, dotted keys or brackets.
inline constexpr size_t kMaxDepth = 32;

// The top table. Refused with EINVAL, "toml.syntax"; the sentence begins with "LINE:COLUMN: ".
absl::StatusOr<std::unique_ptr<Table>> Parse(absl::string_view text);

}  // namespace nvdimmfs::backends::toml

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_PARSER_H_
