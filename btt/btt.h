// SPDX-License-Identifier: Apache-2.0
// A BTT: a Media of sectors over the bytes of a namespace. After any power cut, each sector is old
// or new.
//
// With check.h, the public interface of this folder. Format and protocols: btt_format.md.
//
//   const FormatOptions options = {.uuid = core::Uuid::Random(), .external_lbasize = 4096};
//   auto btt = Btt::OpenOrFormat(ns, options, false);
//   RETURN_IF_ERROR((*btt)->Write(0, bytes));  // durable now, torn never
//
// Reasons: "btt.size", "btt.info.*", "btt.flog.*", "btt.map.*", "btt.lanes.none",
// "btt.arena.read_only", "btt.arena.damaged", "btt.sector_size", "btt.sector_size.mismatch";
// "media.*" from the underlying media.
#ifndef NVDIMMFS_BTT_BTT_H_
#define NVDIMMFS_BTT_BTT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "btt/arena.h"
#include "btt/geometry.h"
#include "btt/info_block.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/media/damage.h"
#include "core/media/media.h"
#include "core/media/poison_observer.h"

namespace nvdimmfs::btt {

struct FormatOptions {
  core::Uuid uuid;                   // of the BTT
  core::Uuid parent_uuid;            // of the namespace; nil for a label-less one
  uint32_t external_lbasize = 4096;  // one of kExternalSizes
  Version version = Version::kV1_1;
  std::string name = {};  // of the device, for events
};

// The result of probing a namespace.
struct Identity {
  core::Uuid uuid;
  uint32_t external_lbasize = 0;
};

// Reads the first info block as the kernel's probe does; changes nothing. Refused with ENXIO,
// "btt.size" (namespace below 16 MiB) or "btt.info.unreadable"; with ENODEV and
// "btt.info.signature", ".parent", ".checksum" or ".version" if there is no such BTT.
absl::StatusOr<Identity> Probe(const core::Media& ns, Version version,
                               const core::Uuid& parent_uuid);

class Btt final : public core::Media, public core::DamageReport {
 public:
  // For binding a configured btt device: opens the arenas, with recovery unless `read_only`; or
  // formats, if the first info block is not valid and the media is writable. Unlike the kernel, if
  // the first info block is lost but arena 0's copy belongs to this very BTT (uuid, parent, block
  // size, place), it restores the copy instead of formatting over the data. As in the kernel,
  // `options` gives the sector size. If the media has another one, capacity follows the options,
  // and a sector holds as much as the media's block does: beyond that it reads as zeros, and
  // storing anything else is refused ("btt.sector_size.mismatch"; the kernel stores it over the
  // neighbours).
  // Refused with EINVAL ("btt.sector_size": not a valid block size), ENXIO ("btt.size": fewer than
  // 16 MiB) and, for any failure during start-up, ENOMEM with the cause's reason and sentence.
  static absl::StatusOr<std::shared_ptr<Btt>> OpenOrFormat(std::shared_ptr<core::Media> ns,
                                                           const FormatOptions& options,
                                                           bool read_only);
  // Opens an existing BTT. ENODEV and "btt.info.*" if there is none; otherwise as above.
  static absl::StatusOr<std::shared_ptr<Btt>> Open(std::shared_ptr<core::Media> ns, Version version,
                                                   const core::Uuid& parent_uuid, bool read_only);

  const core::Uuid& uuid() const { return uuid_; }
  uint32_t sector_size() const { return sector_size_; }
  uint32_t external_lbasize() const { return arenas_.front()->geometry().external_lbasize; }
  absl::Span<const std::unique_ptr<Arena>> arenas() const { return arenas_; }

  // The damage of the first damaged arena. Reads still work, and so do writes to other arenas.
  std::string damage() const override;

  // core::Media. Offsets count the bytes of the sectors without their metadata, at any alignment. A
  // store is durable when it returns, and atomic per sector; whole sectors share their drains in
  // batches of 32, and a part of a sector is read, modified and written under the sector's lock. A
  // read returns, for each sector, the last write that returned before it, or a concurrent one.
  uint64_t size() const override { return size_; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override {
    return Write(offset, data);
  }
  absl::Status Store32(uint64_t offset, uint32_t little_endian_value) override;
  absl::Status Store64(uint64_t offset, uint64_t little_endian_value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override {
    return CheckAccess(offset, length);
  }
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return ns_->Flush(); }
  absl::Status Punch(uint64_t offset, uint64_t length) override { return Discard(offset, length); }
  bool read_only() const override { return read_only_; }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  // The unreadable sectors: marked as lost, or on bytes known to be bad. Scans the whole map.
  std::vector<core::Range> BadRanges() const override;
  // Bytes that go bad in the underlying media may belong to any sector.
  void ObservePoison(std::weak_ptr<core::PoisonObserver> observer) override {
    ns_->ObservePoison(std::move(observer));
  }

  // Makes the range read as zeros. Whole sectors of 4096 get the map's Z flag. Sectors of 512 do
  // not, since kernels that read them page-wise misinterpret Z (btt_format.md): if their blocks
  // fill pages of the media, the media frees those pages, which is durable after Flush; the others
  // are overwritten, and so are parts of sectors.
  absl::Status Discard(uint64_t offset, uint64_t length);

 private:
  Btt(std::shared_ptr<core::Media> ns, bool read_only, const std::string& name);

  static absl::StatusOr<std::shared_ptr<Btt>> OpenArenas(std::shared_ptr<core::Media> ns,
                                                         Version version,
                                                         const core::Uuid& parent_uuid,
                                                         bool read_only, const std::string& name);
  absl::Status AddArena(const InfoBlock& info, uint64_t start);
  absl::Status SetSectorSize(uint32_t external_lbasize);
  absl::Status CheckAccess(uint64_t offset, uint64_t length) const {
    if (core::Fits(offset, length, size_) && !size_mismatch_) return absl::OkStatus();
    return RefuseAccess(offset, length);
  }
  absl::Status RefuseAccess(uint64_t offset, uint64_t length) const;
  // Read and Write for a device whose sector size differs from the media's.
  [[gnu::noinline]] absl::Status ReadUnlike(uint64_t offset, absl::Span<std::byte> out) const;
  [[gnu::noinline]] absl::Status WriteUnlike(uint64_t offset, absl::Span<const std::byte> data);
  struct Place {
    Arena* arena;
    uint32_t premap;
  };
  Place Locate(uint64_t lba) const;
  // Calls part(place, skip, data offset, length) for parts of sectors, and whole(place, count, data
  // offset) for runs of whole sectors within one arena, in order, until one fails.
  template <typename Part, typename Whole>
  absl::Status Split(uint64_t offset, uint64_t length, const Part& part, const Whole& whole) const;
  // Calls each(place, skip, data offset, length, held) for every sector, in order, until one fails;
  // the first `held` bytes of the piece are in the media's block.
  template <typename Each>
  absl::Status SplitUnlike(uint64_t offset, uint64_t length, const Each& each) const;
  [[gnu::noinline]] absl::Status ReadSectors(uint64_t offset, absl::Span<std::byte> out) const;
  absl::Status WriteZeros(Place place, uint32_t count);
  absl::Status WriteZerosWhereNeeded(Place place, uint32_t count);
  template <typename Word>
  absl::Status StoreWord(uint64_t offset, Word value);

  const std::shared_ptr<core::Media> ns_;
  const bool read_only_;
  const std::string name_;  // of the device, for events
  core::Uuid uuid_;
  uint32_t sector_size_ = 0;   // 512 or 4096
  uint32_t sector_shift_ = 0;  // its logarithm: a division would cost half as much as a lookup
  bool size_mismatch_ = false;
  uint64_t sectors_ = 0;
  uint64_t size_ = 0;
  std::vector<std::unique_ptr<Arena>> arenas_;
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_BTT_H_
