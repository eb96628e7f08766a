// SPDX-License-Identifier: Apache-2.0
#include "core/nd/disk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/media/badblocks.h"
#include "core/model/common_attributes.h"
#include "core/model/data_faults.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"
#include "core/nd/nd_numbers.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

const Disk& AsDisk(const Device& device) { return static_cast<const Disk&>(device); }

// A value that is the same for every disk of the nd bus, as a template argument.
template <size_t n>
struct Literal {
  constexpr Literal(const char (&text)[n]) { std::copy_n(text, n, value); }  // NOLINT: implicit
  char value[n];
};

// A disk and its BTT ("pmem0", "pmem0s") never exist at the same time, and share one number.
absl::string_view NodeName(absl::string_view name) {
  absl::ConsumeSuffix(&name, "s");
  return name;
}

template <Literal text>
Text Fixed(Device&) {
  return std::string(text.value);
}

Text ShowDev(Device& device) { return absl::StrCat(AsDisk(device).number().ToString(), "\n"); }
Text ShowSequence(Device& device) { return absl::StrCat(AsDisk(device).sequence(), "\n"); }
Text ShowSize(Device& device) { return absl::StrCat(AsDisk(device).node().size() / 512, "\n"); }
Text ShowReadOnly(Device& device) {
  return std::string(AsDisk(device).node().read_only() ? "1\n" : "0\n");
}
Text ShowDax(Device& device) { return std::string(AsDisk(device).options().dax ? "1\n" : "0\n"); }

Text ShowBlockSize(Device& device) {
  return absl::StrCat(AsDisk(device).options().block_size, "\n");
}

// A BTT with blocks larger than their sectors registers the remainder as an integrity payload.
Text ShowIntegrityFormat(Device& device) {
  return std::string(AsDisk(device).options().metadata_size != 0 ? "nop\n" : "none\n");
}
Text ShowIntegrityInterval(Device& device) {
  const Disk::Options& options = AsDisk(device).options();
  return absl::StrCat(options.metadata_size != 0 ? options.block_size : 0, "\n");
}
Text ShowIntegrityTag(Device& device) {
  return absl::StrCat(AsDisk(device).options().metadata_size, "\n");
}
Text ShowIntegrityOn(Device& device) {
  return std::string(AsDisk(device).options().metadata_size != 0 ? "1\n" : "0\n");
}
Text ShowIntegritySegments(Device& device) {
  return std::string(AsDisk(device).options().atomic_sectors ? "1\n" : "0\n");
}

Text ShowPhysicalBlockSize(Device& device) {
  const Disk::Options& options = AsDisk(device).options();
  return absl::StrCat(options.atomic_sectors ? options.block_size : 4096, "\n");
}

Text ShowMaxSectors(Device& device) {
  return std::string(AsDisk(device).options().block_size == 4096 ? "2147483644\n" : "2147483647\n");
}

// In 7.3, metadata limits a request to what one page of metadata can describe.
Text ShowDefaultSectors(Device& device) {
  return std::string(AsDisk(device).options().metadata_size != 0 ? "64\n" : "4096\n");
}

Text ShowFua(Device& device) { return std::string(AsDisk(device).options().fua ? "1\n" : "0\n"); }

Text ShowDaxWriteCache(Device& device) {
  return std::string(AsDisk(device).flushes_caches ? "1\n" : "0\n");
}

absl::Status StoreDaxWriteCache(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(static_cast<Disk&>(device).flushes_caches,
                   ParseBool(text, device.engine().kernel()));
  return absl::OkStatus();
}

Text ShowWriteCache(Device& device) {
  return std::string(AsDisk(device).options().atomic_sectors ? "write through\n" : "write back\n");
}

Text ShowBadblocks(Device& device) {
  return FormatBadblocks(AsDisk(device).node().media().BadRanges());
}

absl::Status StoreBadblocks(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const Range bad, ParseBadblock(text));
  Media& media = AsDisk(device).node().media();
  if (!Fits(bad.start, bad.size, media.size()))
    return Refusal(
        EINVAL, "badblocks.range",
        absl::StrCat("badblocks of ", device.name(), ": it has ", media.size() / 512, " sectors"));
  if (CountBadblocks(media.BadRanges()) + CountBadblocks({bad}) > kMaxBadblocks)
    return Refusal(ENOSPC, "badblocks.full",
                   absl::StrCat("badblocks of ", device.name(), ": more than ", kMaxBadblocks,
                                " entries; write to bad sectors to make them good"));
  return media.InjectPoison(bad);
}

Text NoLatency(Device& device) {
  return Refusal(
      EINVAL, "disk.no_wbt",
      absl::StrCat(device.name(), " has no write-back throttling, so it has no latency target"));
}

absl::Status RefuseTuning(Device& device, absl::string_view) {
  return Refusal(EINVAL, "disk.fixed",
                 absl::StrCat("this setting of ", device.name(),
                              " belongs to the kernel's block layer, which does not exist here"));
}

Text NoAutosuspend(Device& device) {
  return Refusal(
      EIO, "disk.no_autosuspend",
      absl::StrCat(device.name(), " has no power management, so it has no autosuspend delay"));
}

// The BTT's disk registers no table of bad sectors and no direct access.
uint16_t UnlessBtt(const Device& device) {
  return AsDisk(device).options().atomic_sectors ? 0 : 0644;
}

Text ShowStat(Device& device) { return AsDisk(device).node().counts().StatText(); }

// The first and the last kernel that have a row.
struct Kernels {
  Kernel since = kOldestKernel;
  Kernel until = kNewestKernel;
};

// A setting that tunes a kernel's disk. It has no effect here, so every write is refused.
constexpr Attribute Tuning(absl::string_view name, Text (*show)(Device&), absl::string_view summary,
                           Kernels kernels = {}) {
  return {.name = name,
          .mode = 0644,
          .since = kernels.since,
          .until = kernels.until,
          .show = show,
          .store = RefuseTuning,
          .summary = summary,
          .grammar = Grammar::kNothing,
          .refusals = "disk.fixed"};
}

// No persistent memory disk supports the block layer's atomic writes.
constexpr Attribute NoAtomicWrites(absl::string_view name) {
  return {.name = name, .since = Kernel::k6_12, .show = Fixed<"0\n">, .summary = "0"};
}

constexpr Attribute kDiskAttributes[] = {
    {.name = "alignment_offset", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "badblocks",
     .mode = 0644,
     .show = ShowBadblocks,
     .store = StoreBadblocks,
     .visible = UnlessBtt,
     .summary = "bad ranges: first sector and count, in 512-byte sectors; a write declares one bad",
     .grammar = "SECTOR COUNT",
     .refusals = "badblocks.* media.*"},
    {.name = "capability", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "dev", .show = ShowDev, .summary = "major:minor"},
    {.name = "discard_alignment", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "diskseq", .show = ShowSequence, .summary = "sequence number of the disk"},
    {.name = "events", .show = Fixed<"">, .summary = "empty: the disk reports no events"},
    {.name = "events_async", .show = Fixed<"">, .summary = "empty, likewise"},
    Tuning("events_poll_msecs", Fixed<"-1\n">, "-1"),
    {.name = "ext_range", .show = Fixed<"256\n">, .summary = "the partitions that it may have"},
    {.name = "hidden", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "inflight",
     .show = Fixed<"       0        0\n">,
     .summary = "requests in flight: none that sysfs counts"},
    {.name = "partscan",
     .since = Kernel::k6_12,
     .show = Fixed<"1\n">,
     .summary = "1: the kernel looks for partitions on it"},
    {.name = "range", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "removable", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "ro", .show = ShowReadOnly, .summary = "1: refuses writes"},
    {.name = "size", .show = ShowSize, .summary = "512-byte sectors"},
    {.name = "stat",
     .show = ShowStat,
     .summary = "I/O counts, as in Documentation/block/stat of the kernel"},
    kUeventAttribute,
    {.name = "dax/write_cache",
     .mode = 0644,
     .show = ShowDaxWriteCache,
     .store = StoreDaxWriteCache,
     .visible = UnlessBtt,
     .summary = "1: a flush writes CPU caches back",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax"},
    {.name = "integrity/device_is_integrity_capable", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "integrity/format",
     .show = ShowIntegrityFormat,
     .summary = "nop: a BTT whose sectors carry metadata; else none"},
    {.name = "integrity/protection_interval_bytes",
     .show = ShowIntegrityInterval,
     .summary = "bytes that the metadata of a sector covers"},
    Tuning("integrity/read_verify", ShowIntegrityOn, "1: the sectors carry metadata",
           {.until = Kernel::k6_1}),
    Tuning("integrity/read_verify", Fixed<"1\n">, "1", {Kernel::k6_12, Kernel::k6_12}),
    Tuning("integrity/read_verify", ShowIntegrityOn, "1: the sectors carry metadata",
           {.since = Kernel::k7_3}),
    {.name = "integrity/tag_size",
     .show = ShowIntegrityTag,
     .summary = "bytes of metadata of a sector"},
    Tuning("integrity/write_generate", ShowIntegrityOn, "1: the sectors carry metadata",
           {.until = Kernel::k6_1}),
    Tuning("integrity/write_generate", Fixed<"1\n">, "1", {Kernel::k6_12, Kernel::k6_12}),
    Tuning("integrity/write_generate", ShowIntegrityOn, "1: the sectors carry metadata",
           {.since = Kernel::k7_3}),
    Tuning("power/async", Fixed<"disabled\n">, "disabled"),
    Tuning("power/autosuspend_delay_ms", NoAutosuspend,
           "cannot be read: the disk has no power management"),
    Tuning("power/control", Fixed<"auto\n">, "auto"),
    {.name = "power/runtime_active_kids", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "power/runtime_active_time", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "power/runtime_enabled", .show = Fixed<"disabled\n">, .summary = "disabled"},
    {.name = "power/runtime_status", .show = Fixed<"unsupported\n">, .summary = "unsupported"},
    {.name = "power/runtime_suspended_time", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "power/runtime_usage", .show = Fixed<"0\n">, .summary = "0"},
    Tuning("queue/add_random", Fixed<"0\n">, "0"),
    NoAtomicWrites("queue/atomic_write_boundary_bytes"),
    NoAtomicWrites("queue/atomic_write_max_bytes"),
    NoAtomicWrites("queue/atomic_write_unit_max_bytes"),
    NoAtomicWrites("queue/atomic_write_unit_min_bytes"),
    {.name = "queue/chunk_sectors", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/dax", .show = ShowDax, .summary = "1: the disk supports direct access"},
    {.name = "queue/discard_granularity", .show = Fixed<"0\n">, .summary = "0: no discard"},
    Tuning("queue/discard_max_bytes", Fixed<"0\n">, "0: no discard"),
    {.name = "queue/discard_max_hw_bytes", .show = Fixed<"0\n">, .summary = "0: no discard"},
    {.name = "queue/discard_zeroes_data", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/dma_alignment", .show = Fixed<"511\n">, .summary = "511"},
    {.name = "queue/fua", .show = ShowFua, .summary = "1: the disk takes FUA writes"},
    {.name = "queue/hw_sector_size", .show = ShowBlockSize, .summary = "as logical_block_size"},
    Tuning("queue/io_poll", Fixed<"0\n">, "0"),
    Tuning("queue/io_poll_delay", Fixed<"0\n">, "0", {.until = Kernel::k6_1}),
    Tuning("queue/io_poll_delay", Fixed<"-1\n">, "-1", {.since = Kernel::k6_12}),
    Tuning("queue/iostats", Fixed<"0\n">, "0"),
    Tuning("queue/iostats_passthrough", Fixed<"0\n">, "0", {.since = Kernel::k7_3}),
    {.name = "queue/logical_block_size",
     .show = ShowBlockSize,
     .summary = "bytes: the smallest unit of reads and writes"},
    {.name = "queue/max_discard_segments", .show = Fixed<"1\n">, .summary = "1"},
    {.name = "queue/max_hw_sectors_kb",
     .show = ShowMaxSectors,
     .summary = "the largest request that the disk takes"},
    {.name = "queue/max_integrity_segments",
     .until = Kernel::k6_1,
     .show = ShowIntegrityOn,
     .summary = "1: the sectors carry metadata"},
    {.name = "queue/max_integrity_segments",
     .since = Kernel::k6_12,
     .show = ShowIntegritySegments,
     .summary = "1: a BTT, with metadata or without"},
    Tuning("queue/max_sectors_kb", Fixed<"1280\n">, "1280", {.until = Kernel::k6_12}),
    Tuning("queue/max_sectors_kb", ShowDefaultSectors, "4096; 64 where the sectors carry metadata",
           {.since = Kernel::k7_3}),
    {.name = "queue/max_segment_size", .show = Fixed<"65536\n">, .summary = "65536"},
    {.name = "queue/max_segments", .show = Fixed<"128\n">, .summary = "128"},
    {.name = "queue/max_write_streams",
     .since = Kernel::k7_3,
     .show = Fixed<"0\n">,
     .summary = "0"},
    {.name = "queue/minimum_io_size",
     .show = ShowPhysicalBlockSize,
     .summary = "as physical_block_size"},
    Tuning("queue/nomerges", Fixed<"0\n">, "0"),
    Tuning("queue/nr_requests", Fixed<"128\n">, "queue depth: 128", {.until = Kernel::k6_1}),
    {.name = "queue/nr_zones", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/optimal_io_size", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/physical_block_size",
     .show = ShowPhysicalBlockSize,
     .summary = "bytes that are written at once: a BTT's sector, else 4096"},
    Tuning("queue/read_ahead_kb", Fixed<"128\n">, "128"),
    Tuning("queue/rotational", Fixed<"0\n">, "0"),
    Tuning("queue/rq_affinity", Fixed<"0\n">, "0", {.until = Kernel::k6_1}),
    Tuning("queue/scheduler", Fixed<"none\n">, "none", {.until = Kernel::k6_1}),
    Tuning("queue/stable_writes", ShowIntegrityOn, "1: data must not change while it is written",
           {.until = Kernel::k6_1}),
    Tuning("queue/stable_writes", Fixed<"0\n">, "0", {.since = Kernel::k6_12}),
    {.name = "queue/virt_boundary_mask", .show = Fixed<"0\n">, .summary = "0"},
    Tuning("queue/wbt_lat_usec", NoLatency, "cannot be read: the disk has no write-back throttling",
           {.until = Kernel::k6_1}),
    Tuning("queue/write_cache", ShowWriteCache, "write back, or of a BTT write through"),
    {.name = "queue/write_same_max_bytes", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/write_stream_granularity",
     .since = Kernel::k7_3,
     .show = Fixed<"0\n">,
     .summary = "0"},
    {.name = "queue/write_zeroes_max_bytes", .show = Fixed<"0\n">, .summary = "0"},
    Tuning("queue/write_zeroes_unmap_max_bytes", Fixed<"0\n">, "0", {.since = Kernel::k7_3}),
    {.name = "queue/write_zeroes_unmap_max_hw_bytes",
     .since = Kernel::k7_3,
     .show = Fixed<"0\n">,
     .summary = "0"},
    {.name = "queue/zone_append_max_bytes", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/zone_write_granularity", .show = Fixed<"0\n">, .summary = "0"},
    {.name = "queue/zoned", .show = Fixed<"none\n">, .summary = "none"},
    Tuning("trace/act_mask", Fixed<"disabled\n">, "disabled"),
    Tuning("trace/enable", Fixed<"0\n">, "0"),
    Tuning("trace/end_lba", Fixed<"disabled\n">, "disabled"),
    Tuning("trace/pid", Fixed<"disabled\n">, "disabled"),
    Tuning("trace/start_lba", Fixed<"disabled\n">, "disabled"),
};

}  // namespace

Disk::Disk(NdDevice& driving, std::string name, std::shared_ptr<DataNode> node, Options options)
    : Device(driving.engine(), NdKind::kBlock, std::move(name), &driving),
      flushes_caches(options.flushes_caches),
      node_(std::move(node)),
      options_(std::move(options)),
      index_(driving.engine().NumberOf(NodeName(this->name()), kDiskMajor)),
      sequence_(driving.nd().NextDiskSequence()) {}

std::shared_ptr<Disk> Disk::Attach(NdDevice& driving, std::string name,
                                   std::shared_ptr<Media> media, Media& observed, Options options) {
  DataNode::Options node_options{
      .name = name, .block_size = options.block_size, .atomic_sectors = options.atomic_sectors};
  auto node = std::make_shared<DataNode>(std::move(media), std::move(node_options));
  std::shared_ptr<Disk> disk(
      new Disk(driving, std::move(name), std::move(node), std::move(options)));
  driving.engine().Register(disk);
  disk->ShowBackingInfo();
  observed.ObservePoison(disk);
  driving.engine().AddData(disk->file(), disk->node_);
  driving.engine().AddAliases(disk->options_.aliases, disk->file());
  return disk;
}

void Disk::Detach() {
  node_->Close();
  ForgetFaults(*node_);
  engine().RemoveAliases(options_.aliases, file());
  engine().RemoveData(file());
  engine().Unregister(*this);
}

void Disk::PoisonChanged(PoisonChange change) {
  engine().NotifyChanged(*this, "badblocks");
  if (change == PoisonChange::kWentBad) engine().NotifyDataChanged(file());
}

DeviceNumber Disk::number() const {
  const NodeNumbers& numbers = engine().numbers();
  return {numbers[kDiskMajor], numbers[kFirstDisk] + index_ * numbers[kDiskStep]};
}

void Disk::ShowBackingInfo() {
  engine().AssertLocked();
  backing_info_ = std::make_shared<BackingInfo>(engine(), *this, number().ToString());
  engine().Register(backing_info_);
}

void Disk::HideBackingInfo() {
  engine().AssertLocked();
  if (const auto shown = std::exchange(backing_info_, nullptr)) engine().Unregister(*shown);
}

void Disk::SetPartitions(std::vector<Partition::Place> places) {
  engine().AssertLocked();
  std::vector<std::shared_ptr<Partition>> kept;
  for (const auto& partition : std::exchange(partitions_, {})) {
    const auto found = std::find(places.begin(), places.end(), partition->where());
    if (found == places.end()) {
      engine().Unregister(*partition);
      continue;
    }
    places.erase(found);
    kept.push_back(partition);
  }
  partitions_ = std::move(kept);
  for (const Partition::Place& place : places) {
    partitions_.push_back(std::make_shared<Partition>(*this, place, node_->read_only()));
    engine().Register(partitions_.back());
  }
}

std::string Disk::file() const { return absl::StrCat("dev/", name()); }

std::string Disk::place() const { return absl::StrCat("block/", name()); }

absl::Span<const Attribute> Disk::Table() { return kDiskAttributes; }

std::vector<DeviceLink> Disk::inner_links() const {
  return {{"subsystem", "class/block"}, {"device", parent()->path()}};
}

std::vector<DeviceLink> Disk::links() const {
  return {
      {absl::StrCat("block/", name()), path()},
      {absl::StrCat("class/block/", name()), path()},
  };
}

std::optional<DeviceLink> Disk::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/block/", number().ToString()), path()};
}

std::string Disk::uevent() const {
  return absl::StrCat(number().Variables(), "DEVNAME=", name(),
                      "\nDEVTYPE=disk\nDISKSEQ=", sequence_, "\n");
}

absl::Status Disk::CheckStoppable(absl::string_view verb) const {
  if (node_->StopLending()) return absl::OkStatus();
  return Refusal(
      EBUSY, "data.on_loan",
      absl::StrCat(verb, ": dev/", name(),
                   " is open through kernel passthrough, which cannot be revoked; close it "
                   "first, or mount with -o passthrough=off"));
}

void Disk::Removed() {
  engine().AssertLocked();
  HideBackingInfo();
  partitions_.clear();
}

}  // namespace nvdimmfs::core
