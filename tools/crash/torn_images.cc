// SPDX-License-Identifier: Apache-2.0
#include "tools/crash/torn_images.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "backends/sources/source.h"
#include "backends/store_log.h"
#include "core/base/status.h"
#include "core/sources/powered_source.h"

namespace nvdimmfs::tools {
namespace {

using backends::StoreRecord;

// An open source and its power supply. Lines have the same numbers as in the mount.
struct Powered {
  backends::Buses buses;
  std::shared_ptr<core::PowerSupply> supply;
};

absl::StatusOr<Powered> OpenPowered(const std::string& text) {
  Powered powered;
  ASSIGN_OR_RETURN(powered.buses, backends::Source(text).Open());
  powered.supply =
      std::make_shared<core::PowerSupply>(core::PowerSupply::Options{.flushes_base = false});
  for (core::BusSource& bus : powered.buses)
    RETURN_IF_ERROR(core::PutOnPower(bus, *powered.supply));
  return powered;
}

absl::Status Repeat(const StoreRecord& record, absl::Span<const std::byte> data,
                    core::PowerSupply& supply) {
  if (record.line >= supply.lines())
    return core::Refusal(EIO, "crash.log", "the log of stores was recorded on another source");
  switch (record.kind) {
    case StoreRecord::kStore:
    case StoreRecord::kStoreThrough:
      return supply.Store(record.line, record.offset, data,
                          record.kind == StoreRecord::kStoreThrough, record.thread);
    case StoreRecord::kPush:
      return supply.Push(record.line, record.offset, record.length, record.thread);
    case StoreRecord::kPunch:
      return supply.Punch(record.line, record.offset, record.length);
    default:
      return supply.Fence(
          record.line,
          record.kind == StoreRecord::kDrain ? core::FenceKind::kDrain : core::FenceKind::kFlush,
          record.thread);
  }
}

}  // namespace

TornWords Tear(const core::PowerSupply& supply, uint64_t seed) {
  TornWords words;
  words.undurable =
      supply.Tear(seed, [&](size_t line, uint64_t offset, absl::Span<const std::byte> bytes) {
        TornWord word{.line = line, .offset = offset, .value = {}, .size = bytes.size()};
        std::copy(bytes.begin(), bytes.end(), word.value.begin());
        words.lost.push_back(word);
      });
  return words;
}

absl::Status RepeatLog(
    const std::string& text, const std::string& log,
    const std::function<absl::Status(uint64_t fence, const core::PowerSupply&)>& cut) {
  ASSIGN_OR_RETURN(backends::StoreLogReader reader, backends::StoreLogReader::Open(log));
  ASSIGN_OR_RETURN(const Powered powered, OpenPowered(text));
  while (true) {
    ASSIGN_OR_RETURN(const StoreRecord record, reader.Next());
    if (record.kind == StoreRecord::kTooLong)
      return core::Refusal(E2BIG, "crash.log", "the log of stores became too long");
    const bool is_end = record.kind == StoreRecord::kEnd;
    if (is_end || record.kind == StoreRecord::kDrain || record.kind == StoreRecord::kFlush)
      RETURN_IF_ERROR(cut(powered.supply->fences() + 1, *powered.supply));
    if (is_end) return absl::OkStatus();
    RETURN_IF_ERROR(Repeat(record, reader.data(), *powered.supply));
  }
}

absl::Status PutWords(const std::string& text, const std::vector<TornWord>& words) {
  ASSIGN_OR_RETURN(const Powered powered, OpenPowered(text));
  for (const TornWord& word : words)
    RETURN_IF_ERROR(powered.supply->Store(word.line, word.offset,
                                          absl::MakeConstSpan(word.value).first(word.size), false,
                                          /*thread=*/0));
  return absl::OkStatus();
}

}  // namespace nvdimmfs::tools
