// SPDX-License-Identifier: Apache-2.0
#include "core/nd/btt_arena.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

const SectorArena& FactsOf(Device& device) { return static_cast<BttArena&>(device).facts(); }

template <auto field>
Text Decimal(Device& device) {
  return absl::StrCat(FactsOf(device).*field, "\n");
}

// In hexadecimal, with all digits.
template <auto field>
Text Hex(Device& device) {
  const auto value = FactsOf(device).*field;
  return absl::StrFormat("0x%0*x\n", static_cast<int>(2 * sizeof value), value);
}

template <size_t index>
Text LogIndex(Device& device) {
  return absl::StrCat(FactsOf(device).log_index[index], "\n");
}

constexpr Attribute kArenaAttributes[] = {
    {.name = "dataoff", .show = Hex<&SectorArena::dataoff>, .summary = "offset of its blocks"},
    {.name = "external_lba_start",
     .show = Hex<&SectorArena::external_lba_start>,
     .summary = "number of its first sector"},
    {.name = "external_lbasize",
     .show = Decimal<&SectorArena::external_lbasize>,
     .summary = "bytes of a sector, with its metadata"},
    {.name = "external_nlba",
     .show = Hex<&SectorArena::external_nlba>,
     .summary = "number of sectors"},
    {.name = "flags", .show = Hex<&SectorArena::flags>, .summary = "1: the arena has met an error"},
    {.name = "info2off",
     .show = Hex<&SectorArena::info2off>,
     .summary = "offset of the copy of the info block"},
    {.name = "infooff", .show = Hex<&SectorArena::infooff>, .summary = "offset of the info block"},
    {.name = "internal_lbasize",
     .show = Decimal<&SectorArena::internal_lbasize>,
     .summary = "bytes of a block"},
    {.name = "internal_nlba",
     .show = Hex<&SectorArena::internal_nlba>,
     .summary = "number of blocks"},
    {.name = "log_index_0",
     .show = LogIndex<0>,
     .summary = "the first entry of a flog group in use"},
    {.name = "log_index_1",
     .show = LogIndex<1>,
     .summary = "the second entry of a flog group in use"},
    {.name = "logoff", .show = Hex<&SectorArena::logoff>, .summary = "offset of the flog"},
    {.name = "mapoff", .show = Hex<&SectorArena::mapoff>, .summary = "offset of the map"},
    {.name = "nextoff",
     .show = Hex<&SectorArena::nextoff>,
     .summary = "offset of the next arena; 0: this is the last"},
    {.name = "nfree",
     .show = Decimal<&SectorArena::nfree>,
     .summary = "free blocks, which is the number of lanes"},
    {.name = "size", .show = Hex<&SectorArena::size>, .summary = "bytes"},
    {.name = "version_major",
     .show = Decimal<&SectorArena::version_major>,
     .summary = "major version of the layout"},
    {.name = "version_minor",
     .show = Decimal<&SectorArena::version_minor>,
     .summary = "minor version of the layout"},
};

}  // namespace

BttArena::BttArena(const Device& btt, size_t index, const SectorArena& facts)
    : Device(btt.engine(), NdKind::kArena, absl::StrCat("arena", index), nullptr),
      btt_name_(btt.name()),
      facts_(facts) {}

std::string BttArena::place() const {
  return absl::StrCat("sys/kernel/debug/btt/", btt_name_, "/", name());
}

absl::Span<const Attribute> BttArena::Table() { return kArenaAttributes; }

}  // namespace nvdimmfs::core
