// SPDX-License-Identifier: Apache-2.0
#include "core/services/bus_commands.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/commands/bus_command_format.h"
#include "core/commands/command_call.h"
#include "core/nd/bus.h"
#include "core/nd/claim_device.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/nd/scrub.h"

namespace nvdimmfs::core {
namespace {

CommandMasks MasksOf(const Bus& bus) {
  return {.device = bus.name(),
          .commands = bus.scrub() != nullptr ? kArsFunctions : 0,
          .families = bus.call_families(),
          .functions = bus.call_functions()};
}

// Converts a payload, which is large enough, to a struct and back.
template <typename Payload>
Payload Load(absl::Span<const std::byte> bytes) {
  Payload payload;
  std::memcpy(&payload, bytes.data(), sizeof payload);
  return payload;
}
template <typename Payload>
void Store(const Payload& payload, absl::Span<std::byte> bytes) {
  std::memcpy(bytes.data(), &payload, sizeof payload);
}

absl::Status WrongLength(const Bus& bus, absl::string_view why) {
  return Refusal(EINVAL, "command.buffer", absl::StrCat(bus.name(), ": ", why));
}

absl::Status WrongValue(const Bus& bus, absl::string_view why) {
  return Refusal(EINVAL, "command.value", absl::StrCat(bus.name(), ": ", why));
}

absl::StatusOr<Range> RangeOf(const Bus& bus, uint64_t address, uint64_t length) {
  const auto range = MakeRange(address, length);
  if (!range) return WrongValue(bus, "a range past the end of the address space");
  return *range;
}

// --- The ioctls. ---

absl::StatusOr<int> AnswerArsCap(absl::Span<std::byte> buffer) {
  ArsCapPayload payload = Load<ArsCapPayload>(buffer);
  payload.status = kArsBothKinds;
  payload.max_ars_out = kMaxArsOut;
  payload.clear_err_unit = kClearErrorUnit;
  payload.flags = 0;
  Store(payload, buffer);
  return 0;
}

absl::StatusOr<int> AnswerArsStart(const Bus& bus, absl::Span<std::byte> buffer) {
  Scrub& scrub = *bus.scrub();
  if (scrub.busy())
    return Refusal(EBUSY, "scrub.busy",
                   absl::StrCat("start a scrub of ", bus.name(),
                                ": a full scrub is running; wait for `nfit/scrub`"));
  ArsStartPayload payload = Load<ArsStartPayload>(buffer);
  ASSIGN_OR_RETURN(const Range range, RangeOf(bus, payload.address, payload.length));
  const bool started = scrub.StartFirmware(range, payload.type);
  payload.status = started ? kStatusSuccess : kArsStartBusy;
  payload.scrub_time =
      started
          ? static_cast<uint32_t>(absl::ToInt64Seconds(absl::Ceil(scrub.time(), absl::Seconds(1))))
          : 0;
  Store(payload, buffer);
  return 0;
}

// The results of the last scrub, up to the maximum number of records.
void FillResults(const Bus& bus, ArsStatusPayload& payload, std::vector<ArsRecord>& records) {
  const Scrub::Results& results = bus.scrub()->results();
  payload.address = results.range.start;
  payload.length = results.range.size;
  payload.type = results.type;
  std::vector<Range> bad = results.bad;
  if (bad.size() > kMostArsRecords) {
    // The scrub counts as stopped at the next record; one from there on reports the rest.
    std::sort(bad.begin(), bad.end(),
              [](const Range& a, const Range& b) { return a.start < b.start; });
    payload.status = kArsStoppedEarly;
    payload.flags = kArsOverflow;
    payload.restart_address = bad[kMostArsRecords].start;
    payload.restart_length = results.range.end() - bad[kMostArsRecords].start;
    payload.length = payload.restart_address - payload.address;
    bad.resize(kMostArsRecords);
  }
  for (const Range& range : bad) {
    const auto place =
        bus.quirks().records_without_dimm ? std::nullopt : bus.Translate(range.start);
    ArsRecord record = {};
    record.handle = place ? place->handle : 0;
    record.address = range.start;
    record.length = range.size;
    records.push_back(record);
  }
  payload.num_records = static_cast<uint32_t>(records.size());
}

// The firmware's complete answer.
std::vector<std::byte> ArsStatus(const Bus& bus) {
  ArsStatusPayload payload = {};
  std::vector<ArsRecord> records;
  payload.status = kStatusSuccess;
  switch (bus.scrub()->state()) {
    case Scrub::State::kNeverRun:
      payload.status = kArsNeverRun;
      break;
    case Scrub::State::kRunning:
      payload.status = kArsRunning;
      break;
    case Scrub::State::kDone:
      FillResults(bus, payload, records);
      break;
  }
  std::vector<std::byte> said(sizeof payload + records.size() * sizeof(ArsRecord));
  payload.out_length = static_cast<uint32_t>(said.size());
  Store(payload, absl::MakeSpan(said));
  if (!records.empty())
    std::memcpy(said.data() + sizeof payload, records.data(), said.size() - sizeof payload);
  return said;
}

absl::StatusOr<int> AnswerArsStatus(const Bus& bus, absl::Span<std::byte> buffer) {
  const std::vector<std::byte> said = ArsStatus(bus);
  if (buffer.size() < said.size())
    return WrongLength(bus, absl::StrCat("a buffer of ", buffer.size(), " bytes; the results take ",
                                         said.size(), ", and never more than ", kMaxArsOut));
  std::fill(std::copy(said.begin(), said.end(), buffer.begin()), buffer.end(), std::byte{0});
  return 0;
}

// Whether a disk uses it. (The kernel allows clearing errors under device-dax.)
bool HasDisk(const Namespace& ns) {
  const ClaimDevice* claim = ClaimOf(ns);
  if (claim == nullptr) return ns.driver() != nullptr;
  return claim->kind() != NdKind::kDax && claim->driver() != nullptr;
}

absl::Status CheckWritable(const Bus& bus, absl::string_view what) {
  if (!bus.read_only()) return absl::OkStatus();
  return Refusal(EROFS, "bus.read_only",
                 absl::StrCat(bus.name(), ": ", what, ": it was opened read-only"));
}

// The kernel checks the length in the output field, as set by the caller.
absl::Status CheckUnused(const Bus& bus, const ClearErrorPayload& payload) {
  const auto range = MakeRange(payload.address, payload.cleared);
  if (!range || range->empty()) return absl::OkStatus();
  for (const auto& region : bus.regions())
    for (const Namespace* ns : NamespacesOf(*region))
      if (HasDisk(*ns) && range->Contains(ns->spa()))
        return Refusal(EBUSY, "clear_error.active",
                       absl::StrCat("clear errors: ", ns->name(),
                                    " overlaps the range and is enabled; disable it first"));
  return absl::OkStatus();
}

// What is cleared: only in the firmware, or in the kernel, too.
enum class Cleared { kByFirmware, kForKernel };

absl::StatusOr<int> ClearError(const Bus& bus, Cleared cleared, absl::Span<std::byte> buffer) {
  ClearErrorPayload payload = Load<ClearErrorPayload>(buffer);
  if (payload.address % kClearErrorUnit != 0 || payload.length % kClearErrorUnit != 0) {
    if (bus.quirks().refuses_partial_clear)
      return WrongValue(bus,
                        absl::StrCat("errors are cleared in units of ", kClearErrorUnit, " bytes"));
    payload.status = kBusStatusInvalid;
    payload.cleared = 0;
    Store(payload, buffer);
    return 0;
  }
  ASSIGN_OR_RETURN(const Range range, RangeOf(bus, payload.address, payload.length));
  RETURN_IF_ERROR(CheckWritable(bus, "clear errors"));
  if (cleared == Cleared::kForKernel)
    RETURN_IF_ERROR(bus.scrub()->errors().Clear(range));
  else
    bus.scrub()->errors().Withdraw(range);
  payload.status = kStatusSuccess;
  payload.cleared = range.size;
  Store(payload, buffer);
  return 0;
}

absl::StatusOr<int> AnswerClearError(const Bus& bus, absl::Span<std::byte> buffer) {
  RETURN_IF_ERROR(CheckUnused(bus, Load<ClearErrorPayload>(buffer)));
  return ClearError(bus, Cleared::kForKernel, buffer);
}

// --- The functions of CALL. Each returns the firmware's answer. ---

using Said = std::vector<std::byte>;

template <typename Payload>
void Say(Said& said, const Payload& payload) {
  said.resize(said.size() + sizeof payload);
  Store(payload, absl::MakeSpan(said).last(sizeof payload));
}

Said OnlyStatus(uint32_t status) {
  Said said;
  Say(said, StatusOut{status});
  return said;
}

absl::Status CheckInput(const Bus& bus, const Call& call, size_t size) {
  if (call.in.size() == size) return absl::OkStatus();
  return WrongLength(bus, absl::StrCat("function ", call.function, " takes ", size,
                                       " bytes of input, not ", call.in.size()));
}

// Treats a set as one DIMM, its last.
std::optional<Bus::DimmAddress> TranslateToLast(const Bus& bus, uint64_t spa) {
  for (const auto& region : bus.regions()) {
    const RegionSource& source = region->source();
    if (!source.spa.Contains(spa) || source.mappings.empty()) continue;
    const Dimm& last = *bus.dimms()[source.mappings.back().dimm];
    return Bus::DimmAddress{.handle = last.source().identity.handle, .dpa = spa - source.spa.start};
  }
  return std::nullopt;
}

absl::StatusOr<Said> Translate(const Bus& bus, const Call& call) {
  RETURN_IF_ERROR(CheckInput(bus, call, sizeof(TranslateSpaIn)));
  const uint64_t spa = Load<TranslateSpaIn>(call.in).spa;
  const auto place =
      bus.quirks().translates_to_last_dimm ? TranslateToLast(bus, spa) : bus.Translate(spa);
  Said said;
  TranslateSpaOut out = {};
  out.status = place ? kStatusSuccess : kBusStatusInvalid;
  out.translate_length = place ? place->length : 0;
  out.num_nvdimms = place ? 1 : 0;
  Say(said, out);
  if (!place) return said;
  TranslatedDimm dimm = {};
  dimm.handle = place->handle;
  dimm.dpa = place->dpa;
  Say(said, dimm);
  return said;
}

absl::StatusOr<Said> InjectErrors(Bus& bus, const Call& call) {
  RETURN_IF_ERROR(CheckInput(bus, call, sizeof(InjectErrorsIn)));
  RETURN_IF_ERROR(CheckWritable(bus, "inject errors"));
  const auto in = Load<InjectErrorsIn>(call.in);
  const auto range = MakeRange(in.base, in.length);
  if (!range) return OnlyStatus(kBusStatusInvalid);
  const absl::Status injected = bus.scrub()->errors().Inject(*range);
  if (ErrnoOf(injected) == EINVAL) return OnlyStatus(kBusStatusInvalid);
  RETURN_IF_ERROR(injected);
  if ((in.options & 1) != 0) bus.UncorrectableError();
  return OnlyStatus(kStatusSuccess);
}

absl::StatusOr<Said> WithdrawErrors(Bus& bus, const Call& call) {
  RETURN_IF_ERROR(CheckInput(bus, call, sizeof(WithdrawErrorsIn)));
  RETURN_IF_ERROR(CheckWritable(bus, "withdraw injected errors"));
  const auto in = Load<WithdrawErrorsIn>(call.in);
  const auto range = MakeRange(in.base, in.length);
  if (!range || range->empty()) return OnlyStatus(kBusStatusInvalid);
  bus.scrub()->errors().Withdraw(*range);
  return OnlyStatus(kStatusSuccess);
}

absl::StatusOr<Said> ListErrors(Bus& bus, const Call& call) {
  std::vector<Range> errors = bus.scrub()->errors().All();
  // As many as fit in the caller's buffer.
  const size_t room = call.out.size() < sizeof(ListErrorsOut)
                          ? 0
                          : (call.out.size() - sizeof(ListErrorsOut)) / sizeof(ListedError);
  errors.resize(std::min(errors.size(), room));
  Said said;
  Say(said, ListErrorsOut{kStatusSuccess, static_cast<uint32_t>(errors.size())});
  for (const Range& error : errors) Say(said, ListedError{error.start, error.size});
  return said;
}

// A function that has the number and the payload of an ioctl.
template <typename Payload, typename Function>
absl::StatusOr<Said> AsIoctl(const Bus& bus, const Call& call, size_t input,
                             const Function& function) {
  RETURN_IF_ERROR(CheckInput(bus, call, input));
  Said whole(sizeof(Payload));
  std::copy(call.in.begin(), call.in.end(), whole.begin());
  RETURN_IF_ERROR(function(absl::MakeSpan(whole)).status());
  return Said(whole.begin() + static_cast<ptrdiff_t>(input), whole.end());
}

absl::StatusOr<Said> ArsFunction(const Bus& bus, const Call& call) {
  switch (call.function) {
    case kArsCap:
      return AsIoctl<ArsCapPayload>(bus, call, offsetof(ArsCapPayload, status), AnswerArsCap);
    case kArsStart:
      return AsIoctl<ArsStartPayload>(
          bus, call, offsetof(ArsStartPayload, status),
          [&](absl::Span<std::byte> buffer) { return AnswerArsStart(bus, buffer); });
    case kArsStatus:
      RETURN_IF_ERROR(CheckInput(bus, call, 0));
      return ArsStatus(bus);
    default:
      // A kernel does not look into a CALL: it still considers the bytes bad.
      return AsIoctl<ClearErrorPayload>(bus, call, offsetof(ClearErrorPayload, status),
                                        [&](absl::Span<std::byte> buffer) {
                                          return ClearError(bus, Cleared::kByFirmware, buffer);
                                        });
  }
}

absl::StatusOr<Said> Answer(Bus& bus, const Call& call) {
  if (call.family != 0)
    return Refusal(EOPNOTSUPP, "command.family",
                   absl::StrCat(bus.name(), ": family ", call.family,
                                " is the kernel's own; use the files in firmware/"));
  if ((kArsFunctions >> call.function & 1) != 0) return ArsFunction(bus, call);
  switch (call.function) {
    case kTranslateSpa:
      return Translate(bus, call);
    case kInjectErrors:
      return InjectErrors(bus, call);
    case kWithdrawErrors:
      return WithdrawErrors(bus, call);
    default:
      return ListErrors(bus, call);
  }
}

// Intel's functions are the kernel's own way to activate firmware.
constexpr uint64_t kIntelFamily = 1, kIntelFunctions = 1u << 1 | 1u << 2;

absl::StatusOr<int> AnswerCall(Bus& bus, const Command& command) {
  CommandMasks masks = MasksOf(bus);
  if (FamilyOf(command) == kIntelFamily) masks.functions = kIntelFunctions;
  ASSIGN_OR_RETURN(const Call call, ParseCall(masks, command));
  if (bus.quirks().checks_call_sizes)
    RETURN_IF_ERROR(CheckCallOfTestBus(call.function, call.in, call.in.size() + call.out.size()));
  ASSIGN_OR_RETURN(const Said said, Answer(bus, call));
  std::copy_n(said.begin(), std::min(said.size(), call.out.size()), call.out.begin());
  return FinishCall(command, static_cast<uint32_t>(said.size()));
}

size_t SizeOf(uint32_t nr) {
  switch (nr) {
    case kArsCap:
      return sizeof(ArsCapPayload);
    case kArsStart:
      return sizeof(ArsStartPayload);
    case kArsStatus:
      return sizeof(ArsStatusPayload);
    case kClearError:
      return sizeof(ClearErrorPayload);
    default:
      return 0;
  }
}

}  // namespace

absl::StatusOr<int> RunBusCommand(Device& device, const Command& command) {
  Bus& bus = static_cast<Bus&>(*device.parent());
  const CommandMasks masks = MasksOf(bus);
  if (command.nr == kCallCommand) return AnswerCall(bus, command);
  RETURN_IF_ERROR(CheckCommand(masks, command, SizeOf(command.nr)));
  switch (command.nr) {
    case kArsCap:
      return AnswerArsCap(command.buffer);
    case kArsStart:
      return AnswerArsStart(bus, command.buffer);
    case kArsStatus:
      return AnswerArsStatus(bus, command.buffer);
    default:
      return AnswerClearError(bus, command.buffer);
  }
}

}  // namespace nvdimmfs::core
