// SPDX-License-Identifier: Apache-2.0
#include "core/media/media_slice.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::core {

namespace {

using WriteFunction = absl::Status (Media::*)(uint64_t, absl::Span<const std::byte>);
template <typename Word>
using StoreFunction = absl::Status (Media::*)(uint64_t, Word);

// Stores a word that is aligned in the window. If the window itself is not aligned, as a damaged
// label may cause, a single instruction cannot do that: then its bytes are stored, after earlier
// stores, as in a kernel.
template <typename Word>
absl::Status StoreWord(Media& parent, const Range& window, uint64_t offset, Word value,
                       StoreFunction<Word> store, WriteFunction write) {
  if (window.start % sizeof value == 0 || offset % sizeof value != 0)
    return (parent.*store)(window.start + offset, value);
  std::array<std::byte, sizeof value> bytes;
  StoreLe(bytes.data(), value);
  std::atomic_thread_fence(std::memory_order_release);
  return (parent.*write)(window.start + offset, bytes);
}

}  // namespace

absl::Status OutsideMedia(uint64_t offset, uint64_t length, uint64_t size) {
  return Refusal(EIO, "media.range",
                 absl::StrCat("access to ", length, " bytes at offset ", offset, " of a media of ",
                              size, " bytes: outside it"));
}

MediaSlice::MediaSlice(std::shared_ptr<Media> parent, Range window,
                       std::function<absl::Status()> flush)
    : parent_(std::move(parent)), window_(window), flush_(std::move(flush)) {}

absl::StatusOr<std::shared_ptr<Media>> MediaSlice::Make(std::shared_ptr<Media> parent, Range window,
                                                        std::function<absl::Status()> flush) {
  if (!Fits(window.start, window.size, parent->size()))
    return OutsideMedia(window.start, window.size, parent->size());
  return std::shared_ptr<Media>(new MediaSlice(std::move(parent), window, std::move(flush)));
}

absl::Status MediaSlice::Check(uint64_t offset, uint64_t length) const {
  if (Fits(offset, length, window_.size)) return absl::OkStatus();
  return OutsideMedia(offset, length, window_.size);
}

absl::Status MediaSlice::Read(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(Check(offset, out.size()));
  return parent_->Read(window_.start + offset, out);
}

absl::Status MediaSlice::Peek(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(Check(offset, out.size()));
  return parent_->Peek(window_.start + offset, out);
}

absl::Status MediaSlice::Write(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(Check(offset, data.size()));
  return parent_->Write(window_.start + offset, data);
}

absl::Status MediaSlice::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(Check(offset, data.size()));
  return parent_->WriteThrough(window_.start + offset, data);
}

absl::Status MediaSlice::Store32(uint64_t offset, uint32_t value) {
  RETURN_IF_ERROR(Check(offset, sizeof value));
  return StoreWord(*parent_, window_, offset, value, &Media::Store32, &Media::Write);
}

absl::Status MediaSlice::Store64(uint64_t offset, uint64_t value) {
  RETURN_IF_ERROR(Check(offset, sizeof value));
  return StoreWord(*parent_, window_, offset, value, &Media::Store64, &Media::Write);
}

absl::Status MediaSlice::StoreThrough32(uint64_t offset, uint32_t value) {
  RETURN_IF_ERROR(Check(offset, sizeof value));
  return StoreWord(*parent_, window_, offset, value, &Media::StoreThrough32, &Media::WriteThrough);
}

absl::Status MediaSlice::StoreThrough64(uint64_t offset, uint64_t value) {
  RETURN_IF_ERROR(Check(offset, sizeof value));
  return StoreWord(*parent_, window_, offset, value, &Media::StoreThrough64, &Media::WriteThrough);
}

absl::Status MediaSlice::Push(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(Check(offset, length));
  return parent_->Push(window_.start + offset, length);
}

absl::Status MediaSlice::Punch(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(Check(offset, length));
  return parent_->Punch(window_.start + offset, length);
}

uint64_t MediaSlice::hole_unit() const {
  const uint64_t unit = HoleUnitOf(*parent_);
  return unit == 0 || window_.start % unit != 0 ? 0 : unit;
}

const std::byte* MediaSlice::mapping() const {
  const std::byte* base = parent_->mapping();
  return base == nullptr ? nullptr : base + window_.start;
}

DirectView MediaSlice::direct_view() const {
  DirectView view = parent_->direct_view();
  if (view.base != nullptr) view.base += window_.start;
  return view;
}

bool MediaSlice::IsPoisoned(uint64_t offset, uint64_t length) const {
  return Check(offset, length).ok() && parent_->IsPoisoned(window_.start + offset, length);
}

absl::Status MediaSlice::ClearPoison(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(Check(offset, length));
  return parent_->ClearPoison(window_.start + offset, length);
}

std::vector<Range> MediaSlice::BadRanges() const {
  std::vector<Range> ranges;
  for (const Range& bad : parent_->BadRanges()) {
    const uint64_t start = std::max(bad.start, window_.start);
    const uint64_t end = std::min(bad.end(), window_.end());
    if (start < end) ranges.push_back({start - window_.start, end - start});
  }
  return ranges;
}

absl::Status MediaSlice::InjectPoison(const Range& range) {
  RETURN_IF_ERROR(Check(range.start, range.size));
  return parent_->InjectPoison({window_.start + range.start, range.size});
}

}  // namespace nvdimmfs::core
