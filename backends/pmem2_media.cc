// SPDX-License-Identifier: Apache-2.0
#include "backends/pmem2_media.h"

#include <fcntl.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/file_reader.h"
#include "backends/guarded_copy.h"
#include "backends/sigbus_guard.h"
#include "backends/true_size.h"
#include "core/base/endian.h"
#include "core/base/event.h"
#include "core/base/status.h"
#include "core/media/copy_ahead.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kPage = 4096;

using core::kPoisonUnit;
using core::Range;
using core::Refusal;

Durability Resolve(Durability wanted) {
  return wanted == Durability::kPower ? Durability::kPower : Durability::kProcess;
}

// Stores an aligned word in one instruction, after all earlier stores. Not a std::atomic: a
// sanitizer's version holds a lock during the store, and this store may end in a jump.
template <typename Word>
__attribute__((no_sanitize("thread"))) void StoreOnce(Word* to, Word value) {
  std::atomic_thread_fence(std::memory_order_release);
  *static_cast<volatile Word*>(to) = value;
}

#if defined(__x86_64__)
// From this size on, copying past the cache is cheaper: a plain copy first reads the lines that it
// overwrites. Measured on tmpfs: 4096 bytes take 200 ns instead of 500; for 512 bytes there is no
// gain.
constexpr size_t kCopyPastCache = 1024;

// Non-temporal; unaligned ends go through the cache. An sfence makes it visible to other threads
// before later stores. libpmem2 does not offer this for files that are not on DAX.
void CopyPastCache(std::byte* to, const std::byte* from, size_t length) {
  const size_t head = (64 - reinterpret_cast<uintptr_t>(to) % 64) % 64;
  std::memcpy(to, from, head);
  size_t done = head;
  for (; done + 64 <= length; done += 64) {
    const auto* source = reinterpret_cast<const __m128i*>(from + done);
    auto* line = reinterpret_cast<__m128i*>(to + done);
    const __m128i a = _mm_loadu_si128(source), b = _mm_loadu_si128(source + 1);
    const __m128i c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(line, a);
    _mm_stream_si128(line + 1, b);
    _mm_stream_si128(line + 2, c);
    _mm_stream_si128(line + 3, d);
  }
  std::memcpy(to + done, from + done, length - done);
}
#endif

// Makes stores past the cache visible before later ones.
void OrderStores() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
  std::atomic_thread_fence(std::memory_order_release);
}

// Why blocks for this part of a file cannot be allocated: ENOSPC or EDQUOT; 0 for any other reason.
int AllocationError(int file, uint64_t offset, uint64_t length) {
  struct stat status;
  if (fstat(file, &status) != 0 ||
      !core::Fits(offset, length, static_cast<uint64_t>(status.st_size)))
    return 0;  // it was truncated
  const int done =
      fallocate(file, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length));
  return done != 0 && (errno == ENOSPC || errno == EDQUOT) ? errno : 0;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Pmem2Media>> Pmem2Media::Map(int fd, const Options& options) {
  ASSIGN_OR_RETURN(
      std::unique_ptr<Pmem2Mapping> mapping,
      Pmem2Mapping::Make(
          fd, options.offset, options.length, options.read_only, options.name,
          options.cpu_flush_persists ? PMEM2_GRANULARITY_CACHE_LINE : PMEM2_GRANULARITY_PAGE));
  InstallSigbusGuard();
  return std::shared_ptr<Pmem2Media>(new Pmem2Media(std::move(mapping), options));
}

Pmem2Media::Pmem2Media(std::unique_ptr<Pmem2Mapping> mapping, const Options& options)
    : mapping_(std::move(mapping)),
      base_(mapping_->base()),
      size_(options.length),
      file_offset_(options.offset),
      read_only_(options.read_only),
      is_dax_(mapping_->is_dax()),
      durability_(Resolve(options.durability)),
      name_(options.name),
      holes_(HoleMap::Make(mapping_->fd(), {options.offset, options.length})),
      device_flush_(options.device_flush),
      store_(read_only_ ? nullptr : MakeStore()) {}

std::shared_ptr<OpenStore> Pmem2Media::MakeStore() {
  switch (mapping_->kind()) {
    case Pmem2Mapping::Kind::kRegular:
    case Pmem2Mapping::Kind::kBlock:
      return OpenStore::OfFile(mapping_->fd(), name_);
    case Pmem2Mapping::Kind::kDevdax:
    case Pmem2Mapping::Kind::kPhysical:
      return OpenStore::Make(mapping_->fd(), [this] { return SyncDevice(); });
  }
  return nullptr;
}

Pmem2Media::~Pmem2Media() = default;

absl::Status Pmem2Media::CheckFits(uint64_t offset, uint64_t length) const {
  if (core::Fits(offset, length, size_)) return absl::OkStatus();
  return core::Annotate(core::OutsideMedia(offset, length, size_), name_);
}

absl::Status Pmem2Media::CheckLoad(uint64_t offset, uint64_t length) const {
  RETURN_IF_ERROR(CheckFits(offset, length));
  if (poison_.Overlaps({offset, length}))
    return Refusal(
        EIO, "media.poison",
        absl::StrCat("read ", length, " bytes at ", offset, " of ", name_, ": known to be bad"));
  return absl::OkStatus();
}

absl::Status Pmem2Media::CheckStore(uint64_t offset, uint64_t length) const {
  RETURN_IF_ERROR(CheckFits(offset, length));
  if (read_only_)
    return Refusal(EROFS, "media.read_only", absl::StrCat("store to ", name_, ": open read-only"));
  if (!poison_.CoversWhole({offset, length}))
    return Refusal(EIO, "media.poison",
                   absl::StrCat("store ", length, " bytes at ", offset, " of ", name_,
                                ": covers a bad 512-byte unit only in part; write whole units"));
  return absl::OkStatus();
}

absl::Status Pmem2Media::Vanished(absl::string_view verb, uint64_t offset, uint64_t length) const {
  const std::string what = absl::StrCat(verb, " ", length, " bytes at ", offset, " of ", name_,
                                        " (offset ", file_offset_ + offset, " of the whole): ");
  const MemoryFailure failure = LastMemoryFailure();
  if (failure.length != 0) {
    // The signal may name a larger range than this mapping.
    const auto base = reinterpret_cast<uintptr_t>(base_);
    const uint64_t start = failure.start > base ? failure.start - base : 0;
    const uint64_t end = std::min<uint64_t>(size_, failure.start + failure.length - base);
    if (start < end) poison_.Add({start, end - start});
    return Refusal(EIO, "media.poison",
                   absl::StrCat(what, "the memory has failed; ", end - start, " bytes at ", start,
                                " are bad from now on"));
  }
  const bool may_be_full = mapping_->kind() == Pmem2Mapping::Kind::kRegular && verb != "read";
  const int full = may_be_full ? AllocationError(mapping_->fd(), file_offset_ + offset, length) : 0;
  if (full != 0)
    return Refusal(full, "media.full",
                   absl::StrCat(what,
                                full == EDQUOT ? "the disk quota of its owner is used up"
                                               : "its file system is full",
                                ", and this part of the file has no blocks yet. Free space there "
                                "and write again; what was durable still is"));
  const absl::Status lost = Refusal(EIO, "media.sigbus", absl::StrCat(what, WhyPageIsGone()));
  core::ReportRefusal(core::Event::kSourceLost, name_, lost);
  return lost;
}

absl::string_view Pmem2Media::WhyPageIsGone() const {
  switch (mapping_->kind()) {
    case Pmem2Mapping::Kind::kBlock:
      return "the disk does not give the page. It has a bad sector there, which cat badblocks of "
             "the disk shows, or the device was removed or its driver unbound";
    case Pmem2Mapping::Kind::kRegular:
      return "the page is gone. The file was truncated, its disk failed, or its file system is "
             "full";
    case Pmem2Mapping::Kind::kDevdax:
    case Pmem2Mapping::Kind::kPhysical:
      break;
  }
  return "the page is gone. The device was removed or its driver unbound; unmount";
}

absl::Status Pmem2Media::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (!Sound(offset, out.size())) RETURN_IF_ERROR(CheckLoad(offset, out.size()));
  if (out.empty()) return absl::OkStatus();
  if (holes_ != nullptr && !holes_->IsFilled({offset, out.size()}) && ReadFile(offset, out))
    return absl::OkStatus();
  if (!core::CopyLong(GuardedCopy, out.data(), base_ + offset, out.size()))
    return Vanished("read", offset, out.size());
  return absl::OkStatus();
}

// Reads without the mapping; false if not all bytes were there.
bool Pmem2Media::ReadFile(uint64_t offset, absl::Span<std::byte> out) const {
  return pread(mapping_->fd(), out.data(), out.size(), static_cast<off_t>(file_offset_ + offset)) ==
         static_cast<ssize_t>(out.size());
}

absl::Status Pmem2Media::Peek(uint64_t offset, absl::Span<std::byte> out) const {
  if (mapping_->kind() == Pmem2Mapping::Kind::kRegular && Sound(offset, out.size()) &&
      ReadFile(offset, out))
    return absl::OkStatus();
  return Read(offset, out);  // which also reports what is wrong
}

core::DirectView Pmem2Media::direct_view() const {
  if (holes_ != nullptr) return {};  // direct readers do not check for holes
  return {
      .base = base_, .sound = &poison_.empty_flag(), .copy = GuardedCopy, .load32 = GuardedLoad32};
}

// A disk's bad sectors cannot be overwritten through the page cache, which would have to read them
// first.
absl::Status Pmem2Media::RenewDisk(uint64_t offset, uint64_t length) {
  if (mapping_->kind() != Pmem2Mapping::Kind::kBlock) return absl::OkStatus();
  const Range all{offset, length};
  for (const Range& bad : poison_.ranges()) {
    if (!bad.Overlaps(all)) continue;
    const uint64_t start = std::max(bad.start, all.start);
    const uint64_t size = std::min(bad.end(), all.end()) - start;
    if (const int error = mapping_->Renew(file_offset_ + start, size); error != 0)
      return Refusal(EIO, "media.poison.stuck",
                     absl::StrCat("make ", size, " bad bytes at ", start, " of ", name_, " good: ",
                                  strerror(error), "; the disk's driver has no way to clear them"));
    poison_.Clear({start, size});
  }
  return absl::OkStatus();
}

template <typename Store>
absl::Status Pmem2Media::Guarded(absl::string_view verb, uint64_t offset, uint64_t length,
                                 const Store& store) {
  if (read_only_ || !Sound(offset, length)) RETURN_IF_ERROR(CheckStore(offset, length));
  if (length == 0) return absl::OkStatus();
  if (!poison_.empty()) RETURN_IF_ERROR(RenewDisk(offset, length));
  if (!SurvivesSigbus(base_ + offset, length, store)) return Vanished(verb, offset, length);
  // Last, so that readers are refused until the new bytes are stored.
  if (!poison_.empty()) poison_.Clear({offset, length});
  return absl::OkStatus();
}

absl::Status Pmem2Media::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Guarded("write", offset, data.size(),
                 [&] { std::memcpy(base_ + offset, data.data(), data.size()); });
}

absl::Status Pmem2Media::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  if (!is_dax_) {  // a store can only reach the page cache
#if defined(__x86_64__)
    if (data.size() >= kCopyPastCache)
      return Guarded("write", offset, data.size(),
                     [&] { CopyPastCache(base_ + offset, data.data(), data.size()); });
#endif
    return Write(offset, data);
  }
  return Guarded("write", offset, data.size(), [&] {
    mapping_->copy()(base_ + offset, data.data(), data.size(),
                     PMEM2_F_MEM_NODRAIN | PMEM2_F_MEM_NONTEMPORAL);
  });
}

template <typename Word>
absl::Status Pmem2Media::StoreWord(uint64_t offset, Word value) {
  Word little_endian;
  core::StoreLe(&little_endian, value);
  if ((reinterpret_cast<uintptr_t>(base_) + offset) % sizeof(Word) != 0)
    return Refusal(EIO, "media.alignment",
                   absl::StrCat("store a word at ", offset, " of ", name_, ": not aligned to ",
                                sizeof(Word), " bytes"));
  return Guarded("store", offset, sizeof(Word),
                 [&] { StoreOnce(reinterpret_cast<Word*>(base_ + offset), little_endian); });
}

absl::Status Pmem2Media::Store32(uint64_t offset, uint32_t value) {
  return StoreWord(offset, value);
}

absl::Status Pmem2Media::Store64(uint64_t offset, uint64_t value) {
  return StoreWord(offset, value);
}

// On x86 a non-temporal store: a third cheaper than a store and a flush of its line.
template <typename Word>
absl::Status Pmem2Media::StoreWordThrough(uint64_t offset, Word value) {
#if defined(__x86_64__)
  std::byte* to = base_ + offset;
  if (is_dax_ && reinterpret_cast<uintptr_t>(to) % sizeof(Word) == 0)
    return Guarded("store", offset, sizeof(Word), [&] {
      // Earlier stores become visible before it, as with a release store.
      std::atomic_signal_fence(std::memory_order_release);
      if constexpr (sizeof(Word) == 8)
        _mm_stream_si64(reinterpret_cast<long long*>(to), static_cast<long long>(value));
      else
        _mm_stream_si32(reinterpret_cast<int*>(to), static_cast<int>(value));
    });
#endif
  RETURN_IF_ERROR(StoreWord(offset, value));
  return is_dax_ ? Push(offset, sizeof(Word)) : absl::OkStatus();
}

absl::Status Pmem2Media::StoreThrough32(uint64_t offset, uint32_t value) {
  return StoreWordThrough(offset, value);
}

absl::Status Pmem2Media::StoreThrough64(uint64_t offset, uint64_t value) {
  return StoreWordThrough(offset, value);
}

absl::Status Pmem2Media::Push(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckFits(offset, length));
  if (!is_dax_ || length == 0) return absl::OkStatus();
  const std::byte* from = base_ + offset;
  if (!SurvivesSigbus(from, length, [&] { mapping_->flush()(from, length); }))
    return Vanished("flush", offset, length);
  return absl::OkStatus();
}

absl::Status Pmem2Media::Drain() {
  if (is_dax_) {
    mapping_->drain()();
    return absl::OkStatus();
  }
  if (durability_ == Durability::kPower) return Flush();
  OrderStores();
  return absl::OkStatus();
}

absl::Status Pmem2Media::Flush() {
  if (store_ == nullptr) return absl::OkStatus();  // nothing was stored
  return store_->Flush();
}

absl::Status Pmem2Media::FlushPart(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckFits(offset, length));
  const auto kind = mapping_->kind();
  const bool has_pages = kind == Pmem2Mapping::Kind::kRegular || kind == Pmem2Mapping::Kind::kBlock;
  if (store_ == nullptr || !has_pages || is_dax_ || length == 0) return Flush();
  return store_->FlushPart([&] {
    // Whole pages, as msync(2) requires.
    const auto start = reinterpret_cast<uintptr_t>(base_ + offset);
    const uintptr_t first = core::RoundDown(start, kPage);
    if (msync(reinterpret_cast<void*>(first), start + length - first, MS_SYNC) == 0)
      return absl::OkStatus();
    return Refusal(
        errno, "media.flush",
        absl::StrCat("flush ", length, " bytes at ", offset, " of ", name_, ": ", strerror(errno),
                     ". Stores since the last flush may be lost; unmount and check"));
  });
}

absl::Status Pmem2Media::SyncDevice() {
  if (mapping_->kind() == Pmem2Mapping::Kind::kPhysical) {
    if (is_dax_) mapping_->drain()();
    OrderStores();
    return device_flush_ == nullptr ? absl::OkStatus() : device_flush_();
  }
  mapping_->drain()();
  const int error = mapping_->DeepFlush();
  if (error == 0) return absl::OkStatus();
  return Refusal(error < 0 && error > -4096 ? -error : EIO, "media.flush",
                 absl::StrCat("deep flush of ", name_, ": ", pmem2_errormsg(),
                              ". Stores since the last flush may be lost; unmount and check"));
}

absl::Status Pmem2Media::Punch(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckStore(offset, length));
  if (length == 0) return absl::OkStatus();
  if (mapping_->kind() != Pmem2Mapping::Kind::kRegular)
    return Refusal(EOPNOTSUPP, "media.punch",
                   absl::StrCat("punch ", length, " bytes at ", offset, " of ", name_,
                                ": a device gives nothing back; write zeros"));
  if (fallocate(mapping_->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(file_offset_ + offset), static_cast<off_t>(length)) != 0)
    return Refusal(
        errno, "media.punch",
        absl::StrCat("punch ", length, " bytes at ", offset, " of ", name_, ": ", strerror(errno)));
  if (holes_ != nullptr) holes_->NoteHole({offset, length});
  if (!poison_.empty()) poison_.Clear({offset, length});
  return absl::OkStatus();
}

// Pages of the file, whatever block size its file system has: smaller blocks do not split a
// 512-byte sector, and of larger blocks the file system zeroes single pages.
uint64_t Pmem2Media::hole_unit() const {
  const bool has_pages = mapping_->kind() == Pmem2Mapping::Kind::kRegular;
  return has_pages && !read_only_ && file_offset_ % kPage == 0 ? kPage : 0;
}

bool Pmem2Media::IsPoisoned(uint64_t offset, uint64_t length) const {
  return !poison_.empty() && core::Fits(offset, length, size_) &&
         poison_.Overlaps({offset, length});
}

absl::Status Pmem2Media::ClearPoison(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckFits(offset, length));
  if (offset % kPoisonUnit != 0 || length % kPoisonUnit != 0)
    return Refusal(ENXIO, "media.poison.alignment",
                   absl::StrCat("clear poison in ", length, " bytes at ", offset, " of ", name_,
                                ": both must be multiples of ", kPoisonUnit));
  if (read_only_)
    return Refusal(EROFS, "media.read_only",
                   absl::StrCat("clear poison of ", name_, ": open read-only"));
  RETURN_IF_ERROR(RenewDisk(offset, length));
  poison_.Clear({offset, length});
  return absl::OkStatus();
}

namespace {

class Loan final : public core::FileLoan {
 public:
  Loan(std::shared_ptr<Pmem2Media> media, int fd)
      : media_(std::move(media)), fd_(fd), is_sealed_(IsSealed(fd)) {}

  int descriptor() const override { return fd_; }
  bool is_sealed() const override { return is_sealed_; }
  bool Trim() override {
    struct stat file;
    if (fstat(fd_, &file) != 0) return false;
    const bool grew = file.st_size > static_cast<off_t>(media_->size());
    if (grew && ftruncate(fd_, static_cast<off_t>(media_->size())) != 0) return false;
    ForgetTrueSize(fd_);
    return grew;
  }

 private:
  static bool IsSealed(int fd) {
    const int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_GROW) != 0;
  }

  const std::shared_ptr<Pmem2Media> media_;
  const int fd_;  // of the mapping
  const bool is_sealed_;
};

}  // namespace

std::shared_ptr<core::FileLoan> Pmem2Media::LendFile() {
  absl::MutexLock lock(&loan_mutex_);
  if (std::shared_ptr<core::FileLoan> loan = loan_.lock()) return loan;
  struct stat file;
  if (file_offset_ != 0 || fstat(mapping_->fd(), &file) != 0 || !S_ISREG(file.st_mode) ||
      file.st_size != static_cast<off_t>(size_) || !poison_.empty())
    return nullptr;
  auto loan = std::make_shared<Loan>(shared_from_this(), mapping_->fd());
  loan_ = loan;
  return loan;
}

absl::Status Pmem2Media::InjectPoison(const Range& range) {
  RETURN_IF_ERROR(CheckFits(range.start, range.size));
  absl::MutexLock lock(&loan_mutex_);
  if (!loan_.expired())
    return Refusal(EBUSY, "media.on_loan",
                   absl::StrCat("inject errors into ", name_,
                                ": a program has it open by kernel passthrough, which would not "
                                "see them; close it first, or mount with -o passthrough=off"));
  poison_.Add(range);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends
