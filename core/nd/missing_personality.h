// SPDX-License-Identifier: Apache-2.0
// What a namespace should hold, by its label or by what is left on its media, and does not. A
// kernel says nothing then, and shows the raw bytes.
#ifndef NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
#define NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_

#include <string>

#include "core/media/media.h"
#include "core/nd/namespace.h"

namespace nvdimmfs::core {

// A sentence about a namespace that is about to be attached raw; empty where nothing is missing.
// Reads a few bytes of `media`, which is the namespace's.
std::string MissingPersonality(const Namespace& ns, const Media& media);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_MISSING_PERSONALITY_H_
