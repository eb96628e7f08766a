// SPDX-License-Identifier: Apache-2.0
// Everything that a system prints, whatever its labels say: each output must be one that its reader
// accepts (core/testing/document_faults.h).
#ifndef NVDIMMFS_TESTS_FUZZ_OUTPUTS_H_
#define NVDIMMFS_TESTS_FUZZ_OUTPUTS_H_

#include "core/system/system.h"

namespace nvdimmfs::fuzz {

// Ends the program at the first fault. Reads the files below x/, the attributes of the kernel, the
// listings of `list`, the links of dev/by-name, and what `map` prints.
void JudgeOutputs(core::System& system);

// A sentence of a refusal as the program prints it, with its reason.
void JudgeRefusal(const absl::Status& status);

}  // namespace nvdimmfs::fuzz

#endif  // NVDIMMFS_TESTS_FUZZ_OUTPUTS_H_
