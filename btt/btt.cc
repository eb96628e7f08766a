// SPDX-License-Identifier: Apache-2.0
#include "btt/btt.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/formatter.h"
#include "core/base/endian.h"
#include "core/base/event.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::btt {
namespace {

// In the kernel, start-up fails with one errno. Reason and sentence keep the cause.
absl::Status StartupFailure(const absl::Status& cause) {
  return core::Refusal(ENOMEM, core::ReasonOf(cause), cause.message());
}

absl::Status CheckRoom(const core::Media& ns, Version version) {
  if (ns.size() >= InitialOffset(version) + kMinArena) return absl::OkStatus();
  return core::Refusal(
      ENXIO, "btt.size",
      absl::StrCat("a namespace of ", ns.size(), " bytes is too small for a BTT; minimum ",
                   InitialOffset(version) + kMinArena, " bytes"));
}

// Whether a status of CheckInfo or LoadInfo means "no BTT here", as opposed to a damaged one.
bool HoldsNoInfo(const absl::StatusOr<InfoBlock>& info, const core::Uuid& parent_uuid) {
  return info.ok() && !CheckInfo(*info, parent_uuid).ok();
}

// Reads the lost first info block of the BTT that `options` names from its copy at the end of
// arena 0.
absl::StatusOr<InfoBlock> FindBackup(const core::Media& ns, const FormatOptions& options,
                                     const ArenaGeometry& expected) {
  ASSIGN_OR_RETURN(const InfoBlock copy, LoadInfo(ns, expected.Info2At()));
  RETURN_IF_ERROR(CheckInfo(copy, options.parent_uuid));
  RETURN_IF_ERROR(CheckVersion(copy, options.version));
  ASSIGN_OR_RETURN(const ArenaGeometry arena,
                   ParseArena(copy, expected.start, ns.size() - expected.start));
  if (UuidOf(copy) == options.uuid && arena == expected) return copy;
  return core::Refusal(ENODEV, "btt.info.parent", "the copy belongs to another BTT");
}

// Restores the first info blocks of all arenas, last one first; false if a copy is missing, too.
bool RestoreFromBackups(core::Media& ns, const FormatOptions& options,
                        absl::Span<const ArenaGeometry> arenas) {
  std::vector<InfoBlock> copies;
  for (const ArenaGeometry& arena : arenas) {
    auto copy = FindBackup(ns, options, arena);
    if (!copy.ok()) return false;
    copies.push_back(*copy);
  }
  for (size_t i = arenas.size(); i > 0; --i) {
    const uint64_t at = arenas[i - 1].start;
    if (ns.IsPoisoned(at, kInfoSize) && !ns.ClearPoison(at, kInfoSize).ok()) return false;
    if (!ns.WriteThrough(at, BytesOf(copies[i - 1])).ok() || !ns.Drain().ok()) return false;
  }
  return true;
}

absl::Status MakeAnew(core::Media& ns, const FormatOptions& options) {
  const auto arenas = DivideIntoArenas(ns.size(), options.version, options.external_lbasize);
  if (RestoreFromBackups(ns, options, arenas)) {
    core::Report(core::Event::kInfoRestored, options.name, "",
                 absl::StrCat("the first info block was lost; those of ", arenas.size(),
                              " arenas were restored from their copies"));
    return absl::OkStatus();
  }
  return FormatArenas(ns, arenas, options.uuid, options.parent_uuid, options.version);
}

}  // namespace

absl::StatusOr<Identity> Probe(const core::Media& ns, Version version,
                               const core::Uuid& parent_uuid) {
  if (ns.size() < kMinArena)
    return core::Refusal(
        ENXIO, "btt.size",
        absl::StrCat("a namespace of ", ns.size(), " bytes has no room for a BTT"));
  const auto info = LoadInfo(ns, InitialOffset(version));
  if (!info.ok())
    return core::Refusal(ENXIO, "btt.info.unreadable",
                         absl::StrCat("read the info block: ", info.status().message()));
  RETURN_IF_ERROR(CheckInfo(*info, parent_uuid));
  RETURN_IF_ERROR(CheckVersion(*info, version));
  return Identity{UuidOf(*info), info->external_lbasize};
}

Btt::Btt(std::shared_ptr<core::Media> ns, bool read_only, const std::string& name)
    : ns_(std::move(ns)), read_only_(read_only || ns_->read_only()), name_(name) {}

absl::StatusOr<std::shared_ptr<Btt>> Btt::OpenOrFormat(std::shared_ptr<core::Media> ns,
                                                       const FormatOptions& options,
                                                       bool read_only) {
  if (!IsExternalSize(options.external_lbasize))
    return core::Refusal(
        EINVAL, "btt.sector_size",
        absl::StrCat(options.external_lbasize,
                     " is not a BTT block size; use one of 512 520 528 4096 4104 4160 4224"));
  RETURN_IF_ERROR(CheckRoom(*ns, options.version));
  const auto info = LoadInfo(*ns, InitialOffset(options.version));
  const bool writable = !read_only && !ns->read_only();
  if (writable && HoldsNoInfo(info, options.parent_uuid)) {
    const absl::Status made = MakeAnew(*ns, options);
    if (!made.ok()) return StartupFailure(made);
  }
  auto btt =
      OpenArenas(std::move(ns), options.version, options.parent_uuid, read_only, options.name);
  if (!btt.ok()) return StartupFailure(btt.status());
  const absl::Status sized = (*btt)->SetSectorSize(options.external_lbasize);
  if (!sized.ok()) return StartupFailure(sized);
  return btt;
}

absl::StatusOr<std::shared_ptr<Btt>> Btt::Open(std::shared_ptr<core::Media> ns, Version version,
                                               const core::Uuid& parent_uuid, bool read_only) {
  RETURN_IF_ERROR(CheckRoom(*ns, version));
  RETURN_IF_ERROR(Probe(*ns, version, parent_uuid).status());
  auto btt = OpenArenas(std::move(ns), version, parent_uuid, read_only, "");
  if (!btt.ok()) return StartupFailure(btt.status());
  const absl::Status sized = (*btt)->SetSectorSize((*btt)->external_lbasize());
  if (!sized.ok()) return StartupFailure(sized);
  return btt;
}

absl::StatusOr<std::shared_ptr<Btt>> Btt::OpenArenas(std::shared_ptr<core::Media> ns,
                                                     Version version, const core::Uuid& parent_uuid,
                                                     bool read_only, const std::string& name) {
  std::shared_ptr<Btt> btt(new Btt(std::move(ns), read_only, name));
  uint64_t start = InitialOffset(version);
  for (uint64_t next = 1; next != 0;) {
    ASSIGN_OR_RETURN(const InfoBlock info, LoadInfo(*btt->ns_, start));
    absl::Status valid = CheckInfo(info, parent_uuid);
    if (valid.ok()) valid = CheckVersion(info, version);
    if (valid.ok()) valid = btt->AddArena(info, start);
    if (!valid.ok())
      return core::Annotate(
          valid, absl::StrCat("arena ", btt->arenas_.size(), " at 0x", absl::Hex(start)));
    next = info.nextoff;
    start += next;
  }
  return btt;
}

absl::Status Btt::AddArena(const InfoBlock& info, uint64_t start) {
  ASSIGN_OR_RETURN(const ArenaGeometry geometry, ParseArena(info, start, ns_->size() - start));
  if (arenas_.empty())
    uuid_ = UuidOf(info);
  else if (geometry.external_lbasize != external_lbasize())
    return core::Refusal(EIO, "btt.info.mixed", "the arenas have different block sizes");
  const Arena::Options options{
      .read_only = read_only_, .error_flagged = (info.flags & kInfoFlagError) != 0, .name = name_};
  ASSIGN_OR_RETURN(std::unique_ptr<Arena> arena, Arena::Open(ns_, geometry, options));
  sectors_ += arena->sectors();
  arenas_.push_back(std::move(arena));
  return absl::OkStatus();
}

std::string Btt::damage() const {
  for (size_t i = 0; i < arenas_.size(); ++i)
    if (const std::string why = arenas_[i]->damage(); !why.empty())
      return absl::StrCat("arena ", i, ": ", why);
  return "";
}

absl::Status Btt::SetSectorSize(uint32_t external_lbasize) {
  sector_size_ = SectorSizeOf(external_lbasize);
  sector_shift_ = static_cast<uint32_t>(std::countr_zero(sector_size_));
  size_mismatch_ = sector_size_ != arenas_.front()->sector_size();
  size_ = sectors_ * sector_size_;  // at most 2^32 sectors an arena: does not wrap
  return absl::OkStatus();
}

absl::Status Btt::RefuseAccess(uint64_t offset, uint64_t length) const {
  if (!core::Fits(offset, length, size_)) return core::OutsideMedia(offset, length, size_);
  if (size_mismatch_)
    return core::Refusal(
        EIO, "btt.sector_size.mismatch",
        absl::StrCat("the btt device has a sector_size of ", sector_size_,
                     ", but the blocks on the media have only ", external_lbasize(),
                     " bytes for each sector: set sector_size to that and bind "
                     "again"));
  return absl::OkStatus();
}

Btt::Place Btt::Locate(uint64_t lba) const {
  size_t at = 0;
  while (lba >= arenas_[at]->sectors()) lba -= arenas_[at++]->sectors();
  return {arenas_[at].get(), static_cast<uint32_t>(lba)};
}

template <typename Part, typename Whole>
absl::Status Btt::Split(uint64_t offset, uint64_t length, const Part& part,
                        const Whole& whole) const {
  for (uint64_t done = 0; done < length;) {
    const Place place = Locate((offset + done) >> sector_shift_);
    const auto skip = static_cast<uint32_t>((offset + done) & (sector_size_ - 1));
    const uint64_t left = length - done;
    if (skip != 0 || left < sector_size_) {
      const uint64_t bytes = std::min<uint64_t>(left, sector_size_ - skip);
      RETURN_IF_ERROR(part(place, skip, done, bytes));
      done += bytes;
    } else {
      const auto count = static_cast<uint32_t>(
          std::min<uint64_t>(left >> sector_shift_, place.arena->sectors() - place.premap));
      RETURN_IF_ERROR(whole(place, count, done));
      done += uint64_t{count} * sector_size_;
    }
  }
  return absl::OkStatus();
}

template <typename Each>
absl::Status Btt::SplitUnlike(uint64_t offset, uint64_t length, const Each& each) const {
  if (!core::Fits(offset, length, size_)) return core::OutsideMedia(offset, length, size_);
  const uint64_t block = std::min(sector_size_, arenas_.front()->sector_size());
  auto part = [&](Place at, uint32_t skip, uint64_t done, uint64_t bytes) {
    return each(at, skip, done, bytes, skip < block ? std::min(bytes, block - skip) : 0);
  };
  auto whole = [&](Place at, uint32_t count, uint64_t done) {
    for (; count > 0; --count, ++at.premap, done += sector_size_)
      RETURN_IF_ERROR(part(at, 0, done, sector_size_));
    return absl::OkStatus();
  };
  return Split(offset, length, part, whole);
}

absl::Status Btt::ReadUnlike(uint64_t offset, absl::Span<std::byte> out) const {
  return SplitUnlike(
      offset, out.size(),
      [&](Place at, uint32_t skip, uint64_t done, uint64_t bytes, uint64_t held) -> absl::Status {
        const auto rest = out.subspan(done + held, bytes - held);
        std::fill(rest.begin(), rest.end(), std::byte{0});
        if (held == 0) return absl::OkStatus();
        return at.arena->Read(at.premap, skip, out.subspan(done, held));
      });
}

absl::Status Btt::WriteUnlike(uint64_t offset, absl::Span<const std::byte> data) {
  // Before anything is stored.
  RETURN_IF_ERROR(SplitUnlike(
      offset, data.size(), [&](Place, uint32_t, uint64_t done, uint64_t bytes, uint64_t held) {
        const auto rest = data.subspan(done + held, bytes - held);
        const bool lossless = std::all_of(rest.begin(), rest.end(),
                                          [](std::byte byte) { return byte == std::byte{0}; });
        return lossless ? absl::OkStatus() : RefuseAccess(offset, data.size());
      }));
  return SplitUnlike(
      offset, data.size(),
      [&](Place at, uint32_t skip, uint64_t done, uint64_t, uint64_t held) -> absl::Status {
        if (held == 0) return absl::OkStatus();
        const auto kept = data.subspan(done, held);
        if (held == at.arena->sector_size()) return at.arena->Write(at.premap, kept);
        return at.arena->WritePart(at.premap, skip, kept);
      });
}

absl::Status Btt::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (size_mismatch_) return ReadUnlike(offset, out);
  RETURN_IF_ERROR(CheckAccess(offset, out.size()));
  const uint64_t in_sector = offset & (sector_size_ - 1);
  if (!out.empty() && in_sector + out.size() <= sector_size_) {  // one sector, or a part of it
    const Place place = Locate(offset >> sector_shift_);
    return place.arena->Read(place.premap, static_cast<uint32_t>(in_sector), out);
  }
  return ReadSectors(offset, out);
}

absl::Status Btt::ReadSectors(uint64_t offset, absl::Span<std::byte> out) const {
  auto part = [&](Place at, uint32_t skip, uint64_t done, uint64_t bytes) {
    return at.arena->Read(at.premap, skip, out.subspan(done, bytes));
  };
  auto whole = [&](Place at, uint32_t count, uint64_t done) {
    return at.arena->ReadRun(at.premap, out.subspan(done, uint64_t{count} * sector_size_));
  };
  return Split(offset, out.size(), part, whole);
}

absl::Status Btt::Write(uint64_t offset, absl::Span<const std::byte> data) {
  if (size_mismatch_) return WriteUnlike(offset, data);
  RETURN_IF_ERROR(CheckAccess(offset, data.size()));
  auto part = [&](Place at, uint32_t skip, uint64_t done, uint64_t bytes) {
    return at.arena->WritePart(at.premap, skip, data.subspan(done, bytes));
  };
  auto whole = [&](Place at, uint32_t count, uint64_t done) {
    return at.arena->Write(at.premap, data.subspan(done, uint64_t{count} * sector_size_));
  };
  return Split(offset, data.size(), part, whole);
}

template <typename Word>
absl::Status Btt::StoreWord(uint64_t offset, Word value) {
  if (offset % sizeof(Word) != 0)
    return core::Refusal(
        EIO, "media.alignment",
        absl::StrCat("store a word at ", offset, ": not aligned to ", sizeof(Word), " bytes"));
  std::array<std::byte, sizeof(Word)> bytes;
  core::StoreLe(bytes.data(), value);
  return Write(offset, bytes);
}

absl::Status Btt::Store32(uint64_t offset, uint32_t value) { return StoreWord(offset, value); }
absl::Status Btt::Store64(uint64_t offset, uint64_t value) { return StoreWord(offset, value); }

absl::Status Btt::WriteZeros(Place place, uint32_t count) {
  static constexpr std::array<std::byte, 16384> kZeros{};
  while (count > 0) {
    const auto chunk =
        std::min<uint32_t>(count, static_cast<uint32_t>(kZeros.size() / sector_size_));
    RETURN_IF_ERROR(place.arena->Write(
        place.premap, absl::MakeConstSpan(kZeros).first(uint64_t{chunk} * sector_size_)));
    place.premap += chunk;
    count -= chunk;
  }
  return absl::OkStatus();
}

// Most discards are of zeros: of a whole new device, before mkfs. Reading is cheaper than writing,
// and dirties nothing.
absl::Status Btt::WriteZerosWhereNeeded(Place place, uint32_t count) {
  while (count > 0) {
    const uint32_t chunk = std::min(count, Arena::kMostLookedAt);
    if (!place.arena->HoldsZeros(place.premap, chunk)) RETURN_IF_ERROR(WriteZeros(place, chunk));
    place.premap += chunk;
    count -= chunk;
  }
  return absl::OkStatus();
}

absl::Status Btt::Discard(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckAccess(offset, length));
  static constexpr std::array<std::byte, 4096> kZeros{};
  auto part = [&](Place at, uint32_t skip, uint64_t, uint64_t bytes) {
    return at.arena->WritePart(at.premap, skip, absl::MakeConstSpan(kZeros).first(bytes));
  };
  auto whole = [&](Place at, uint32_t count, uint64_t) {
    if (sector_size_ == 4096) return at.arena->SetZero(at.premap, count);
    return at.arena->GiveBack(at.premap, count, [&](uint32_t premap, uint32_t left) {
      return WriteZerosWhereNeeded({at.arena, premap}, left);
    });
  };
  return Split(offset, length, part, whole);
}

bool Btt::IsPoisoned(uint64_t offset, uint64_t length) const {
  if (length == 0 || !CheckAccess(offset, length).ok()) return false;
  const uint64_t last = (offset + length - 1) / sector_size_;
  for (uint64_t lba = offset / sector_size_; lba <= last; ++lba) {
    const Place at = Locate(lba);
    if (at.arena->IsBad(at.premap)) return true;
  }
  return false;
}

absl::Status Btt::ClearPoison(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckAccess(offset, length));
  if ((offset | length) % 512 != 0)
    return core::Refusal(ENXIO, "media.alignment",
                         "poison can only be cleared in aligned units of 512 bytes");
  if (length == 0) return absl::OkStatus();
  const uint64_t last = (offset + length - 1) / sector_size_;
  for (uint64_t lba = offset / sector_size_; lba <= last; ++lba) {
    const Place at = Locate(lba);
    if (at.arena->IsBad(at.premap)) RETURN_IF_ERROR(WriteZeros(at, 1));
  }
  return absl::OkStatus();
}

std::vector<core::Range> Btt::BadRanges() const {
  std::vector<core::Range> bad;
  uint64_t offset = 0;
  for (const auto& arena : arenas_)
    for (uint32_t premap = 0; premap < arena->sectors(); ++premap, offset += sector_size_) {
      if (!arena->IsBad(premap)) continue;
      if (!bad.empty() && bad.back().end() == offset)
        bad.back().size += sector_size_;
      else
        bad.push_back({offset, sector_size_});
    }
  return bad;
}

}  // namespace nvdimmfs::btt
