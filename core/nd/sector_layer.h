// SPDX-License-Identifier: Apache-2.0
// What the device model needs from a sector-atomic layer over a namespace. //btt implements it, so
// core need not know the BTT's format.
#ifndef NVDIMMFS_CORE_ND_SECTOR_LAYER_H_
#define NVDIMMFS_CORE_ND_SECTOR_LAYER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct SectorIdentity {
  Uuid uuid;                      // of the BTT itself
  uint32_t external_lbasize = 0;  // bytes: 512, 520, ...
};

// One active arena, as the kernel's debugfs shows it. Offsets are in bytes from the start of arena
// 0.
struct SectorArena {
  uint64_t size = 0;  // bytes
  uint64_t external_lba_start = 0;
  uint32_t internal_nlba = 0, internal_lbasize = 0;
  uint32_t external_nlba = 0, external_lbasize = 0;
  uint32_t nfree = 0;
  uint16_t version_major = 0, version_minor = 0;
  uint64_t nextoff = 0;  // 0: the last
  uint64_t infooff = 0, dataoff = 0, mapoff = 0, logoff = 0, info2off = 0;
  uint32_t flags = 0;
  std::array<uint32_t, 2> log_index = {};  // the two entries of a flog group that are in use
};

struct SectorOptions {
  ClaimClass claim_class = ClaimClass::kBtt;  // kBtt: v1.1 layout; kBtt2: v2.0
  Uuid uuid;
  Uuid parent_uuid;  // the namespace's; nil for a label-less one
  uint32_t external_lbasize = 0;
  bool read_only = false;
  std::string name = {};  // of the device, for events: "btt0.0"
};

class SectorLayer {
 public:
  virtual ~SectorLayer() = default;

  // The offset of a BTT's signature of kSignatureSize bytes, and whether `bytes` are one. This
  // cheap test precedes Probe, since most namespaces have no BTT.
  static constexpr size_t kSignatureSize = 16;  // bytes
  virtual uint64_t SignatureOffset(ClaimClass claim_class) const = 0;
  virtual bool IsSignature(absl::Span<const std::byte> bytes) const = 0;

  // Whether the namespace carries a BTT: only reads. ENODEV: none; ENXIO: too small, or unreadable.
  virtual absl::StatusOr<SectorIdentity> Probe(const Media& ns, ClaimClass claim_class,
                                               const Uuid& parent_uuid) = 0;

  // Opens the BTT and recovers it, or formats one if there is none. The result is the disk: a Media
  // of `sectors x sector size` bytes whose writes are sector-atomic and durable on return.
  virtual absl::StatusOr<std::shared_ptr<Media>> OpenOrFormat(std::shared_ptr<Media> ns,
                                                              const SectorOptions& options) = 0;

  // The arenas of a Media that this layer's OpenOrFormat returned.
  virtual std::vector<SectorArena> Arenas(const Media& /*opened*/) { return {}; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_SECTOR_LAYER_H_
