// SPDX-License-Identifier: Apache-2.0
// A file with every store and fence below a PowerSupply, to be repeated later: the option
// crash_log, which `nvdimmfs crash` reads.
//
// The file is a sequence of records, each followed by the bytes of a store; the last is kEnd. If
// there was too much for it, or no space, the first is kTooLong. The program that writes a file
// also reads it, so the format may change at any time.
#ifndef NVDIMMFS_BACKENDS_STORE_LOG_H_
#define NVDIMMFS_BACKENDS_STORE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/media/store_observer.h"

namespace nvdimmfs::backends {

struct StoreRecord {
  enum Kind : uint32_t { kEnd, kTooLong, kStore, kStoreThrough, kPush, kPunch, kDrain, kFlush };
  uint32_t kind = kEnd;
  uint32_t line = 0;
  uint64_t thread = 0;
  uint64_t offset = 0;
  uint64_t length = 0;  // bytes; of a store, as many follow
};

// Thread rules: StoreObserver's.
class StoreLogWriter final : public core::StoreObserver {
 public:
  // Stops, with kTooLong, before the file has more than `limit` bytes.
  // Refused with the errno of open(2), "crash.log": EEXIST for a file that exists.
  static absl::StatusOr<std::shared_ptr<StoreLogWriter>> Create(const std::string& path,
                                                                uint64_t limit);
  // Writes the end record.
  ~StoreLogWriter() override;

  void Stored(size_t line, uint64_t offset, absl::Span<const std::byte> data, bool pushed,
              uint64_t thread) override;
  void Pushed(size_t line, const core::Range& range, uint64_t thread) override;
  void Punched(size_t line, const core::Range& range) override;
  void Fenced(size_t line, core::FenceKind kind, uint64_t thread) override;

 private:
  StoreLogWriter(std::FILE* file, uint64_t limit) : file_(file), limit_(limit) {}
  void Put(const StoreRecord& record, absl::Span<const std::byte> data = {});

  std::FILE* const file_;
  const uint64_t limit_;
  uint64_t written_ = 0;
  bool too_long_ = false;
};

// Thread rules: one thread.
class StoreLogReader {
 public:
  // Refused with the errno of open(2), "crash.log".
  static absl::StatusOr<StoreLogReader> Open(const std::string& path);

  // The next record and its bytes, valid until the next call. Refused with EIO, "crash.log", if
  // the file has no end record, or is not a log.
  absl::StatusOr<StoreRecord> Next();
  absl::Span<const std::byte> data() const { return data_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit StoreLogReader(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::byte> data_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_STORE_LOG_H_
