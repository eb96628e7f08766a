// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/cxl_backend.h"

#include <fcntl.h>
#include <linux/cxl_mem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/cxl/lsa_media.h"
#include "backends/cxl/mailbox.h"
#include "backends/cxl/memdev.h"
#include "backends/cxl/nmem_lsa.h"
#include "backends/cxl/topology.h"
#include "backends/devdax_backend.h"
#include "backends/image_lock.h"
#include "backends/open_source.h"
#include "backends/pmem2_media.h"
#include "backends/posix/descriptor.h"
#include "backends/sysfs_folder.h"
#include "core/base/status.h"
#include "core/labels/interleave_set.h"
#include "core/media/media_slice.h"
#include "core/media/striped_media.h"
#include "core/sources/memory_device.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::Refusal;

constexpr char kPhysicalMemory[] = "/dev/mem";
constexpr uint64_t kPage = 4096;

// Shows a memory device in the tree, and passes operations on to it.
class CxlDevice final : public core::MemoryDevice {
 public:
  CxlDevice(std::shared_ptr<Memdev> device, SysfsFolder folder)
      : device_(std::move(device)), folder_(std::move(folder)) {}

  uint64_t serial() const override { return folder_.Number("serial").value_or(0); }
  std::string provider() const override {
    // The kernel numbers these in order of discovery. Without them, use the device's number.
    const std::vector<std::string> names = folder_.Names("pmem");
    for (const std::string& name : names)
      if (name != "pmem") return name;
    return absl::StrCat("pmem", device_->name().substr(strlen("mem")));
  }
  absl::StatusOr<std::string> Describe() const override {
    return absl::StrCat(DescribeFacts(*device_), "serial: ", serial(),
                        "\nsecurity: ", folder_.Text("security/state").value_or("unknown"), "\n");
  }
  absl::StatusOr<std::string> DescribeHealth() const override {
    ASSIGN_OR_RETURN(const HealthInfo health, device_->ReadHealth());
    return cxl::DescribeHealth(health);
  }
  absl::Status Destroy(Wipe wipe) override;

 private:
  const std::shared_ptr<Memdev> device_;
  const SysfsFolder folder_;
};

absl::Status CxlDevice::Destroy(Wipe wipe) {
  const absl::string_view verb = wipe == Wipe::kSanitize ? "sanitize" : "erase";
  const std::string path = absl::StrCat(folder_.path(), "/security/", verb);
  const posix::Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT)
    return Refusal(ENOTTY, "cxl.wipe",
                   absl::StrCat(verb, " ", device_->name(),
                                ": this kernel, or the device, does not offer it (no ", path, ")"));
  if (file.get() < 0 || write(file.get(), "1\n", 2) != 2) {
    const int error = errno;
    return Refusal(error, "cxl.wipe",
                   absl::StrCat(verb, " ", device_->name(), ": ", strerror(error),
                                error == EBUSY ? ". A region over it is committed; cxl "
                                                 "destroy-region ends that"
                                               : ""));
  }
  return absl::OkStatus();
}

// A memory device that was opened and locked.
struct OpenDevice {
  std::shared_ptr<Memdev> device;
  SysfsFolder folder;
  uint64_t serial = 0;
  std::optional<std::string> kernel_owner;  // the object by which cxl_pmem has its label area
  std::shared_ptr<LsaAccess> labels;        // for writing the area; null if it is only read
};

// Builds the bus around one device.
class Builder {
 public:
  Builder(const std::string& path, const CxlOptions& options)
      : path_(path), options_(options), folder_(path.substr(0, path.rfind('/') + 1)) {}

  absl::StatusOr<core::BusSource> Build();

 private:
  absl::StatusOr<OpenDevice> Open(const std::string& path) const;
  absl::Status OpenSet(const std::string& first);
  absl::Status OpenLabels(OpenDevice& opened) const;
  absl::StatusOr<core::DimmSource> Dimm(const OpenDevice& opened) const;
  absl::StatusOr<core::RegionSource> OverAddresses(const Region& region,
                                                   core::BusSource& bus) const;
  absl::StatusOr<std::shared_ptr<core::Media>> Addresses(const Region& region,
                                                         core::BusSource& bus) const;
  absl::Status OverNode(core::BusSource& bus) const;
  absl::StatusOr<std::shared_ptr<core::Media>> Node() const;
  size_t IndexOf(const std::string& memdev) const {
    return static_cast<size_t>(std::distance(devices_.begin(), devices_.find(memdev)));
  }

  const std::string path_;
  const CxlOptions& options_;
  const std::string folder_;  // the directory of the devices' nodes, with a final slash
  std::map<std::string, OpenDevice> devices_;  // by name
  std::vector<Region> regions_;
};

absl::StatusOr<OpenDevice> Builder::Open(const std::string& path) const {
  // Commands do not need a writable descriptor.
  ASSIGN_OR_RETURN(posix::Descriptor node,
                   OpenNode(path, NodeKind::kCharacter, options_.read_only));
  const auto folder = SysfsFolder::OfNode(node.get());
  const auto subsystem = folder ? folder->Follow("subsystem") : std::nullopt;
  if (!subsystem || subsystem->name() != "cxl" || !folder->Has("label_storage_size"))
    return Refusal(
        EINVAL, "cxl.kind",
        absl::StrCat("open ", path, ": it is not a CXL memory device; cxl list -M names them"));
  if (!(options_.read_only && options_.force)) {
    RETURN_IF_ERROR(LockImage(node.get(), path, options_.read_only));
  }
  const uint64_t payload = folder->Number("payload_max").value_or(kMinPayload);
  OpenDevice opened{.device = nullptr,
                    .folder = *folder,
                    .serial = folder->Number("serial").value_or(0),
                    .kernel_owner = KernelOwner(*folder),
                    .labels = nullptr};
  ASSIGN_OR_RETURN(
      opened.device,
      Memdev::Make(MakeIoctlMailbox(std::move(node), folder->name()),
                   static_cast<uint32_t>(std::min<uint64_t>(payload, 1 << 20)), folder->name()));
  if (!opened.kernel_owner && opened.device->KernelHas(CXL_MEM_COMMAND_ID_SET_LSA))
    opened.kernel_owner = "cxl_pmem";
  return opened;
}

// The device, those that it is interleaved with, and their regions.
absl::Status Builder::OpenSet(const std::string& first) {
  ASSIGN_OR_RETURN(OpenDevice opened, Open(first));
  const std::string name = opened.device->name();
  devices_.emplace(name, std::move(opened));
  ASSIGN_OR_RETURN(const std::vector<Region> all, FindRegions(SysfsFolder(kCxlDevices)));
  std::vector<bool> taken(all.size());
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < all.size(); ++i) {
      const auto ours = [this](const Target& target) { return devices_.contains(target.memdev); };
      if (taken[i] || std::none_of(all[i].targets.begin(), all[i].targets.end(), ours)) continue;
      taken[i] = more = true;
      regions_.push_back(all[i]);
      for (const Target& target : all[i].targets) {
        if (ours(target)) continue;
        ASSIGN_OR_RETURN(OpenDevice other, Open(folder_ + target.memdev));
        devices_.emplace(target.memdev, std::move(other));
      }
    }
  }
  return absl::OkStatus();
}

// Finds the way to write the device's label area, if it may be written.
absl::Status Builder::OpenLabels(OpenDevice& opened) const {
  const bool elsewhere = options_.labels.tail || !options_.labels.file.empty();
  if (options_.read_only || elsewhere) return absl::OkStatus();
  if (!opened.kernel_owner) {
    opened.labels = opened.device;
    return absl::OkStatus();
  }
  const std::string& name = opened.device->name();
  const auto nmem = FindNmem(SysfsFolder(kNdDevices), name, *opened.kernel_owner, regions_);
  auto labels = nmem ? NmemLsa::Open(opened.device, *nmem)
                     : absl::StatusOr<std::shared_ptr<NmemLsa>>(core::Refusal(
                           EBUSY, "cxl.lsa.owned",
                           "the kernel's DIMM for it cannot be identified before it has a region: "
                           "cxl create-region"));
  if (labels.ok()) {
    opened.labels = *std::move(labels);
    return absl::OkStatus();
  }
  if (core::ReasonOf(labels.status()) != "cxl.lsa.owned") return labels.status();
  return Refusal(EBUSY, "cxl.lsa.owned",
                 absl::StrCat("open ", path_, ": the kernel's cxl_pmem drives ", name, " (",
                              *opened.kernel_owner, "): ", labels.status().message(),
                              ". Or look read-only: add ,ro to the SOURCE. Or work within one of "
                              "its namespaces: data=NODE,labels=tail"));
}

absl::StatusOr<core::DimmSource> Builder::Dimm(const OpenDevice& opened) const {
  const Memdev::Facts& facts = opened.device->facts();
  if (facts.persistent.empty())
    return Refusal(
        ENXIO, "cxl.volatile",
        absl::StrCat("open ", path_, ": ", opened.device->name(), " has no persistent capacity"));
  core::DimmSource dimm;
  dimm.description = opened.device->name();
  dimm.read_only = options_.read_only;
  dimm.labelling = true;
  dimm.identity.serial = static_cast<uint32_t>(opened.serial);
  dimm.device = std::make_shared<CxlDevice>(opened.device, opened.folder);
  // Device addresses are only accessible through a region.
  ASSIGN_OR_RETURN(dimm.capacity, core::StripedMedia::Make({{nullptr, opened.device->name()}},
                                                           kPage, facts.persistent.end()));
  if (facts.lsa_size != 0)
    dimm.labels = opened.labels != nullptr
                      ? std::make_shared<LsaMedia>(opened.labels, /*read_only=*/false)
                      : std::make_shared<LsaMedia>(opened.device, /*read_only=*/true);
  return dimm;
}

absl::StatusOr<std::shared_ptr<core::Media>> Builder::Addresses(const Region& region,
                                                                core::BusSource& bus) const {
  ASSIGN_OR_RETURN(const posix::Descriptor memory,
                   OpenNode(kPhysicalMemory, NodeKind::kCharacter, options_.read_only));
  auto mapped = Pmem2Media::Map(
      memory.get(),
      {.offset = region.hpa.start,
       .length = region.hpa.size,
       .read_only = options_.read_only,
       .name = region.name,
       .cpu_flush_persists = true,
       .device_flush = [region] { return CheckCommitted(SysfsFolder(kCxlDevices), region); }});
  if (mapped.ok()) return std::shared_ptr<core::Media>(*std::move(mapped));
  if (!options_.read_only) return mapped.status();
  // The labels are still readable.
  bus.dimms[IndexOf(region.targets[0].memdev)].findings.push_back(
      {"cxl.data.none", 0,
       absl::StrCat("the bytes of ", region.name,
                    " cannot be read from here: ", mapped.status().message())});
  return core::StripedMedia::Make({{nullptr, region.name}}, kPage, region.hpa.size);
}

absl::StatusOr<core::RegionSource> Builder::OverAddresses(const Region& region,
                                                          core::BusSource& bus) const {
  core::RegionSource source;
  source.spa = region.hpa;
  ASSIGN_OR_RETURN(source.media, Addresses(region, bus));
  std::vector<core::CxlSetMember> members;
  for (size_t position = 0; position < region.targets.size(); ++position) {
    const Target& target = region.targets[position];
    const OpenDevice& opened = devices_.at(target.memdev);
    source.mappings.push_back({.dimm = IndexOf(target.memdev),
                               .dpa = target.dpa,
                               .region_offset = position * region.granularity});
    members.push_back({.dpa = target.dpa.start, .serial = opened.serial});
    const auto poison = opened.device->ReadPoison(target.dpa);
    if (!poison.ok()) continue;
    for (const core::Range& bad : *poison)
      // Unit by unit, because one range of a device may be spread over several stripes.
      for (uint64_t dpa = bad.start; dpa < bad.end(); dpa += kPoisonLength)
        source.media
            ->InjectPoison(
                {OffsetInRegion(region, position, dpa - target.dpa.start), kPoisonLength})
            .IgnoreError();
  }
  source.cookies = core::ComputeCxlCookies(members);
  source.persistence_domain = core::PersistenceDomain::kMemoryController;
  source.read_only = options_.read_only;
  return source;
}

absl::StatusOr<std::shared_ptr<core::Media>> Builder::Node() const {
  struct stat status;
  if (stat(options_.data.c_str(), &status) != 0)
    return Refusal(errno, "image.open",
                   absl::StrCat("open ", options_.data, ": ", strerror(errno)));
  const FileOptions file{.read_only = options_.read_only, .force = options_.force};
  if (!S_ISCHR(status.st_mode)) return MapWholeStore(options_.data, file);
  ASSIGN_OR_RETURN(
      const DevdaxMapping mapping,
      MapDevdax(options_.data, {.read_only = options_.read_only, .force = options_.force}));
  return mapping.media;
}

// One region over the bytes of a node, as if they were all that the device has.
absl::Status Builder::OverNode(core::BusSource& bus) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> whole, Node());
  const bool own_labels = options_.labels.tail || !options_.labels.file.empty();
  LabelPlace place = options_.labels;
  if (!own_labels) place.size = 0;
  ASSIGN_OR_RETURN(
      core::DimmSource parts,
      DimmOf(whole, 0, place, {.read_only = options_.read_only, .force = options_.force},
             options_.data));
  core::DimmSource& dimm = bus.dimms[0];
  const OpenDevice& opened = devices_.begin()->second;
  const uint64_t start = opened.device->facts().persistent.start;
  const uint64_t size = parts.capacity->size();
  if (size > opened.device->facts().persistent.size)
    return Refusal(EINVAL, "cxl.data",
                   absl::StrCat("open ", options_.data, ": ", size, " bytes are more than ",
                                opened.device->name(), " has of persistent capacity"));
  if (own_labels) {
    dimm.labels = parts.labels;
    dimm.label_offset = parts.label_offset;
    dimm.label_file = parts.label_file;
  }
  core::RegionSource source;
  source.spa = {regions_.empty() ? core::kFirstRegionAddress : regions_[0].hpa.start, size};
  source.media = parts.capacity;
  source.mappings = {{.dimm = 0, .dpa = {start, size}}};
  source.cookies = core::ComputeCxlCookies({{.dpa = start, .serial = opened.serial}});
  source.persistence_domain = core::PersistenceDomain::kMemoryController;
  source.read_only = options_.read_only;
  bus.regions.push_back(std::move(source));
  return absl::OkStatus();
}

absl::StatusOr<core::BusSource> Builder::Build() {
  RETURN_IF_ERROR(OpenSet(path_));
  core::BusSource bus;
  bus.provider = "CXL";
  bus.has_nfit = false;
  for (auto& [name, opened] : devices_) {
    RETURN_IF_ERROR(OpenLabels(opened));
    ASSIGN_OR_RETURN(core::DimmSource dimm, Dimm(opened));
    bus.dimms.push_back(std::move(dimm));
  }
  if (!options_.data.empty()) {
    if (devices_.size() > 1)
      return Refusal(EINVAL, "cxl.data.interleaved",
                     absl::StrCat("open ", path_,
                                  ": data= is for a device that is not interleaved "
                                  "with others; open the node itself (devdax:)"));
    RETURN_IF_ERROR(OverNode(bus));
    return bus;
  }
  for (const Region& region : regions_) {
    ASSIGN_OR_RETURN(core::RegionSource source, OverAddresses(region, bus));
    bus.regions.push_back(std::move(source));
  }
  return bus;
}

}  // namespace

absl::StatusOr<core::BusSource> OpenCxl(const std::string& path, const CxlOptions& options) {
  if (options.data.empty() && (options.labels.tail || !options.labels.file.empty()))
    return Refusal(EINVAL, "cxl.labels",
                   absl::StrCat("open ", path,
                                ": labels= needs data=; without it they are in the "
                                "device's own label area"));
  return Builder(path, options).Build();
}

}  // namespace nvdimmfs::backends::cxl
