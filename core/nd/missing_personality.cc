// SPDX-License-Identifier: Apache-2.0
#include "core/nd/missing_personality.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/info_blocks/info_block.h"
#include "core/nd/pfn_device.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::core {
namespace {

std::string Sentence(const Namespace& ns, absl::string_view claim, absl::string_view why) {
  return absl::StrCat(ns.name(), " is shown raw: ", claim, ", but ", why,
                      "; run `nvdimmfs check` before writing to it");
}

// The 16 bytes at a signature's offset. Empty if they cannot be read.
class Signature {
 public:
  Signature(const Media& media, uint64_t offset)
      : readable_(media.Peek(offset, absl::MakeSpan(bytes_)).ok()) {}
  absl::Span<const std::byte> bytes() const {
    return readable_ ? absl::MakeConstSpan(bytes_) : absl::Span<const std::byte>();
  }

 private:
  std::array<std::byte, SectorLayer::kSignatureSize> bytes_;
  bool readable_;
};

// The label names none: looks for remains of a personality.
std::string Remains(const Namespace& ns, const Media& media) {
  SectorLayer& layer = ns.nd().sector_layer();
  const auto is_btt = [&](uint64_t offset) {
    return layer.IsSignature(Signature(media, offset).bytes());
  };
  if (is_btt(layer.SignatureOffset(ClaimClass::kBtt))) {
    const absl::Status why = layer.Probe(media, ClaimClass::kBtt, ns.uuid()).status();
    const bool foreign = why.ok() || ReasonOf(why) == "btt.info.parent";
    return foreign ? "" : Sentence(ns, "it holds a BTT", why.message());
  }
  if (HasBttCopy(ns, media))
    return Sentence(ns, "the copy of a BTT's info block is at its end",
                    "the info block itself is gone");
  if (!IsInfoBlockSignature(Signature(media, kInfoBlockOffset).bytes())) return "";
  for (const DeviceKind* kind : {&NdKind::kPfn, &NdKind::kDax}) {
    const absl::Status why = PfnDevice::Detect(ns, *kind).status();
    if (ReasonOf(why) == "info.checksum")
      return Sentence(ns, "it holds the info block of fsdax or devdax", why.message());
  }
  return "";
}

}  // namespace

uint64_t BttCopyOffset(const Namespace& ns) {
  return RoundDown(ns.size(), kBttCopySize) - kBttCopySize;
}

bool HasBttCopy(const Namespace& ns, const Media& media) {
  return ns.nd().sector_layer().IsSignature(Signature(media, BttCopyOffset(ns)).bytes());
}

std::string MissingPersonality(const Namespace& ns, const Media& media) {
  switch (ns.claim_class()) {
    case ClaimClass::kBtt:
    case ClaimClass::kBtt2:
      return Sentence(
          ns, "its label says that it is a BTT (mode sector)",
          ns.nd().sector_layer().Probe(media, ns.claim_class(), ns.uuid()).status().message());
    case ClaimClass::kPfn:
      return Sentence(ns, "its label says fsdax",
                      PfnDevice::Detect(ns, NdKind::kPfn).status().message());
    case ClaimClass::kDax:
      return Sentence(ns, "its label says devdax",
                      PfnDevice::Detect(ns, NdKind::kDax).status().message());
    case ClaimClass::kUnknown:
      return Sentence(ns, "its label reserves it for a personality",
                      "the label's abstraction GUID is unknown");
    case ClaimClass::kNone:
      return ns.size() < kMinClaimSize ? "" : Remains(ns, media);
  }
  return "";
}

}  // namespace nvdimmfs::core
