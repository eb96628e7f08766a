#include "tools/shell/loop_range.h"

#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "absl/numeric/bits.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "tools/shell/node_numbers.h"

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
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error))
    if (const auto index = LoopIndexOf(entry.path().filename().string()))
      taken.insert(*index / count);
  return taken;
}

}  // namespace

absl::StatusOr<LoopRange> LoopRange::Take(int control, const std::string& tree) {
  LoopRange range;
  range.shift = ReadShift();
  const uint32_t ranges = 1u << (kMinorBits - kRangeBits);
  range.count = (1u << kRangeBits) >> range.shift;
  NodeNumbers numbers = ReadNodeNumbers(tree);
  if (numbers["disk"] == kLoopMajor && numbers["disk_step"] == range.MinorOf(1)) {
    range.first = range.IndexOf(numbers["first_disk"]) - 1;
    if (range.first % range.count == 0 && Exists(range.first)) return range;
  }
  const std::set<uint32_t> taken = TakenRanges(range.count);
  int error = EBUSY;
  for (uint32_t i = 1; i < ranges; ++i) {
    if (taken.count(i) != 0) continue;
    range.first = i * range.count;
    range.owned = true;
    if (ioctl(control, LOOP_CTL_ADD, range.first) >= 0) return range;
    error = errno;
    if (error != EEXIST) break;
  }
  return core::Refusal(error, "shell.block",
                       absl::StrCat("shell: --block: no loop devices with numbers of their own: ",
                                    strerror(error), "; losetup --list shows who has them"));
}

void LoopRange::Give(int control) const { ioctl(control, LOOP_CTL_REMOVE, first); }

std::optional<uint32_t> LoopIndexOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "loop")) return std::nullopt;
  size_t digits = 0;
  while (digits < name.size() && absl::ascii_isdigit(name[digits])) ++digits;
  uint32_t index;
  if (digits < name.size() && name[digits] != 'p') return std::nullopt;
  if (!absl::SimpleAtoi(name.substr(0, digits), &index)) return std::nullopt;
  return index;
}

}  // namespace nvdimmfs::tools
