// SPDX-License-Identifier: Apache-2.0
// The bus of an ACPI NFIT: a file that holds the table (in a machine,
// /sys/firmware/acpi/tables/NFIT), and the files that hold the bytes of its DIMMs and ranges.
#ifndef NVDIMMFS_BACKENDS_NFIT_NFIT_BACKEND_H_
#define NVDIMMFS_BACKENDS_NFIT_NFIT_BACKEND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/image_backend.h"
#include "backends/nfit/nfit_topology.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// The location of the bytes. At most one of `dimms` and `ranges` is not empty; with neither,
// everything is in memory and lost at the end.
struct NfitBytes {
  // One image for each DIMM, in the order of handles, laid out as by QEMU: byte N is DPA N, the
  // label area is at the end. Ranges without DIMMs are in memory.
  std::vector<std::string> dimms;
  // One file or block device (/dev/pmem0) for each region, in the order of the table: byte N of the
  // file is byte N of the range. Labels are in `labels`, one whole file for each DIMM; without it
  // there are none.
  std::vector<std::string> ranges;
  std::vector<std::string> labels;
  // For all files; label_size applies to images, or to the areas in memory (128 KiB; 0: none).
  ImageOptions options;
};

// Reads a table. Refused with the system's errno and "nfit.open", else as ParseNfit.
absl::StatusOr<NfitTable> ReadNfit(const std::string& path);

// The bus. Refused as ReadNfit, DeriveTopology, OpenImage and OpenRange (range_file.h) say; with
// EINVAL, "nfit.bytes", if the number of files differs from that of DIMMs or regions, "nfit.files"
// if dimm=, range= and labels= do not go together, "nfit.short" if an image is too short;
// EOPNOTSUPP, "nfit.interleave", if a range's interleaving does not allow deriving its bytes from
// its DIMMs'. Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenNfit(const std::string& path, const NfitBytes& bytes);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_BACKEND_H_
