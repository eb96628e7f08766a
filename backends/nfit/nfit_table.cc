// SPDX-License-Identifier: Apache-2.0
#include "backends/nfit/nfit_table.h"

#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::LoadLe;
using core::Refusal;
using core::StoreLe;

// Header offsets: ACPI specification, section 5.2.6.
constexpr size_t kLengthAt = 4, kRevisionAt = 8, kChecksumAt = 9, kOemAt = 10, kCreatorAt = 28;

template <typename S>
void LoadFields(const std::byte* at, uint16_t length, S& out) {
  for (const NfitField<S>& field : Fields(out))
    if (field.at + field.size <= length)
      field.load(at + field.at, out);  // otherwise it belongs to a longer form
}

template <typename S>
void StoreFields(const S& in, uint16_t length, std::byte* at) {
  for (const NfitField<S>& field : Fields(in))
    if (field.at + field.size <= length) field.store(in, at + field.at);
}

// The size that a structure with these values must have, without its list: {minimum, maximum}.
template <typename S>
std::pair<uint32_t, uint32_t> FixedSize(const S&) {
  return {S::kSize, S::kSize};
}
std::pair<uint32_t, uint32_t> FixedSize(const NfitSpaRange& range) {
  const uint32_t size = (range.flags & NfitSpaRange::kLocationCookieValid) != 0
                            ? NfitSpaRange::kSizeWithCookie
                            : NfitSpaRange::kSize;
  return {size, size};
}
// Without block windows, their fields may be present or not; firmware does both.
std::pair<uint32_t, uint32_t> FixedSize(const NfitControlRegion& control) {
  return {control.windows != 0 ? NfitControlRegion::kSizeWithWindows : NfitControlRegion::kSize,
          NfitControlRegion::kSizeWithWindows};
}

uint64_t CountOf(const NfitInterleave& s) { return s.line_count; }
uint64_t CountOf(const NfitFlushHints& s) { return s.hint_count; }
template <typename S>
uint64_t CountOf(const S&) {
  return 0;
}

struct Structure {
  const std::byte* at;
  uint32_t offset;  // from the table's start
  uint16_t type;
  uint16_t length;
};

absl::Status BadLength(const Structure& structure, absl::string_view name, absl::string_view why) {
  return Refusal(EINVAL, "nfit.length",
                 absl::StrFormat("NFIT: structure at offset %u (type %u, %s) is %u bytes long: %s",
                                 structure.offset, structure.type, name, structure.length, why));
}

template <typename S>
absl::Status Take(const Structure& structure, absl::string_view name, std::vector<S>& out) {
  if (structure.length < S::kSize)
    return BadLength(structure, name, absl::StrCat("it needs ", S::kSize));
  S value;
  LoadFields(structure.at, structure.length, value);
  value.offset = structure.offset;
  const auto [least, most] = FixedSize(value);
  if (auto* list = Tail(value); list != nullptr) {
    constexpr size_t kEntry = sizeof(list->front());
    const uint64_t count = CountOf(value);
    // Both factors are at most 32 bits wide.
    if (least + count * kEntry > structure.length)
      return BadLength(structure, name, absl::StrCat("its ", count, " entries do not fit"));
    for (uint64_t i = 0; i < count; ++i)
      list->push_back(LoadLe<typename std::decay_t<decltype(*list)>::value_type>(
          structure.at + least + i * kEntry));
  } else if (structure.length < least || structure.length > most) {
    return BadLength(structure, name, absl::StrCat("with these flags it needs ", least));
  }
  out.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status TakeStructure(const Structure& structure, NfitTable& table) {
  switch (static_cast<NfitType>(structure.type)) {
    case NfitType::kSpaRange:
      return Take(structure, "SPA range", table.ranges);
    case NfitType::kMemoryMap:
      return Take(structure, "memory device map", table.maps);
    case NfitType::kInterleave:
      return Take(structure, "interleave", table.interleaves);
    case NfitType::kControlRegion:
      return Take(structure, "control region", table.controls);
    case NfitType::kFlushHints:
      return Take(structure, "flush hints", table.flushes);
    case NfitType::kCapabilities:
      return Take(structure, "platform capabilities", table.capabilities);
    case NfitType::kSmbios:
      return absl::OkStatus();  // a copy of SMBIOS data, not used here
    case NfitType::kBlockWindow:
      table.notes.push_back(
          {"nfit.skipped", structure.offset,
           absl::StrCat("NFIT: block data window at offset ", structure.offset,
                        " skipped: block mode is not supported, as in kernels since 6.0")});
      return absl::OkStatus();
  }
  table.notes.push_back({"nfit.skipped", structure.offset,
                         absl::StrCat("NFIT: structure at offset ", structure.offset,
                                      " skipped: its type ", structure.type, " is unknown")});
  return absl::OkStatus();
}

uint8_t Sum(absl::Span<const std::byte> bytes) {
  uint8_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<uint8_t>(byte);
  return sum;
}

absl::StatusOr<absl::Span<const std::byte>> CheckHeader(absl::Span<const std::byte> bytes) {
  if (bytes.size() < kNfitHeaderSize)
    return Refusal(
        EINVAL, "nfit.size",
        absl::StrCat("NFIT: ", bytes.size(), " bytes; the header alone has ", kNfitHeaderSize));
  if (std::memcmp(bytes.data(), kNfitSignature.data(), kNfitSignature.size()) != 0)
    return Refusal(EINVAL, "nfit.signature",
                   "NFIT: does not start with the signature \"NFIT\" (offset 0)");
  const uint32_t length = LoadLe<uint32_t>(bytes.data() + kLengthAt);
  if (length < kNfitHeaderSize || length > bytes.size() || length > kNfitMaxSize)
    return Refusal(EINVAL, "nfit.size",
                   absl::StrCat("NFIT: the length at offset ", kLengthAt, " says ", length,
                                " bytes; there are ", bytes.size(), ", the header has ",
                                kNfitHeaderSize, " and at most ", kNfitMaxSize, " are read"));
  const absl::Span<const std::byte> table = bytes.first(length);
  if (const uint8_t sum = Sum(table); sum != 0)
    return Refusal(EINVAL, "nfit.checksum",
                   absl::StrFormat("NFIT: its %u bytes add up to 0x%02x, not 0; the checksum at "
                                   "offset %u should be 0x%02x",
                                   length, sum, kChecksumAt,
                                   (static_cast<uint8_t>(table[kChecksumAt]) - sum) & 0xff));
  return table;
}

template <typename S>
void Append(S structure, std::vector<std::byte>& bytes) {
  const auto* list = Tail(structure);
  uint64_t tail = 0;
  if (list != nullptr) tail = list->size() * sizeof(list->front());
  const uint32_t fixed = FixedSize(structure).first;
  const size_t start = bytes.size();
  bytes.resize(start + fixed + tail);
  std::byte* const at = bytes.data() + start;
  StoreLe<uint16_t>(at, static_cast<uint16_t>(S::kType));
  StoreLe<uint16_t>(at + 2, static_cast<uint16_t>(fixed + tail));
  StoreFields(structure, static_cast<uint16_t>(fixed), at);
  if (list == nullptr) return;
  for (size_t i = 0; i < list->size(); ++i)
    StoreLe(at + fixed + i * sizeof(list->front()), (*list)[i]);
}

template <typename S>
void AppendAll(const std::vector<S>& structures, std::vector<std::byte>& bytes) {
  for (const S& structure : structures) Append(structure, bytes);
}

}  // namespace

absl::StatusOr<NfitTable> ParseNfit(absl::Span<const std::byte> bytes) {
  ASSIGN_OR_RETURN(const absl::Span<const std::byte> whole, CheckHeader(bytes));
  NfitTable table;
  table.revision = static_cast<uint8_t>(whole[kRevisionAt]);
  for (size_t at = kNfitHeaderSize; at < whole.size();) {
    const size_t left = whole.size() - at;
    if (left < kNfitStructureHeaderSize)
      return Refusal(EINVAL, "nfit.length",
                     absl::StrCat("NFIT: ", left, " bytes at offset ", at,
                                  " are too few for a structure's type and length"));
    const Structure structure{.at = whole.data() + at,
                              .offset = static_cast<uint32_t>(at),
                              .type = LoadLe<uint16_t>(whole.data() + at),
                              .length = LoadLe<uint16_t>(whole.data() + at + 2)};
    if (structure.length < kNfitStructureHeaderSize)
      return BadLength(structure, "any", "less than its own header");
    if (structure.length > left)
      return BadLength(structure, "any", absl::StrCat("only ", left, " bytes are left"));
    RETURN_IF_ERROR(TakeStructure(structure, table));
    at += structure.length;
  }
  return table;
}

std::vector<std::byte> WriteNfit(const NfitTable& table) {
  std::vector<std::byte> bytes(kNfitHeaderSize);
  AppendAll(table.ranges, bytes);
  AppendAll(table.maps, bytes);
  for (NfitInterleave interleave : table.interleaves) {
    interleave.line_count = static_cast<uint32_t>(interleave.line_offsets.size());
    Append(std::move(interleave), bytes);
  }
  AppendAll(table.controls, bytes);
  for (NfitFlushHints flush : table.flushes) {
    flush.hint_count = static_cast<uint16_t>(flush.addresses.size());
    Append(std::move(flush), bytes);
  }
  AppendAll(table.capabilities, bytes);
  std::memcpy(bytes.data(), kNfitSignature.data(), kNfitSignature.size());
  StoreLe<uint32_t>(bytes.data() + kLengthAt, static_cast<uint32_t>(bytes.size()));
  bytes[kRevisionAt] = std::byte{table.revision};
  std::memcpy(bytes.data() + kOemAt, "NVDIMMNVDIMMFS", 14);
  std::memcpy(bytes.data() + kCreatorAt, "NVFS", 4);
  bytes[kChecksumAt] = std::byte{static_cast<uint8_t>(-Sum(bytes))};
  return bytes;
}

}  // namespace nvdimmfs::backends
