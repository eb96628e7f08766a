// SPDX-License-Identifier: Apache-2.0
#include "backends/store_log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kLongestStore = uint64_t{1} << 30;  // far beyond any request
constexpr uint64_t kPiece = 1 << 20;                   // of a store that is read

absl::StatusOr<std::FILE*> OpenFile(const std::string& path, const char* mode) {
  std::FILE* file = std::fopen(path.c_str(), mode);
  if (file != nullptr) return file;
  const int error = errno;
  return core::Refusal(error, "crash.log",
                       absl::StrCat("open the log of stores ", path, ": ", strerror(error)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<StoreLogWriter>> StoreLogWriter::Create(const std::string& path,
                                                                       uint64_t limit) {
  // Never over a file that exists: it could be the image.
  ASSIGN_OR_RETURN(std::FILE* const file, OpenFile(path, "wxe"));
  return absl::WrapUnique(new StoreLogWriter(file, limit));
}

StoreLogWriter::~StoreLogWriter() {
  const StoreRecord end{.kind = StoreRecord::kEnd}, too_long{.kind = StoreRecord::kTooLong};
  if (!too_long_) too_long_ = std::fwrite(&end, sizeof end, 1, file_) != 1;
  if (std::fflush(file_) != 0) too_long_ = true;
  // In front, where it needs no space, and where a reader finds it before it has repeated anything.
  if (too_long_) {
    [[maybe_unused]] const ssize_t told = pwrite(fileno(file_), &too_long, sizeof too_long, 0);
  }
  std::fclose(file_);
}

void StoreLogWriter::Put(const StoreRecord& record, absl::Span<const std::byte> data) {
  if (too_long_) return;
  written_ += sizeof record + data.size();
  too_long_ = written_ > limit_ || std::fwrite(&record, sizeof record, 1, file_) != 1 ||
              std::fwrite(data.data(), 1, data.size(), file_) != data.size();
}

void StoreLogWriter::Stored(size_t line, uint64_t offset, absl::Span<const std::byte> data,
                            bool pushed, uint64_t thread) {
  Put({.kind = pushed ? StoreRecord::kStoreThrough : StoreRecord::kStore,
       .line = static_cast<uint32_t>(line),
       .thread = thread,
       .offset = offset,
       .length = data.size()},
      data);
}

void StoreLogWriter::Pushed(size_t line, const core::Range& range, uint64_t thread) {
  Put({.kind = StoreRecord::kPush,
       .line = static_cast<uint32_t>(line),
       .thread = thread,
       .offset = range.start,
       .length = range.size});
}

void StoreLogWriter::Punched(size_t line, const core::Range& range) {
  Put({.kind = StoreRecord::kPunch,
       .line = static_cast<uint32_t>(line),
       .offset = range.start,
       .length = range.size});
}

void StoreLogWriter::Fenced(size_t line, core::FenceKind kind, uint64_t thread) {
  Put({.kind = kind == core::FenceKind::kDrain ? StoreRecord::kDrain : StoreRecord::kFlush,
       .line = static_cast<uint32_t>(line),
       .thread = thread});
}

absl::StatusOr<StoreLogReader> StoreLogReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::FILE* const file, OpenFile(path, "re"));
  return StoreLogReader(file);
}

absl::StatusOr<StoreRecord> StoreLogReader::Next() {
  const auto broken = [](absl::string_view why) {
    return core::Refusal(EIO, "crash.log", absl::StrCat("the log of stores ", why));
  };
  StoreRecord record;
  if (std::fread(&record, sizeof record, 1, file_.get()) != 1)
    return broken("ends early: the mount was killed");
  const bool has_data =
      record.kind == StoreRecord::kStore || record.kind == StoreRecord::kStoreThrough;
  data_.clear();
  if (record.kind > StoreRecord::kFlush || (has_data && record.length > kLongestStore))
    return broken("has an invalid record");
  if (!has_data) return record;
  // In pieces, so that a length without its bytes takes no memory.
  while (data_.size() < record.length) {
    const size_t had = data_.size();
    const size_t more = std::min<uint64_t>(record.length - had, kPiece);
    data_.resize(had + more);
    if (std::fread(data_.data() + had, 1, more, file_.get()) != more)
      return broken("ends within a store");
  }
  return record;
}

}  // namespace nvdimmfs::backends
