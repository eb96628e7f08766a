// SPDX-License-Identifier: Apache-2.0
// Detects a personality that a namespace should have, according to its label or to remains on its
// media, but does not. A kernel shows the raw bytes then, without a message.
#ifndef NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
#define NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_

#include <string>

#include "core/media/media.h"
#include "core/nd/namespace.h"

namespace nvdimmfs::core {

// A sentence about a namespace that is about to be attached raw; empty if nothing is missing. Reads
// a few bytes of `media`, the namespace's bytes.
std::string MissingPersonality(const Namespace& ns, const Media& media);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
