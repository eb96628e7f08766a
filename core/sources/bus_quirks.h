// SPDX-License-Identifier: Apache-2.0
// How the firmware of a bus differs from that of real platforms. Each quirk is a fact about the
// kernel's test module nfit_test, which emulates a platform for ndctl's tests; scripts written for
// it rely on them. The code that opens a source sets the quirks of its buses.
//
// A plain value. For what tests do to single DIMMs, see test_controls.h.
#ifndef NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_
#define NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_

namespace nvdimmfs::core {

struct BusQuirks {
  // --- The bus. ---

  // The bus belongs to a module that can be unloaded and loaded (bus/nd/x/loaded). All other buses
  // belong to the machine.
  bool of_module = false;
  // Errors may be injected at addresses outside all regions: they are listed and found by scrubs.
  // The module keeps a list of addresses without checking what is there.
  bool errors_anywhere = false;
  // The records of an address range scrub do not identify a DIMM: the module leaves the handle 0.
  bool records_without_dimm = false;
  // Translate SPA returns the last DIMM of a set, and the offset in the region as the DPA: the
  // module treats a set as one DIMM.
  bool translates_to_last_dimm = false;
  // Clearing part of a clear-error unit fails the command with EINVAL. Platforms run it and return
  // a status.
  bool refuses_partial_clear = false;
  // A CALL whose buffer does not have the size of its function's structure fails with EINVAL: the
  // module checks sizes before its firmware sees the command (CheckCallOfTestBus,
  // CheckCallOfTestDimm).
  bool checks_call_sizes = false;

  // --- Its DIMMs. ---

  // Each function exists either as an ioctl or as a CALL: labels as ioctls, all others as CALLs.
  // Platforms have both for labels and SMART.
  bool one_way_each = false;
  // A label transfer may be longer than the maximum; it ends where the label area ends. Platforms
  // refuse it with a status.
  bool cuts_label_transfers = false;
  // nfit/dirty_shutdown exists for every DIMM, with or without SMART.
  bool counts_every_shutdown = false;
  // The label areas initially hold a few letters ("label0") instead of zeros. They are nobody's
  // data, so a mount need not mention them.
  bool labels_start_as_noise = false;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_BUS_QUIRKS_H_
