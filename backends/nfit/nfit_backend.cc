// SPDX-License-Identifier: Apache-2.0
#include "backends/nfit/nfit_backend.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "backends/range_file.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "core/media/striped_media.h"

namespace nvdimmfs::backends {
namespace {

using core::BusSource;
using core::DimmSource;
using core::Refusal;
using core::RegionSource;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kDefaultLabelSize = 128 << 10;

using SharedMedia = std::shared_ptr<core::Media>;

// Connects the topology with its bytes.
class Joiner {
 public:
  Joiner(const NfitTopology& topology, const NfitBytes& bytes)
      : topology_(topology), bytes_(bytes) {}

  absl::StatusOr<BusSource> Run() {
    RETURN_IF_ERROR(CheckCounts());
    bus_.has_nfit = true;
    bus_.nfit_revision = topology_.revision;
    bus_.findings = topology_.notes;
    for (size_t i = 0; i < topology_.dimms.size(); ++i) RETURN_IF_ERROR(AddDimm(i));
    for (size_t i = 0; i < topology_.regions.size(); ++i) RETURN_IF_ERROR(AddRegion(i));
    return std::move(bus_);
  }

 private:
  absl::Status CheckCounts() const;
  absl::Status AddDimm(size_t index);
  absl::StatusOr<DimmSource> DimmOfImage(size_t index) const;
  absl::StatusOr<DimmSource> DimmWithoutBytes(size_t index) const;
  absl::StatusOr<SharedMedia> LabelsOf(size_t index, DimmSource& dimm) const;
  absl::Status AddRegion(size_t index);
  absl::StatusOr<SharedMedia> BytesOf(size_t index) const;
  FileOptions OptionsOfFiles() const;

  const NfitTopology& topology_;
  const NfitBytes& bytes_;
  BusSource bus_;
};

absl::Status WrongCount(absl::string_view option, size_t given, absl::string_view what,
                        size_t needed) {
  return Refusal(EINVAL, "nfit.bytes",
                 absl::StrCat(given, " files given with ", option, "=, but the table has ", needed,
                              " ", what, ": give one for each, in order"));
}

absl::Status Joiner::CheckCounts() const {
  const size_t dimms = topology_.dimms.size();
  if (!bytes_.dimms.empty() && (!bytes_.ranges.empty() || !bytes_.labels.empty()))
    return Refusal(
        EINVAL, "nfit.files",
        "dimm= has data and labels in one file; it cannot be combined with range= and labels=");
  if (!bytes_.labels.empty() && bytes_.ranges.empty())
    return Refusal(EINVAL, "nfit.files", "labels= requires range=");
  if (!bytes_.dimms.empty() && bytes_.dimms.size() != dimms)
    return WrongCount("dimm", bytes_.dimms.size(), "DIMMs", dimms);
  if (!bytes_.labels.empty() && bytes_.labels.size() != dimms)
    return WrongCount("labels", bytes_.labels.size(), "DIMMs", dimms);
  if (!bytes_.ranges.empty() && bytes_.ranges.size() != topology_.regions.size())
    return WrongCount("range", bytes_.ranges.size(), "regions", topology_.regions.size());
  return absl::OkStatus();
}

FileOptions Joiner::OptionsOfFiles() const {
  return {.read_only = bytes_.options.read_only,
          .force = bytes_.options.force,
          .durability = bytes_.options.durability,
          .check_format = !bytes_.options.raw};
}

absl::StatusOr<DimmSource> Joiner::DimmOfImage(size_t index) const {
  const NfitDimm& planned = topology_.dimms[index];
  const std::string& path = bytes_.dimms[index];
  ASSIGN_OR_RETURN(DimmSource dimm, OpenImage(path, static_cast<uint32_t>(index), bytes_.options));
  if (dimm.capacity->size() < planned.capacity)
    return Refusal(
        EINVAL, "nfit.short",
        absl::StrFormat("%s: holds %u bytes of data; the table maps the DPA of memory "
                        "device 0x%x up to %u",
                        path, dimm.capacity->size(), planned.identity.handle, planned.capacity));
  return dimm;
}

absl::StatusOr<SharedMedia> Joiner::LabelsOf(size_t index, DimmSource& dimm) const {
  if (!bytes_.labels.empty()) {
    dimm.label_file = bytes_.labels[index];
    return OpenRange(bytes_.labels[index], std::nullopt, OptionsOfFiles());
  }
  const uint64_t size = bytes_.options.label_size.value_or(kDefaultLabelSize);
  if (!bytes_.ranges.empty() || size == 0) return SharedMedia();
  return core::MemoryMedia::Make(size);
}

// Its bytes exist only as those of the regions.
absl::StatusOr<DimmSource> Joiner::DimmWithoutBytes(size_t index) const {
  DimmSource dimm;
  dimm.description = absl::StrFormat("memory device 0x%x", topology_.dimms[index].identity.handle);
  ASSIGN_OR_RETURN(dimm.capacity,
                   core::StripedMedia::Make({{nullptr, dimm.description}}, kPage,
                                            std::max(kPage, topology_.dimms[index].capacity)));
  dimm.read_only = bytes_.options.read_only;
  ASSIGN_OR_RETURN(dimm.labels, LabelsOf(index, dimm));
  return dimm;
}

absl::Status Joiner::AddDimm(size_t index) {
  const NfitDimm& planned = topology_.dimms[index];
  ASSIGN_OR_RETURN(DimmSource dimm,
                   bytes_.dimms.empty() ? DimmWithoutBytes(index) : DimmOfImage(index));
  dimm.identity = planned.identity;
  dimm.has_control_region = planned.has_control_region;
  dimm.formats = planned.mapped ? 1 : 0;
  dimm.nfit_flags = planned.state_flags;
  bus_.dimms.push_back(std::move(dimm));
  return absl::OkStatus();
}

absl::StatusOr<SharedMedia> Joiner::BytesOf(size_t index) const {
  const NfitRegion& planned = topology_.regions[index];
  if (!bytes_.ranges.empty())
    return OpenRange(bytes_.ranges[index], planned.spa.size, OptionsOfFiles());
  if (bytes_.dimms.empty() || planned.mappings.empty())
    return core::MemoryMedia::Make(planned.spa.size);
  if (planned.granularity == 0)
    return Refusal(
        EOPNOTSUPP, "nfit.interleave",
        absl::StrFormat("NFIT: memory map at offset %u: its lines in the range at 0x%x do not form "
                        "stripes of one power of two; give the range's own bytes with range=",
                        planned.odd_interleave, planned.spa.start));
  return core::StripeMappings(bus_.dimms, planned.mappings, planned.granularity);
}

absl::Status Joiner::AddRegion(size_t index) {
  const NfitRegion& planned = topology_.regions[index];
  RegionSource region;
  region.spa = planned.spa;
  region.mappings = planned.mappings;
  region.range_index = planned.range_index;
  region.numa_node = region.target_node = planned.node;
  region.is_volatile = planned.is_volatile;
  region.type_guid = planned.type_guid;
  region.persistence_domain = topology_.persistence_domain;
  region.read_only = bytes_.options.read_only;
  for (const core::MappingSource& mapping : planned.mappings) {
    const NfitDimm& dimm = topology_.dimms[mapping.dimm];
    region.read_only = region.read_only || (dimm.state_flags & core::kNotArmed) != 0 ||
                       bus_.dimms[mapping.dimm].read_only;
    region.deep_flush = region.deep_flush || dimm.flush_hints > 0;
  }
  ASSIGN_OR_RETURN(region.media, BytesOf(index));
  bus_.regions.push_back(std::move(region));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NfitTable> ReadNfit(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  const auto failed = [&path] {
    return Refusal(errno == 0 ? EIO : errno, "nfit.open",
                   absl::StrCat("read ", path, ": ", strerror(errno)));
  };
  if (file == nullptr) return failed();
  // One more byte than is ever accepted: a longer file is cut, and its length refused.
  std::vector<std::byte> bytes(kNfitMaxSize + 1);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed();
  auto table = ParseNfit(bytes);
  if (!table.ok()) return core::Annotate(table.status(), path);
  return table;
}

absl::StatusOr<core::BusSource> OpenNfit(const std::string& path, const NfitBytes& bytes) {
  ASSIGN_OR_RETURN(const NfitTable table, ReadNfit(path));
  const auto topology = DeriveTopology(table);
  if (!topology.ok()) return core::Annotate(topology.status(), path);
  if (topology->regions.empty() && topology->dimms.empty())
    return Refusal(ENODEV, "nfit.empty",
                   absl::StrCat(path, ": the table describes no memory device and no range"));
  return Joiner(*topology, bytes).Run();
}

}  // namespace nvdimmfs::backends
