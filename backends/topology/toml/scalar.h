// SPDX-License-Identifier: Apache-2.0
// The values of TOML that have no parts: texts, whole numbers, true and false.
//
// Refused with EINVAL, "toml.syntax", as Cursor::Refuse does.
#ifndef NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_
#define NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/topology/toml/cursor.h"
#include "backends/topology/toml/value.h"

namespace nvdimmfs::backends::toml {

// The text in quotes at the cursor, which is at its first quote. `lines`: """ and ''' may begin it.
absl::StatusOr<std::string> ReadText(Cursor& cursor, bool lines);

// The word at the cursor: true, false, or a whole number.
absl::StatusOr<Value> ReadWord(Cursor& cursor);

}  // namespace nvdimmfs::backends::toml

#endif  // NVDIMMFS_BACKENDS_TOPOLOGY_TOML_SCALAR_H_
