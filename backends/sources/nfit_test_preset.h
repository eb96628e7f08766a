// SPDX-License-Identifier: Apache-2.0
// The two emulated buses of the kernel's test module nfit_test, on which the tests of ndctl run:
// same DIMMs, handles, sizes, addresses, sets and commands.
//
//   nfit_test.0   four DIMMs: region 1 over the first half of 0 and 1 (32 MiB), region 2 over the
//                 second half of all four (64 MiB); scrub, error injection, the Intel family
//   nfit_test.1   a DIMM that the platform reports as not armed, with a read-only region
//                 (32 MiB); one that could not be mapped; a virtual CD (4 MiB, volatile)
//
// Left out: the fifth DIMM of the first bus, which the module hot-plugs, and block apertures.
#ifndef NVDIMMFS_BACKENDS_SOURCES_NFIT_TEST_PRESET_H_
#define NVDIMMFS_BACKENDS_SOURCES_NFIT_TEST_PRESET_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> NfitTestPreset();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_NFIT_TEST_PRESET_H_
