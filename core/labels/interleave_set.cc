// SPDX-License-Identifier: Apache-2.0
#include "core/labels/interleave_set.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "core/base/endian.h"
#include "core/base/fletcher64.h"

namespace nvdimmfs::core {
namespace {

// The records whose checksums are the cookies. They are never on media, but little-endian.
struct RecordV1_1 {
  le64 region_offset;  //  0
  le32 serial;         //  8
  le32 reserved;       // 12
};
static_assert(sizeof(RecordV1_1) == 16);

struct RecordV1_2 {
  le64 region_offset;                //  0
  le32 serial;                       //  8
  le16 vendor;                       // 12
  le16 manufacturing_date;           // 14
  uint8_t manufacturing_location;    // 16
  std::array<uint8_t, 31> reserved;  // 17
};
static_assert(sizeof(RecordV1_2) == 48);

struct CxlRecord {
  le64 dpa;     // 0
  le64 serial;  // 8
};
static_assert(sizeof(CxlRecord) == 16);

RecordV1_1 ToV1_1(const SetMember& member) {
  RecordV1_1 record{};
  record.region_offset = member.region_offset;
  record.serial = member.serial;
  return record;
}

RecordV1_2 ToV1_2(const SetMember& member) {
  RecordV1_2 record{};
  record.region_offset = member.region_offset;
  record.serial = member.serial;
  record.vendor = member.vendor;
  record.manufacturing_date = member.manufacturing_date;
  record.manufacturing_location = member.manufacturing_location;
  return record;
}

bool NumericOrder(const SetMember& a, const SetMember& b) {
  return a.region_offset < b.region_offset;
}

// Early kernels compared the bytes of the little-endian offset; labels from that time are still
// accepted.
bool ByteOrder(const SetMember& a, const SetMember& b) {
  const le64 left = a.region_offset;
  const le64 right = b.region_offset;
  return std::memcmp(&left, &right, sizeof left) < 0;
}

template <typename Record>
uint64_t Checksum(absl::Span<const SetMember> members,
                  bool (*order)(const SetMember&, const SetMember&),
                  Record (*to_record)(const SetMember&)) {
  std::vector<SetMember> sorted(members.begin(), members.end());
  std::stable_sort(sorted.begin(), sorted.end(), order);
  std::vector<std::byte> bytes(sorted.size() * sizeof(Record));
  for (size_t i = 0; i < sorted.size(); ++i) {
    const Record record = to_record(sorted[i]);
    std::memcpy(bytes.data() + i * sizeof record, &record, sizeof record);
  }
  return Fletcher64(bytes);
}

}  // namespace

SetCookies ComputeSetCookies(absl::Span<const SetMember> members) {
  return SetCookies{.v1_1 = Checksum(members, NumericOrder, ToV1_1),
                    .v1_2 = Checksum(members, NumericOrder, ToV1_2),
                    .alternate = Checksum(members, ByteOrder, ToV1_1)};
}

SetCookies ComputeCxlCookies(absl::Span<const CxlSetMember> members) {
  std::vector<std::byte> bytes(members.size() * sizeof(CxlRecord));
  for (size_t i = 0; i < members.size(); ++i) {
    const CxlRecord record{.dpa = members[i].dpa, .serial = members[i].serial};
    std::memcpy(bytes.data() + i * sizeof record, &record, sizeof record);
  }
  const uint64_t cookie = Fletcher64(bytes);
  return SetCookies{.v1_1 = cookie, .v1_2 = cookie, .alternate = 0};
}

std::vector<uint32_t> SetPositions(absl::Span<const SetMember> members) {
  std::vector<uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&members](uint32_t a, uint32_t b) {
    return NumericOrder(members[a], members[b]);
  });
  std::vector<uint32_t> positions(members.size());
  for (uint32_t place = 0; place < order.size(); ++place) positions[order[place]] = place;
  return positions;
}

}  // namespace nvdimmfs::core
