// SPDX-License-Identifier: Apache-2.0
// Where the firmware of a bus behaves differently from that of platforms. Each is a fact about the
// kernel's test module nfit_test, which emulates a platform for ndctl's tests; scripts that were
// written for it rely on them. The opener of a source sets what its buses have.
//
// A plain value. What tests do to single DIMMs: test_controls.h.
#ifndef NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_
#define NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_

namespace nvdimmfs::core {

struct BusQuirks {
  // --- The bus. ---

  // The bus comes and goes with a module that can be unloaded and loaded (bus/nd/x/loaded). The
  // others are those of the machine.
  bool of_module = false;
  // Errors may be injected at addresses outside all regions: they are listed and found by scrubs.
  // The module keeps a list of addresses and does not look what lies there.
  bool errors_anywhere = false;
  // The records of an address range scrub name no DIMM: the module leaves the handle 0.
  bool records_without_dimm = false;
  // Translate SPA answers with the last DIMM of a set, and the offset in the region as its DPA: the
  // module takes a set for one DIMM.
  bool translates_to_last_dimm = false;
  // Clearing part of a clear-error unit fails the command with EINVAL. Platforms carry it out and
  // answer with a status.
  bool refuses_partial_clear = false;
  // A CALL whose buffer does not have the size of its function's structure fails with EINVAL: the
  // module looks at sizes before its firmware sees the command (CheckCallOfTestBus,
  // CheckCallOfTestDimm).
  bool checks_call_sizes = false;

  // --- Its DIMMs. ---

  // Each function exists in one way only: labels as ioctls, all others by CALL. Platforms have
  // both ways for labels and SMART.
  bool one_way_each = false;
  // A label transfer may be longer than the maximum; it ends where the label area ends. Platforms
  // refuse it with a status.
  bool cuts_label_transfers = false;
  // nfit/dirty_shutdown is there for every DIMM, with SMART or without.
  bool counts_every_shutdown = false;
  // The label areas hold a few letters ("label0") from the start, in place of zeros: nothing of
  // anybody's, which a mount need not mention.
  bool labels_start_as_noise = false;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_
