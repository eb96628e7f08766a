// SPDX-License-Identifier: Apache-2.0
#include "core/services/dpa_map.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/utf8.h"
#include "core/nd/claim_device.h"
#include "core/nd/namespace.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {
namespace {

// The region's namespaces by uuid; the first of those that share one.
using Owners = absl::flat_hash_map<Uuid, const Namespace*>;

Owners OwnersIn(const Region& region) {
  Owners owners;
  for (const Namespace* ns : NamespacesOf(region)) owners.emplace(ns->uuid(), ns);
  return owners;
}

DpaPart OwnedPart(const Owners& owners, const Range& dpa, const Uuid& uuid) {
  DpaPart part = {.dpa = dpa, .use = DpaUse::kNamespace, .owner = uuid.ToString()};
  if (const auto owner = owners.find(uuid); owner != owners.end()) {
    const Namespace* ns = owner->second;
    part.what = absl::StrCat(ns->name(), " ", ns->mode(), ns->alt_name().empty() ? "" : " ",
                             EscapeName(ns->alt_name()));
    return part;
  }
  part.what = absl::StrCat("uuid ", part.owner, " (no namespace here)");
  return part;
}

DpaPart FreePart(const Range& dpa) { return {.dpa = dpa, .use = DpaUse::kFree, .what = "free"}; }

std::vector<DpaPart> PartsOf(const Region& region, const Owners& owners, const Mapping& mapping) {
  const Range& all = mapping.dpa;
  if (mapping.dimm->source().missing)
    return {{.dpa = all, .use = DpaUse::kMissing, .what = "missing"}};
  const DimmData* data = mapping.dimm->data().get();
  if (data == nullptr || region.nstype() != 5)
    return {{.dpa = all, .use = DpaUse::kLabelless, .what = "label-less"}};
  std::vector<DpaPart> parts;
  uint64_t at = all.start;
  for (const DpaExtent& extent : data->space.extents()) {
    // The DIMM may have bytes in other regions.
    const uint64_t start = std::max(extent.dpa.start, at);
    const uint64_t end = std::min(extent.dpa.end(), all.end());
    if (start >= end) continue;
    if (start > at) parts.push_back(FreePart({at, start - at}));
    parts.push_back(OwnedPart(owners, {start, end - start}, extent.owner));
    at = end;
  }
  if (at < all.end()) parts.push_back(FreePart({at, all.end() - at}));
  return parts;
}

}  // namespace

std::vector<DpaBar> MapDpa(const Region& region) {
  if (region.mappings().empty()) {
    const Range all = {0, region.size()};
    return {{.title = absl::StrCat(region.name(), ": ", region.size(), " bytes without a DIMM"),
             .dpa = all,
             .parts = {{.dpa = all, .use = DpaUse::kLabelless, .what = "label-less"}}}};
  }
  const Owners owners = OwnersIn(region);
  std::vector<DpaBar> bars;
  for (const Mapping& mapping : region.mappings())
    bars.push_back({.title = absl::StrCat(mapping.dimm->name(), ": ", mapping.dpa.size,
                                          " bytes of ", region.name()),
                    .dpa = mapping.dpa,
                    .parts = PartsOf(region, owners, mapping)});
  return bars;
}

std::string DrawDpaMap(const Region& region) {
  std::string text;
  for (const DpaBar& bar : MapDpa(region)) {
    absl::StrAppend(&text, bar.title, "\n");
    for (const DpaPart& part : bar.parts)
      absl::StrAppendFormat(&text, "  0x%012x-0x%012x %15u  %s\n", part.dpa.start,
                            part.dpa.end() - 1, part.dpa.size, part.what);
  }
  return text;
}

}  // namespace nvdimmfs::core
