// SPDX-License-Identifier: Apache-2.0
#include "core/labels/namespace_scan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/labels/interleave_set.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

// The labels of one mapping, and the starts of its extents, by namespace. An area may hold millions
// of labels, so nothing below iterates over all of them for each one.
struct Directory {
  explicit Directory(const ScanMapping& mapping);

  std::vector<const StoredLabel*> labels;         // those of one namespace in slot order
  std::vector<std::pair<Uuid, uint64_t>> starts;  // those of one namespace ascending
};

Directory::Directory(const ScanMapping& mapping) {
  labels.reserve(mapping.labels->labels().size());
  for (const StoredLabel& stored : mapping.labels->labels()) labels.push_back(&stored);
  std::stable_sort(labels.begin(), labels.end(), [](const StoredLabel* a, const StoredLabel* b) {
    return a->label.uuid < b->label.uuid;
  });
  starts.reserve(mapping.space->extents().size());
  for (const DpaExtent& extent : mapping.space->extents())
    if (mapping.dpa.Contains(extent.dpa.start)) starts.emplace_back(extent.owner, extent.dpa.start);
  std::sort(starts.begin(), starts.end());
}

// QEMU gives the DIMM in slot k this serial number + k, and this vendor.
constexpr uint32_t kQemuSerial = 0x123456, kQemuSlots = 256;
constexpr uint16_t kQemuVendor = 0x8086;

// The serial number of a single DIMM with this set cookie: a DIMM of QEMU's vendor without a
// manufacturing date, at region offset 0. Nothing if there is no such DIMM.
std::optional<uint32_t> SerialOfLoneDimm(uint64_t cookie, const LabelVersion& version) {
  // The lower half of a Fletcher sum is the plain sum of the words: the serial number and, in some
  // versions' cookies, the vendor.
  for (const uint32_t other_words : {uint32_t{0}, uint32_t{kQemuVendor}}) {
    const SetMember member{.serial = static_cast<uint32_t>(cookie) - other_words,
                           .vendor = kQemuVendor};
    if (version.CookieOf(ComputeSetCookies({&member, 1})) == cookie) return member.serial;
  }
  return std::nullopt;
}

// Describes the set of a label that does not belong to the region's, and how to see its namespace.
std::string DescribeForeignSet(const LabelVersion& version, const NamespaceLabel& label) {
  if (label.nlabel > 1)
    return absl::StrCat("a set of ", label.nlabel,
                        " DIMMs, which show it together, as one region of a topology file");
  const auto serial = SerialOfLoneDimm(label.isetcookie, version);
  if (!serial)
    return "the set of a DIMM of another maker, or of a region at another offset; a topology file "
           "can describe it";
  const std::string say = absl::StrCat("serial=0x", absl::Hex(*serial));
  if (*serial - kQemuSerial >= kQemuSlots)
    return absl::StrCat("that of the DIMM with this serial number: open it with ", say);
  const uint32_t slot = *serial - kQemuSerial;
  return absl::StrCat("that of the DIMM in QEMU's slot ", slot,
                      ". A guest shows it with -device nvdimm,slot=", slot, "; here open it with ",
                      say);
}

// One scan: its input, and its results so far.
class Scan {
 public:
  explicit Scan(const ScanRegion& region) : region_(region) {
    for (const ScanMapping& mapping : region.mappings) directories_.emplace_back(mapping);
  }

  absl::StatusOr<ScanResult> Run() {
    if (region_.mappings.empty()) return ScanResult{};
    for (const StoredLabel& stored : region_.mappings[0].labels->labels())
      RETURN_IF_ERROR(Consider(stored));
    ReportStrays();
    SortAsKernel();
    return std::move(result_);
  }

 private:
  absl::Status Consider(const StoredLabel& stored);
  absl::StatusOr<ScannedNamespace> Assemble(const Uuid& uuid) const;
  const StoredLabel* FindPosition(const Uuid& uuid, uint16_t position, uint64_t cookie) const;
  const StoredLabel* LabelOn(size_t mapping, const Uuid& uuid) const;
  absl::StatusOr<uint64_t> SpaStart(const NamespaceLabel& first) const;
  bool HasType(const ScanMapping& mapping, const NamespaceLabel& label) const;
  bool HasCookie(const ScanMapping& mapping, const NamespaceLabel& label) const;
  bool IsOf(const ScanMapping& mapping, const NamespaceLabel& label, uint64_t cookie) const;
  bool Knows(const Uuid& uuid) const { return known_.count(uuid) != 0; }
  absl::Span<const StoredLabel* const> LabelsOf(size_t mapping, const Uuid& uuid) const;
  void ReportStrays();
  void ReportUneven(const StoredLabel& first);
  void SortAsKernel();
  void Skip(const ScanMapping& mapping, const StoredLabel& stored, absl::string_view reason,
            absl::string_view why);
  absl::Status GiveUp(absl::string_view reason, const Uuid& uuid, absl::string_view why) const;

  const ScanRegion& region_;
  std::vector<Directory> directories_;  // one for each mapping
  absl::flat_hash_set<Uuid> known_;     // those in result_.namespaces
  ScanResult result_;
};

bool Scan::HasType(const ScanMapping& mapping, const NamespaceLabel& label) const {
  return mapping.labels->version().IsOfRangeType(label, region_.type_guid);
}

// Whether the label belongs to this set, by one of its cookies or by the region's uuid.
bool Scan::HasCookie(const ScanMapping& mapping, const NamespaceLabel& label) const {
  return IsOf(mapping, label, region_.cookie) ||
         (region_.alternate_cookie != 0 && IsOf(mapping, label, region_.alternate_cookie));
}

bool Scan::IsOf(const ScanMapping& mapping, const NamespaceLabel& label, uint64_t cookie) const {
  return mapping.labels->version().IsOfSet(label, cookie, region_.uuid);
}

absl::Span<const StoredLabel* const> Scan::LabelsOf(size_t mapping, const Uuid& uuid) const {
  const auto& labels = directories_[mapping].labels;
  const auto first = std::lower_bound(
      labels.begin(), labels.end(), uuid,
      [](const StoredLabel* stored, const Uuid& wanted) { return stored->label.uuid < wanted; });
  auto last = first;
  while (last != labels.end() && (*last)->label.uuid == uuid) ++last;
  return absl::MakeConstSpan(labels).subspan(static_cast<size_t>(first - labels.begin()),
                                             static_cast<size_t>(last - first));
}

void Scan::Skip(const ScanMapping& mapping, const StoredLabel& stored, absl::string_view reason,
                absl::string_view why) {
  result_.findings.push_back(
      {.reason = std::string(reason),
       .offset = mapping.labels->slot_offset(stored.slot),
       .sentence = absl::StrCat("label of namespace ", stored.label.uuid.ToString(), " in slot ",
                                stored.slot, " of ", mapping.dimm, " is not part of ", region_.name,
                                ": ", why)});
}

absl::Status Scan::GiveUp(absl::string_view reason, const Uuid& uuid, absl::string_view why) const {
  return Refusal(ENODEV, reason,
                 absl::StrCat("enable ", region_.name, ": namespace ", uuid.ToString(), ": ", why,
                              "; none of the region's namespaces can be used until its labels are "
                              "repaired or removed"));
}

// One label of mapping 0, in the kernel's order of tests.
absl::Status Scan::Consider(const StoredLabel& stored) {
  const ScanMapping& mapping = region_.mappings[0];
  const LabelVersion& version = mapping.labels->version();
  const NamespaceLabel& label = stored.label;
  if (!mapping.dpa.Contains(label.dpa)) {
    Skip(mapping, stored, "labels.outside",
         absl::StrCat("its DPA 0x", absl::Hex(label.dpa), " lies outside the region's mapping"));
    return absl::OkStatus();
  }
  if (Knows(label.uuid))
    return GiveUp(
        "labels.duplicate", label.uuid,
        absl::StrCat("a second label of it is in slot ", stored.slot, " of ", mapping.dimm));
  if (region_.cookie == 0 && version.has_cookie())
    return GiveUp("labels.cookie_zero", label.uuid,
                  "the region's interleave-set cookie is 0 (a device without serial number), so "
                  "that labels cannot be told apart from those of other sets");
  if (!HasCookie(mapping, label) && !version.has_cookie()) {
    Skip(mapping, stored, "labels.region",
         absl::StrCat("it belongs to region ", label.region_uuid.ToString(), " (this is ",
                      region_.uuid.ToString(), ")"));
    return absl::OkStatus();
  }
  if (!HasCookie(mapping, label)) {
    Skip(mapping, stored, "labels.cookie",
         absl::StrCat("its cookie 0x", absl::Hex(label.isetcookie),
                      " belongs to another set (this is 0x", absl::Hex(region_.cookie),
                      "): ", DescribeForeignSet(version, label)));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(ScannedNamespace ns, Assemble(label.uuid));
  ReportUneven(stored);
  known_.insert(label.uuid);
  result_.namespaces.push_back(std::move(ns));
  return absl::OkStatus();
}

// The label of `uuid` that states `position`, on any mapping; null if there is none, or if a
// mapping has two labels of the uuid before it.
const StoredLabel* Scan::FindPosition(const Uuid& uuid, uint16_t position, uint64_t cookie) const {
  for (size_t i = 0; i < region_.mappings.size(); ++i) {
    bool seen = false;
    for (const StoredLabel* stored : LabelsOf(i, uuid)) {
      const NamespaceLabel& label = stored->label;
      const ScanMapping& mapping = region_.mappings[i];
      if (!IsOf(mapping, label, cookie) || !HasType(mapping, label)) continue;
      if (std::exchange(seen, true)) return nullptr;
      const auto ways = mapping.labels->version().StatedWays(label);
      if (ways && *ways != region_.mappings.size()) continue;
      if (label.position != position) continue;
      return stored;
    }
  }
  return nullptr;
}

// The label that represents the namespace on one mapping.
const StoredLabel* Scan::LabelOn(size_t mapping, const Uuid& uuid) const {
  for (const StoredLabel* stored : LabelsOf(mapping, uuid)) {
    if (HasCookie(region_.mappings[mapping], stored->label) &&
        HasType(region_.mappings[mapping], stored->label))
      return stored;
  }
  return nullptr;
}

absl::StatusOr<ScannedNamespace> Scan::Assemble(const Uuid& uuid) const {
  const size_t width = region_.mappings.size();
  const StoredLabel* leader = nullptr;
  for (size_t position = 0; position < width; ++position) {
    const auto place = static_cast<uint16_t>(position);
    const StoredLabel* found = FindPosition(uuid, place, region_.cookie);
    if (found == nullptr && region_.alternate_cookie != 0)
      found = FindPosition(uuid, place, region_.alternate_cookie);
    if (found == nullptr)
      return GiveUp(
          "labels.missing", uuid,
          absl::StrCat("no DIMM has exactly one label for position ", position, " of ", width));
    if (position == 0) leader = found;
  }

  ScannedNamespace ns;
  for (size_t i = 0; i < width; ++i) {
    const ScanMapping& mapping = region_.mappings[i];
    const StoredLabel* stored = LabelOn(i, uuid);
    if (stored == nullptr)
      return GiveUp("labels.missing", uuid, absl::StrCat("it has no label on ", mapping.dimm));
    const NamespaceLabel& label = stored->label;
    const auto extent = MakeRange(label.dpa, label.rawsize);
    if (!extent || !mapping.dpa.Contains(label.dpa) || !mapping.dpa.Contains(*extent))
      return GiveUp(
          "labels.range", uuid,
          absl::StrCat("its extent on ", mapping.dimm, ", ", label.rawsize, " bytes at DPA 0x",
                       absl::Hex(label.dpa), ", leaves the region's mapping [0x",
                       absl::Hex(mapping.dpa.start), ", 0x", absl::Hex(mapping.dpa.end()), ")"));
    const auto size = CheckedAdd(ns.size, label.rawsize);
    if (!size) return GiveUp("labels.range", uuid, "its size does not fit in 64 bits");
    ns.size = *size;
    ns.slots.push_back(stored->slot);
  }
  ASSIGN_OR_RETURN(ns.spa_start, SpaStart(LabelOn(0, uuid)->label));
  ns.uuid = uuid;
  ns.name = leader->label.name;
  ns.lbasize = leader->label.lbasize;
  ns.claim_class = ClaimClassOf(leader->label.abstraction_guid);
  return ns;
}

// The kernel just adds up the sizes, and so does this; but the stripes of an uneven namespace
// extend past its extent on one DIMM.
void Scan::ReportUneven(const StoredLabel& first) {
  const ScanMapping& leader = region_.mappings[0];
  for (size_t i = 1; i < region_.mappings.size(); ++i) {
    const ScanMapping& mapping = region_.mappings[i];
    const NamespaceLabel& label = LabelOn(i, first.label.uuid)->label;
    if (label.rawsize == first.label.rawsize &&
        label.dpa - mapping.dpa.start == first.label.dpa - leader.dpa.start)
      continue;
    result_.findings.push_back(
        {.reason = "labels.uneven",
         .offset = leader.labels->slot_offset(first.slot),
         .sentence = absl::StrCat(
             "namespace ", first.label.uuid.ToString(), " has ", first.label.rawsize, " bytes of ",
             leader.dimm, " but ", label.rawsize, " of ", mapping.dimm,
             ", or lies elsewhere there: an update was cut short; save its data and delete it")});
  }
}

// The start of the namespace: the offset of its first extent on mapping 0, scaled to the whole set.
absl::StatusOr<uint64_t> Scan::SpaStart(const NamespaceLabel& first) const {
  const ScanMapping& mapping = region_.mappings[0];
  const auto& starts = directories_[0].starts;
  const auto lowest =
      std::lower_bound(starts.begin(), starts.end(), std::pair(first.uuid, uint64_t{0}));
  const bool found = lowest != starts.end() && lowest->first == first.uuid;
  const uint64_t dpa = found ? lowest->second : first.dpa;
  const auto offset = CheckedMul(dpa - mapping.dpa.start, region_.mappings.size());
  const auto start = offset ? CheckedAdd(region_.start, *offset) : std::nullopt;
  if (!start) return GiveUp("labels.range", first.uuid, "its address does not fit in 64 bits");
  return *start;
}

// Reports labels of the other mappings that no namespace uses, because mapping 0 has no label for
// it.
void Scan::ReportStrays() {
  for (size_t i = 1; i < region_.mappings.size(); ++i) {
    const ScanMapping& mapping = region_.mappings[i];
    for (const StoredLabel& stored : mapping.labels->labels()) {
      if (!mapping.dpa.Contains(stored.label.dpa)) {
        Skip(mapping, stored, "labels.outside",
             absl::StrCat("its DPA 0x", absl::Hex(stored.label.dpa),
                          " lies outside the region's mapping"));
      } else if (!Knows(stored.label.uuid)) {
        Skip(mapping, stored, "labels.stray",
             absl::StrCat(region_.mappings[0].dimm, " has no label of it"));
      }
    }
  }
}

// By the bytes of the little-endian start address, lowest address byte first: not numeric. Users
// see it, because it determines the numbers of the namespaces.
void Scan::SortAsKernel() {
  std::stable_sort(result_.namespaces.begin(), result_.namespaces.end(),
                   [](const ScannedNamespace& a, const ScannedNamespace& b) {
                     const le64 left = a.spa_start;
                     const le64 right = b.spa_start;
                     return std::memcmp(&left, &right, sizeof left) < 0;
                   });
}

}  // namespace

absl::StatusOr<ScanResult> ScanNamespaces(const ScanRegion& region) { return Scan(region).Run(); }

}  // namespace nvdimmfs::core
