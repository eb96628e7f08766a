// SPDX-License-Identifier: Apache-2.0
// The in-memory layout of the ACPI NVDIMM Firmware Interface Table: its structures and their
// fields' offsets. Types and field tables only; the parser, the writer, the tests, the fuzz target
// and nfit_format.md all follow these tables.
//
// Source: ACPI specification 6.5, section 5.2.25 (NFIT), and 5.2.6 (system description table
// header).
#ifndef NVDIMMFS_BACKENDS_NFIT_NFIT_FORMAT_H_
#define NVDIMMFS_BACKENDS_NFIT_NFIT_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/endian.h"
#include "core/base/uuid.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kNfitSignature = "NFIT";
inline constexpr uint32_t kNfitHeaderSize = 40;          // bytes: ACPI's 36, and 4 reserved
inline constexpr uint32_t kNfitStructureHeaderSize = 4;  // type and length, 16 bits each
inline constexpr uint32_t kNfitMaxSize = 1 << 20;        // bytes; far more than any machine has

enum class NfitType : uint16_t {
  kSpaRange = 0,
  kMemoryMap = 1,
  kInterleave = 2,
  kSmbios = 3,
  kControlRegion = 4,
  kBlockWindow = 5,
  kFlushHints = 6,
  kCapabilities = 7,
};

// --- The structures, in host order. `offset` is the structure's place in the table, in bytes; 0 if
// it was not read from one. ---

// Range type GUIDs: section 5.2.25.2, table "System Physical Address (SPA) Range Structure".
inline constexpr absl::string_view kVolatileMemory = "7305944f-fdda-44e3-b16c-3f22d252e5d0";
inline constexpr absl::string_view kPersistentMemory = "66f0d379-b4f3-4074-ac43-0d3318b78cdb";
inline constexpr absl::string_view kControlRegionRange = "92f701f6-13b4-405d-910b-299367e8234c";
inline constexpr absl::string_view kBlockDataWindow = "91af0530-5d86-470e-a6b0-0a2db9408249";
inline constexpr absl::string_view kVolatileDisk = "77ab535a-45fc-624b-5560-f7b281d1f96e";
inline constexpr absl::string_view kVolatileCd = "3d5abd30-4175-87ce-6d64-d2ade523c4bb";
inline constexpr absl::string_view kPersistentDisk = "5cea02c9-4d07-69d3-269f-4496fbe096f9";
inline constexpr absl::string_view kPersistentCd = "08018188-42cd-bb48-100f-5387d53ded3d";

struct NfitSpaRange {
  static constexpr NfitType kType = NfitType::kSpaRange;
  static constexpr uint16_t kSize = 56;  // bytes, without the location cookie
  static constexpr uint16_t kSizeWithCookie = 64;
  static constexpr uint16_t kProximityValid = 1 << 1;       // bits of `flags`
  static constexpr uint16_t kLocationCookieValid = 1 << 2;  // the structure is 64 bytes long

  uint16_t range_index = 0;
  uint16_t flags = 0;
  uint32_t proximity_domain = 0;
  core::Uuid::Bytes type_guid{};  // GUID order
  uint64_t address = 0;           // bytes
  uint64_t length = 0;            // bytes
  uint64_t attributes = 0;        // EFI memory attributes
  uint64_t location_cookie = 0;
  uint32_t offset = 0;
};

struct NfitMemoryMap {
  static constexpr NfitType kType = NfitType::kMemoryMap;
  static constexpr uint16_t kSize = 48;

  uint32_t device_handle = 0;
  uint16_t physical_id = 0;
  uint16_t region_id = 0;
  uint16_t range_index = 0;       // 0: not mapped into any range
  uint16_t control_index = 0;     // 0: no control region
  uint64_t region_size = 0;       // bytes that this device contributes to the range
  uint64_t region_offset = 0;     // bytes from the range's start to the device's first line
  uint64_t dpa = 0;               // bytes
  uint16_t interleave_index = 0;  // 0: not interleaved
  uint16_t interleave_ways = 0;
  uint16_t state_flags = 0;  // core::NfitFlag
  uint32_t offset = 0;
};

struct NfitInterleave {
  static constexpr NfitType kType = NfitType::kInterleave;
  static constexpr uint16_t kSize = 16;

  uint16_t index = 0;
  uint32_t line_count = 0;
  uint32_t line_size = 0;              // bytes
  std::vector<uint32_t> line_offsets;  // line_count of them, in lines
  uint32_t offset = 0;
};

struct NfitControlRegion {
  static constexpr NfitType kType = NfitType::kControlRegion;
  static constexpr uint16_t kSize = 32;  // without the block windows' fields
  static constexpr uint16_t kSizeWithWindows = 80;
  static constexpr uint8_t kManufacturingValid = 1;  // bit of valid_fields

  uint16_t index = 0;
  uint16_t vendor_id = 0;
  uint16_t device_id = 0;
  uint16_t revision_id = 0;
  uint16_t subsystem_vendor_id = 0;
  uint16_t subsystem_device_id = 0;
  uint16_t subsystem_revision_id = 0;
  uint8_t valid_fields = 0;
  uint8_t manufacturing_location = 0;
  uint16_t manufacturing_date = 0;
  uint32_t serial_number = 0;
  uint16_t interface_code = 0;
  uint16_t windows = 0;  // block control windows: history
  uint64_t window_size = 0;
  uint64_t command_offset = 0;
  uint64_t command_size = 0;
  uint64_t status_offset = 0;
  uint64_t status_size = 0;
  uint16_t control_flags = 0;
  uint32_t offset = 0;
};

struct NfitFlushHints {
  static constexpr NfitType kType = NfitType::kFlushHints;
  static constexpr uint16_t kSize = 16;

  uint32_t device_handle = 0;
  uint16_t hint_count = 0;
  std::vector<uint64_t> addresses;  // hint_count of them
  uint32_t offset = 0;
};

struct NfitCapabilities {
  static constexpr NfitType kType = NfitType::kCapabilities;
  static constexpr uint16_t kSize = 16;
  static constexpr uint32_t kCacheFlush = 1 << 0;   // CPU caches reach the media when power fails
  static constexpr uint32_t kMemoryFlush = 1 << 1;  // memory controllers do

  uint8_t highest = 0;        // number of the highest valid bit
  uint32_t capabilities = 0;  // bits
  uint32_t offset = 0;
};

// --- The offsets of the fields. ---

template <typename S>
struct NfitField {
  absl::string_view name;
  uint16_t at;    // bytes from the structure's start
  uint16_t size;  // bytes
  void (*load)(const std::byte* at, S& structure);
  void (*store)(const S& structure, std::byte* at);
};

template <auto member>
struct NfitMember;

// A number, little-endian in the table; or a GUID, copied as it is.
template <typename S, typename T, T S::*member>
struct NfitMember<member> {
  using Structure = S;
  static constexpr uint16_t kSize = sizeof(T);
  static void Load(const std::byte* at, S& structure) {
    if constexpr (std::is_integral_v<T>)
      structure.*member = core::LoadLe<T>(at);
    else
      std::memcpy((structure.*member).data(), at, kSize);
  }
  static void Store(const S& structure, std::byte* at) {
    if constexpr (std::is_integral_v<T>)
      core::StoreLe<T>(at, structure.*member);
    else
      std::memcpy(at, (structure.*member).data(), kSize);
  }
};

template <auto member>
constexpr auto FieldAt(uint16_t at, absl::string_view name) {
  using M = NfitMember<member>;
  return NfitField<typename M::Structure>{name, at, M::kSize, M::Load, M::Store};
}

inline constexpr NfitField<NfitSpaRange> kSpaRangeFields[] = {
    FieldAt<&NfitSpaRange::range_index>(4, "range index"),
    FieldAt<&NfitSpaRange::flags>(6, "flags"),
    FieldAt<&NfitSpaRange::proximity_domain>(12, "proximity domain"),
    FieldAt<&NfitSpaRange::type_guid>(16, "type GUID"),
    FieldAt<&NfitSpaRange::address>(32, "address"),
    FieldAt<&NfitSpaRange::length>(40, "length"),
    FieldAt<&NfitSpaRange::attributes>(48, "memory attributes"),
    FieldAt<&NfitSpaRange::location_cookie>(56, "location cookie"),
};

inline constexpr NfitField<NfitMemoryMap> kMemoryMapFields[] = {
    FieldAt<&NfitMemoryMap::device_handle>(4, "device handle"),
    FieldAt<&NfitMemoryMap::physical_id>(8, "physical id"),
    FieldAt<&NfitMemoryMap::region_id>(10, "region id"),
    FieldAt<&NfitMemoryMap::range_index>(12, "range index"),
    FieldAt<&NfitMemoryMap::control_index>(14, "control region index"),
    FieldAt<&NfitMemoryMap::region_size>(16, "region size"),
    FieldAt<&NfitMemoryMap::region_offset>(24, "region offset"),
    FieldAt<&NfitMemoryMap::dpa>(32, "DPA base"),
    FieldAt<&NfitMemoryMap::interleave_index>(40, "interleave index"),
    FieldAt<&NfitMemoryMap::interleave_ways>(42, "interleave ways"),
    FieldAt<&NfitMemoryMap::state_flags>(44, "state flags"),
};

inline constexpr NfitField<NfitInterleave> kInterleaveFields[] = {
    FieldAt<&NfitInterleave::index>(4, "interleave index"),
    FieldAt<&NfitInterleave::line_count>(8, "line count"),
    FieldAt<&NfitInterleave::line_size>(12, "line size"),
};

inline constexpr NfitField<NfitControlRegion> kControlRegionFields[] = {
    FieldAt<&NfitControlRegion::index>(4, "control region index"),
    FieldAt<&NfitControlRegion::vendor_id>(6, "vendor id"),
    FieldAt<&NfitControlRegion::device_id>(8, "device id"),
    FieldAt<&NfitControlRegion::revision_id>(10, "revision id"),
    FieldAt<&NfitControlRegion::subsystem_vendor_id>(12, "subsystem vendor id"),
    FieldAt<&NfitControlRegion::subsystem_device_id>(14, "subsystem device id"),
    FieldAt<&NfitControlRegion::subsystem_revision_id>(16, "subsystem revision id"),
    FieldAt<&NfitControlRegion::valid_fields>(18, "valid fields"),
    FieldAt<&NfitControlRegion::manufacturing_location>(19, "manufacturing location"),
    FieldAt<&NfitControlRegion::manufacturing_date>(20, "manufacturing date"),
    FieldAt<&NfitControlRegion::serial_number>(24, "serial number"),
    FieldAt<&NfitControlRegion::interface_code>(28, "interface code"),
    FieldAt<&NfitControlRegion::windows>(30, "block windows"),
    FieldAt<&NfitControlRegion::window_size>(32, "window size"),
    FieldAt<&NfitControlRegion::command_offset>(40, "command offset"),
    FieldAt<&NfitControlRegion::command_size>(48, "command size"),
    FieldAt<&NfitControlRegion::status_offset>(56, "status offset"),
    FieldAt<&NfitControlRegion::status_size>(64, "status size"),
    FieldAt<&NfitControlRegion::control_flags>(72, "control flags"),
};

inline constexpr NfitField<NfitFlushHints> kFlushHintFields[] = {
    FieldAt<&NfitFlushHints::device_handle>(4, "device handle"),
    FieldAt<&NfitFlushHints::hint_count>(8, "hint count"),
};

inline constexpr NfitField<NfitCapabilities> kCapabilityFields[] = {
    FieldAt<&NfitCapabilities::highest>(4, "highest capability"),
    FieldAt<&NfitCapabilities::capabilities>(8, "capabilities"),
};

// The fields of each structure, by its type: Fields(NfitSpaRange{}).
constexpr auto& Fields(const NfitSpaRange&) { return kSpaRangeFields; }
constexpr auto& Fields(const NfitMemoryMap&) { return kMemoryMapFields; }
constexpr auto& Fields(const NfitInterleave&) { return kInterleaveFields; }
constexpr auto& Fields(const NfitControlRegion&) { return kControlRegionFields; }
constexpr auto& Fields(const NfitFlushHints&) { return kFlushHintFields; }
constexpr auto& Fields(const NfitCapabilities&) { return kCapabilityFields; }

// The list after the fixed part, if the structure has one.
inline auto* Tail(NfitInterleave& s) { return &s.line_offsets; }
inline auto* Tail(NfitFlushHints& s) { return &s.addresses; }
template <typename S>
inline std::vector<uint32_t>* Tail(S&) {
  return nullptr;
}

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_FORMAT_H_
