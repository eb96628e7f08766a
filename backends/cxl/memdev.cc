// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/memdev.h"

#include <linux/cxl_mem.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::Range;
using core::Refusal;

// More answers than any list needs: a device that always reports "more" must not cause an endless
// loop.
constexpr int kMostPoisonAnswers = 4096;

template <typename Payload>
absl::Span<const std::byte> BytesOf(const Payload& payload) {
  return {reinterpret_cast<const std::byte*>(&payload), sizeof payload};
}

std::optional<uint64_t> Bytes(uint64_t units) { return core::CheckedMul(units, kCapacityUnit); }

uint32_t Number24(const std::array<uint8_t, 3>& bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16;
}

std::string TextOf(const std::array<char, 16>& text) {
  return std::string(text.data(), strnlen(text.data(), text.size()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Memdev>> Memdev::Make(std::unique_ptr<Mailbox> mailbox,
                                                     uint32_t payload_max, std::string name) {
  std::shared_ptr<Memdev> device(
      new Memdev(std::move(mailbox), std::max(payload_max, kMinPayload), std::move(name)));
  ASSIGN_OR_RETURN(device->commands_, device->mailbox_->Commands());
  RETURN_IF_ERROR(device->Identify());
  return device;
}

bool Memdev::Has(uint32_t command) const {
  return std::any_of(commands_.begin(), commands_.end(),
                     [command](const CommandInfo& info) { return info.id == command; });
}

bool Memdev::KernelHas(uint32_t command) const {
  return std::any_of(commands_.begin(), commands_.end(), [command](const CommandInfo& info) {
    return info.id == command && (info.flags & kCommandExclusive) != 0;
  });
}

template <typename Payload>
absl::StatusOr<Payload> Memdev::Ask(uint32_t command) const {
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                   mailbox_->Send(command, {}, sizeof(Payload)));
  if (bytes.size() < sizeof(Payload))
    return Refusal(EIO, "cxl.identify",
                   absl::StrCat(name_, ": an answer of ", bytes.size(), " bytes to command ",
                                command, ", where ", sizeof(Payload), " are due"));
  Payload payload;
  std::memcpy(&payload, bytes.data(), sizeof payload);
  return payload;
}

absl::Status Memdev::Identify() {
  ASSIGN_OR_RETURN(const cxl::Identify answer, Ask<cxl::Identify>(CXL_MEM_COMMAND_ID_IDENTIFY));
  uint64_t volatile_units = answer.volatile_only;
  uint64_t persistent_units = answer.persistent_only;
  if (answer.partition_align != 0) {
    ASSIGN_OR_RETURN(const PartitionInfo parts,
                     Ask<PartitionInfo>(CXL_MEM_COMMAND_ID_GET_PARTITION_INFO));
    volatile_units = parts.active_volatile;
    persistent_units = parts.active_persistent;
  }
  const auto total = Bytes(answer.total);
  const auto volatile_bytes = Bytes(volatile_units);
  const auto persistent_bytes = Bytes(persistent_units);
  if (!total || !volatile_bytes || !persistent_bytes ||
      !core::Fits(*volatile_bytes, *persistent_bytes, *total))
    return Refusal(
        EIO, "cxl.identify",
        absl::StrCat(name_, ": reports ", uint64_t{answer.total}, " units of 256 MiB, ",
                     volatile_units, " of them volatile and ", persistent_units, " persistent"));
  facts_.firmware = TextOf(answer.firmware);
  facts_.total = *total;
  facts_.volatile_ = {0, *volatile_bytes};
  facts_.persistent = {*volatile_bytes, *persistent_bytes};
  facts_.lsa_size = answer.lsa_size;
  facts_.poison_max = Number24(answer.poison_list_max);
  return absl::OkStatus();
}

absl::Status Memdev::ReadLsa(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(CheckLsa(offset, out.size()));
  while (!out.empty()) {
    const size_t step = std::min<size_t>(out.size(), payload_max_);
    GetLsa request;
    request.offset = static_cast<uint32_t>(offset);
    request.length = static_cast<uint32_t>(step);
    ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                     mailbox_->Send(CXL_MEM_COMMAND_ID_GET_LSA, BytesOf(request), step));
    if (bytes.size() != step)
      return Refusal(EIO, "cxl.lsa.short",
                     absl::StrCat(name_, ": ", bytes.size(), " bytes of its label area came at ",
                                  offset, " where ", step, " were asked for"));
    std::copy(bytes.begin(), bytes.end(), out.begin());
    out.remove_prefix(step);
    offset += step;
  }
  return absl::OkStatus();
}

absl::Status Memdev::WriteLsa(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckLsa(offset, data.size()));
  const size_t whole = data.size();
  const size_t most = lsa_write_max();
  while (!data.empty()) {
    const size_t step = std::min(data.size(), most);
    SetLsa header;
    header.offset = static_cast<uint32_t>(offset);
    header.reserved = 0;
    std::vector<std::byte> payload(sizeof header + step);
    std::memcpy(payload.data(), &header, sizeof header);
    std::memcpy(payload.data() + sizeof header, data.data(), step);
    const auto sent = mailbox_->Send(CXL_MEM_COMMAND_ID_SET_LSA, payload, 0);
    if (!sent.ok()) {
      if (core::ErrnoOf(sent.status()) == EBUSY)
        return Refusal(EBUSY, "cxl.lsa.owned",
                       absl::StrCat(name_,
                                    ": the kernel's cxl_pmem has taken over its label area "
                                    "(EBUSY); nothing was written at ",
                                    offset));
      return core::Annotate(
          sent.status(), absl::StrCat("write the label area: ", whole - data.size(), " of ", whole,
                                      " bytes were written, then"));
    }
    data.remove_prefix(step);
    offset += step;
  }
  return absl::OkStatus();
}

absl::StatusOr<HealthInfo> Memdev::ReadHealth() const {
  return Ask<HealthInfo>(CXL_MEM_COMMAND_ID_GET_HEALTH_INFO);
}

absl::StatusOr<std::vector<Range>> Memdev::ReadPoison(const Range& dpa) const {
  if (!Has(kGetPoisonId))
    return Refusal(ENOTTY, "cxl.poison", absl::StrCat(name_, ": does not report a poison list"));
  GetPoison request;
  request.start = core::RoundDown(dpa.start, kPoisonLength);
  request.length = (dpa.end() - request.start + kPoisonLength - 1) / kPoisonLength;
  std::vector<Range> found;
  for (int answer = 0; answer < kMostPoisonAnswers; ++answer) {
    ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                     mailbox_->Send(kGetPoisonId, BytesOf(request), payload_max_));
    if (bytes.size() < sizeof(PoisonList))
      return Refusal(EIO, "cxl.poison",
                     absl::StrCat(name_, ": an answer of its poison list has ", bytes.size(),
                                  " bytes; its header alone has ", sizeof(PoisonList)));
    PoisonList list;
    std::memcpy(&list, bytes.data(), sizeof list);
    const size_t count =
        std::min<size_t>(list.count, (bytes.size() - sizeof list) / sizeof(PoisonRecord));
    for (size_t i = 0; i < count; ++i) {
      PoisonRecord record;
      std::memcpy(&record, bytes.data() + sizeof list + i * sizeof record, sizeof record);
      const uint64_t start = core::RoundDown(record.address, kPoisonLength);
      const auto bad = core::MakeRange(start, record.length * kPoisonLength);
      if (!bad || !bad->Overlaps(dpa)) continue;
      const uint64_t first = std::max(bad->start, dpa.start);
      found.push_back({first, std::min(bad->end(), dpa.end()) - first});
    }
    if ((list.flags & kMorePoison) == 0 || count == 0) return found;
  }
  return Refusal(
      EIO, "cxl.poison",
      absl::StrCat(name_, ": its poison list does not end after ", kMostPoisonAnswers, " answers"));
}

std::string DescribeFacts(const Memdev& device) {
  const Memdev::Facts& facts = device.facts();
  return absl::StrCat(
      "device: ", device.name(), "\nfirmware: ", facts.firmware, "\ntotal: ", facts.total,
      "\nvolatile: ", facts.volatile_.size, "\npersistent: ", facts.persistent.size,
      "\npersistent_start: ", facts.persistent.start, "\nlabel_storage_size: ", facts.lsa_size,
      "\npoison_list_max: ", facts.poison_max, "\n");
}

std::string DescribeHealth(const HealthInfo& health) {
  const auto unknown = [](bool is, int64_t value) {
    return is ? std::string("unknown") : absl::StrCat(value);
  };
  constexpr absl::string_view kLevels[] = {"normal", "warning", "critical", "reserved"};
  const auto temperature = static_cast<uint16_t>(health.temperature);
  return absl::StrCat(
      "maintenance_needed: ", health.status & 1, "\nperformance_degraded: ", health.status >> 1 & 1,
      "\nreplacement_needed: ", health.status >> 2 & 1,
      "\nmedia: ", health.media < std::size(kMediaStates) ? kMediaStates[health.media] : "reserved",
      "\nlife_used_percent: ", unknown(health.life_used == 0xff, health.life_used),
      "\nlife_used: ", kLevels[health.additional & 3],
      "\ntemperature_celsius: ", unknown(temperature == 0xffff, static_cast<int16_t>(temperature)),
      "\ntemperature: ", kLevels[health.additional >> 2 & 3],
      "\ndirty_shutdowns: ", static_cast<uint32_t>(health.dirty_shutdowns),
      "\ncorrected_volatile: ", static_cast<uint32_t>(health.corrected_volatile),
      "\ncorrected_persistent: ", static_cast<uint32_t>(health.corrected_persistent), "\n");
}

}  // namespace nvdimmfs::backends::cxl
