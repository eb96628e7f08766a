// SPDX-License-Identifier: Apache-2.0
#include "backends/guarded_copy.h"

#if defined(__x86_64__)

#include "backends/guarded_routines.h"

namespace nvdimmfs::backends {

const GuardedCopyRoutine GuardedCopy =
    __builtin_cpu_supports("avx") ? internal::CopyAvx : internal::CopySse;

}  // namespace nvdimmfs::backends

#else

#include <cstring>

#include "backends/sigbus_guard.h"

namespace nvdimmfs::backends {

const GuardedCopyRoutine GuardedCopy = [](void* to, const void* from, size_t length) {
  return SurvivesSigbus(from, length, [&] { std::memcpy(to, from, length); });
};

bool GuardedLoad32(uint32_t* value, const void* from) {
  return SurvivesSigbus(from, sizeof *value,
                        [&] { *value = *static_cast<const volatile uint32_t*>(from); });
}

}  // namespace nvdimmfs::backends

#endif
