// SPDX-License-Identifier: Apache-2.0
// region0.
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/labels/dpa_svg.h"
#include "core/media/badblocks.h"
#include "core/model/common_attributes.h"
#include "core/model/engine.h"
#include "core/nd/claim_device.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/services/dpa_map.h"
#include "core/services/provision.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

Region& AsRegion(Device& device) { return static_cast<Region&>(device); }
const Region& AsRegion(const Device& device) { return static_cast<const Region&>(device); }

Text Line(uint64_t value) { return absl::StrCat(value, "\n"); }

absl::Status Disabled(const Region& region) {
  return Refusal(ENXIO, "region.disabled",
                 absl::StrCat(region.name(), " is disabled; enable it: echo ", region.name(),
                              " > bus/nd/drivers/nd_region/bind"));
}

Text ShowSize(Device& device) { return Line(AsRegion(device).size()); }
Text ShowResource(Device& device) { return FormatHex(AsRegion(device).source().spa.start) + "\n"; }
Text ShowNstype(Device& device) { return Line(AsRegion(device).nstype()); }
Text ShowMappings(Device& device) { return Line(AsRegion(device).mappings().size()); }
Text ShowAlign(Device& device) { return FormatHex(AsRegion(device).align()) + "\n"; }
Text ShowAvailableSize(Device& device) { return Line(AsRegion(device).AvailableSize()); }
Text ShowMaxExtent(Device& device) { return Line(AsRegion(device).MaxAvailableExtent()); }
Text ShowSetCookie(Device& device) { return FormatHex(AsRegion(device).set_cookie()) + "\n"; }
Text ShowReadOnly(Device& device) { return Line(AsRegion(device).read_only() ? 1 : 0); }
Text ShowRangeIndex(Device& device) { return Line(AsRegion(device).source().range_index); }
Text ShowDeepFlush(Device& device) { return Line(AsRegion(device).source().deep_flush ? 1 : 0); }

Text ShowPersistenceDomain(Device& device) {
  return std::string(AsRegion(device).source().persistence_domain == PersistenceDomain::kCpuCache
                         ? "cpu_cache\n"
                         : "memory_controller\n");
}

Text ShowInitNamespaces(Device& device) {
  const Region& region = AsRegion(device);
  if (!region.enabled()) return Disabled(region);
  return absl::StrCat(region.init_namespaces(), "/", region.init_namespaces(), "\n");
}

Text ShowBadblocks(Device& device) {
  const Region& region = AsRegion(device);
  if (!region.enabled()) return Disabled(region);
  return FormatBadblocks(region.source().media->BadRanges());
}

template <const DeviceKind& kind>
Text ShowSeed(Device& device) {
  const Device* seed = AsRegion(device).seed(kind);
  return absl::StrCat(seed == nullptr ? "" : seed->name(), "\n");
}

template <size_t n>
Text ShowMapping(Device& device) {
  const Mapping& mapping = AsRegion(device).mappings().at(n);
  return absl::StrCat(mapping.dimm->name(), ",", mapping.dpa.start, ",", mapping.dpa.size, ",",
                      mapping.position, "\n");
}

template <size_t n>
uint16_t HasMapping(const Device& device) {
  return n < AsRegion(device).mappings().size() ? 0444 : 0;
}

uint16_t HasSet(const Device& device) { return AsRegion(device).has_set() ? 0444 : 0; }

// Shown only with DIMMs: otherwise it is unknown whether there is anything to flush.
uint16_t DeepFlushMode(const Device& device) {
  if (AsRegion(device).mappings().empty()) return 0;
  return AsRegion(device).source().deep_flush ? 0644 : 0444;
}

uint16_t HasDomain(const Device& device) {
  return AsRegion(device).source().persistence_domain == PersistenceDomain::kUnknown ? 0 : 0444;
}

uint16_t HasNfit(const Device& device) { return AsRegion(device).has_nfit() ? 0444 : 0; }

absl::Status StoreAlign(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const uint64_t align, ParseUnsigned(text));
  return AsRegion(device).SetAlign(align);
}

absl::Status StoreDeepFlush(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool flush, ParseBool(text, device.engine().kernel()));
  Region& region = AsRegion(device);
  if (!flush)
    return Refusal(EINVAL, "region.deep_flush",
                   absl::StrCat("deep_flush of ", region.name(),
                                ": write 1 to flush now; it cannot be switched off"));
  const std::shared_ptr<Media> media = region.source().media;
  const absl::Status flushed = device.engine().WithoutLock([&] { return media->Flush(); });
  if (flushed.ok()) return flushed;
  return Refusal(EIO, ReasonOf(flushed),
                 absl::StrCat("deep flush of ", device.name(), ": ", flushed.message()));
}

absl::Status StoreReadOnly(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool read_only, ParseBool(text, device.engine().kernel()));
  Region& region = AsRegion(device);
  for (const Namespace* ns : NamespacesOf(region))
    if (read_only && ns->node() != nullptr && ns->node()->on_loan())
      return Refusal(
          EBUSY, "data.on_loan",
          absl::StrCat("read_only of ", region.name(), ": dev/", ns->node()->name(),
                       " is open through kernel passthrough, which would ignore it; close it "
                       "first, or mount with -o passthrough=off"));
  region.set_read_only(read_only);
  for (Namespace* ns : NamespacesOf(region)) ns->DisksFollowRegion();
  return absl::OkStatus();
}

Text ShowCreate(Device& device) {
  const std::string& name = AsRegion(device).last_created();
  return name.empty() ? std::string() : absl::StrCat(name, "\n");
}

absl::Status StoreCreate(Device& device, absl::string_view text) {
  return CreateNamespace(AsRegion(device), text);
}

absl::Status StoreDestroy(Device& device, absl::string_view text) {
  return DestroyNamespace(AsRegion(device), text);
}

Text ShowMap(Device& device) { return DrawDpaMap(AsRegion(device)); }
Text ShowPicture(Device& device) { return DrawDpaSvg(MapDpa(AsRegion(device))); }

constexpr Attribute kPlain[] = {
    {.name = "align",
     .mode = 0644,
     .show = ShowAlign,
     .store = StoreAlign,
     .summary = "sizes and starts of new namespaces are multiples of this, bytes",
     .grammar = Grammar::kUnsigned,
     .refusals = "region.align input.*"},
    {.name = "available_size",
     .show = ShowAvailableSize,
     .visible = HasSet,
     .summary = "free bytes"},
    {.name = "badblocks", .show = ShowBadblocks, .summary = "bad ranges, in 512-byte sectors"},
    {.name = "btt_seed", .show = ShowSeed<NdKind::kBtt>, .summary = "the btt to configure next"},
    {.name = "dax_seed", .show = ShowSeed<NdKind::kDax>, .summary = "the dax to configure next"},
    {.name = "deep_flush",
     .mode = 0644,
     .show = ShowDeepFlush,
     .store = StoreDeepFlush,
     .visible = DeepFlushMode,
     .summary = "1: writing 1 flushes the platform's buffers; 0: there are none",
     .grammar = "1",
     .refusals = "region.deep_flush input.syntax media.*"},
    kDevtypeAttribute,
    {.name = "init_namespaces",
     .show = ShowInitNamespaces,
     .summary = "namespaces registered/found when the region was enabled"},
    {.name = "mappings", .show = ShowMappings, .summary = "number of DIMMs in the interleave set"},
    {.name = "max_available_extent",
     .show = ShowMaxExtent,
     .summary = "bytes of the largest namespace that fits"},
    kModaliasAttribute,
    {.name = "namespace_seed",
     .show = ShowSeed<NdKind::kNamespace>,
     .summary = "the namespace to configure next"},
    {.name = "nfit/range_index",
     .show = ShowRangeIndex,
     .visible = HasNfit,
     .summary = "SPA range index of the NFIT"},
    {.name = "nstype",
     .show = ShowNstype,
     .summary = "4: one label-less namespace; 5: labelled namespaces"},
    kNumaNodeAttribute,
    {.name = "persistence_domain",
     .show = ShowPersistenceDomain,
     .visible = HasDomain,
     .summary = "what a store must reach to be durable: cpu_cache or memory_controller"},
    {.name = "pfn_seed", .show = ShowSeed<NdKind::kPfn>, .summary = "the pfn to configure next"},
    {.name = "read_only",
     .mode = 0644,
     .show = ShowReadOnly,
     .store = StoreReadOnly,
     .summary = "1: the disks of this region refuse writes",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax data.on_loan"},
    {.name = "resource", .mode = 0400, .show = ShowResource, .summary = "system physical address"},
    {.name = "set_cookie",
     .show = ShowSetCookie,
     .visible = HasSet,
     .summary = "identifies the interleave set in labels"},
    {.name = "size", .show = ShowSize, .summary = "bytes"},
    kTargetNodeAttribute,
    kUeventAttribute,
    {.name = "x/create",
     .mode = 0644,
     .show = ShowCreate,
     .store = StoreCreate,
     .summary =
         "one line makes one namespace, all or nothing; reads as the name of the last one made",
     .grammar = "KEY=VALUE ...; keys: size, mode, name, uuid, sector_size, align, map",
     .refusals = "create.* input.* namespace.* region.* dimm.* dpa.* btt.* claim.* driver.bound "
                 "info.* label.* labels.* media.* memory.*"},
    {.name = "x/destroy",
     .mode = 0200,
     .store = StoreDestroy,
     .summary = "disables the namespace, wipes its info blocks, frees its space",
     .grammar = "NAMESPACE",
     .refusals = "destroy.none namespace.* region.* dimm.* label.* labels.* media.*"},
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
    {.name = "x/map.svg", .show = ShowPicture, .summary = "x/map.txt as a picture"},
    {.name = "x/map.txt", .show = ShowMap, .summary = "which namespace owns which DPA"},
};

template <size_t... n>
constexpr auto MappingAttributes(std::index_sequence<n...>) {
  constexpr absl::string_view kNames[] = {
      "mapping0",  "mapping1",  "mapping2",  "mapping3",  "mapping4",  "mapping5",  "mapping6",
      "mapping7",  "mapping8",  "mapping9",  "mapping10", "mapping11", "mapping12", "mapping13",
      "mapping14", "mapping15", "mapping16", "mapping17", "mapping18", "mapping19", "mapping20",
      "mapping21", "mapping22", "mapping23", "mapping24", "mapping25", "mapping26", "mapping27",
      "mapping28", "mapping29", "mapping30", "mapping31"};
  return std::array<Attribute, sizeof...(n)>{
      Attribute{.name = kNames[n],
                .show = ShowMapping<n>,
                .visible = HasMapping<n>,
                .summary = "DIMM, DPA start, bytes, position in the set"}...};
}

constexpr auto kAll = [] {
  constexpr auto kMappings = MappingAttributes(std::make_index_sequence<32>());
  std::array<Attribute, std::size(kPlain) + kMappings.size()> all{};
  size_t at = 0;
  for (const Attribute& attribute : kPlain) all[at++] = attribute;
  for (const Attribute& attribute : kMappings) all[at++] = attribute;
  return all;
}();

}  // namespace

absl::Span<const Attribute> RegionAttributes() { return kAll; }

}  // namespace nvdimmfs::core
