// SPDX-License-Identifier: Apache-2.0
// Detects a personality that a namespace should have, according to its label or to remains on its
// media, but does not. A kernel shows the raw bytes then, without a message.
#ifndef NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
#define NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_

#include <cstdint>
#include <string>

#include "core/media/media.h"
#include "core/nd/namespace.h"

namespace nvdimmfs::core {

// A sentence about a namespace that is about to be attached raw; empty if nothing is missing. Reads
// a few bytes of `media`, the namespace's bytes.
std::string MissingPersonality(const Namespace& ns, const Media& media);

// The offset of the block of kBttCopySize bytes where a BTT keeps the copy of its info block, and
// whether one is there. It may be that of an earlier owner of the bytes. The namespace has at least
// two such blocks.
inline constexpr uint64_t kBttCopySize = 4096;  // bytes
uint64_t BttCopyOffset(const Namespace& ns);
bool HasBttCopy(const Namespace& ns, const Media& media);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
