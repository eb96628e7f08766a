// SPDX-License-Identifier: Apache-2.0
#include "core/nd/pmem_driver.h"

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/info_blocks/info_block.h"
#include "core/labels/claim_class.h"
#include "core/model/engine.h"
#include "core/nd/btt_device.h"
#include "core/nd/claim_device.h"
#include "core/nd/claim_factory.h"
#include "core/nd/missing_personality.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/pfn_device.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::core {
namespace {

// The bytes at which an info block may start. A BTT's and the others' are usually at the same
// offset, which is read once.
class Look {
 public:
  explicit Look(const Media& media) : media_(media) {}

  // Empty if they cannot be read.
  absl::Span<const std::byte> At(uint64_t offset) {
    if (offset_ != offset) readable_ = media_.Peek(offset, absl::MakeSpan(bytes_)).ok();
    offset_ = offset;
    return readable_ ? absl::MakeConstSpan(bytes_) : absl::Span<const std::byte>();
  }

 private:
  const Media& media_;
  std::optional<uint64_t> offset_;
  bool readable_ = false;
  std::array<std::byte, SectorLayer::kSignatureSize> bytes_;
};

// Creates the claim device for what was found; it then binds by itself. ENXIO: it took over.
absl::Status AdoptBtt(Namespace& ns, const SectorIdentity& found) {
  auto btt = std::static_pointer_cast<BttDevice>(AddClaimDevice(ns.region(), NdKind::kBtt));
  btt->Adopt(found);
  RETURN_IF_ERROR(btt->Attach(ns));
  ns.engine().AutoProbe(*btt);
  return Refusal(ENXIO, "namespace.claimed",
                 absl::StrCat(ns.name(), " carries a BTT; ", btt->name(), " took it over"));
}

// OK: there was none. EOPNOTSUPP: there is one, but it cannot be used.
absl::Status AdoptPfn(Namespace& ns, const DeviceKind& kind) {
  const auto found = PfnDevice::Detect(ns, kind);
  // Only an existing but unusable block stops the search.
  if (!found.ok() && ErrnoOf(found.status()) == EOPNOTSUPP) return found.status();
  if (!found.ok()) return absl::OkStatus();
  auto pfn = std::static_pointer_cast<PfnDevice>(AddClaimDevice(ns.region(), kind));
  pfn->Adopt(*found);
  RETURN_IF_ERROR(pfn->Attach(ns));
  ns.engine().AutoProbe(*pfn);
  return Refusal(ENXIO, "namespace.claimed",
                 absl::StrCat(ns.name(), " carries an info block; ", pfn->name(), " took it over"));
}

absl::Status DetectBtt(Namespace& ns, const Media& media, Look& look) {
  switch (ns.claim_class()) {
    case ClaimClass::kNone:
    case ClaimClass::kBtt:
    case ClaimClass::kBtt2:
      break;
    default:
      return absl::OkStatus();
  }
  if (ns.size() < kMinClaimSize) return absl::OkStatus();
  const ClaimClass layout =
      ns.claim_class() == ClaimClass::kBtt2 ? ClaimClass::kBtt2 : ClaimClass::kBtt;
  SectorLayer& layer = ns.nd().sector_layer();
  if (!layer.IsSignature(look.At(layer.SignatureOffset(layout)))) return absl::OkStatus();
  const auto found = layer.Probe(media, layout, ns.uuid());
  if (!found.ok()) return absl::OkStatus();
  return AdoptBtt(ns, *found);
}

absl::Status DetectPfn(Namespace& ns, const DeviceKind& kind) {
  const ClaimClass own = kind == NdKind::kPfn ? ClaimClass::kPfn : ClaimClass::kDax;
  if (ns.claim_class() != ClaimClass::kNone && ns.claim_class() != own) return absl::OkStatus();
  return AdoptPfn(ns, kind);
}

// OK: the media has no personality, attach raw. ENXIO: one was found and took over.
absl::Status DetectPersonality(Namespace& ns, const Media& media) {
  if (ns.force_raw()) return absl::OkStatus();
  Look look(media);
  RETURN_IF_ERROR(DetectBtt(ns, media, look));
  if (!IsInfoBlockSignature(look.At(kInfoBlockOffset))) return absl::OkStatus();
  RETURN_IF_ERROR(DetectPfn(ns, NdKind::kPfn));
  return DetectPfn(ns, NdKind::kDax);
}

absl::Status ProbeNamespace(Namespace& ns) {
  const std::string what = absl::StrCat("enable ", ns.name());
  if (ns.claim() != nullptr)
    return Refusal(
        ENXIO, "namespace.claimed",
        absl::StrCat(what, ": claimed by ", ns.claim()->claim_name(), "; bind that instead"));
  if (ns.region().locked() || ns.size() < Namespace::kLeastSize) return ns.CheckUsable(what);
  RETURN_IF_ERROR(ns.CheckRange(what));
  RETURN_IF_ERROR(ns.CheckUsable(what));
  ASSIGN_OR_RETURN(std::shared_ptr<Media> media, ns.OpenMedia());
  RETURN_IF_ERROR(DetectPersonality(ns, *media));
  if (std::string missing = ns.force_raw() ? "" : MissingPersonality(ns, *media); !missing.empty())
    ns.set_last_error(LastError::OfNote(std::move(missing), ""));
  ns.AttachDisk(std::move(media));
  return absl::OkStatus();
}

}  // namespace

absl::Status ProbePmem(Device& device) {
  if (device.kind() == NdKind::kNamespace) return ProbeNamespace(static_cast<Namespace&>(device));
  return static_cast<ClaimDevice&>(device).Probe();
}

void RemovePmem(Device& device) {
  if (device.kind() == NdKind::kNamespace)
    static_cast<Namespace&>(device).DetachDisk();
  else
    static_cast<ClaimDevice&>(device).Remove();
}

}  // namespace nvdimmfs::core
