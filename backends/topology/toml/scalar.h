// SPDX-License-Identifier: Apache-2.0
// TOML's scalar values: strings, integers and booleans.
//
// Refused with EINVAL, "toml.syntax", as Cursor::Refuse does.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/topology/toml/cursor.h"
#include "backends/topology/toml/value.h"

namespace nvdimmfs::backends::toml {

// The quoted string at the cursor, which is at its first quote. `lines`: whether """ and ''' are
// allowed.
absl::StatusOr<std::string> ReadText(Cursor& cursor, bool lines);

// The word at the cursor: true, false, or an integer.
absl::StatusOr<Value> ReadWord(Cursor& cursor);

}  // namespace nvdimmfs::backends::toml

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_
