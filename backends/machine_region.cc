#include "backends/machine_region.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_split.h"
#include "core/badblocks.h"
#include "core/media.h"
#include "core/range.h"

namespace nvdimmfs::backends {
namespace {

// The part of `bad` (from `base` on) that lies in `spa`, counted from there.
std::optional<core::Range> Within(const core::Range& bad, uint64_t base, const core::Range& spa) {
  const auto start = core::CheckedAdd(base, bad.start);
  const auto moved = start ? core::MakeRange(*start, bad.size) : std::nullopt;
  if (!moved || !moved->Overlaps(spa)) return std::nullopt;
  const uint64_t first = std::max(moved->start, spa.start);
  return core::Range{first - spa.start, std::min(moved->end(), spa.end()) - first};
}

void TakeBadblocks(const SysfsFolder& machine, core::RegionSource& region) {
  const auto base = machine.Number("resource");
  const auto text = machine.Text("badblocks");
  if (!base || !text) return;
  for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const auto bad = core::ParseBadblock(line);
    if (!bad.ok()) continue;
    if (const auto ours = Within(*bad, *base, region.spa))
      region.media->InjectPoison(*ours).IgnoreError();
  }
}

}  // namespace

void TakeFromMachine(const SysfsFolder& device, core::RegionSource& region) {
  // Of all folders above a namespace, only a region has this one.
  const auto machine = device.Holding("mappings");
  if (!machine) return;
  if (const auto node = machine->Signed("numa_node")) region.numa_node = *node;
  if (const auto node = machine->Signed("target_node")) region.target_node = *node;
  const std::string domain = machine->Text("persistence_domain").value_or("");
  if (domain == "cpu_cache") region.persistence_domain = core::PersistenceDomain::kCpuCache;
  if (domain == "memory_controller")
    region.persistence_domain = core::PersistenceDomain::kMemoryController;
  if (machine->Text("read_only").value_or("0") == "1") region.read_only = true;
  TakeBadblocks(*machine, region);
}

}  // namespace nvdimmfs::backends
