// SPDX-License-Identifier: Apache-2.0
#include "backends/virtio/virtio_pmem_backend.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/machine_region.h"
#include "backends/open_source.h"
#include "backends/sysfs_folder.h"
#include "backends/virtio/pmem_device.h"
#include "backends/virtio/sysfs_pci_function.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::virtio {
namespace {

constexpr char kPhysicalMemory[] = "/dev/mem";
constexpr char kProvider[] = "virtio-pmem";

core::BusSource BusOver(std::shared_ptr<core::Media> media, const core::Range& spa,
                        bool read_only) {
  core::RegionSource region;
  region.spa = spa;
  region.media = std::move(media);
  region.page_mapped = true;
  region.read_only = read_only;
  core::BusSource bus;
  bus.provider = kProvider;
  bus.has_nfit = false;
  bus.regions.push_back(std::move(region));
  return bus;
}

// The disk's sysfs directory. The type is checked before the disk is opened for writing.
absl::StatusOr<SysfsFolder> FindDisk(const std::string& path) {
  ASSIGN_OR_RETURN(const posix::Descriptor node,
                   OpenNode(path, NodeKind::kBlock, /*read_only=*/true));
  auto disk = SysfsFolder::OfNode(node.get());
  const auto bus = disk ? disk->Holding("wait_probe") : std::nullopt;
  const std::string provider = bus ? bus->Text("provider").value_or("") : "";
  if (provider == kProvider) return *std::move(disk);
  return core::Refusal(
      EINVAL, "virtio.kind",
      absl::StrCat("open ", path, ": it is not a disk of a virtio-pmem device",
                   provider.empty() ? "" : absl::StrCat(", but of the bus ", provider)));
}

absl::StatusOr<core::BusSource> OverDisk(const std::string& path, const FileOptions& options) {
  ASSIGN_OR_RETURN(const SysfsFolder disk, FindDisk(path));
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> media, MapWholeDisk(path, options));
  const uint64_t size = media->size();
  // The nearest ancestor states its address: its namespace, or a device in that.
  const auto place = disk.Holding("resource");
  const uint64_t start = place ? place->Number("resource").value_or(0) : uint64_t{0};
  core::BusSource bus =
      BusOver(std::move(media), core::MakeRange(start, size).value_or(core::Range{0, size}),
              options.read_only);
  TakeFromMachine(disk, bus.regions[0]);
  return bus;
}

absl::StatusOr<core::BusSource> OverPci(const std::string& address, const FileOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<PciFunction> function, OpenSysfsPciFunction(address));
  ASSIGN_OR_RETURN(std::unique_ptr<PmemDevice> made,
                   PmemDevice::Make(std::move(function), PmemDevice::Patience{}));
  const std::shared_ptr<PmemDevice> device = std::move(made);
  ASSIGN_OR_RETURN(const posix::Descriptor memory,
                   OpenNode(kPhysicalMemory, NodeKind::kCharacter, options.read_only));
  ASSIGN_OR_RETURN(
      std::shared_ptr<core::Media> media,
      Pmem2Media::Map(memory.get(), {.offset = device->memory().start,
                                     .length = device->memory().size,
                                     .read_only = options.read_only,
                                     .name = address,
                                     .durability = options.durability,
                                     .device_flush = [device] { return device->Flush(); }}));
  return BusOver(std::move(media), device->memory(), options.read_only);
}

}  // namespace

absl::StatusOr<core::BusSource> OpenVirtioPmem(const std::string& name,
                                               const FileOptions& options) {
  if (absl::StartsWith(name, "/")) return OverDisk(name, options);
  return OverPci(name, options);
}

}  // namespace nvdimmfs::backends::virtio
