// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/nmem_lsa.h"

#include <linux/ndctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/open_source.h"
#include "backends/posix/descriptor.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::Refusal;

// The DIMM that a region's attribute mappingN names first: "nmem1,0,268435456,0".
std::string MappedDimm(const SysfsFolder& region, size_t position) {
  const std::string text = region.Text(absl::StrCat("mapping", position)).value_or("");
  return text.substr(0, text.find(','));
}

// Regions over the DIMM are next to it, in the folder of their bus.
std::optional<std::string> EnabledRegion(const SysfsFolder& nmem) {
  const auto bus = nmem.Follow("..");
  if (!bus) return std::nullopt;
  for (const std::string& name : bus->Names("region")) {
    const auto region = bus->Follow(name);
    if (!region || !region->Has("driver")) continue;
    const uint64_t mappings = region->Number("mappings").value_or(0);
    for (uint64_t i = 0; i < mappings && region->Has(absl::StrCat("mapping", i)); ++i)
      if (MappedDimm(*region, i) == nmem.name()) return name;
  }
  return std::nullopt;
}

}  // namespace

std::optional<SysfsFolder> FindNmem(const SysfsFolder& nd_devices, const std::string& memdev,
                                    const std::string& pmem, const std::vector<Region>& regions) {
  for (const std::string& name : nd_devices.Names("nmem")) {
    auto nmem = nd_devices.Follow(name);
    if (nmem && nmem->Text("cxl/provider") == pmem) return nmem;
  }
  for (const Region& region : regions) {
    // Both subsystems give a region the same number; positions are the same, too.
    const auto nd_region = nd_devices.Follow(region.name);
    const auto bus = nd_region ? nd_region->Follow("..") : std::nullopt;
    if (!bus || bus->Text("provider") != "CXL") continue;
    for (size_t i = 0; i < region.targets.size(); ++i) {
      const std::string name =
          region.targets[i].memdev == memdev ? MappedDimm(*nd_region, i) : std::string();
      if (absl::StartsWith(name, "nmem")) return nd_devices.Follow(name);
    }
  }
  return std::nullopt;
}

absl::Status CheckDisabled(const SysfsFolder& nmem) {
  const auto region = EnabledRegion(nmem);
  if (!region && !nmem.Has("driver")) return absl::OkStatus();
  return Refusal(EBUSY, "cxl.lsa.owned",
                 absl::StrCat("the kernel has ", region ? *region + " over " : "", nmem.name(),
                              " enabled. Disable both, and enable them after the unmount: ndctl "
                              "disable-region all; ndctl disable-dimm ",
                              nmem.name()));
}

absl::StatusOr<std::shared_ptr<NmemLsa>> NmemLsa::Open(std::shared_ptr<Memdev> device,
                                                       const SysfsFolder& nmem) {
  RETURN_IF_ERROR(CheckDisabled(nmem));
  ASSIGN_OR_RETURN(posix::Descriptor node, OpenNode(absl::StrCat("/dev/", nmem.name()),
                                                    NodeKind::kCharacter, /*read_only=*/false));
  const auto shared = std::make_shared<posix::Descriptor>(std::move(node));
  const size_t most = device->lsa_write_max();
  return std::make_shared<NmemLsa>(std::move(device), most, nmem,
                                   [shared](unsigned long request, void* argument) {
                                     return ioctl(shared->get(), request, argument) < 0 ? errno : 0;
                                   });
}

absl::Status NmemLsa::WritePiece(uint64_t offset, absl::Span<const std::byte> piece) {
  // The header, the data, and a status of four bytes.
  std::vector<std::byte> command(sizeof(nd_cmd_set_config_hdr) + piece.size() + sizeof(uint32_t));
  nd_cmd_set_config_hdr header = {};
  header.in_offset = static_cast<uint32_t>(offset);
  header.in_length = static_cast<uint32_t>(piece.size());
  std::memcpy(command.data(), &header, sizeof header);
  std::memcpy(command.data() + sizeof header, piece.data(), piece.size());
  const int error = ioctl_(ND_IOCTL_SET_CONFIG_DATA, command.data());
  uint32_t status = 0;
  std::memcpy(&status, command.data() + command.size() - sizeof status, sizeof status);
  if (error == 0 && status == 0) return absl::OkStatus();
  if (error == EBUSY) {
    RETURN_IF_ERROR(CheckDisabled(nmem_));
  }
  return Refusal(error == 0 ? EIO : error, "cxl.command",
                 absl::StrCat("write the label area of ", name(), " through ", nmem_.name(), ": ",
                              error == 0 ? absl::StrCat("status ", status) : strerror(error)));
}

absl::Status NmemLsa::WriteLsa(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckLsa(offset, data.size()));
  // Labels that an enabled DIMM has copied must not be changed behind it.
  RETURN_IF_ERROR(CheckDisabled(nmem_));
  const size_t whole = data.size();
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), most_));
    RETURN_IF_ERROR(core::Annotate(WritePiece(offset, piece),
                                   absl::StrCat("write the label area: ", whole - data.size(),
                                                " of ", whole, " bytes were written, then")));
    data.remove_prefix(piece.size());
    offset += piece.size();
  }
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends::cxl
