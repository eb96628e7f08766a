// SPDX-License-Identifier: Apache-2.0
#include "backends/nfit/nfit_table.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/nfit/nfit_examples.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using Bytes = std::vector<std::byte>;

void Seal(Bytes& bytes) {
  bytes[9] = std::byte{0};
  uint8_t sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<uint8_t>(byte);
  bytes[9] = std::byte{static_cast<uint8_t>(-sum)};
}

template <typename S>
void ExpectSameFields(const std::vector<S>& a, const std::vector<S>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    for (const NfitField<S>& field : Fields(a[i])) {
      std::byte left[16], right[16];
      field.store(a[i], left);
      field.store(b[i], right);
      // Counts are the writer's to say.
      if (absl::EndsWith(field.name, "count")) continue;
      EXPECT_EQ(std::memcmp(left, right, field.size), 0) << field.name << " of " << i;
    }
}

TEST(NfitTableTest, WhatIsWrittenIsReadBack) {
  const NfitTable table = SetOf(4);
  const auto read = ParseNfit(WriteNfit(table));
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSameFields(table.ranges, read->ranges);
  ExpectSameFields(table.maps, read->maps);
  ExpectSameFields(table.interleaves, read->interleaves);
  ExpectSameFields(table.controls, read->controls);
  ExpectSameFields(table.flushes, read->flushes);
  ExpectSameFields(table.capabilities, read->capabilities);
  EXPECT_EQ(read->interleaves[0].line_offsets, table.interleaves[0].line_offsets);
  EXPECT_EQ(read->flushes[0].addresses, table.flushes[0].addresses);
  EXPECT_EQ(WriteNfit(*read), WriteNfit(table));
}

TEST(NfitTableTest, FieldsLieInTheirStructureAndDoNotOverlap) {
  const auto check = [](const auto& structure, uint32_t size) {
    std::vector<bool> taken(size);
    for (const auto& field : Fields(structure)) {
      ASSERT_LE(field.at + field.size, static_cast<int>(size)) << field.name;
      EXPECT_EQ(field.at % std::min<int>(field.size, 8), 0) << field.name;
      for (int i = field.at; i < field.at + field.size; ++i) {
        EXPECT_FALSE(taken[i]) << field.name;
        taken[i] = true;
      }
    }
  };
  check(NfitSpaRange{}, NfitSpaRange::kSizeWithCookie);
  check(NfitMemoryMap{}, NfitMemoryMap::kSize);
  check(NfitInterleave{}, NfitInterleave::kSize);
  check(NfitControlRegion{}, NfitControlRegion::kSizeWithWindows);
  check(NfitFlushHints{}, NfitFlushHints::kSize);
  check(NfitCapabilities{}, NfitCapabilities::kSize);
}

TEST(NfitTableTest, TheDocumentListsEveryField) {
  std::ifstream file("backends/nfit/nfit_format.md");
  std::stringstream text;
  text << file.rdbuf();
  const auto check = [&](const auto& structure) {
    for (const auto& field : Fields(structure)) {
      const std::string row =
          absl::StrCat("| ", field.at, " | ", field.size, " | ", field.name, " |");
      EXPECT_TRUE(absl::StrContains(text.str(), row)) << "not in nfit_format.md: " << row;
    }
  };
  check(NfitSpaRange{});
  check(NfitMemoryMap{});
  check(NfitInterleave{});
  check(NfitControlRegion{});
  check(NfitFlushHints{});
  check(NfitCapabilities{});
}

TEST(NfitTableTest, BytesBehindTheTableAreIgnored) {
  Bytes bytes = WriteNfit(SetOf(2));
  bytes.resize(bytes.size() + 100, std::byte{0xff});
  EXPECT_TRUE(ParseNfit(bytes).ok());
}

TEST(NfitTableTest, UnknownStructuresAndBlockWindowsAreSkippedAndTold) {
  Bytes bytes = WriteNfit(SetOf(1));
  const size_t at = bytes.size();
  for (const uint16_t type : {3, 5, 42}) {
    std::byte head[8] = {};
    core::StoreLe<uint16_t>(head, type);
    core::StoreLe<uint16_t>(head + 2, sizeof head);
    bytes.insert(bytes.end(), head, head + sizeof head);
  }
  core::StoreLe<uint32_t>(bytes.data() + 4, bytes.size());
  Seal(bytes);
  const auto table = ParseNfit(bytes);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->notes.size(), 2u);  // SMBIOS data is not needed
  EXPECT_EQ(table->notes[0].offset, at + 8);
  EXPECT_EQ(table->notes[1].offset, at + 16);
  EXPECT_TRUE(absl::StrContains(table->notes[1].sentence, "42"));
}

// Breaks one thing of a good table; the sums are right again, so it is the row's own check that
// refuses. Structure 0 is the first range, at offset 40.
const struct {
  absl::string_view name;
  void (*damage)(Bytes&);
  absl::string_view reason;
  absl::string_view in_sentence;
} kDamage[] = {
    {"Empty", [](Bytes& b) { b.clear(); }, "nfit.size", "0 bytes"},
    {"CutInHeader", [](Bytes& b) { b.resize(39); }, "nfit.size", "39"},
    {"Signature", [](Bytes& b) { b[0] = std::byte{'X'}; }, "nfit.signature", "offset 0"},
    {"LengthBeyondFile", [](Bytes& b) { b.resize(b.size() - 1); }, "nfit.size", "offset 4"},
    {"LengthBelowHeader", [](Bytes& b) { core::StoreLe<uint32_t>(b.data() + 4, 36); }, "nfit.size",
     "36"},
    {"ZeroLengthStructure", [](Bytes& b) { core::StoreLe<uint16_t>(b.data() + 42, 0); },
     "nfit.length", "offset 40"},
    {"StructureShorterThanItsHeader", [](Bytes& b) { core::StoreLe<uint16_t>(b.data() + 42, 3); },
     "nfit.length", "offset 40"},
    {"StructurePastTheEnd", [](Bytes& b) { core::StoreLe<uint16_t>(b.data() + 42, 0xfff0); },
     "nfit.length", "left"},
    {"RangeTooShort", [](Bytes& b) { core::StoreLe<uint16_t>(b.data() + 42, 55); }, "nfit.length",
     "needs 56"},
    {"RangeWithoutItsCookie",
     [](Bytes& b) { core::StoreLe<uint16_t>(b.data() + 46, NfitSpaRange::kLocationCookieValid); },
     "nfit.length", "needs 64"},
    {"TrailingCrumbs",
     [](Bytes& b) {
       b.resize(b.size() + 3);
       core::StoreLe<uint32_t>(b.data() + 4, b.size());
     },
     "nfit.length", "too few"},
};

TEST(NfitTableTest, EveryDamageIsRefusedWithItsPlaceAndReason) {
  for (const auto& row : kDamage) {
    Bytes bytes = WriteNfit(SetOf(2));
    row.damage(bytes);
    if (bytes.size() > 9) Seal(bytes);
    const absl::Status status = ParseNfit(bytes).status();
    EXPECT_EQ(core::ErrnoOf(status), EINVAL) << row.name;
    EXPECT_EQ(core::ReasonOf(status), row.reason) << row.name << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), row.in_sentence)) << row.name << ": " << status;
  }
}

TEST(NfitTableTest, ListsLongerThanTheirStructureAreRefused) {
  const Bytes good = WriteNfit(SetOf(2));
  const auto parsed = ParseNfit(good);
  for (const uint32_t at : {parsed->interleaves[0].offset + 8, parsed->flushes[0].offset + 8}) {
    Bytes bytes = good;
    bytes[at] = bytes[at + 1] = std::byte{0xff};
    Seal(bytes);
    EXPECT_EQ(core::ReasonOf(ParseNfit(bytes).status()), "nfit.length") << at;
  }
}

TEST(NfitTableTest, AWrongSumIsRefusedWithTheRightOne) {
  Bytes bytes = WriteNfit(SetOf(2));
  const auto right = static_cast<int>(bytes[9]);
  bytes[9] ^= std::byte{1};
  const absl::Status status = ParseNfit(bytes).status();
  EXPECT_EQ(core::ReasonOf(status), "nfit.checksum");
  EXPECT_TRUE(
      absl::StrContains(status.message(), absl::StrCat("be 0x", absl::Hex(right, absl::kZeroPad2))))
      << status;
}

}  // namespace
}  // namespace nvdimmfs::backends
