// SPDX-License-Identifier: Apache-2.0
#include "core/media/striped_media.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::core {
namespace {

absl::Status BadStripes(absl::string_view why) {
  return Refusal(EINVAL, "media.stripes", absl::StrCat("interleaved media: ", why));
}

}  // namespace

StripedMedia::StripedMedia(std::vector<Member> members, uint64_t granularity, uint64_t member_size)
    : members_(std::move(members)), granularity_(granularity), member_size_(member_size) {}

absl::StatusOr<std::shared_ptr<Media>> StripedMedia::Make(std::vector<Member> members,
                                                          uint64_t granularity,
                                                          uint64_t member_size) {
  if (members.empty() || members.size() > kMaxMembers)
    return BadStripes(absl::StrCat(members.size(), " members; 1 to ", kMaxMembers, " can be"));
  if (granularity < kMinGranularity || !IsPowerOfTwo(granularity))
    return BadStripes(absl::StrCat("granularity ", granularity,
                                   " is not a power of two of at least ", kMinGranularity));
  if (member_size % granularity != 0 || !CheckedMul(member_size, members.size()))
    return BadStripes(absl::StrCat("members of ", member_size,
                                   " bytes cannot be divided into pieces of ", granularity));
  for (const Member& member : members)
    if (member.media != nullptr && member.media->size() != member_size)
      return BadStripes(absl::StrCat(member.name, " has ", member.media->size(),
                                     " bytes, where every member has ", member_size));
  return std::shared_ptr<Media>(new StripedMedia(std::move(members), granularity, member_size));
}

uint64_t StripedMedia::Below(size_t member, uint64_t offset) const {
  const uint64_t stripe = granularity_ * members_.size();
  const uint64_t before = granularity_ * member;
  const uint64_t rest = offset % stripe;
  const uint64_t in_last = rest <= before ? 0 : std::min(rest - before, granularity_);
  return offset / stripe * granularity_ + in_last;
}

Range StripedMedia::PartOf(size_t member, uint64_t offset, uint64_t length) const {
  const uint64_t start = Below(member, offset);
  return {start, Below(member, offset + length) - start};
}

uint64_t StripedMedia::OffsetInMember(uint64_t offset) const {
  return offset / (granularity_ * members_.size()) * granularity_ + offset % granularity_;
}

template <typename F>
absl::Status StripedMedia::ForEachPiece(uint64_t offset, uint64_t length, F f) const {
  for (uint64_t done = 0; done < length;) {
    const uint64_t at = offset + done;
    const uint64_t bytes = std::min(length - done, granularity_ - at % granularity_);
    RETURN_IF_ERROR(f(MemberAt(at), OffsetInMember(at), done, bytes));
    done += bytes;
  }
  return absl::OkStatus();
}

template <typename F>
absl::Status StripedMedia::ForEachPart(uint64_t offset, uint64_t length, F f) const {
  RETURN_IF_ERROR(Check(offset, length));
  for (size_t i = 0; i < members_.size(); ++i) {
    const Range part = PartOf(i, offset, length);
    if (!part.empty()) RETURN_IF_ERROR(f(*members_[i].media, part));
  }
  return absl::OkStatus();
}

absl::Status StripedMedia::Check(uint64_t offset, uint64_t length) const {
  if (!Fits(offset, length, size())) return OutsideMedia(offset, length, size());
  for (size_t i = 0; i < members_.size(); ++i)
    if (members_[i].media == nullptr && !PartOf(i, offset, length).empty())
      return Refusal(
          EIO, "media.missing",
          absl::StrCat("access to ", length, " bytes at ", offset, ": a part of them is on ",
                       members_[i].name, ", which is missing"));
  return absl::OkStatus();
}

absl::Status StripedMedia::CheckWord(uint64_t offset, uint64_t length) const {
  RETURN_IF_ERROR(Check(offset, length));
  if (offset % length == 0) return absl::OkStatus();
  return Refusal(EIO, "media.alignment", "a word store needs a naturally aligned offset");
}

absl::Status StripedMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  return Load(offset, out, &Media::Read);
}

absl::Status StripedMedia::Peek(uint64_t offset, absl::Span<std::byte> out) const {
  return Load(offset, out, &Media::Peek);
}

absl::Status StripedMedia::Load(uint64_t offset, absl::Span<std::byte> out, LoadVerb load) const {
  RETURN_IF_ERROR(Check(offset, out.size()));
  return ForEachPiece(offset, out.size(),
                      [&](size_t member, uint64_t at, uint64_t done, uint64_t bytes) {
                        return (*members_[member].media.*load)(at, out.subspan(done, bytes));
                      });
}

absl::Status StripedMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Store(offset, data, &Media::Write);
}

absl::Status StripedMedia::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  return Store(offset, data, &Media::WriteThrough);
}

absl::Status StripedMedia::Store(uint64_t offset, absl::Span<const std::byte> data,
                                 StoreVerb store) {
  RETURN_IF_ERROR(Check(offset, data.size()));
  // A bad unit can be longer than a piece, and only a store of the whole unit makes it good.
  std::vector<bool> stored(members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const Range part = PartOf(i, offset, data.size());
    if (part.empty() || !members_[i].media->IsPoisoned(part.start, part.size)) continue;
    RETURN_IF_ERROR(StoreWhole(i, offset, data, store));
    stored[i] = true;
  }
  return ForEachPiece(offset, data.size(),
                      [&](size_t member, uint64_t at, uint64_t done, uint64_t bytes) {
                        if (stored[member]) return absl::OkStatus();
                        return (*members_[member].media.*store)(at, data.subspan(done, bytes));
                      });
}

// The member's part of the data, in one store.
absl::Status StripedMedia::StoreWhole(size_t member, uint64_t offset,
                                      absl::Span<const std::byte> data, StoreVerb store) {
  const Range part = PartOf(member, offset, data.size());
  std::vector<std::byte> bytes(part.size);
  RETURN_IF_ERROR(ForEachPiece(
      offset, data.size(), [&](size_t owner, uint64_t at, uint64_t done, uint64_t length) {
        if (owner == member)
          std::memcpy(bytes.data() + (at - part.start), data.data() + done, length);
        return absl::OkStatus();
      }));
  return (*members_[member].media.*store)(part.start, bytes);
}

absl::Status StripedMedia::Store32(uint64_t offset, uint32_t value) {
  RETURN_IF_ERROR(CheckWord(offset, sizeof value));
  return members_[MemberAt(offset)].media->Store32(OffsetInMember(offset), value);
}

absl::Status StripedMedia::Store64(uint64_t offset, uint64_t value) {
  RETURN_IF_ERROR(CheckWord(offset, sizeof value));
  return members_[MemberAt(offset)].media->Store64(OffsetInMember(offset), value);
}

absl::Status StripedMedia::StoreThrough32(uint64_t offset, uint32_t value) {
  RETURN_IF_ERROR(CheckWord(offset, sizeof value));
  return members_[MemberAt(offset)].media->StoreThrough32(OffsetInMember(offset), value);
}

absl::Status StripedMedia::StoreThrough64(uint64_t offset, uint64_t value) {
  RETURN_IF_ERROR(CheckWord(offset, sizeof value));
  return members_[MemberAt(offset)].media->StoreThrough64(OffsetInMember(offset), value);
}

absl::Status StripedMedia::Push(uint64_t offset, uint64_t length) {
  return ForEachPart(offset, length, [](Media& media, const Range& part) {
    return media.Push(part.start, part.size);
  });
}

// The failure of one member must not keep the others from becoming durable. All failures are
// reported.
absl::Status StripedMedia::AskAll(absl::Status (Media::*verb)()) {
  absl::Status all;
  for (const Member& member : members_) {
    if (member.media == nullptr) continue;
    const absl::Status one = Annotate((*member.media.*verb)(), member.name);
    if (one.ok()) continue;
    all = all.ok() ? one
                   : Refusal(ErrnoOf(all), ReasonOf(all),
                             absl::StrCat(all.message(), "; ", one.message()));
  }
  return all;
}

absl::Status StripedMedia::Drain() { return AskAll(&Media::Drain); }

absl::Status StripedMedia::Flush() { return AskAll(&Media::Flush); }

absl::Status StripedMedia::Punch(uint64_t offset, uint64_t length) {
  return ForEachPart(offset, length, [](Media& media, const Range& part) {
    return media.Punch(part.start, part.size);
  });
}

uint64_t StripedMedia::hole_unit() const {
  uint64_t largest = 0;
  for (const Member& member : members_) {
    const uint64_t unit = member.media == nullptr ? 0 : HoleUnitOf(*member.media);
    if (unit == 0) return 0;
    largest = std::max(largest, unit);
  }
  return members_.size() > 1 && largest > granularity_ ? 0 : largest;
}

bool StripedMedia::read_only() const {
  return std::any_of(members_.begin(), members_.end(), [](const Member& member) {
    return member.media != nullptr && member.media->read_only();
  });
}

const std::byte* StripedMedia::mapping() const {
  if (members_.size() > 1 || members_[0].media == nullptr) return nullptr;
  return members_[0].media->mapping();
}

DirectView StripedMedia::direct_view() const {
  if (members_.size() > 1 || members_[0].media == nullptr) return {};
  return members_[0].media->direct_view();
}

bool StripedMedia::IsPoisoned(uint64_t offset, uint64_t length) const {
  if (!Fits(offset, length, size())) return false;
  for (size_t i = 0; i < members_.size(); ++i) {
    const Range part = PartOf(i, offset, length);
    if (members_[i].media != nullptr && members_[i].media->IsPoisoned(part.start, part.size))
      return true;
  }
  return false;
}

absl::Status StripedMedia::ClearPoison(uint64_t offset, uint64_t length) {
  return ForEachPart(offset, length, [](Media& media, const Range& part) {
    return media.ClearPoison(part.start, part.size);
  });
}

std::vector<Range> StripedMedia::BadRanges() const {
  std::vector<Range> pieces;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].media == nullptr) continue;
    for (const Range& bad : members_[i].media->BadRanges())
      for (uint64_t at = bad.start; at < bad.end();) {
        const uint64_t bytes = std::min(bad.end() - at, granularity_ - at % granularity_);
        const uint64_t start =
            (at / granularity_ * members_.size() + i) * granularity_ + at % granularity_;
        pieces.push_back({start, bytes});
        at += bytes;
      }
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  std::vector<Range> ranges;
  for (const Range& piece : pieces) {
    if (!ranges.empty() && ranges.back().end() == piece.start)
      ranges.back().size += piece.size;
    else
      ranges.push_back(piece);
  }
  return ranges;
}

absl::Status StripedMedia::InjectPoison(const Range& range) {
  return ForEachPart(range.start, range.size,
                     [](Media& media, const Range& part) { return media.InjectPoison(part); });
}

void StripedMedia::ObservePoison(std::weak_ptr<PoisonObserver> observer) {
  for (const Member& member : members_)
    if (member.media != nullptr) member.media->ObservePoison(observer);
}

}  // namespace nvdimmfs::core
