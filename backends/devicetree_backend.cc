// SPDX-License-Identifier: Apache-2.0
#include "backends/devicetree_backend.h"

#include <libfdt.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "backends/devicetree_structure.h"
#include "backends/posix/file.h"
#include "backends/range_file.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;
using core::Refusal;

constexpr uint64_t kPage = 4096;
constexpr size_t kMaxTree = 2 << 20;  // bytes; as in kernels
constexpr int kMaxDepth = 32;         // of buses in buses
constexpr size_t kMaxNodes = 1024;    // of persistent memory
constexpr size_t kMaxRanges = 1024;   // of all nodes
constexpr uint64_t kEndOfAddresses = uint64_t{1} << 62;
constexpr const char* kCompatible[] = {"pmem-region", "pmem-region-v2"};
// Buses whose children are devices, too.
constexpr const char* kBuses[] = {"simple-bus", "simple-mfd", "isa", "arm,amba-bus"};

struct Property {
  const std::byte* data = nullptr;
  int size = 0;
  explicit operator bool() const { return data != nullptr; }
};

// A node on the path from the root, with the properties that determine its children's addresses.
struct Level {
  int node = 0;
  int address_cells = 2;
  int size_cells = 1;
};

class Walker {
 public:
  explicit Walker(const void* fdt) : fdt_(fdt) {}

  absl::StatusOr<std::vector<PmemNode>> Run() {
    ASSIGN_OR_RETURN(const Level root, LevelOf(0));
    levels_.push_back(root);
    RETURN_IF_ERROR(Children());
    return std::move(found_);
  }

 private:
  Property Get(int node, const char* name) const {
    int size = 0;
    const void* data = fdt_getprop(fdt_, node, name, &size);
    if (data == nullptr) return {};
    return {static_cast<const std::byte*>(data), size};
  }

  std::string PathOf(int node) const {
    char path[512];
    if (fdt_get_path(fdt_, node, path, sizeof path) != 0) return "a node";
    return path;
  }

  absl::Status BadReg(int node, absl::string_view why) const {
    return Refusal(EINVAL, "dtb.reg",
                   absl::StrCat("node ", PathOf(node), " (offset ", fdt_off_dt_struct(fdt_) + node,
                                "): ", why));
  }

  bool IsCompatible(int node, absl::Span<const char* const> with) const {
    return std::any_of(with.begin(), with.end(), [&](const char* word) {
      return fdt_node_check_compatible(fdt_, node, word) == 0;
    });
  }

  bool IsEnabled(int node) const {
    const Property status = Get(node, "status");
    if (!status || status.size == 0) return true;
    const absl::string_view word(reinterpret_cast<const char*>(status.data),
                                 strnlen(reinterpret_cast<const char*>(status.data), status.size));
    return word == "okay" || word == "ok";
  }

  absl::StatusOr<Level> LevelOf(int node) const {
    Level level{.node = node};
    level.address_cells = fdt_address_cells(fdt_, node);
    level.size_cells = fdt_size_cells(fdt_, node);
    if (level.address_cells < 0) return BadReg(node, "#address-cells is not a number from 0 to 4");
    if (level.size_cells < 0) return BadReg(node, "#size-cells is not a number from 0 to 4");
    return level;
  }

  absl::Status Children();
  absl::Status Visit(int node);
  absl::Status AddPmem(int node);
  std::optional<uint64_t> Translate(uint64_t address) const;
  std::optional<uint64_t> ThroughRanges(const Level& bus, const Level& parent,
                                        uint64_t address) const;
  std::string DeviceName(int node, const std::vector<Range>& ranges) const;
  int NumaNode(int node) const;

  const void* const fdt_;
  std::vector<Level> levels_;  // from the root down to the current bus
  std::vector<PmemNode> found_;
  std::vector<std::pair<Range, std::string>> taken_;  // addresses, and the node's path
};

// A number of `cells` big-endian words; nothing if it has more than 64 bits.
std::optional<uint64_t> ReadCells(const std::byte* at, int cells) {
  uint64_t value = 0;
  for (int i = 0; i < cells; ++i) {
    if (value >> 32 != 0) return std::nullopt;
    value = value << 32 | fdt32_ld(reinterpret_cast<const fdt32_t*>(at + 4 * i));
  }
  return value;
}

absl::Status Walker::Children() {
  int node;
  const int bus = levels_.back().node;
  fdt_for_each_subnode(node, fdt_, bus) RETURN_IF_ERROR(Visit(node));
  return absl::OkStatus();
}

absl::Status Walker::Visit(int node) {
  if (!IsEnabled(node)) return absl::OkStatus();
  if (IsCompatible(node, kCompatible)) RETURN_IF_ERROR(AddPmem(node));
  if (!IsCompatible(node, kBuses)) return absl::OkStatus();
  if (levels_.size() == kMaxDepth) return BadReg(node, "buses nested too deeply");
  ASSIGN_OR_RETURN(const Level level, LevelOf(node));
  levels_.push_back(level);
  RETURN_IF_ERROR(Children());
  levels_.pop_back();
  return absl::OkStatus();
}

// An address on the bus, as its parent sees it.
std::optional<uint64_t> Walker::ThroughRanges(const Level& bus, const Level& parent,
                                              uint64_t address) const {
  const Property ranges = Get(bus.node, "ranges");
  if (!ranges) return std::nullopt;  // the bus is not mapped
  if (ranges.size == 0) return address;
  const int entry = 4 * (bus.address_cells + parent.address_cells + bus.size_cells);
  if (entry == 0 || ranges.size % entry != 0) return std::nullopt;
  for (int at = 0; at < ranges.size; at += entry) {
    const std::byte* cells = ranges.data + at;
    const auto child = ReadCells(cells, bus.address_cells);
    const auto up = ReadCells(cells + 4 * bus.address_cells, parent.address_cells);
    const auto size =
        ReadCells(cells + 4 * (bus.address_cells + parent.address_cells), bus.size_cells);
    if (!child || !up || !size || address < *child || address - *child >= *size) continue;
    return core::CheckedAdd(*up, address - *child);
  }
  return std::nullopt;
}

std::optional<uint64_t> Walker::Translate(uint64_t address) const {
  std::optional<uint64_t> translated = address;
  for (size_t i = levels_.size() - 1; i > 0 && translated; --i)
    translated = ThroughRanges(levels_[i], levels_[i - 1], *translated);
  return translated;
}

// As in of_device_make_bus_id: the first address, then the node's name without its unit address.
std::string Walker::DeviceName(int node, const std::vector<Range>& ranges) const {
  const char* name = fdt_get_name(fdt_, node, nullptr);
  if (name == nullptr) return "pmem";
  const std::string whole = name;
  if (ranges.empty()) return whole;
  return absl::StrFormat("%x.%s", ranges[0].start, whole.substr(0, whole.find('@')));
}

// Its own, else that of the nearest ancestor that states one.
int Walker::NumaNode(int node) const {
  const auto said = [this](int at) -> std::optional<int> {
    const Property id = Get(at, "numa-node-id");
    if (!id || id.size != 4) return std::nullopt;
    return static_cast<int>(
        std::min<uint32_t>(fdt32_ld(reinterpret_cast<const fdt32_t*>(id.data)), INT16_MAX));
  };
  if (const auto own = said(node)) return *own;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    if (const auto above = said(level->node)) return *above;
  return -1;
}

absl::Status Walker::AddPmem(int node) {
  if (found_.size() == kMaxNodes)
    return BadReg(node, absl::StrCat("more than ", kMaxNodes, " nodes of persistent memory"));
  PmemNode pmem;
  pmem.path = PathOf(node);
  pmem.is_volatile = static_cast<bool>(Get(node, "volatile"));
  pmem.numa_node = NumaNode(node);
  const Level& bus = levels_.back();
  const Property reg = Get(node, "reg");
  const int entry = 4 * (bus.address_cells + bus.size_cells);
  if (reg && (entry == 0 || reg.size % entry != 0))
    return BadReg(node, absl::StrCat("reg has ", reg.size, " bytes, in entries of ", entry));
  for (int at = 0; at < reg.size; at += entry) {
    const auto address = ReadCells(reg.data + at, bus.address_cells);
    const auto size = ReadCells(reg.data + at + 4 * bus.address_cells, bus.size_cells);
    const auto translated = address ? Translate(*address) : std::nullopt;
    if (!translated || !size)
      return BadReg(node, absl::StrCat("entry ", at / entry,
                                       " of reg cannot be translated into an "
                                       "address"));
    if (*size == 0 || *size % kPage != 0 || *translated % kPage != 0 ||
        *translated >= kEndOfAddresses || *size > kEndOfAddresses - *translated)
      return BadReg(node, absl::StrFormat("entry %d of reg: %u bytes at 0x%x: needs whole pages of "
                                          "%u bytes below 2^62",
                                          at / entry, *size, *translated, kPage));
    if (taken_.size() + pmem.ranges.size() == kMaxRanges)
      return BadReg(node, absl::StrCat("more than ", kMaxRanges, " ranges"));
    pmem.ranges.push_back({*translated, *size});
  }
  for (const Range& ours : pmem.ranges) {
    for (const auto& [theirs, path] : taken_)
      if (theirs.Overlaps(ours))
        return BadReg(node, absl::StrCat("some of its addresses are those of ", path));
    taken_.emplace_back(ours, pmem.path);
  }
  pmem.device = DeviceName(node, pmem.ranges);
  found_.push_back(std::move(pmem));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadTree(const std::string& path) {
  const absl::StatusOr<std::string> bytes = posix::ReadFile(path, kMaxTree + 1);
  if (!bytes.ok())
    return Refusal(core::ErrnoOf(bytes.status()), "dtb.open", bytes.status().message());
  if (bytes->size() > kMaxTree)
    return Refusal(EINVAL, "dtb.structure", absl::StrCat(path, ": more than ", kMaxTree, " bytes"));
  return bytes;
}

absl::StatusOr<core::RegionSource> RegionOf(const PmemNode& node, const Range& range,
                                            const std::string* file, const FileOptions& options) {
  core::RegionSource region;
  region.spa = range;
  region.is_volatile = node.is_volatile;
  region.page_mapped = true;
  region.read_only = options.read_only;
  region.numa_node = region.target_node = node.numa_node;
  if (!node.is_volatile) region.persistence_domain = core::PersistenceDomain::kMemoryController;
  if (file != nullptr) {
    ASSIGN_OR_RETURN(region.media, OpenRange(*file, range.size, options));
  } else {
    ASSIGN_OR_RETURN(region.media, core::MemoryMedia::Make(range.size));
  }
  return region;
}

}  // namespace

absl::StatusOr<std::vector<PmemNode>> FindPmemNodes(absl::Span<const std::byte> tree) {
  RETURN_IF_ERROR(CheckDeviceTree(tree));
  // libfdt reads words, so the tree must be aligned.
  std::vector<uint64_t> aligned((tree.size() + 7) / 8);
  if (!tree.empty()) std::memcpy(aligned.data(), tree.data(), tree.size());
  const int bad = fdt_check_full(aligned.data(), tree.size());
  if (bad != 0)
    return Refusal(EINVAL, "dtb.structure",
                   absl::StrCat("device tree of ", tree.size(), " bytes: ", fdt_strerror(bad),
                                "; it must be a compiled one (dtc -O dtb)"));
  return Walker(aligned.data()).Run();
}

absl::StatusOr<std::vector<core::BusSource>> OpenDeviceTree(const std::string& path,
                                                            const std::vector<std::string>& files,
                                                            const FileOptions& options) {
  ASSIGN_OR_RETURN(const std::string tree, ReadTree(path));
  const auto nodes = FindPmemNodes(
      absl::MakeConstSpan(reinterpret_cast<const std::byte*>(tree.data()), tree.size()));
  if (!nodes.ok()) return core::Annotate(nodes.status(), path);
  size_t ranges = 0;
  for (const PmemNode& node : *nodes) ranges += node.ranges.size();
  if (nodes->empty())
    return Refusal(ENODEV, "dtb.empty",
                   absl::StrCat(path, ": no node is compatible with pmem-region"));
  if (!files.empty() && files.size() != ranges)
    return Refusal(EINVAL, "dtb.bytes",
                   absl::StrCat(files.size(), " files given with range=, but the tree has ", ranges,
                                " ranges: give one for each, in order"));
  std::vector<core::BusSource> buses;
  size_t taken = 0;
  for (const PmemNode& node : *nodes) {
    core::BusSource bus;
    bus.provider = node.device;
    bus.has_nfit = false;
    for (const Range& range : node.ranges) {
      ASSIGN_OR_RETURN(core::RegionSource region,
                       RegionOf(node, range, files.empty() ? nullptr : &files[taken++], options));
      bus.regions.push_back(std::move(region));
    }
    buses.push_back(std::move(bus));
  }
  return buses;
}

}  // namespace nvdimmfs::backends
