// SPDX-License-Identifier: Apache-2.0
// The record of a DIMM's firmware state (core/intel/kept_state.h), in its own file.
//
// Saving writes another file next to it, makes that durable and renames it over the old one. After
// any cut the file has the old record or the new one. Thread rules: those of StateStore.
#ifndef NVDIMMFS_BACKENDS_STATE_FILE_H_
#define NVDIMMFS_BACKENDS_STATE_FILE_H_

#include <memory>
#include <string>

#include "core/intel/kept_state.h"

namespace nvdimmfs::backends {

// The first save creates a missing file. Load is refused with the errno of open(2) or read(2) and
// "dimm_state.open", Save likewise with "dimm_state.save".
std::shared_ptr<core::intel::StateStore> StateFile(std::string path, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_STATE_FILE_H_
