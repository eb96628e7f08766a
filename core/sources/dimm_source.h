// SPDX-License-Identifier: Apache-2.0
// What a backend passes to the device model for one DIMM: the bytes, the label area and the
// identity that a platform's tables would give it.
//
// Plain values. The Media are shared; the backend's file stays open and locked while any of them
// lives.
#ifndef NVDIMMFS_CORE_SOURCES_DIMM_SOURCE_H_
#define NVDIMMFS_CORE_SOURCES_DIMM_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/intel/firmware.h"
#include "core/labels/label_versions.h"
#include "core/media/media.h"
#include "core/sources/memory_device.h"
#include "core/sources/test_controls.h"

namespace nvdimmfs::core {

// Identity of a DIMM: raw values, as the NFIT stores them (ACPI specification, "NVDIMM control
// region structure" and "NVDIMM region mapping structure"). The byte-swapped forms in sysfs are
// produced where they are printed.
struct DimmIdentity {
  struct Manufacturing {
    uint8_t location = 0;
    uint16_t date = 0;
    friend bool operator==(const Manufacturing&, const Manufacturing&) = default;
  };

  uint32_t handle = 0;   // bits 0-3 dimm, 4-7 channel, 8-11 controller, 12-15 socket, 16-27 node
  uint16_t phys_id = 0;  // SMBIOS handle
  uint16_t vendor = 0;
  uint16_t device = 0;
  uint16_t revision = 0;
  uint16_t subsystem_vendor = 0;
  uint16_t subsystem_device = 0;
  uint16_t subsystem_revision = 0;
  std::optional<Manufacturing> manufacturing;  // only if the valid-fields bit is set
  // The contents of those fields if it is clear: they are part of the v1.2 set cookie nevertheless.
  Manufacturing unvouched;
  uint32_t serial = 0;
  uint16_t interface_code = 0;  // region format: 0x0301 is byte-addressable, not energy backed
  friend bool operator==(const DimmIdentity&, const DimmIdentity&) = default;
};

// ACPI specification, "NVDIMM region mapping structure", state flags.
enum NfitFlag : uint16_t {
  kSaveFailed = 1 << 0,
  kRestoreFailed = 1 << 1,
  kFlushFailed = 1 << 2,
  kNotArmed = 1 << 3,
  kHealthObserved = 1 << 4,
  kHealthNotified = 1 << 5,
  kMapFailed = 1 << 6,
};

// What kernels from 6.2 on show about the CXL memory device of a DIMM.
struct CxlIdentity {
  uint64_t serial = 0;
  std::string provider;  // the kernel's object between the device and its nmemN: "pmem0"
};

struct DimmSource {
  std::string description;          // for messages: the path of the image
  std::shared_ptr<Media> capacity;  // DPA 0 .. capacity->size(), a multiple of 4096, never empty
  std::shared_ptr<Media> labels;    // the label area; null if the DIMM has none
  uint32_t label_transfer = 0;      // the most bytes per label command; 0: as in QEMU
  uint64_t label_offset = 0;        // bytes from the file's start to the label area
  std::string label_file;           // path of the labels' own file, if they have one
  bool missing = false;             // the slot is known, but empty: Media refuse with EIO
  bool read_only = false;           // must not be written: Media refuse with EROFS
  // Labels are in use whatever the label area holds: the provider decides (CXL), not an index
  // block.
  bool labelling = false;
  // The version for new labels; existing labels keep theirs. Never null.
  const LabelVersion* new_labels = &LabelV1_2();
  DimmIdentity identity;
  bool has_control_region = true;  // else only handle and phys_id are known
  int formats = 1;                 // interface codes by which it is mapped; 0 if it is not
  uint16_t nfit_flags = 0;         // NfitFlag: its state according to the platform's tables
  // Runs its commands; null: firmware that only supports labels, like QEMU's.
  std::shared_ptr<intel::Firmware> firmware;
  std::shared_ptr<TestControls> test_controls;  // null if tests cannot control it
  std::shared_ptr<MemoryDevice> device;         // null if there is no device to query
  std::optional<CxlIdentity> cxl;               // if the source says that it is a CXL device
  std::vector<Finding> findings;                // noticed at opening; offsets from the file's start
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_DIMM_SOURCE_H_
