// SPDX-License-Identifier: Apache-2.0
#include "tools/list/listing_filter.h"

#include <cerrno>
#include <cstdio>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::tools {
namespace {

using core::NdKind;

std::vector<std::string> Words(absl::string_view text) {
  return absl::StrSplit(text, ' ', absl::SkipEmpty());
}

// Words separated by blanks; each names devices, or is "all". A number counts only as the first
// word.
bool Means(const std::optional<std::string>& text, absl::string_view name, absl::string_view prefix,
           absl::string_view other_name = {}) {
  if (!text) return true;
  const std::vector<std::string> words = Words(*text);
  for (const std::string& word : words)
    if (word == "all" || word == name || (!other_name.empty() && word == other_name)) return true;
  if (words.empty()) return false;
  const absl::StatusOr<uint64_t> number = core::ParseUnsigned(words[0]);
  return number.ok() && name == absl::StrCat(prefix, *number);
}

bool MeansNamespace(const std::optional<std::string>& text, absl::string_view name) {
  if (!text) return true;
  for (const std::string& word : Words(*text)) {
    if (word == "all" || word == name) return true;
    int region, number;
    if (std::sscanf(word.c_str(), "%9d.%9d", &region, &number) == 2 &&
        name == absl::StrCat("namespace", region, ".", number))
      return true;
  }
  return false;
}

struct ModeName {
  absl::string_view typed, kernel;
};
constexpr ModeName kModes[] = {{"raw", "raw"},      {"sector", "safe"},   {"safe", "safe"},
                               {"fsdax", "memory"}, {"memory", "memory"}, {"devdax", "dax"},
                               {"dax", "dax"}};

absl::Status Bad(absl::string_view reason, absl::string_view what, absl::string_view value,
                 absl::string_view wanted) {
  return core::Refusal(EINVAL, reason, absl::StrCat(what, " \"", value, "\": must be ", wanted));
}

}  // namespace

absl::StatusOr<ListingFilter> ListingFilter::Make(const FilterTexts& texts) {
  ListingFilter filter;
  filter.texts_ = texts;
  if (texts.mode) {
    for (const ModeName& mode : kModes)
      if (absl::EqualsIgnoreCase(*texts.mode, mode.typed)) filter.set_mode(mode.kernel);
    if (!filter.mode_)
      return Bad("list.mode", "--mode", *texts.mode, "raw, sector, fsdax or devdax");
  }
  if (texts.type && *texts.type != "pmem" && *texts.type != "blk")
    return Bad("list.type", "--type", *texts.type, "pmem or blk");
  if (texts.numa_node && *texts.numa_node != "all") {
    const auto node = core::ParseSigned(absl::StripLeadingAsciiWhitespace(*texts.numa_node));
    if (!node.ok())
      return Bad("list.numa_node", "--numa-node", *texts.numa_node, "a number or all");
    // -1 is the kernel's value for no node; it filters nothing.
    if (*node != -1) filter.node_ = *node;
  }
  return filter;
}

bool Maps(const core::DeviceView& region, absl::string_view dimm) {
  const uint64_t mappings = region.Number("mappings").value_or(0);
  for (uint64_t i = 0; i < mappings; ++i)
    if (absl::StartsWith(region.Text(absl::StrCat("mapping", i)).value_or(""),
                         absl::StrCat(dimm, ",")))
      return true;
  return false;
}

bool ListingFilter::HasDimm(const core::DeviceView& region) const {
  if (!texts_.dimm) return true;
  for (const core::DeviceView& dimm :
       core::DeviceView(*region.device().parent()).Children(NdKind::kDimm))
    if (Means(texts_.dimm, dimm.name(), "nmem") && Maps(region, dimm.name())) return true;
  return false;
}

bool ListingFilter::HasNamespace(const core::DeviceView& region) const {
  if (!texts_.ns) return true;
  for (const core::DeviceView& ns : region.Children(NdKind::kNamespace))
    if (MeansNamespace(texts_.ns, ns.name())) return true;
  return false;
}

bool ListingFilter::OnNode(const core::DeviceView& device) const {
  return !node_ || device.Node("numa_node") == node_;
}

bool ListingFilter::Takes(const core::DeviceView& bus) const {
  if (!Means(texts_.bus, bus.name(), "ndbus", bus.Text("provider").value_or(""))) return false;
  bool dimm_found = !texts_.dimm;
  for (const core::DeviceView& dimm : bus.Children(NdKind::kDimm))
    dimm_found = dimm_found || Means(texts_.dimm, dimm.name(), "nmem");
  bool region_found = !texts_.region;
  bool namespace_found = !texts_.ns;
  for (const core::DeviceView& region : bus.Children(NdKind::kRegion)) {
    region_found = region_found || Means(texts_.region, region.name(), "region");
    namespace_found = namespace_found || HasNamespace(region);
  }
  return dimm_found && region_found && namespace_found;
}

bool ListingFilter::TakesDimm(const core::DeviceView& bus, const core::DeviceView& dimm) const {
  if (!Means(texts_.dimm, dimm.name(), "nmem")) return false;
  // Each of the filters by region may be met by another region that the DIMM is part of.
  bool region_found = !texts_.region;
  bool namespace_found = !texts_.ns;
  bool node_found = !node_;
  for (const core::DeviceView& region : bus.Children(NdKind::kRegion)) {
    if (!Maps(region, dimm.name())) continue;
    region_found = region_found || Means(texts_.region, region.name(), "region");
    namespace_found = namespace_found || HasNamespace(region);
    node_found = node_found || OnNode(region);
  }
  return region_found && namespace_found && node_found;
}

bool ListingFilter::TakesRegion(const core::DeviceView& region) const {
  // Regions of type blk no longer exist.
  return Means(texts_.region, region.name(), "region") && HasDimm(region) && HasNamespace(region) &&
         OnNode(region) && texts_.type.value_or("pmem") == "pmem";
}

bool ListingFilter::TakesNamespace(const core::DeviceView& ns) const {
  return MeansNamespace(texts_.ns, ns.name()) && (!mode_ || ns.Text("mode") == mode_);
}

}  // namespace nvdimmfs::tools
