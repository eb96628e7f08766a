// SPDX-License-Identifier: Apache-2.0
#include "fs/files/data_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/model/data_faults.h"
#include "fs/files/sector_access.h"

namespace nvdimmfs::fs {
namespace {

// The kernel cuts a long direct request into pieces at page limits of the caller's memory, which
// need not be block limits of the file. Requests from this length on may be such pieces.
constexpr size_t kPieceLength = 512 * 1024;

constexpr size_t kZeroes = 64 * 1024;

// Bytes zeroed in one step, for which an unbind of the namespace waits. Punching is faster than
// writing, so its pieces are larger.
constexpr uint64_t kPunchPiece = 64 << 20, kZeroPiece = 4 << 20;

absl::Status Disabled(const core::DataNode& node) {
  return core::Refusal(EIO, "data.disabled",
                       absl::StrCat(node.name(), ": the namespace was disabled; open it again"));
}

// A debug message for impossible requests, which the program learns from the errno; otherwise data
// is at risk.
core::LogLevel LevelOf(int error) {
  switch (error) {
    case EINVAL:
    case ENOSPC:
    case EPERM:
    case EROFS:
    case EOPNOTSUPP:
      return core::LogLevel::kNotice;
    default:
      return core::LogLevel::kError;
  }
}

// The event that a refused I/O is, if any.
std::optional<core::Event> EventOf(core::Event failed, const absl::Status& status) {
  const std::string reason = core::ReasonOf(status);
  if (reason == "media.full" || reason == "fault.enospc") return core::Event::kNoSpace;
  // The file of a namespace that was disabled is stale, not broken.
  if (LevelOf(core::ErrnoOf(status)) != core::LogLevel::kError || reason == "data.disabled")
    return std::nullopt;
  return failed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenFile>> DataFile::Open(const NodeView& view, int flags,
                                                         OpenDataFiles& data_files) {
  core::DataNode& node = *view.data;
  const core::DataNode::Access access(node);
  if (!access)
    return core::Refusal(ENXIO, "data.disabled", absl::StrCat(node.name(), " is being disabled"));
  if ((flags & O_ACCMODE) != O_RDONLY && node.media().read_only())
    return core::Refusal(
        EROFS, "media.read_only",
        absl::StrCat("open ", node.name(), " for writing: its media is read-only"));
  return absl::WrapUnique(new DataFile(view, flags, data_files));
}

DataFile::DataFile(const NodeView& view, int flags, OpenDataFiles& data_files)
    : OpenFile(view),
      data_(*view.data),
      flags_(flags),
      direct_((flags & O_DIRECT) != 0),
      synchronous_((flags & O_DSYNC) != 0),
      data_files_(data_files) {
  data_.AddHolder();
  data_files_.Opened();
}

DataFile::~DataFile() {
  data_.DropHolder();
  data_files_.Closed();
}

absl::Status DataFile::CheckDirect(uint64_t offset, size_t length) {
  if (!direct_) return absl::OkStatus();
  const uint64_t block = data_.block_size();
  const bool continues = offset != 0 && offset == piece_end_.load(std::memory_order_relaxed);
  const bool continued = length >= kPieceLength;
  if (continued) piece_end_.store(offset + length, std::memory_order_relaxed);
  if ((offset % block == 0 || continues) && ((offset + length) % block == 0 || continued))
    return absl::OkStatus();
  return core::Refusal(EINVAL, "data.alignment",
                       absl::StrCat("O_DIRECT access of ", length, " bytes at ", offset, " of ",
                                    data_.name(), ": both must be multiples of ", block));
}

absl::Status DataFile::CheckWritable() const {
  if (!data_.read_only()) return absl::OkStatus();
  return core::Refusal(EPERM, "data.read_only",
                       absl::StrCat("write to ", data_.name(), ": its region is read-only"));
}

absl::Status DataFile::Answer(core::Event failed, absl::Status status) {
  const int error = core::ErrnoOf(status);
  if (status.ok() || error == EINTR) return status;
  if (const core::DataNode::Access access(data_); access) access.Count(core::IoKind::kError);
  data_.NoteRefusal(status);
  const std::string file = absl::StrCat("dev/", data_.name());
  if (const auto event = EventOf(failed, status))
    core::ReportRefusal(*event, file, status);
  else
    core::LogRefusal(LevelOf(error), core::Annotate(status, file));
  return status;
}

absl::Status DataFile::Read(uint64_t offset, size_t size, const Scratch& scratch, Deliver deliver) {
  const core::DataNode::Access access(data_);
  if (!access) return Answer(core::Event::kReadFailed, Disabled(data_));
  if (offset >= data_.size()) {
    deliver({});
    return absl::OkStatus();
  }
  size = std::min<uint64_t>(size, data_.size() - offset);
  // Before delivery: the reader may then check how much was read.
  access.Count(core::IoKind::kRead, size);
  return Answer(core::Event::kReadFailed, Fetch(offset, size, scratch, deliver));
}

absl::Status DataFile::Fetch(uint64_t offset, size_t size, const Scratch& scratch,
                             Deliver deliver) {
  RETURN_IF_ERROR(CheckDirect(offset, size));
  const core::NodeMedia io(data_);
  const core::Media& media = *io;
  if (data_.atomic_sectors()) {
    ASSIGN_OR_RETURN(const absl::Span<const std::byte> bytes,
                     ReadSectors(media, data_.block_size(), {offset, size}, scratch.room));
    deliver(bytes);
    return absl::OkStatus();
  }
  // Directly from the mapping if none of it is known to be bad.
  if (const std::byte* mapping = media.mapping();
      mapping != nullptr && !scratch.copies && !media.IsPoisoned(offset, size)) {
    deliver({mapping + offset, size});
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(media.Read(offset, scratch.room.first(size)));
  deliver(scratch.room.first(size));
  return absl::OkStatus();
}

void DataFile::Undelivered(uint64_t offset, size_t size) {
  const core::DataNode::Access access(data_);
  if (!access || !core::Fits(offset, size, data_.size())) return;
  // Reading through the media records failed memory. The request has already been refused, without
  // a reason.
  std::vector<std::byte> bytes(size);
  Answer(core::Event::kReadFailed, data_.media().Read(offset, absl::MakeSpan(bytes))).IgnoreError();
}

absl::StatusOr<size_t> DataFile::Write(uint64_t offset, absl::Span<const std::byte> data) {
  if (data.empty()) return 0;
  {
    const core::DataNode::Access access(data_);
    if (!access) return Answer(core::Event::kWriteFailed, Disabled(data_));
    if (offset < data_.size())
      data = data.first(std::min<uint64_t>(data.size(), data_.size() - offset));
    access.Count(core::IoKind::kWrite, data.size());
    RETURN_IF_ERROR(Answer(core::Event::kWriteFailed, Place(offset, data)));
  }
  RETURN_IF_ERROR(Answer(core::Event::kFlushFailed, Flush()));
  return data.size();
}

absl::Status DataFile::Place(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckWritable());
  if (offset >= data_.size())
    return core::Refusal(
        ENOSPC, "data.end",
        absl::StrCat("write at ", offset, " of ", data_.name(), ": it ends at ", data_.size()));
  RETURN_IF_ERROR(CheckDirect(offset, data.size()));
  RETURN_IF_ERROR(Store(offset, data));
  return Drain();
}

absl::Status DataFile::Store(uint64_t offset, absl::Span<const std::byte> data) {
  const core::NodeMedia media(data_);
  if (data_.atomic_sectors()) return WriteSectors(*media, &data_, data_.block_size(), offset, data);
  return media->WriteThrough(offset, data);
}

// Buffered stores are already in transit; fsync waits for the device. The locked instruction that
// ends the Access drains this CPU's write buffers.
absl::Status DataFile::Drain() {
  return synchronous_ || direct_ ? data_.media().Drain() : absl::OkStatus();
}

// Outside any Access: a device may take minutes, and unbinding the namespace must not wait for
// that.
absl::Status DataFile::Flush() {
  return synchronous_ ? core::NodeMedia(data_)->Flush() : absl::OkStatus();
}

absl::Status DataFile::Sync() {
  {
    const core::DataNode::Access access(data_);
    if (!access) return Answer(core::Event::kFlushFailed, Disabled(data_));
    access.Count(core::IoKind::kFlush);
    RETURN_IF_ERROR(Answer(core::Event::kFlushFailed, data_.media().Drain()));
  }
  return Answer(core::Event::kFlushFailed, core::NodeMedia(data_)->Flush());
}

absl::Status DataFile::Allocate(int mode, uint64_t offset, uint64_t length,
                                absl::FunctionRef<bool()> interrupted) {
  const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int verb = mode & ~FALLOC_FL_KEEP_SIZE;
  if (verb != 0 && verb != FALLOC_FL_PUNCH_HOLE && verb != FALLOC_FL_ZERO_RANGE)
    return core::Refusal(EOPNOTSUPP, "data.allocate", "a namespace cannot be shifted or shared");
  const uint64_t size = data_.size();
  if (verb != FALLOC_FL_PUNCH_HOLE && !keeps_size && !core::Fits(offset, length, size))
    return Answer(
        core::Event::kWriteFailed,
        core::Refusal(ENOSPC, "data.end",
                      absl::StrCat("allocate past the end of ", data_.name(), " at ", size)));
  {
    const core::DataNode::Access access(data_);
    if (!access) return Answer(core::Event::kWriteFailed, Disabled(data_));
    RETURN_IF_ERROR(Answer(core::Event::kWriteFailed, CheckWritable()));
    if (verb == 0 || offset >= size) return absl::OkStatus();
    length = std::min(length, size - offset);
    access.Count(core::IoKind::kDiscard, length);
  }
  RETURN_IF_ERROR(Answer(core::Event::kWriteFailed,
                         ZeroAll(offset, length, verb == FALLOC_FL_PUNCH_HOLE, interrupted)));
  return Answer(core::Event::kFlushFailed, Flush());
}

absl::Status DataFile::ZeroAll(uint64_t offset, uint64_t length, bool may_punch,
                               absl::FunctionRef<bool()> interrupted) {
  while (length > 0) {
    if (interrupted())
      return core::Refusal(EINTR, "data.interrupted",
                           absl::StrCat("interrupted; ", length, " bytes from ", offset, " of ",
                                        data_.name(), " are as they were"));
    const core::DataNode::Access access(data_);
    if (!access) return Disabled(data_);
    RETURN_IF_ERROR(CheckWritable());
    ASSIGN_OR_RETURN(const uint64_t done, ZeroPiece(offset, length, may_punch));
    RETURN_IF_ERROR(Drain());
    offset += done;
    length -= done;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> DataFile::ZeroPiece(uint64_t offset, uint64_t length, bool may_punch) {
  // Pieces end at their multiples, so that no block is zeroed in two parts.
  const uint64_t piece = data_.atomic_sectors() ? kZeroPiece : kPunchPiece;
  const uint64_t punched = std::min(length, piece - offset % piece);
  if (may_punch && !data_.media().IsPoisoned(offset, punched)) {
    const absl::Status status = core::NodeMedia(data_)->Punch(offset, punched);
    if (status.ok()) return punched;
    if (core::ErrnoOf(status) != EOPNOTSUPP) return status;
  }
  static constexpr std::byte kZero[kZeroes] = {};
  const uint64_t end = offset + std::min(length, kZeroPiece - offset % kZeroPiece);
  for (uint64_t at = offset; at < end;) {
    const uint64_t step = std::min(end - at, kZeroes - at % kZeroes);
    RETURN_IF_ERROR(Store(at, absl::MakeConstSpan(kZero, step)));
    at += step;
  }
  return end - offset;
}

unsigned DataFile::Poll(std::unique_ptr<PollWaker>) {
  return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

}  // namespace nvdimmfs::fs
