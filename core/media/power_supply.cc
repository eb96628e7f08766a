// SPDX-License-Identifier: Apache-2.0
#include "core/media/power_supply.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/event.h"
#include "core/base/log.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/crash_media.h"
#include "core/media/media_slice.h"
#include "core/media/seeded_choice.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPiece = 1 << 20;  // bytes of a punched range that are looked at in one go

bool IsZero(absl::Span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

std::shared_ptr<Media> PowerSupply::Feed(std::shared_ptr<Media> base) {
  absl::MutexLock lock(&mutex_);
  lines_.push_back(std::make_unique<Line>(Line{base, {}}));
  return std::make_shared<CrashMedia>(std::move(base), shared_from_this(), lines_.size() - 1);
}

absl::Status PowerSupply::Refused() const {
  return Refusal(EIO, "media.power_cut",
                 absl::StrCat("the power was cut at fence ", fences(),
                              " (crash_after); unmount: the image is as the cut left it"));
}

absl::Status PowerSupply::Check() const { return is_cut() ? Refused() : absl::OkStatus(); }

// `data` is what the range holds after `store`.
absl::Status PowerSupply::Apply(size_t line, uint64_t offset, absl::Span<const std::byte> data,
                                bool pushed, uint64_t thread,
                                const std::function<absl::Status(Media&)>& store) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Check());
  Line& where = *lines_[line];
  Media& base = *where.base;
  if (!Fits(offset, data.size(), base.size()))
    return OutsideMedia(offset, data.size(), base.size());
  const uint64_t start = RoundDown(offset, UndurableWords::kWord);
  const uint64_t end = std::min(RoundUp(offset + data.size(), UndurableWords::kWord), base.size());
  std::vector<std::byte> before(end - start);
  const bool known = base.Read(start, absl::MakeSpan(before)).ok();
  RETURN_IF_ERROR(store(base));
  if (options_.observer != nullptr) options_.observer->Stored(line, offset, data, pushed, thread);
  if (!known) {
    where.words.Durable({offset, data.size()});
    return absl::OkStatus();
  }
  std::vector<std::byte> after = before;
  std::copy(data.begin(), data.end(), after.begin() + static_cast<ptrdiff_t>(offset - start));
  where.words.Stored(start, before, after);
  if (pushed) where.words.Pushed(thread, {offset, data.size()});
  return absl::OkStatus();
}

absl::Status PowerSupply::Store(size_t line, uint64_t offset, absl::Span<const std::byte> data,
                                bool pushed, uint64_t thread) {
  return Apply(line, offset, data, pushed, thread, [&](Media& base) {
    return pushed ? base.WriteThrough(offset, data) : base.Write(offset, data);
  });
}

absl::Status PowerSupply::StoreWord(size_t line, uint64_t offset, absl::Span<const std::byte> word,
                                    bool pushed, uint64_t thread) {
  return Apply(line, offset, word, pushed, thread, [&](Media& base) {
    if (word.size() == sizeof(uint64_t)) {
      const auto value = LoadLe<uint64_t>(word.data());
      return pushed ? base.StoreThrough64(offset, value) : base.Store64(offset, value);
    }
    const auto value = LoadLe<uint32_t>(word.data());
    return pushed ? base.StoreThrough32(offset, value) : base.Store32(offset, value);
  });
}

absl::Status PowerSupply::Push(size_t line, uint64_t offset, uint64_t length, uint64_t thread) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Check());
  Line& where = *lines_[line];
  RETURN_IF_ERROR(where.base->Push(offset, length));
  where.words.Pushed(thread, {offset, length});
  if (options_.observer != nullptr) options_.observer->Pushed(line, {offset, length}, thread);
  return absl::OkStatus();
}

absl::Status PowerSupply::Punch(size_t line, uint64_t offset, uint64_t length) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Check());
  Line& where = *lines_[line];
  Media& base = *where.base;
  if (!Fits(offset, length, base.size())) return OutsideMedia(offset, length, base.size());
  if (length == 0) return absl::OkStatus();
  // Only what is not zero already can be lost; of a sparse image that is little.
  const uint64_t start = RoundDown(offset, UndurableWords::kPage);
  const uint64_t end = std::min(RoundUp(offset + length, UndurableWords::kPage), base.size());
  std::vector<std::pair<uint64_t, std::vector<std::byte>>> before;
  std::vector<std::byte> piece;
  for (uint64_t at = start; at < end; at += piece.size()) {
    piece.resize(std::min(kPiece, end - at));
    if (!base.Peek(at, absl::MakeSpan(piece)).ok() || IsZero(piece)) continue;
    for (uint64_t page = 0; page < piece.size(); page += UndurableWords::kPage) {
      const auto bytes = absl::MakeConstSpan(piece).subspan(page, UndurableWords::kPage);
      if (!IsZero(bytes))
        before.emplace_back(at + page, std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
  }
  RETURN_IF_ERROR(base.Punch(offset, length));
  const Range range{offset, length};
  for (const auto& [page, bytes] : before) {
    std::vector<std::byte> after = bytes;
    const uint64_t from = std::max(page, offset), to = std::min(page + after.size(), range.end());
    std::fill(after.begin() + static_cast<ptrdiff_t>(from - page),
              after.begin() + static_cast<ptrdiff_t>(to - page), std::byte{0});
    where.words.Punched(range, page, bytes, after);
  }
  where.words.Emptied(range);
  if (options_.observer != nullptr) options_.observer->Punched(line, range);
  return absl::OkStatus();
}

absl::Status PowerSupply::Fence(size_t line, FenceKind kind, uint64_t thread) {
  Media* base;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Check());
    if (options_.observer != nullptr) options_.observer->Fenced(line, kind, thread);
    const uint64_t fence = fences_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (fence == options_.cut_at) return Cut();
    Line& where = *lines_[line];
    if (kind == FenceKind::kDrain)
      where.words.Drained(thread);
    else
      where.words.Flushed();
    base = where.base.get();
  }
  if (!options_.flushes_base) return absl::OkStatus();
  return kind == FenceKind::kDrain ? base->Drain() : base->Flush();
}

size_t PowerSupply::TearLocked(uint64_t seed, uint64_t fence, const PutBack& each) const {
  size_t lost = 0;
  for (size_t line = 0; line < lines_.size(); ++line) {
    lost += lines_[line]->words.count();
    const uint64_t size = lines_[line]->base->size();
    const uint64_t of_line = SeededChoice(seed).Number(fence, line);
    lines_[line]->words.Tear(of_line, [&](uint64_t offset, uint64_t value) {
      std::array<std::byte, sizeof value> bytes;
      std::memcpy(bytes.data(), &value, sizeof value);
      each(line, offset,
           absl::MakeConstSpan(bytes).first(std::min<uint64_t>(sizeof value, size - offset)));
    });
  }
  return lost;
}

size_t PowerSupply::Tear(uint64_t seed, const PutBack& each) const {
  absl::MutexLock lock(&mutex_);
  return TearLocked(seed, fences() + 1, each);
}

absl::Status PowerSupply::Cut() {
  absl::Status failed;
  size_t torn = 0;
  const auto put_back = [&](size_t line, uint64_t offset, absl::Span<const std::byte> bytes) {
    mutex_.AssertHeld();
    ++torn;
    failed.Update(lines_[line]->base->Write(offset, bytes));
  };
  const size_t lost = TearLocked(options_.seed, options_.cut_at, put_back);
  torn_words_ = torn;
  for (const auto& line : lines_) {
    line->words.Clear();
    if (!line->base->read_only()) failed.Update(line->base->Flush());
  }
  cut_.store(true, std::memory_order_release);
  Report(Event::kPowerCut, "", "",
         absl::StrCat("the power is cut at fence ", options_.cut_at,
                      " with crash_seed=", options_.seed, ": of ", lost,
                      " words that were not durable, ", torn, " did not arrive"));
  if (!failed.ok()) LogRefusal(LogLevel::kError, failed);
  return Refused();
}

size_t PowerSupply::lines() const {
  absl::MutexLock lock(&mutex_);
  return lines_.size();
}

size_t PowerSupply::undurable_words() const {
  absl::MutexLock lock(&mutex_);
  size_t words = 0;
  for (const auto& line : lines_) words += line->words.count();
  return words;
}

std::string PowerSupply::Text() const {
  const size_t undurable = undurable_words();
  absl::MutexLock lock(&mutex_);
  return absl::StrCat("fences ", fences(), "\nundurable_words ", undurable, "\ncut ",
                      is_cut() ? 1 : 0, "\ntorn_words ", torn_words_, "\n");
}

}  // namespace nvdimmfs::core
