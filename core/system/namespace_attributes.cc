// SPDX-License-Identifier: Apache-2.0
// namespace0.0, with labels and without.
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/event.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/common_attributes.h"
#include "core/model/data_faults.h"
#include "core/model/data_node.h"
#include "core/nd/namespace.h"
#include "core/nd/region.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

Namespace& AsNamespace(Device& device) { return static_cast<Namespace&>(device); }

Text ShowSize(Device& device) { return absl::StrCat(AsNamespace(device).size(), "\n"); }

absl::Status StoreSize(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const uint64_t size, ParseUnsigned(text));
  return AsNamespace(device).SetSize(size);
}

Text ShowResource(Device& device) {
  const Namespace& ns = AsNamespace(device);
  if (ns.size() == 0)
    return Refusal(ENXIO, "namespace.empty", absl::StrCat(ns.name(), " has no space allocated"));
  return FormatHex(ns.spa().start) + "\n";
}

Text ShowNstype(Device& device) {
  return absl::StrCat(AsNamespace(device).region().nstype(), "\n");
}

Text ShowMode(Device& device) { return absl::StrCat(AsNamespace(device).mode(), "\n"); }

Text ShowHolder(Device& device) {
  const Claim* claim = AsNamespace(device).claim();
  return absl::StrCat(claim == nullptr ? "" : claim->claim_name(), "\n");
}

Text ShowHolderClass(Device& device) {
  switch (AsNamespace(device).claim_class()) {
    case ClaimClass::kNone:
      return std::string("\n");
    case ClaimClass::kBtt:
    case ClaimClass::kBtt2:
      return std::string("btt\n");
    case ClaimClass::kPfn:
      return std::string("pfn\n");
    case ClaimClass::kDax:
      return std::string("dax\n");
    default:
      return std::string("<unknown>\n");
  }
}

absl::Status StoreHolderClass(Device& device, absl::string_view text) {
  Namespace& ns = AsNamespace(device);
  RETURN_IF_ERROR(ns.CheckUnclaimedAndUnbound("holder_class"));
  if (IsWord(text, "btt")) {
    ASSIGN_OR_RETURN(const ClaimClass btt, ns.BttClass());
    return ns.SetClaimClass(btt);
  }
  if (IsWord(text, "pfn")) return ns.SetClaimClass(ClaimClass::kPfn);
  if (IsWord(text, "dax")) return ns.SetClaimClass(ClaimClass::kDax);
  if (IsWord(text, "")) return ns.SetClaimClass(ClaimClass::kNone);
  return Refusal(
      EINVAL, "namespace.holder_class",
      absl::StrCat("holder_class of ", ns.name(), ": write btt, pfn, dax or an empty line"));
}

Text ShowForceRaw(Device& device) {
  return std::string(AsNamespace(device).force_raw() ? "1\n" : "0\n");
}

absl::Status StoreForceRaw(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool force_raw, ParseBool(text, device.engine().kernel()));
  AsNamespace(device).SetForceRaw(force_raw);
  return absl::OkStatus();
}

Text ShowUuid(Device& device) {
  const Namespace& ns = AsNamespace(device);
  return absl::StrCat(ns.has_uuid() ? ns.uuid().ToString() : "", "\n");
}

absl::Status StoreUuid(Device& device, absl::string_view text) {
  Namespace& ns = AsNamespace(device);
  RETURN_IF_ERROR(ns.CheckUnclaimedAndUnbound("uuid"));
  ASSIGN_OR_RETURN(const Uuid uuid, ParseUuid(text));
  return ns.SetUuid(uuid);
}

Text ShowAltName(Device& device) { return absl::StrCat(AsNamespace(device).alt_name(), "\n"); }

absl::Status StoreAltName(Device& device, absl::string_view text) {
  return AsNamespace(device).SetAltName(text);
}

Text ShowSectorSize(Device& device) {
  return FormatChoices(kNamespaceSectorSizes, AsNamespace(device).lbasize());
}

absl::Status StoreSectorSize(Device& device, absl::string_view text) {
  Namespace& ns = AsNamespace(device);
  RETURN_IF_ERROR(ns.CheckUnclaimedAndUnbound("sector_size"));
  ASSIGN_OR_RETURN(const uint64_t size, ParseChoice(text, kNamespaceSectorSizes));
  return ns.SetSectorSize(size);
}

Text ShowDpaExtents(Device& device) {
  return absl::StrCat(AsNamespace(device).CountExtents(), "\n");
}

constexpr Attribute kForceRaw = {.name = "force_raw",
                                 .mode = 0644,
                                 .show = ShowForceRaw,
                                 .store = StoreForceRaw,
                                 .summary = "1: the next bind ignores info blocks on the media",
                                 .grammar = Grammar::kBool,
                                 .refusals = "input.syntax"};
constexpr Attribute kHolder = {
    .name = "holder", .show = ShowHolder, .summary = "the btt, pfn or dax that claims it"};
constexpr Attribute kHolderClass = {.name = "holder_class",
                                    .mode = 0644,
                                    .show = ShowHolderClass,
                                    .store = StoreHolderClass,
                                    .summary = "the one kind of device that may claim it",
                                    .grammar = "btt | pfn | dax | an empty line",
                                    .refusals = "namespace.* region.* dimm.* label.* media.*"};
constexpr Attribute kMode = {
    .name = "mode", .show = ShowMode, .summary = "raw, safe (btt), memory (pfn) or dax"};
constexpr Attribute kNstype = {.name = "nstype", .show = ShowNstype, .summary = "as the region's"};
constexpr Attribute kResource = {
    .name = "resource", .mode = 0400, .show = ShowResource, .summary = "system physical address"};

absl::Status NotEnabled(const Device& device, absl::string_view what) {
  return Refusal(ENXIO, "namespace.disabled",
                 absl::StrCat(what, " of ", device.name(),
                              ": it is not enabled, so nothing is read or written"));
}

Text ShowStats(Device& device) {
  const DataNode* node = AsNamespace(device).node();
  if (node == nullptr) return NotEnabled(device, "x/stats");
  const auto faults = FaultsOf(*node);
  return absl::StrCat(node->counts().Text(), faults == nullptr ? "" : faults->CountsText());
}

Text ShowFaults(Device& device) {
  const DataNode* node = AsNamespace(device).node();
  const auto faults = node == nullptr ? nullptr : FaultsOf(*node);
  return absl::StrCat(faults == nullptr ? "none" : faults->rules().Text(), "\n");
}

absl::Status StoreFaults(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(FaultRules rules, FaultRules::Parse(text));
  DataNode* node = AsNamespace(device).node();
  if (node == nullptr) return NotEnabled(device, "x/faults");
  const std::string rules_text = rules.Text();
  const bool ended = rules.rules.empty();
  RETURN_IF_ERROR(SetFaults(*node, std::move(rules)));
  Report(Event::kFaultsSet, device.name(), ended ? "faults.ended" : "",
         absl::StrCat("the faults of dev/", node->name(),
                      " are from now on: ", ended ? "none" : rules_text));
  // Pages that the kernel has cached would hide the faults.
  device.engine().NotifyDataChanged(absl::StrCat("dev/", node->name()));
  return absl::OkStatus();
}

constexpr Attribute kFaults = {
    .name = "x/faults",
    .mode = 0644,
    .show = ShowFaults,
    .store = StoreFaults,
    .summary =
        "the faults that are injected into I/O on its data file, until it is disabled; "
        "none: no faults",
    .grammar =
        "none | [OPERATIONS:]latency=TIME[..TIME][@RATE] eio=RATE eio=OFFSET+LENGTH "
        "enospc=RATE space=SIZE torn=RATE poison=OFFSET+LENGTH seed=NUMBER",
    .refusals = "faults.* namespace.disabled data.on_loan media.*"};

constexpr Attribute kStats = {.name = "x/stats",
                              .show = ShowStats,
                              .summary = "reads and writes of its data file since it was enabled"};

Text ShowHolders(Device& device) {
  const DataNode* node = AsNamespace(device).node();
  return absl::StrCat(node == nullptr ? 0 : node->holders(), "\n");
}

constexpr Attribute kHolders = {
    .name = "x/holders", .show = ShowHolders, .summary = "how many times its data file is open"};

constexpr Attribute kWhole[] = {
    kDevtypeAttribute,
    kForceRaw,
    kHolder,
    kHolderClass,
    kModaliasAttribute,
    kMode,
    kNstype,
    kNumaNodeAttribute,
    kResource,
    {.name = "size", .show = ShowSize, .summary = "bytes: the whole region"},
    kTargetNodeAttribute,
    kUeventAttribute,
    kFaults,
    kHolders,
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
    kStats,
};

constexpr Attribute kLabelled[] = {
    {.name = "alt_name",
     .mode = 0644,
     .show = ShowAltName,
     .store = StoreAltName,
     .summary = "a name, kept in the label",
     .grammar = "up to 63 bytes",
     .refusals = "namespace.* region.* dimm.* label.* media.*"},
    kDevtypeAttribute,
    {.name = "dpa_extents",
     .show = ShowDpaExtents,
     .summary = "extents of DPA that it has, over all DIMMs"},
    kForceRaw,
    kHolder,
    kHolderClass,
    kModaliasAttribute,
    kMode,
    kNstype,
    kNumaNodeAttribute,
    kResource,
    {.name = "sector_size",
     .mode = 0644,
     .show = ShowSectorSize,
     .store = StoreSectorSize,
     .summary = "logical block size of the raw disk, bytes",
     .grammar = "512 | 4096",
     .refusals = "namespace.* region.* dimm.* input.* label.* media.*"},
    {.name = "size",
     .mode = 0644,
     .show = ShowSize,
     .store = StoreSize,
     .summary = "bytes; a write allocates, resizes or, with 0, deletes",
     .grammar = Grammar::kUnsigned,
     .refusals = "namespace.* region.* dimm.* dpa.* input.* label.* media.*"},
    kTargetNodeAttribute,
    kUeventAttribute,
    {.name = "uuid",
     .mode = 0644,
     .show = ShowUuid,
     .store = StoreUuid,
     .summary = "names it in labels; write it first",
     .grammar = Grammar::kUuid,
     .refusals = "namespace.* region.* dimm.* input.syntax label.* media.*"},
    kFaults,
    kHolders,
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
    kStats,
};

}  // namespace

absl::Span<const Attribute> LabelledNamespaceAttributes() { return kLabelled; }
absl::Span<const Attribute> WholeNamespaceAttributes() { return kWhole; }

}  // namespace nvdimmfs::core
