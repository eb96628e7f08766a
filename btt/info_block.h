// SPDX-License-Identifier: Apache-2.0
// An arena's info block: reads it from hostile bytes, and makes one.
#ifndef NVDIMMFS_BTT_INFO_BLOCK_H_
#define NVDIMMFS_BTT_INFO_BLOCK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "btt/btt_format.h"
#include "btt/geometry.h"
#include "core/base/uuid.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// The 4096 bytes at `at` of the namespace, unchecked. Returns the media's refusal.
absl::StatusOr<InfoBlock> LoadInfo(const core::Media& ns, uint64_t at);

// What the kernel requires of an info block: signature, parent (nil, or equal to `parent_uuid`) and
// checksum. Refused with ENODEV and the reason "btt.info.signature", ".parent" or
// ".checksum". CheckVersion checks the version, when a namespace is probed.
absl::Status CheckInfo(const InfoBlock& info, const core::Uuid& parent_uuid);
// Refused with ENODEV, "btt.info.version".
absl::Status CheckVersion(const InfoBlock& info, Version version);

// The arena that a block describes, if its numbers are valid: every part inside the
// `remaining` bytes that follow `start` in the namespace, in order, disjoint and aligned, sizes
// legal, and external_nlba + nfree = internal_nlba. Refused with EIO and "btt.info.lbasize",
// ".nfree", ".nlba", ".layout" or ".nextoff"; with ENODEV and ".nfree" if there are fewer than
// kLanes lanes, which kernels since 2026 refuse, too.
absl::StatusOr<ArenaGeometry> ParseArena(const InfoBlock& info, uint64_t start, uint64_t remaining);

// A sealed block (checksum set).
InfoBlock MakeInfo(const ArenaGeometry& arena, const core::Uuid& uuid,
                   const core::Uuid& parent_uuid, Version version);
// Sets the checksum.
void Seal(InfoBlock& info);
uint64_t ChecksumOf(const InfoBlock& info);

core::Uuid UuidOf(const InfoBlock& info);
core::Uuid ParentOf(const InfoBlock& info);
absl::Span<const std::byte> BytesOf(const InfoBlock& info);

// One line for logs and check.
std::string ToString(const InfoBlock& info);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_INFO_BLOCK_H_
