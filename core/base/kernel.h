// SPDX-License-Identifier: Apache-2.0
// The kernels whose device tree can be shown: one of each generation that the tests compare with.
#ifndef NVDIMMFS_CORE_BASE_KERNEL_H_
#define NVDIMMFS_CORE_BASE_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// Oldest first, so that comparisons compare age. To add one, add it to kKernels, give it a name in
// KernelName, and record its trees (tests/golden/README.md).
enum class Kernel : uint8_t { k6_1, k6_12, k7_3 };

inline constexpr Kernel kKernels[] = {Kernel::k6_1, Kernel::k6_12, Kernel::k7_3};
inline constexpr Kernel kOldestKernel = kKernels[0];
inline constexpr Kernel kNewestKernel = Kernel::k7_3;
// Shown unless the user chooses another.
inline constexpr Kernel kDefaultKernel = kNewestKernel;

constexpr absl::string_view KernelName(Kernel kernel) {
  switch (kernel) {
    case Kernel::k6_1:
      return "6.1";
    case Kernel::k6_12:
      return "6.12";
    case Kernel::k7_3:
      return "7.3";
  }
  return "";
}

// The kernel of that name, if there is one.
constexpr std::optional<Kernel> FindKernel(absl::string_view name) {
  for (const Kernel kernel : kKernels)
    if (KernelName(kernel) == name) return kernel;
  return std::nullopt;
}

// The names of all kernels in one text, which is a constant.
class KernelList {
 public:
  // Each name is between `open` and `close`; `last` precedes the last of them, `between` the others
  // but the first.
  constexpr KernelList(absl::string_view open, absl::string_view close, absl::string_view between,
                       absl::string_view last) {
    for (const Kernel kernel : kKernels) {
      if (kernel != kOldestKernel) Append(kernel == kNewestKernel ? last : between);
      Append(open);
      Append(KernelName(kernel));
      Append(close);
    }
  }
  constexpr absl::string_view text() const { return {text_, size_}; }

 private:
  // Too long a text does not compile.
  constexpr void Append(absl::string_view part) {
    for (const char c : part) text_[size_++] = c;
  }

  char text_[64] = {};
  size_t size_ = 0;
};

// What FindKernel takes, for the end of a refusal's sentence.
inline constexpr KernelList kKernelChoices("", "", ", ", " or ");

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_KERNEL_H_
