#include "core/dpa_map.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/claim_device.h"
#include "core/namespace.h"
#include "core/region.h"

namespace nvdimmfs::core {
namespace {

void AddLine(std::string& text, const Range& dpa, absl::string_view owner) {
  absl::StrAppendFormat(&text, "  0x%012x-0x%012x %15u  %s\n", dpa.start, dpa.end() - 1, dpa.size,
                        owner);
}

std::string OwnerOf(const Region& region, const Uuid& uuid) {
  for (const Namespace* ns : region.Namespaces())
    if (ns->uuid() == uuid)
      return absl::StrCat(ns->name(), " ", ns->mode(), ns->alt_name().empty() ? "" : " ",
                          ns->alt_name());
  return absl::StrCat("uuid ", uuid.ToString(), " (no namespace here)");
}

void DrawMapping(std::string& text, const Region& region, const Mapping& mapping) {
  absl::StrAppend(&text, mapping.dimm->name(), ": ", mapping.dpa.size, " bytes of ", region.name(),
                  "\n");
  if (mapping.dimm->source().missing) {
    AddLine(text, mapping.dpa, "missing");
    return;
  }
  const DimmData* data = mapping.dimm->data().get();
  if (data == nullptr || region.nstype() != 5) {
    AddLine(text, mapping.dpa, "label-less");
    return;
  }
  uint64_t at = mapping.dpa.start;
  for (const DpaExtent& extent : data->space.extents()) {
    if (extent.dpa.start > at && extent.dpa.start <= mapping.dpa.end())
      AddLine(text, {at, extent.dpa.start - at}, "free");
    AddLine(text, extent.dpa, OwnerOf(region, extent.owner));
    at = std::max(at, extent.dpa.end());
  }
  if (at < mapping.dpa.end()) AddLine(text, {at, mapping.dpa.end() - at}, "free");
}

}  // namespace

std::string DrawDpaMap(const Region& region) {
  std::string text;
  if (region.mappings().empty()) {
    absl::StrAppend(&text, region.name(), ": ", region.size(), " bytes without a DIMM\n");
    AddLine(text, {0, region.size()}, "label-less");
  }
  for (const Mapping& mapping : region.mappings()) DrawMapping(text, region, mapping);
  return text;
}

}  // namespace nvdimmfs::core
