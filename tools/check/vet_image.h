// SPDX-License-Identifier: Apache-2.0
// A DIMM image in memory for tests of `check --policy vet`: sound at first, as a kernel would have
// written it, and open to any change.
#ifndef NVDIMMFS_TOOLS_CHECK_VET_IMAGE_H_
#define NVDIMMFS_TOOLS_CHECK_VET_IMAGE_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "backends/qemu_slot.h"
#include "btt/btt.h"
#include "btt/info_block.h"
#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/info_blocks/info_block.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "core/sources/bus_source.h"
#include "tools/check/source_vet.h"

namespace nvdimmfs::tools {

class VetImage {
 public:
  static constexpr uint64_t kCapacity = 96 << 20;
  static constexpr uint64_t kSize = 32 << 20;  // of each namespace
  static constexpr uint64_t kLabelArea = 128 << 10;

  explicit VetImage(const core::LabelVersion& version = core::LabelV1_2(),
                    uint64_t label_area = kLabelArea)
      : labels_(std::make_shared<core::MemoryMedia>(label_area)),
        capacity_(std::make_shared<core::MemoryMedia>(kCapacity)),
        version_(version),
        geometry_(*core::LabelGeometry::For(label_area, version.label_size())) {
    Demand(Area().Initialise(version).ok());
  }

  // --- Sound contents. ---

  // A label for the next 32 MiB, in the slot that is returned.
  uint32_t Add(core::ClaimClass claim_class = core::ClaimClass::kNone) {
    core::NamespaceLabel label;
    label.uuid = core::Uuid::Random();
    label.name = "db";
    label.nlabel = version_.nlabel(1);
    label.isetcookie = version_.CookieOf(Cookies());
    label.lbasize = 512;
    label.dpa = next_;
    label.rawsize = kSize;
    label.type_guid = core::kPmemRangeGuid;
    label.abstraction_guid = core::AbstractionGuid(claim_class);
    owners_.push_back({label.uuid, next_});
    next_ += kSize;
    auto slot = Area().Update(label, {});
    Demand(slot.ok());
    return **slot;
  }
  // A namespace with a BTT. Writes to a few sectors.
  void AddBtt(uint32_t lbasize = 4096) {
    Add(core::ClaimClass::kBtt2);
    const btt::FormatOptions options{.uuid = core::Uuid::Random(),
                                     .parent_uuid = owners_.back().uuid,
                                     .external_lbasize = lbasize,
                                     .version = btt::Version::kV2_0};
    auto btt = btt::Btt::OpenOrFormat(Namespace(), options, false);
    Demand(btt.ok());
    const std::vector<std::byte> data(4096, std::byte{0x5a});
    for (const uint64_t at : {0, 4096, 40960}) Demand((*btt)->Write(at, data).ok());
    arena_ = (*btt)->arenas()[0]->geometry();
  }
  // A namespace in mode fsdax.
  void AddFsdax(core::InfoBlockMode mode = core::InfoBlockMode::kPmem) {
    Add(core::ClaimClass::kPfn);
    const core::Range spa{Bus().regions[0].spa.start + owners_.back().dpa, kSize};
    const auto block =
        core::MakeInfoBlock(false, core::Uuid::Random(), owners_.back().uuid, spa, mode, 2 << 20);
    Demand(block.ok() && core::WriteInfoBlock(*Namespace(), *block).ok());
  }

  // --- Its bytes. ---

  core::IndexBlock& index(int position) {
    return *reinterpret_cast<core::IndexBlock*>(labels_->bytes().data() +
                                                geometry_.index_offset(position));
  }
  // A label's first 128 bytes; those of version 1.1 and 1.2 are alike.
  core::NamespaceLabelV1_2& label(uint32_t slot) {
    return *reinterpret_cast<core::NamespaceLabelV1_2*>(labels_->bytes().data() +
                                                        geometry_.slot_offset(slot));
  }
  // The info blocks of the last namespace.
  btt::InfoBlock& btt_info(bool backup = false) {
    return *reinterpret_cast<btt::InfoBlock*>(At(backup ? arena_.Info2At() : arena_.start));
  }
  core::InfoBlock& info() {
    return *reinterpret_cast<core::InfoBlock*>(At(core::kInfoBlockOffset));
  }
  btt::FlogGroup& flog(uint32_t lane) {
    return *reinterpret_cast<btt::FlogGroup*>(At(arena_.FlogAt(lane)));
  }
  core::le32& map(uint32_t sector) {
    return *reinterpret_cast<core::le32*>(At(arena_.MapAt(sector)));
  }
  std::byte* At(uint64_t offset) { return capacity_->bytes().data() + owners_.back().dpa + offset; }
  const btt::ArenaGeometry& arena() const { return arena_; }
  const core::LabelGeometry& geometry() const { return geometry_; }
  absl::Span<std::byte> labels() { return labels_->bytes(); }
  absl::Span<std::byte> capacity() { return capacity_->bytes(); }

  // --- Correct checksums for what was changed. ---

  void SealIndexes() {
    for (const int position : {0, 1}) {
      const auto block =
          labels_->bytes().subspan(geometry_.index_offset(position), geometry_.index_size);
      core::StoreLe(block.data() + offsetof(core::IndexBlock, checksum),
                    core::Fletcher64(block, offsetof(core::IndexBlock, checksum)));
    }
  }
  void SealLabel(uint32_t slot) {
    if (version_.checksum_offset())
      SealAt(labels_->bytes().subspan(geometry_.slot_offset(slot), geometry_.label_size),
             *version_.checksum_offset());
  }
  // Both blocks become equal.
  void SealBtt() {
    btt::Seal(btt_info());
    btt_info(true) = btt_info();
  }
  void SealInfo() {
    SealAt({At(core::kInfoBlockOffset), sizeof(core::InfoBlock)},
           offsetof(core::InfoBlock, checksum));
  }

  // --- As a source. ---

  core::BusSource Bus() const {
    core::DimmSource dimm;
    dimm.description = "vet.img";
    dimm.capacity = capacity_;
    dimm.labels = labels_;
    dimm.label_offset = kCapacity;
    dimm.read_only = true;
    dimm.identity = backends::QemuIdentity(0);
    std::vector<core::DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    return core::QemuBus(std::move(dimms));
  }
  absl::StatusOr<std::vector<PlacedFinding>> Vet(bool full = false) const {
    return VetBuses({Bus()}, {.full = full});
  }

 private:
  struct Owner {
    core::Uuid uuid;
    uint64_t dpa;
  };

  static void Demand(bool condition) {
    if (!condition) std::abort();
  }
  static void SealAt(absl::Span<std::byte> bytes, size_t checksum) {
    core::StoreLe(bytes.data() + checksum, core::Fletcher64(bytes, checksum));
  }
  static core::SetCookies Cookies() {
    const core::DimmIdentity identity = backends::QemuIdentity(0);
    const auto made = identity.manufacturing.value_or(identity.unvouched);
    const core::SetMember member{.region_offset = 0,
                                 .serial = identity.serial,
                                 .vendor = identity.vendor,
                                 .manufacturing_date = made.date,
                                 .manufacturing_location = made.location};
    return core::ComputeSetCookies({member});
  }
  core::LabelArea Area() {
    auto area = core::LabelArea::Open(labels_, version_);
    Demand(area.ok());
    return *std::move(area);
  }
  // The last one's bytes.
  std::shared_ptr<core::Media> Namespace() const {
    auto slice = core::MediaSlice::Make(capacity_, {owners_.back().dpa, kSize});
    Demand(slice.ok());
    return *std::move(slice);
  }

  const std::shared_ptr<core::MemoryMedia> labels_;
  const std::shared_ptr<core::MemoryMedia> capacity_;
  const core::LabelVersion& version_;
  const core::LabelGeometry geometry_;
  uint64_t next_ = 0;  // DPA of the next namespace
  std::vector<Owner> owners_;
  btt::ArenaGeometry arena_;  // of the last BTT
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_VET_IMAGE_H_
