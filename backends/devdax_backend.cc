// SPDX-License-Identifier: Apache-2.0
#include "backends/devdax_backend.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/devdax_mode.h"
#include "backends/image_lock.h"
#include "backends/machine_region.h"
#include "backends/open_source.h"
#include "backends/pmem2_media.h"
#include "backends/posix/descriptor.h"
#include "backends/sysfs_folder.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Refusal;

struct DevdaxGeometry {
  uint64_t size = 0;   // bytes
  uint64_t align = 0;  // of every mapping, bytes
};

absl::StatusOr<SysfsFolder> FindDevice(int fd, const std::string& path) {
  auto folder = SysfsFolder::OfNode(fd);
  const auto subsystem = folder ? folder->Follow("subsystem") : std::nullopt;
  if (subsystem && subsystem->name() == "dax") return *std::move(folder);
  return Refusal(EINVAL, "devdax.kind",
                 absl::StrCat("open ", path,
                              ": it is not a device-dax node; ndctl create-namespace -m devdax "
                              "makes one"));
}

// Call it before opening the node: with another driver, open(2) may fail without a clear reason.
absl::Status CheckMode(const std::string& path) {
  const posix::Descriptor name(open(path.c_str(), O_PATH | O_CLOEXEC));
  const auto device = name.get() < 0 ? std::nullopt : SysfsFolder::OfNode(name.get());
  const auto subsystem = device ? device->Follow("subsystem") : std::nullopt;
  if (!subsystem || subsystem->name() != "dax") return absl::OkStatus();
  return CheckDevdaxMode(*device, path);
}

absl::StatusOr<DevdaxGeometry> ReadGeometry(const SysfsFolder& device, const std::string& path) {
  DevdaxGeometry geometry;
  geometry.size = device.Number("size").value_or(0);
  geometry.align = device.Number("align").value_or(0);
  // Before Linux 5.10 only the device's region had it.
  if (geometry.align == 0)
    if (const auto region = device.Follow("../../dax_region"))
      geometry.align = region->Number("align").value_or(0);
  if (core::IsPowerOfTwo(geometry.align) && geometry.size != 0 &&
      geometry.size % geometry.align == 0)
    return geometry;
  return Refusal(EINVAL, "devdax.size",
                 absl::StrCat("open ", path, ": ", device.path(), " reports ", geometry.size,
                              " bytes in units of ", geometry.align,
                              ", which cannot be mapped. daxctl list shows more"));
}

}  // namespace

absl::StatusOr<DevdaxMapping> MapDevdax(const std::string& path, const DevdaxOptions& options) {
  RETURN_IF_ERROR(CheckMode(path));
  ASSIGN_OR_RETURN(const posix::Descriptor node,
                   OpenNode(path, NodeKind::kCharacter, options.read_only));
  ASSIGN_OR_RETURN(SysfsFolder device, FindDevice(node.get(), path));
  ASSIGN_OR_RETURN(const DevdaxGeometry geometry, ReadGeometry(device, path));
  if (!(options.read_only && options.force)) {
    RETURN_IF_ERROR(LockImage(node.get(), path, options.read_only));
  }
  ASSIGN_OR_RETURN(
      std::shared_ptr<core::Media> media,
      Pmem2Media::Map(node.get(),
                      {.length = geometry.size, .read_only = options.read_only, .name = path}));
  return DevdaxMapping{.media = std::move(media), .device = std::move(device)};
}

absl::StatusOr<core::BusSource> OpenDevdax(const std::string& path, const DevdaxOptions& options) {
  ASSIGN_OR_RETURN(const DevdaxMapping mapping, MapDevdax(path, options));
  const SysfsFolder& device = mapping.device;
  std::vector<core::DimmSource> dimms(1);
  ASSIGN_OR_RETURN(dimms[0],
                   DimmOf(mapping.media, 0, options.labels,
                          {.read_only = options.read_only, .force = options.force}, path));
  Identify(0, options.slot, dimms[0]);
  core::BusSource bus = core::QemuBus(std::move(dimms));
  bus.provider = "devdax";
  bus.has_nfit = false;
  core::RegionSource& region = bus.regions[0];
  const uint64_t size = region.spa.size;
  // Only root can see physical addresses: 0 for others.
  if (const auto start = device.Number("resource"); start.value_or(0) != 0)
    region.spa = core::MakeRange(*start, size).value_or(region.spa);
  region.numa_node = device.Signed("numa_node").value_or(region.numa_node);
  region.target_node = device.Signed("target_node").value_or(region.target_node);
  TakeFromMachine(device, region);
  return bus;
}

}  // namespace nvdimmfs::backends
