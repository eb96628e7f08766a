// SPDX-License-Identifier: Apache-2.0
// Several Media interleaved into one, as a memory controller stripes an address range over DIMMs:
// `granularity` bytes of the first, then of the second, ... then of the first again.
//
// A contiguous range maps to one contiguous range on each member. Push, Punch and the poison
// functions pass that on; reads and stores go to the members piece by piece.
//
// A member may be missing. An access that touches it is refused with EIO, "media.missing", before
// anything is stored; all others work. Drain and Flush reach every member that is present.
#ifndef NVDIMMFS_CORE_MEDIA_STRIPED_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_STRIPED_MEDIA_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/range.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::core {

class StripedMedia final : public Media, public PageHoles {
 public:
  struct Member {
    std::shared_ptr<Media> media;  // null: missing
    std::string name;              // for sentences
  };
  static constexpr size_t kMaxMembers = 32;
  static constexpr uint64_t kMinGranularity = 256;  // bytes

  // `members` are in address order. Refused with EINVAL, "media.stripes", unless there are 1 to 32,
  // `granularity` is a power of two of at least 256, and `member_size` (bytes) is a multiple of it
  // and equals the size of each member that is present.
  static absl::StatusOr<std::shared_ptr<Media>> Make(std::vector<Member> members,
                                                     uint64_t granularity, uint64_t member_size);

  uint64_t size() const override { return member_size_ * members_.size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Peek(uint64_t offset, absl::Span<std::byte> out) const override;
  // A store over bad bytes makes them good if it covers each bad unit of a member completely. With
  // a granularity below 512, that takes a contiguous store of more than 512 bytes.
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status StoreThrough32(uint64_t offset, uint32_t value) override;
  absl::Status StoreThrough64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override;
  absl::Status Flush() override;
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  // The members' largest; 0 if a member has none or is missing, or if it is larger than the
  // granularity: one unit would then span several stores.
  uint64_t hole_unit() const override;
  bool read_only() const override;
  const std::byte* mapping() const override;
  DirectView direct_view() const override;
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  std::vector<Range> BadRanges() const override;
  absl::Status InjectPoison(const Range& range) override;
  void ObservePoison(std::weak_ptr<PoisonObserver> observer) override;

 private:
  using LoadVerb = absl::Status (Media::*)(uint64_t, absl::Span<std::byte>) const;
  using StoreVerb = absl::Status (Media::*)(uint64_t, absl::Span<const std::byte>);

  StripedMedia(std::vector<Member> members, uint64_t granularity, uint64_t member_size);

  // Whether the range fits and all members that it touches are present.
  absl::Status Check(uint64_t offset, uint64_t length) const;
  absl::Status CheckWord(uint64_t offset, uint64_t length) const;
  // How many of the first `offset` bytes are on the member.
  uint64_t Below(size_t member, uint64_t offset) const;
  // The member's part of the range.
  Range PartOf(size_t member, uint64_t offset, uint64_t length) const;
  size_t MemberAt(uint64_t offset) const { return offset / granularity_ % members_.size(); }
  uint64_t OffsetInMember(uint64_t offset) const;
  // Calls f(member, offset in the member, offset in the range, bytes) for each piece, in address
  // order, until one is refused.
  template <typename F>
  absl::Status ForEachPiece(uint64_t offset, uint64_t length, F f) const;
  // Calls f(media, its part) for each member that the range touches.
  template <typename F>
  absl::Status ForEachPart(uint64_t offset, uint64_t length, F f) const;
  absl::Status Load(uint64_t offset, absl::Span<std::byte> out, LoadVerb load) const;
  absl::Status Store(uint64_t offset, absl::Span<const std::byte> data, StoreVerb store);
  absl::Status StoreWhole(size_t member, uint64_t offset, absl::Span<const std::byte> data,
                          StoreVerb store);
  absl::Status AskAll(absl::Status (Media::*verb)());

  const std::vector<Member> members_;
  const uint64_t granularity_;
  const uint64_t member_size_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_STRIPED_MEDIA_H_
