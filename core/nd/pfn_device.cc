// SPDX-License-Identifier: Apache-2.0
#include "core/nd/pfn_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"
#include "core/model/common_attributes.h"
#include "core/model/engine.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::core {
namespace {

PfnDevice& AsPfn(Device& device) { return static_cast<PfnDevice&>(device); }

absl::StatusOr<std::string> ShowMode(Device& device) {
  switch (AsPfn(device).mode()) {
    case InfoBlockMode::kRam:
      return std::string("ram\n");
    case InfoBlockMode::kPmem:
      return std::string("pmem\n");
    default:
      return std::string("none\n");
  }
}

absl::Status StoreMode(Device& device, absl::string_view text) {
  return AsPfn(device).SetMode(text);
}

absl::StatusOr<std::string> ShowAlign(Device& device) {
  return absl::StrCat(AsPfn(device).align(), "\n");
}

absl::Status StoreAlign(Device& device, absl::string_view text) {
  return AsPfn(device).SetAlign(text);
}

absl::StatusOr<std::string> ShowSupported(Device&) { return FormatChoices(kSupportedAligns, 0); }

absl::StatusOr<std::string> ShowResource(Device& device) {
  ASSIGN_OR_RETURN(const Range data, AsPfn(device).data());
  return FormatHex(data.start) + "\n";
}

absl::StatusOr<std::string> ShowSize(Device& device) {
  ASSIGN_OR_RETURN(const Range data, AsPfn(device).data());
  return absl::StrCat(data.size, "\n");
}

constexpr Attribute kPfnAttributes[] = {
    {.name = "align",
     .mode = 0644,
     .show = ShowAlign,
     .store = StoreAlign,
     .summary = "alignment of the data, bytes",
     .grammar = "one of `supported_alignments`",
     .refusals = "claim.bound input.*"},
    kDevtypeAttribute,
    kModaliasAttribute,
    {.name = "mode",
     .mode = 0644,
     .show = ShowMode,
     .store = StoreMode,
     .raw_input = true,
     .summary = "where the page structs are: none, ram or pmem (on the media)",
     .grammar = "none | ram | pmem",
     .refusals = "claim.bound claim.mode"},
    kClaimNamespaceAttribute,
    kNumaNodeAttribute,
    {.name = "resource",
     .mode = 0400,
     .show = ShowResource,
     .summary = "system physical address of the data, while enabled"},
    {.name = "size", .show = ShowSize, .summary = "bytes of data, while enabled"},
    {.name = "supported_alignments",
     .show = ShowSupported,
     .summary = "the values that `align` takes"},
    kTargetNodeAttribute,
    kUeventAttribute,
    kClaimUuidAttribute,
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
};

// The kernel overwrites bad bytes in the page structs page by page before it uses them, since it
// rewrites them anyway. (It checks the region's first sectors, whichever the namespace; this checks
// the namespace's own.)
absl::Status ClearBadPageStructs(Media& media, uint64_t dataoff) {
  constexpr uint64_t kPage = 4096, kFirst = 8192;
  const std::vector<std::byte> zeros(kPage);
  for (const Range& bad : media.BadRanges())
    for (uint64_t at = std::max(kFirst, RoundDown(bad.start, kPage));
         at < std::min(bad.end(), dataoff); at += kPage)
      RETURN_IF_ERROR(media.Write(at, zeros));
  return absl::OkStatus();
}

// ReadInfoBlock, but refusals because of the namespace's address tell the region's address, the
// reason for it, and what to type.
absl::StatusOr<InfoBlockView> ReadBlockOf(const Namespace& ns, const Media& media, bool dax,
                                          const InfoBlockWish& wish) {
  const auto found = ReadInfoBlock(media, dax, ns.uuid(), ns.spa(), wish);
  const std::string reason = found.ok() ? "" : ReasonOf(found.status());
  const AddressChoice& choice = ns.region().source().address;
  if (choice.rule.empty() ||
      (reason != "info.dataoff.align" && reason != "info.start_pad" && reason != "info.end_trunc"))
    return found;
  const uint64_t region = ns.region().source().spa.start;
  const uint64_t offset = ns.spa().start - region;
  std::string more =
      absl::StrCat("; ", ns.region().name(), " is at ", FormatHex(region), ": ", choice.rule);
  if (const auto fit = FittingAddress(media, ns.size(), kFirstRegionAddress + offset))
    absl::StrAppend(&more, "; the block was made for a region at an address like ",
                    FormatHex(*fit - offset), ": to use it, ", choice.before,
                    FormatHex(*fit - offset), choice.after);
  return Refusal(ErrnoOf(found.status()), reason, absl::StrCat(found.status().message(), more));
}

}  // namespace

PfnDevice::PfnDevice(Region& region, const DeviceKind& kind)
    : ClaimDevice(region, kind, kind == NdKind::kDax ? "dax" : "pfn") {}

absl::StatusOr<InfoBlockView> PfnDevice::Detect(const Namespace& ns, const DeviceKind& kind) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Media> media, ns.OpenMedia());
  return ReadBlockOf(ns, *media, kind == NdKind::kDax, {});
}

void PfnDevice::Adopt(const InfoBlockView& found) {
  engine().AssertLocked();
  uuid_ = found.uuid;
  mode_ = found.mode;
  align_ = found.align;
}

absl::StatusOr<Range> PfnDevice::data() const {
  engine().AssertLocked();
  if (!data_ || ns() == nullptr)
    return Refusal(ENXIO, "claim.unbound", absl::StrCat(name(), " is not enabled"));
  return Range{ns()->spa().start + data_->start, data_->size};
}

absl::Status PfnDevice::SetMode(absl::string_view raw_text) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckUnbound("mode"));
  // The kernel ignores the last character written, whatever it is, and compares the rest with the
  // word, with and without a newline.
  const std::string text(raw_text);
  const size_t compared = text.empty() ? 0 : text.size() - 1;
  const auto is = [&](const char* word, const char* line) {
    return std::strncmp(text.c_str(), word, compared) == 0 ||
           std::strncmp(text.c_str(), line, compared) == 0;
  };
  if (is("pmem", "pmem\n"))
    mode_ = InfoBlockMode::kPmem;
  else if (is("ram", "ram\n"))
    mode_ = InfoBlockMode::kRam;
  else if (is("none", "none\n"))
    mode_ = InfoBlockMode::kNone;
  else
    return Refusal(EINVAL, "claim.mode",
                   absl::StrCat("mode of ", name(), ": write none, ram or pmem"));
  return absl::OkStatus();
}

absl::Status PfnDevice::SetAlign(absl::string_view text) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckUnbound("align"));
  ASSIGN_OR_RETURN(align_, ParseChoice(text, kSupportedAligns));
  return absl::OkStatus();
}

absl::StatusOr<InfoBlockView> PfnDevice::FindOrMakeBlock(Media& media) {
  engine().AssertLocked();
  const InfoBlockWish wish{.configured = true, .uuid = uuid(), .mode = mode_, .align = align_};
  const auto found = ReadBlockOf(*ns(), media, is_dax(), wish);
  if (found.ok() || ErrnoOf(found.status()) != ENODEV) return found;
  if (region().read_only())
    return Refusal(ENXIO, "region.read_only",
                   absl::StrCat(region().name(), " is read-only, so no info block can be made"));
  ASSIGN_OR_RETURN(const InfoBlock block,
                   MakeInfoBlock(is_dax(), uuid(), ns()->uuid(), ns()->spa(), mode_, align_));
  RETURN_IF_ERROR(WriteInfoBlock(media, block));
  return ReadBlockOf(*ns(), media, is_dax(), wish);
}

absl::Status PfnDevice::Probe() {
  engine().AssertLocked();
  const std::string what = absl::StrCat("enable ", name());
  RETURN_IF_ERROR(CheckNamespace(what));
  if (uuid().is_nil())
    return Refusal(ENODEV, "claim.no_uuid", absl::StrCat(what, ": write its uuid first"));
  ASSIGN_OR_RETURN(std::shared_ptr<Media> media, ns()->OpenMedia());
  const auto block = FindOrMakeBlock(*media);
  if (!block.ok()) return Annotate(block.status(), what);
  if (block->mode == InfoBlockMode::kRam && block->dataoff < kInfoBlockReserve)
    return Refusal(EINVAL, "info.dataoff",
                   absl::StrCat(what, ": data at ", block->dataoff, " overlaps the info block"));
  ASSIGN_OR_RETURN(const Range data, block->Data(ns()->size()));
  if (block->mode == InfoBlockMode::kPmem && !region().read_only()) {
    const absl::Status cleared = ClearBadPageStructs(*media, data.start);
    if (!cleared.ok()) return Annotate(cleared, absl::StrCat(what, ": bad bytes in its page map"));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<Media> slice, MediaSlice::Make(std::move(media), data));
  data_ = data;
  if (is_dax())
    dax_ = DaxInstance::Attach(nd().dax_bus(), *this,
                               absl::StrCat("dax", region().id(), ".", ns()->id()),
                               std::move(slice), *region().source().media, ns()->Aliases(uuid()));
  else
    disk_ = Disk::Attach(*this, ns()->DiskName(), std::move(slice), *region().source().media,
                         {.block_size = ns()->block_size(),
                          .dax = true,
                          .fua = region().source().deep_flush,
                          .flushes_caches = region().flushes_caches(),
                          .aliases = ns()->Aliases(uuid())});
  ns()->DisksFollowRegion();
  return absl::OkStatus();
}

void PfnDevice::Remove() {
  engine().AssertLocked();
  if (disk_ != nullptr) disk_->Detach();
  if (dax_ != nullptr) dax_->Detach();
  disk_.reset();
  dax_.reset();
  data_.reset();
}

DataNode* PfnDevice::node() const {
  engine().AssertLocked();
  if (disk_ != nullptr) return &disk_->node();
  return dax_ == nullptr ? nullptr : dax_->node();
}

bool PfnDevice::Accepts(ClaimClass claim_class) const {
  return claim_class == ClaimClass::kNone ||
         claim_class == (is_dax() ? ClaimClass::kDax : ClaimClass::kPfn);
}

void PfnDevice::Reset() {
  engine().AssertLocked();
  uuid_ = Uuid();
  mode_ = InfoBlockMode::kNone;
}

std::string PfnDevice::modalias() const {
  return is_dax() ? "nd:t7" : absl::StrCat("nd:t", region().nstype());
}

absl::Span<const Attribute> PfnDevice::Table() { return kPfnAttributes; }

}  // namespace nvdimmfs::core
