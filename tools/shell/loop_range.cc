// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/loop_range.h"

#include <linux/loop.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/folder.h"
#include "backends/posix/loop_device.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

constexpr uint32_t kMinorBits = 20, kRangeBits = 16;

uint32_t ReadShift() {
  std::ifstream file("/sys/module/loop/parameters/max_part");
  uint32_t most = 0;
  file >> most;
  return static_cast<uint32_t>(absl::bit_width(most));
}

bool Exists(uint32_t index) {
  return access(absl::StrCat("/sys/block/loop", index).c_str(), F_OK) == 0;
}

// The ranges in which the machine has a device.
std::set<uint32_t> TakenRanges(uint32_t count) {
  std::set<uint32_t> taken;
  for (const std::string& name :
       posix::ReadFolder("/sys/block").value_or(std::vector<std::string>()))
    if (const auto index = posix::LoopIndexOf(name)) taken.insert(*index / count);
  return taken;
}

}  // namespace

absl::StatusOr<LoopRange> LoopRange::Take(int control, const std::string& tree) {
  LoopRange range;
  range.shift = ReadShift();
  const uint32_t ranges = 1u << (kMinorBits - kRangeBits);
  range.count = (1u << kRangeBits) >> range.shift;
  NodeNumbers numbers = ReadNodeNumbers(tree);
  if (numbers["disk"] == posix::kLoopMajor && numbers["disk_step"] == range.MinorOf(1)) {
    range.first = range.IndexOf(numbers["first_disk"]) - 1;
    if (range.first % range.count == 0 && Exists(range.first)) return range;
  }
  const std::set<uint32_t> taken = TakenRanges(range.count);
  int error = EBUSY;
  for (uint32_t i = 1; i < ranges; ++i) {
    if (taken.count(i) != 0) continue;
    range.first = i * range.count;
    range.owned = true;
    error = posix::AddLoop(control, range.first);
    if (error == 0) return range;
    if (error != EEXIST) break;
  }
  return core::Refusal(error, "shell.block",
                       absl::StrCat("shell: --block: cannot reserve a range of loop devices: ",
                                    strerror(error), "; losetup --list shows those in use"));
}

void LoopRange::Give(int control) const { posix::RemoveLoop(control, first); }

DiskNumbers LoopRange::numbers() const {
  return {.major = posix::kLoopMajor, .first = MinorOf(first + 1), .step = MinorOf(1)};
}

}  // namespace nvdimmfs::tools
