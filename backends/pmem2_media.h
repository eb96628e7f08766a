// SPDX-License-Identifier: Apache-2.0
// A part of a file or device, mapped into memory through libpmem2.
//
// How bytes become durable depends on the file system (Durability; table in README.md). Reads and
// stores go to the mapping; an access to a page that is gone (truncated file, failed disk, full
// file system) is refused with EIO, "media.sigbus". Memory that the kernel reports as failed is bad
// from then on ("media.poison", BadRanges()).
//
// Thread rules: as core::Media. No lock is taken by reads and stores unless bytes are known to be
// bad.
#ifndef NVDIMMFS_BACKENDS_PMEM2_MEDIA_H_
#define NVDIMMFS_BACKENDS_PMEM2_MEDIA_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "backends/hole_map.h"
#include "backends/open_store.h"
#include "backends/pmem2_mapping.h"
#include "core/base/range.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"
#include "core/media/poison_list.h"

namespace nvdimmfs::backends {

// What a Drain guarantees if the file is not on DAX. (On DAX, the CPU's flush instructions reach
// the media, and every Drain guarantees that.) Flush() always reaches the device: fdatasync.
enum class Durability {
  kAuto,     // suits the file system; currently kProcess
  kProcess,  // drained stores are in the page cache: they survive this process, not the host
  kPower,    // Drain is an fdatasync, shared by those who wait: they survive the host too
};

class Pmem2Media final : public core::Media,
                         public core::PageHoles,
                         public std::enable_shared_from_this<Pmem2Media> {
 public:
  struct Options {
    uint64_t offset = 0;  // bytes from the start of the file; any
    uint64_t length = 0;  // bytes; not 0, within the file
    bool read_only = false;
    std::string name;  // the user's name for the file, for messages
    Durability durability = Durability::kAuto;
    // Physical memory (/dev/mem) only: whether CPU flushes reach the media, or only a cache such as
    // a hypervisor's page cache; and the function that flushes the device, null if drained stores
    // are on the media. Called once at a time; a failure is final.
    bool cpu_flush_persists = false;
    std::function<absl::Status()> device_flush = nullptr;
  };

  // Maps a part of `fd`, which must be open for reading, and for writing unless read_only. Keeps a
  // duplicate of the descriptor (and so the locks held through it) while it lives.
  // Refused with EINVAL, "media.range", if the part is empty or not within the file; otherwise with
  // the system's errno and "media.map".
  static absl::StatusOr<std::shared_ptr<Pmem2Media>> Map(int fd, const Options& options);

  ~Pmem2Media() override;
  Pmem2Media(const Pmem2Media&) = delete;
  Pmem2Media& operator=(const Pmem2Media&) = delete;

  uint64_t size() const override { return size_; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Peek(uint64_t offset, absl::Span<std::byte> out) const override;
  // A store over bad bytes clears them if it covers each bad 512-byte unit completely. Otherwise it
  // is refused with EIO, "media.poison", and stores nothing.
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t little_endian_value) override;
  absl::Status Store64(uint64_t offset, uint64_t little_endian_value) override;
  absl::Status StoreThrough32(uint64_t offset, uint32_t little_endian_value) override;
  absl::Status StoreThrough64(uint64_t offset, uint64_t little_endian_value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override;
  absl::Status Flush() override;
  // Flushes only [offset, offset + length), without waiting for other dirty pages of the file: for
  // label areas, which are updated while the whole tree waits.
  absl::Status FlushPart(uint64_t offset, uint64_t length);
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  uint64_t hole_unit() const override;
  bool read_only() const override { return read_only_; }
  // Null for physical memory, because the kernel cannot lend its pages: a read(2) or write(2) with
  // such an address fails, so the bytes must be copied first. Also null if touching a hole
  // allocates memory.
  const std::byte* mapping() const override {
    return mapping_->kind() == Pmem2Mapping::Kind::kPhysical || holes_ != nullptr ? nullptr : base_;
  }
  std::shared_ptr<core::FileLoan> LendFile() override;
  core::DirectView direct_view() const override;
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  // Kept in memory: bad bytes are forgotten when the media is closed. Refused with EBUSY,
  // "media.on_loan", while the file is lent.
  absl::Status InjectPoison(const core::Range& range) override;
  std::vector<core::Range> BadRanges() const override { return poison_.ranges(); }
  void ObservePoison(std::weak_ptr<core::PoisonObserver> observer) override {
    poison_.Observe(std::move(observer));
  }

  // Whether the CPU's flush instructions reach the media (libpmem2's granularity is not a page).
  bool is_dax() const { return is_dax_; }
  Durability durability() const { return durability_; }  // never kAuto

 private:
  Pmem2Media(std::unique_ptr<Pmem2Mapping> mapping, const Options& options);

  // Whether an access needs no closer look: it fits, and nothing at all is bad.
  bool Sound(uint64_t offset, uint64_t length) const {
    return core::Fits(offset, length, size_) && poison_.empty();
  }
  absl::Status CheckFits(uint64_t offset, uint64_t length) const;
  absl::Status CheckLoad(uint64_t offset, uint64_t length) const;
  absl::Status CheckStore(uint64_t offset, uint64_t length) const;
  bool ReadFile(uint64_t offset, absl::Span<std::byte> out) const;
  absl::Status RenewDisk(uint64_t offset, uint64_t length);
  // After a SIGBUS: returns the error, and records memory that the kernel reported as failed.
  absl::Status Vanished(absl::string_view verb, uint64_t offset, uint64_t length) const;
  absl::string_view WhyPageIsGone() const;
  // Runs `store` over [offset, offset + length) with all checks around it.
  template <typename Store>
  absl::Status Guarded(absl::string_view verb, uint64_t offset, uint64_t length,
                       const Store& store);
  template <typename Word>
  absl::Status StoreWord(uint64_t offset, Word little_endian_value);
  template <typename Word>
  absl::Status StoreWordThrough(uint64_t offset, Word little_endian_value);
  std::shared_ptr<OpenStore> MakeStore();
  absl::Status SyncDevice();

  const std::unique_ptr<Pmem2Mapping> mapping_;
  std::byte* const base_;
  const uint64_t size_;
  const uint64_t file_offset_;
  const bool read_only_;
  const bool is_dax_;
  const Durability durability_;
  const std::string name_;
  const std::unique_ptr<HoleMap> holes_;  // null if loads from holes cost nothing
  const std::function<absl::Status()> device_flush_;
  mutable core::PoisonList poison_;  // a read may find that memory has failed
  absl::Mutex loan_mutex_;  // a loan begins while nothing is bad, and nothing becomes bad during it
  std::weak_ptr<core::FileLoan> loan_ ABSL_GUARDED_BY(loan_mutex_);
  const std::shared_ptr<OpenStore> store_;  // null if nothing is stored
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_PMEM2_MEDIA_H_
