// SPDX-License-Identifier: Apache-2.0
// Looks at the labels in use of one area: each on its own, then their uuids and extents together.
#ifndef NVDIMMFS_CORE_VET_SLOT_VET_H_
#define NVDIMMFS_CORE_VET_SLOT_VET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/labels/label_version.h"
#include "core/vet/vet_finding.h"

namespace nvdimmfs::core {

class SlotVet {
 public:
  // `capacity` is the DIMM's size in bytes.
  explicit SlotVet(uint64_t capacity) : capacity_(capacity) {}

  // The label in the `bytes` of `slot`, which are at `offset` of the area. Call it in slot order.
  void Add(uint32_t slot, uint64_t offset, absl::Span<const std::byte> bytes);
  // All findings, with those about several labels. Call it once, last.
  std::vector<VetFinding> Finish();

 private:
  struct Owner {
    Uuid uuid;
    Range extent;
    uint32_t slot = 0;
    uint64_t offset = 0;
    bool is_region = false;
  };

  void Report(std::string reason, std::string sentence);
  void VetNamespace(const NamespaceLabel& label, bool has_cookie);
  void VetV1(absl::Span<const std::byte> bytes);
  void VetCxlNamespace(absl::Span<const std::byte> bytes);
  void VetCxlRegion(absl::Span<const std::byte> bytes);
  void VetName(absl::Span<const char> field);
  void VetFlags(uint32_t flags, uint32_t written);
  void VetReserved(absl::Span<const std::byte> bytes);
  void VetExtent(const Uuid& uuid, uint64_t start, uint64_t size, bool is_region);
  void FindDuplicates();
  void FindOverlaps();

  const uint64_t capacity_;
  // The label that is looked at.
  uint32_t slot_ = 0;
  uint64_t offset_ = 0;
  uint64_t length_ = 0;  // bytes; 128 or 256
  std::vector<Owner> owners_;
  std::vector<VetFinding> findings_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_VET_SLOT_VET_H_
