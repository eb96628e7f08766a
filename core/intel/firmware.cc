// SPDX-License-Identifier: Apache-2.0
#include "core/intel/firmware.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "core/base/status.h"

namespace nvdimmfs::core::intel {
namespace {

constexpr uint32_t kHardwareError = 4;

// The input as a structure; nothing if the size differs.
template <typename T>
std::optional<T> InputAs(absl::Span<const std::byte> in) {
  if (in.size() != sizeof(T)) return std::nullopt;
  T input;
  std::memcpy(&input, in.data(), sizeof input);
  return input;
}

template <typename T>
std::vector<std::byte> Bytes(const T& output) {
  const auto* first = reinterpret_cast<const std::byte*>(&output);
  return {first, first + sizeof output};
}

std::vector<std::byte> Just(uint32_t status) { return Bytes(le32(status)); }

}  // namespace

Firmware::Firmware(Options options)
    : options_(std::move(options)),
      state_{Health(options_.health), Update(options_.update), Security(options_.passphrase_tries),
             false} {}

absl::StatusOr<std::shared_ptr<Firmware>> Firmware::PowerOn(Options options) {
  std::shared_ptr<Firmware> firmware(new Firmware(std::move(options)));
  RETURN_IF_ERROR(firmware->Load());
  firmware->shutdowns_at_boot_ = firmware->state_.health.shutdown_count();
  firmware->dirty_at_boot_ = firmware->state_.health.shutdown_was_unsafe();
  return firmware;
}

absl::Status Firmware::Load() {
  saved_ = Encode(Kept());
  if (options_.store == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::string record, options_.store->Load());
  if (record.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const KeptState kept, DecodeKeptState(record));
  saved_ = std::move(record);
  state_.health.set_thresholds(kept.thresholds);
  state_.health.set_shutdown_count(kept.shutdown_count);
  if (kept.latched) state_.health.CountUnsafeShutdown();
  state_.update.Restore(kept.running_version, kept.staged_version);
  state_.security.PowerOn(kept.security);
  // Saves only if something has changed. A read-only record stays unchanged.
  (void)Save();
  return absl::OkStatus();
}

Firmware::~Firmware() {
  state_.latched = false;
  (void)Save();
}

KeptState Firmware::Kept() {
  return {.thresholds = state_.health.thresholds(),
          .shutdown_count = state_.health.shutdown_count(),
          .latched = state_.latched,
          .running_version = state_.update.running_version(),
          .staged_version = state_.update.staged_version(options_.now()),
          .security = state_.security.kept()};
}

absl::Status Firmware::Save() {
  std::string record = Encode(Kept());
  if (record == saved_ || options_.store == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(options_.store->Save(record));
  saved_ = std::move(record);
  return absl::OkStatus();
}

std::vector<std::byte> Firmware::Run(uint32_t function, absl::Span<const std::byte> in) {
  const State before = state_;
  std::vector<std::byte> said = Answer(function, in);
  if (Save().ok()) return said;
  state_ = before;
  return Just(kHardwareError);
}

std::vector<std::byte> Firmware::Answer(uint32_t function, absl::Span<const std::byte> in) {
  switch (function) {
    case kSmart:
      return Bytes(state_.health.Smart());
    case kSmartThreshold:
      return Bytes(ThresholdOutput{.thresholds = state_.health.thresholds()});
    case kSetThreshold:
      return SetThreshold(in);
    case kInjectSmart:
      return InjectSmart(in);
    case kEnableLatch:
      return EnableLatch(in);
    case kFirmwareInfo:
      return Bytes(state_.update.Info(now()));
    case kFirmwareStart:
      return StartUpdate();
    case kFirmwareSend:
      return SendUpdate(in);
    case kFirmwareFinish:
      return FinishUpdate(in);
    case kFirmwareQuery:
      return QueryUpdate(in);
    default:
      return Just(kNotSupported);
  }
}

std::vector<std::byte> Firmware::SetThreshold(absl::Span<const std::byte> in) {
  const auto thresholds = InputAs<Thresholds>(in);
  if (!thresholds) return Just(kInvalidParameter);
  state_.health.set_thresholds(*thresholds);
  return Just(kSuccess);
}

std::vector<std::byte> Firmware::InjectSmart(absl::Span<const std::byte> in) {
  const auto input = InputAs<InjectInput>(in);
  if (!input) return Just(kInvalidParameter);
  state_.health.Inject(*input);
  return Just(kSuccess);
}

std::vector<std::byte> Firmware::EnableLatch(absl::Span<const std::byte> in) {
  const auto input = InputAs<LatchInput>(in);
  if (!input || input->enable > 1) return Just(kInvalidParameter);
  state_.latched = input->enable == 1;
  return Just(kSuccess);
}

std::vector<std::byte> Firmware::StartUpdate() {
  uint32_t context = 0;
  const Status status = state_.update.Start(now(), context);
  return Bytes(FirmwareStartOutput{.status = status, .context = context});
}

std::vector<std::byte> Firmware::SendUpdate(absl::Span<const std::byte> in) {
  if (in.size() < sizeof(FirmwareSendInput)) return Just(kInvalidParameter);
  const auto input = InputAs<FirmwareSendInput>(in.first(sizeof(FirmwareSendInput)));
  return Just(state_.update.Send(*input, in.size() - sizeof(FirmwareSendInput)));
}

std::vector<std::byte> Firmware::FinishUpdate(absl::Span<const std::byte> in) {
  const auto input = InputAs<FirmwareFinishInput>(in);
  return Just(input ? state_.update.Finish(*input, now()) : kInvalidParameter);
}

std::vector<std::byte> Firmware::QueryUpdate(absl::Span<const std::byte> in) {
  const auto input = InputAs<FirmwareQueryInput>(in);
  uint64_t version = 0;
  const Status status =
      input ? state_.update.Query(input->context, now(), version) : kInvalidParameter;
  return Bytes(FirmwareQueryOutput{.status = status, .staged_version = version});
}

absl::StatusOr<Status> Firmware::ChangeSecurity(absl::FunctionRef<Status(Security&)> change) {
  const State before = state_;
  const Status status = change(state_.security);
  if (status != kSuccess) return status;
  if (const absl::Status saved = Save(); !saved.ok()) {
    state_ = before;
    return saved;
  }
  return status;
}

absl::Status Firmware::Activate() {
  const State before = state_;
  state_.update.Activate(now());
  absl::Status saved = Save();
  if (!saved.ok()) state_ = before;
  return saved;
}

}  // namespace nvdimmfs::core::intel
