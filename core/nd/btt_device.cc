// SPDX-License-Identifier: Apache-2.0
#include "core/nd/btt_device.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/media/damage.h"
#include "core/model/common_attributes.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSectorSizes[] = {512, 520, 528, 4096, 4104, 4160, 4224};
constexpr uint64_t kV1Offset = 4096;  // unused bytes at the start of the v1.1 layout

BttDevice& AsBtt(Device& device) { return static_cast<BttDevice&>(device); }

absl::StatusOr<std::string> ShowSectorSize(Device& device) {
  return FormatChoices(kSectorSizes, AsBtt(device).lbasize());
}

absl::Status StoreSectorSize(Device& device, absl::string_view text) {
  return AsBtt(device).SetSectorSize(text);
}

absl::StatusOr<std::string> ShowSize(Device& device) {
  ASSIGN_OR_RETURN(const uint64_t size, AsBtt(device).size());
  return absl::StrCat(size, "\n");
}

absl::StatusOr<std::string> ShowLogZeroFlags(Device&) { return std::string("Y\n"); }

constexpr Attribute kBttAttributes[] = {
    kDevtypeAttribute,
    {.name = "log_zero_flags",
     .show = ShowLogZeroFlags,
     .summary = "Y: the flog entries carry no zero flag"},
    kModaliasAttribute,
    kClaimNamespaceAttribute,
    kNumaNodeAttribute,
    {.name = "sector_size",
     .mode = 0644,
     .show = ShowSectorSize,
     .store = StoreSectorSize,
     .summary = "bytes of a sector, with its metadata",
     .grammar = "one of 512 520 528 4096 4104 4160 4224",
     .refusals = "claim.bound input.*"},
    {.name = "size", .show = ShowSize, .summary = "usable bytes, while enabled"},
    kTargetNodeAttribute,
    kUeventAttribute,
    kClaimUuidAttribute,
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
};

}  // namespace

BttDevice::BttDevice(Region& region) : ClaimDevice(region, NdKind::kBtt, "btt") {}

void BttDevice::Adopt(const SectorIdentity& found) {
  engine().AssertLocked();
  uuid_ = found.uuid;
  lbasize_ = found.external_lbasize;
}

absl::Status BttDevice::SetSectorSize(absl::string_view text) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckUnbound("sector_size"));
  ASSIGN_OR_RETURN(lbasize_, ParseChoice(text, kSectorSizes));
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> BttDevice::size() const {
  engine().AssertLocked();
  if (disk_ == nullptr)
    return Refusal(ENXIO, "claim.unbound", absl::StrCat(name(), " is not enabled"));
  return disk_->node().size();
}

absl::Status BttDevice::Probe() {
  engine().AssertLocked();
  const std::string what = absl::StrCat("enable ", name());
  RETURN_IF_ERROR(CheckNamespace(what));
  if (uuid_.is_nil() || lbasize_ == 0)
    return Refusal(ENODEV, "btt.incomplete",
                   absl::StrCat(what, ": write its uuid and its sector_size first"));
  const bool v2 = ns()->claim_class() == ClaimClass::kBtt2;
  if (ns()->size() - (v2 ? 0 : kV1Offset) < kMinClaimSize)
    return Refusal(ENXIO, "btt.size",
                   absl::StrCat(what, ": ", ns()->name(), " has ", ns()->size(),
                                " bytes, too few for a BTT; minimum ",
                                kMinClaimSize + (v2 ? 0 : kV1Offset), " bytes"));
  ASSIGN_OR_RETURN(std::shared_ptr<Media> media, ns()->OpenMedia());
  auto opened = nd().sector_layer().OpenOrFormat(
      std::move(media), {.claim_class = v2 ? ClaimClass::kBtt2 : ClaimClass::kBtt,
                         .uuid = uuid_,
                         .parent_uuid = ns()->uuid(),
                         .external_lbasize = static_cast<uint32_t>(lbasize_),
                         .read_only = region().read_only(),
                         .name = name()});
  // The kernel returns the same errno for every failure here.
  if (!opened.ok())
    return Refusal(ENOMEM, ReasonOf(opened.status()),
                   absl::StrCat(what, ": ", opened.status().message()));
  if (const auto* report = dynamic_cast<const DamageReport*>(opened->get()))
    if (const std::string damage = report->damage(); !damage.empty())
      set_last_error(LastError::OfNote(
          absl::StrCat(name(), " is read-only, since its media is damaged: ", damage,
                       "; copy its data or the image first, then see `nvdimmfs check --dry-run` "
                       "and --repair"),
          "btt.arena.read_only"));
  for (const SectorArena& facts : nd().sector_layer().Arenas(**opened)) {
    arenas_.push_back(std::make_shared<BttArena>(*this, arenas_.size(), facts));
    engine().Register(arenas_.back());
  }
  const uint32_t sector = lbasize_ >= 4096 ? 4096 : 512;
  disk_ = Disk::Attach(*this, absl::StrCat(ns()->DiskName(), "s"), *std::move(opened),
                       *region().source().media,
                       {.block_size = sector,
                        .metadata_size = static_cast<uint32_t>(lbasize_) - sector,
                        .atomic_sectors = true,
                        .aliases = ns()->Aliases(uuid_)});
  ns()->DisksFollowRegion();
  return absl::OkStatus();
}

void BttDevice::Remove() {
  engine().AssertLocked();
  for (const auto& arena : arenas_) engine().Unregister(*arena);
  arenas_.clear();
  if (disk_ != nullptr) disk_->Detach();
  disk_.reset();
}

DataNode* BttDevice::node() const {
  engine().AssertLocked();
  return disk_ == nullptr ? nullptr : &disk_->node();
}

bool BttDevice::Accepts(ClaimClass claim_class) const {
  return claim_class == ClaimClass::kNone || claim_class == ClaimClass::kBtt ||
         claim_class == ClaimClass::kBtt2;
}

void BttDevice::Reset() {
  engine().AssertLocked();
  uuid_ = Uuid();
  lbasize_ = 0;
}

std::string BttDevice::modalias() const { return absl::StrCat("nd:t", region().nstype()); }

absl::Span<const Attribute> BttDevice::Table() { return kBttAttributes; }

}  // namespace nvdimmfs::core
