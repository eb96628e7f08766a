// SPDX-License-Identifier: Apache-2.0
#include "btt/flog_reader.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

constexpr size_t kGroupsPerUnit = 512 / sizeof(FlogGroup);

absl::Span<std::byte> BytesOf(std::vector<FlogGroup>& groups, size_t first, size_t count) {
  return absl::MakeSpan(reinterpret_cast<std::byte*>(groups.data() + first),
                        count * sizeof(FlogGroup));
}

}  // namespace

std::vector<FlogGroup> FlogImage::Readable() const {
  std::vector<FlogGroup> readable;
  for (size_t lane = 0; lane < groups.size(); ++lane)
    if (!unreadable[lane]) readable.push_back(groups[lane]);
  return readable;
}

absl::StatusOr<FlogImage> LoadFlog(const core::Media& ns, const ArenaGeometry& arena) {
  FlogImage image{std::vector<FlogGroup>(arena.nfree), std::vector<bool>(arena.nfree, false)};
  const absl::Status whole =
      ns.Read(arena.FlogAt(0), BytesOf(image.groups, 0, image.groups.size()));
  if (whole.ok()) return image;
  if (!IsPoison(whole)) return whole;
  for (size_t first = 0; first < image.groups.size(); first += kGroupsPerUnit) {
    const size_t count = std::min(kGroupsPerUnit, image.groups.size() - first);
    const absl::Status unit =
        ns.Read(arena.FlogAt(static_cast<uint32_t>(first)), BytesOf(image.groups, first, count));
    if (unit.ok()) continue;
    if (!IsPoison(unit)) return unit;
    std::fill_n(image.unreadable.begin() + first, count, true);
  }
  return image;
}

absl::Status CheckRecord(const LaneRecord& record, const ArenaGeometry& arena) {
  if (record.lba < arena.external_nlba && record.old_block < arena.internal_nlba &&
      record.new_block < arena.internal_nlba)
    return absl::OkStatus();
  return core::Refusal(
      EIO, "btt.flog.range",
      absl::StrCat("lba ", record.lba, ", old ", record.old_block, ", new ", record.new_block,
                   " are outside an arena of ", arena.external_nlba, " sectors and ",
                   arena.internal_nlba, " blocks"));
}

bool IsPoison(const absl::Status& status) { return core::ReasonOf(status) == "media.poison"; }

}  // namespace nvdimmfs::btt
