// SPDX-License-Identifier: Apache-2.0
#include "core/services/provision.h"

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/base/words.h"
#include "core/model/driver.h"
#include "core/model/engine.h"
#include "core/nd/btt_device.h"
#include "core/nd/claim_device.h"
#include "core/nd/missing_personality.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/pfn_device.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {
namespace {

enum class Mode { kRaw, kSector, kFsdax, kDevdax };

struct Request {
  std::optional<uint64_t> size;  // bytes; nothing: all free space
  Mode mode = Mode::kRaw;
  std::string name;
  std::optional<Uuid> uuid;
  std::optional<uint64_t> sector_size;
  std::optional<uint64_t> align;
  std::string map = "dev";
};

// Everything that an info block of any personality occupies at the start of a namespace.
constexpr uint64_t kWipe = 8192;

constexpr absl::string_view kUsage =
    "; write words of key=value, such as: size=64M mode=sector name=db; keys: size mode name uuid "
    "sector_size align map; a value with blanks or commas goes in quotes: name=\"a, b\"";

absl::Status BadLine(absl::string_view why) {
  return Refusal(EINVAL, "create.syntax", absl::StrCat(why, kUsage));
}

absl::StatusOr<Mode> ParseMode(absl::string_view text) {
  if (text == "raw") return Mode::kRaw;
  if (text == "sector" || text == "safe") return Mode::kSector;
  if (text == "fsdax" || text == "memory") return Mode::kFsdax;
  if (text == "devdax" || text == "dax") return Mode::kDevdax;
  return BadLine(absl::StrCat("mode=", absl::Utf8SafeCHexEscape(text),
                              " is not a mode; modes: raw, sector, fsdax, devdax"));
}

absl::Status SetOption(Request& request, const Word& word) {
  const auto& [key, value] = word;
  if (key == "name") {
    request.name = value;
  } else if (key == "mode") {
    ASSIGN_OR_RETURN(request.mode, ParseMode(value));
  } else if (key == "size") {
    ASSIGN_OR_RETURN(request.size, ParseSize(value));
  } else if (key == "uuid") {
    ASSIGN_OR_RETURN(request.uuid, ParseUuid(value));
  } else if (key == "sector_size") {
    ASSIGN_OR_RETURN(request.sector_size, ParseSize(value));
  } else if (key == "align") {
    ASSIGN_OR_RETURN(request.align, ParseSize(value));
  } else if (key == "map") {
    if (value != "dev" && value != "mem")
      return BadLine(
          absl::StrCat("map=", absl::Utf8SafeCHexEscape(value), " is neither dev nor mem"));
    request.map = value;
  } else {
    return BadLine(absl::StrCat("unknown key ", absl::Utf8SafeCHexEscape(key)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Request> ParseLine(absl::string_view line) {
  const absl::StatusOr<std::vector<Word>> words = ParseWords(line);
  if (!words.ok()) return BadLine(words.status().message());
  if (words->empty()) return BadLine("nothing was written");
  Request request;
  for (const Word& word : *words) RETURN_IF_ERROR(SetOption(request, word));
  if (request.size == uint64_t{0}) return BadLine("size=0 would not create a namespace");
  const bool mapped = request.mode == Mode::kFsdax || request.mode == Mode::kDevdax;
  if (request.align && !mapped) return BadLine("align= requires mode=fsdax or mode=devdax");
  if (request.sector_size && request.mode == Mode::kDevdax)
    return BadLine("sector_size= cannot be combined with mode=devdax");
  return request;
}

// The namespace to configure, chosen as by ndctl: number 0 if it is idle, else the seed.
absl::StatusOr<Namespace*> PickNamespace(Region& region) {
  Namespace* first = FindNamespace(region, absl::StrCat("namespace", region.id(), ".0"));
  for (Namespace* candidate : {first, NamespaceSeedOf(region)}) {
    if (candidate == nullptr || candidate->driver() != nullptr || candidate->claim() != nullptr)
      continue;
    if (candidate->size() == 0 && !candidate->has_uuid()) return candidate;
  }
  return Refusal(EBUSY, "create.no_seed",
                 absl::StrCat(region.name(),
                              " has no idle namespace to configure: its seed is being "
                              "configured by hand; finish that, or write 0 to its size"));
}

absl::Status Wipe(Namespace& ns) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Media> media, ns.OpenMedia());
  const std::vector<std::byte> zeros(std::min<uint64_t>(kWipe, media->size()));
  RETURN_IF_ERROR(media->Write(0, zeros));
  RETURN_IF_ERROR(media->Persist(0, zeros.size()));
  return media->Flush();
}

// The copy of the info block of a BTT that had these bytes before: enabling would report it as the
// remains of a BTT that is damaged. Durable with the next flush.
absl::Status ForgetBttCopy(Namespace& ns) {
  if (ns.size() < 2 * kBttCopySize) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::shared_ptr<Media> media, ns.OpenMedia());
  if (!HasBttCopy(ns, *media)) return absl::OkStatus();
  const std::vector<std::byte> zeros(kBttCopySize);
  RETURN_IF_ERROR(media->Write(BttCopyOffset(ns), zeros));
  return media->Push(BttCopyOffset(ns), zeros.size());
}

absl::Status BindTo(absl::string_view driver, NdDevice& device) {
  return device.engine().Bind(*FindDriver(device.nd(), driver), device);
}

// A claim device as a user would configure it by hand: attribute by attribute.
absl::Status Claim(Namespace& ns, const Request& request, const DeviceKind& kind) {
  ClaimDevice* seed = ClaimSeedOf(ns.region(), kind);
  if (seed == nullptr || seed->driver() != nullptr || seed->ns() != nullptr)
    return Refusal(EBUSY, "create.no_seed",
                   absl::StrCat(ns.region().name(), " has no idle seed of that kind"));
  RETURN_IF_ERROR(seed->SetUuid(Uuid::Random().ToString()));
  if (kind == NdKind::kBtt) {
    RETURN_IF_ERROR(static_cast<BttDevice*>(seed)->SetSectorSize(
        absl::StrCat(request.sector_size.value_or(4096))));
  } else {
    PfnDevice* pfn = static_cast<PfnDevice*>(seed);
    RETURN_IF_ERROR(pfn->SetMode(request.map == "dev" ? "pmem\n" : "ram\n"));
    RETURN_IF_ERROR(pfn->SetAlign(absl::StrCat(request.align.value_or(2 << 20))));
  }
  RETURN_IF_ERROR(seed->SetNamespace(ns.name()));
  return BindTo(kind == NdKind::kDax ? "dax_pmem" : "nd_pmem", *seed);
}

absl::Status Enable(Namespace& ns, const Request& request) {
  switch (request.mode) {
    case Mode::kRaw:
      return BindTo("nd_pmem", ns);
    case Mode::kSector:
      return Claim(ns, request, NdKind::kBtt);
    case Mode::kFsdax:
      return Claim(ns, request, NdKind::kPfn);
    case Mode::kDevdax:
      break;
  }
  return Claim(ns, request, NdKind::kDax);
}

absl::StatusOr<ClaimClass> ClassFor(const Namespace& ns, Mode mode) {
  switch (mode) {
    case Mode::kRaw:
      return ClaimClass::kNone;
    case Mode::kSector:
      return ns.BttClass();
    case Mode::kFsdax:
      return ClaimClass::kPfn;
    case Mode::kDevdax:
      break;
  }
  return ClaimClass::kDax;
}

absl::Status Allocate(Namespace& ns, const Request& request) {
  const uint64_t lbasize = request.sector_size.value_or(request.mode == Mode::kSector ? 4096 : 512);
  const bool labelled_size = lbasize == 512 || lbasize == 4096;
  if (!labelled_size && request.mode != Mode::kSector)
    return Refusal(
        EINVAL, "create.sector_size",
        absl::StrCat("sector_size=", lbasize, " requires mode=sector; otherwise 512 or 4096"));
  RETURN_IF_ERROR(ns.SetUuid(request.uuid.value_or(Uuid::Random())));
  RETURN_IF_ERROR(ns.SetAltName(request.name));
  const uint64_t size =
      request.size.value_or(RoundDown(ns.region().MaxAvailableExtent(), ns.region().align()));
  if (size == 0)
    return Refusal(ENOSPC, "namespace.size.room",
                   absl::StrCat(ns.region().name(), " has no room left; see available_size"));
  RETURN_IF_ERROR(ns.SetSize(size));
  RETURN_IF_ERROR(ns.SetSectorSize(labelled_size ? lbasize : 0));
  ASSIGN_OR_RETURN(const ClaimClass claim_class, ClassFor(ns, request.mode));
  RETURN_IF_ERROR(ns.SetClaimClass(claim_class));
  // Remains of an earlier owner must not be mistaken for this namespace's own data.
  RETURN_IF_ERROR(ForgetBttCopy(ns));
  return Wipe(ns);
}

// Takes a namespace out of service: nothing is bound to it and nothing claims it afterwards.
void Release(Namespace& ns) {
  Engine& engine = ns.engine();
  if (ClaimDevice* claim = ClaimOf(ns); claim != nullptr) {
    engine.Unbind(*claim);
    claim->Detach();
  }
  engine.Unbind(ns);
}

void Undo(Namespace& ns) {
  Release(ns);
  if (!ns.labelled()) return;
  ns.SetClaimClass(ClaimClass::kNone).IgnoreError();
  ns.SetAltName("").IgnoreError();
  if (ns.has_uuid()) ns.SetSize(0).IgnoreError();
  ns.ForgetSectorSize();
}

// Checked early: later, a namespace that is already enabled would have to be removed again. An
// unreadable label keeps its slot but, as in the kernel, not its space, which must not go to a new
// namespace while the label may still be repaired.
absl::Status CheckSlots(const Region& region) {
  for (const Mapping& mapping : region.mappings()) {
    const LabelArea& area = mapping.data->labels;
    if (const uint32_t unreadable = area.unreadable_slots(); unreadable != 0)
      return Annotate(mapping.dimm->AboutLabels(Refusal(
                          EUCLEAN, "label.slots.unreadable",
                          absl::StrCat(unreadable, " label slot", unreadable == 1 ? " is" : "s are",
                                       " in use by labels that cannot be read: the space that they "
                                       "stand for shows as free, and a new namespace might be "
                                       "placed there"))),
                      "create");
    if (area.has_index() && area.free_slots() == 0)
      return Refusal(ENXIO, "label.slots.full",
                     absl::StrCat("create: the label area of ", mapping.dimm->name(),
                                  " has no free slot; destroy a namespace first"));
  }
  return absl::OkStatus();
}

// The label is written last: after a cut before it, the space is free; after it, the namespace is
// complete.
absl::Status CreateLabelled(Region& region, const Request& request) {
  if (region.any_dimm_unbound())
    return Refusal(ENXIO, "region.dimm_unbound",
                   absl::StrCat("create: a DIMM of ", region.name(), " is not bound to nvdimm"));
  RETURN_IF_ERROR(CheckSlots(region));
  ASSIGN_OR_RETURN(Namespace * ns, PickNamespace(region));
  ns->HoldLabels();
  absl::Status status = Allocate(*ns, request);
  if (status.ok()) status = Enable(*ns, request);
  if (status.ok()) status = ns->CommitLabels();
  if (!status.ok()) {
    const std::shared_ptr<Device> alive = ns->shared_from_this();
    Undo(*ns);
    ns->CommitLabels().IgnoreError();
    return status;
  }
  region.set_last_created(ns->name());
  return absl::OkStatus();
}

// A region that cannot hold labels has a single namespace, of which only the mode can change.
absl::Status ConfigureWhole(Region& region, const Request& request) {
  Namespace& ns = *FirstNamespaceOf(region);
  if (request.size.value_or(ns.size()) != ns.size() || !request.name.empty() || request.uuid)
    return Refusal(
        ENXIO, "labels.none",
        absl::StrCat(region.name(), " has no label area: its one namespace has all ", ns.size(),
                     " bytes, no name and no uuid; leave size, name and uuid out"));
  RETURN_IF_ERROR(ns.CheckIdle("create"));
  Release(ns);
  absl::Status status = Wipe(ns);
  if (status.ok()) status = Enable(ns, request);
  if (!status.ok()) {
    Undo(ns);
    region.engine().Probe(ns);
    return status;
  }
  region.set_last_created(ns.name());
  return absl::OkStatus();
}

bool CanTakeLabels(const Region& region) {
  for (const Mapping& mapping : region.mappings())
    if (mapping.dimm->data() == nullptr) return false;
  return !region.mappings().empty();
}

}  // namespace

absl::Status CreateNamespace(Region& region, absl::string_view line) {
  ASSIGN_OR_RETURN(const Request request, ParseLine(line));
  if (!region.enabled())
    return Refusal(ENXIO, "region.disabled",
                   absl::StrCat(region.name(), " is disabled; enable it: echo ", region.name(),
                                " > bus/nd/drivers/nd_region/bind"));
  if (region.read_only())
    return Refusal(EROFS, "region.read_only",
                   absl::StrCat(region.name(), " is read-only; write 0 to its read_only"));
  RETURN_IF_ERROR(region.CheckLabels("create"));
  if (!FirstNamespaceOf(region)->labelled()) {
    if (!CanTakeLabels(region)) return ConfigureWhole(region, request);
    RETURN_IF_ERROR(TakeLabelsIntoUse(region));
  }
  return CreateLabelled(region, request);
}

absl::Status DestroyNamespace(Region& region, absl::string_view name) {
  name = Trim(name);
  Namespace* ns = FindNamespace(region, name);
  if (ns == nullptr)
    return Refusal(
        ENODEV, "destroy.none",
        absl::StrCat("destroy \"", name, "\": ", region.name(), " has no such namespace"));
  if (DataNode* node = ns->node(); node != nullptr && node->holders() > 0)
    return Refusal(
        EBUSY, "namespace.held",
        absl::StrCat("destroy ", name, ": dev/", node->name(), " is held open; close it first"));
  RETURN_IF_ERROR(region.CheckLabels(absl::StrCat("destroy ", name)));
  if (ns->labelled() && !ns->has_uuid())
    return Refusal(ENXIO, "namespace.empty", absl::StrCat("destroy ", name, ": it is empty"));
  Release(*ns);
  if (ns->size() != 0) RETURN_IF_ERROR(Wipe(*ns));
  if (!ns->labelled()) return absl::OkStatus();
  RETURN_IF_ERROR(ns->SetSize(0));
  // Afterwards: without a label, this does not write one, for which no slot may be free.
  return ns->SetClaimClass(ClaimClass::kNone);
}

}  // namespace nvdimmfs::core
