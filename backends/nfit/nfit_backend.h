// SPDX-License-Identifier: Apache-2.0
// The bus of an ACPI NFIT: a file that holds the table (in a machine,
// /sys/firmware/acpi/tables/NFIT), and what gives its DIMMs and ranges their bytes.
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

// Where the bytes are. At most one of `dimms` and `ranges` holds anything; with neither, all is in
// memory and gone at the end.
struct NfitBytes {
  // One image for each DIMM, in the order of handles, laid out as QEMU has it: byte N is DPA N,
  // the label area is at the end. Ranges without DIMMs are in memory.
  std::vector<std::string> dimms;
  // One file or block device (/dev/pmem0) for each region, in the order of the table: byte N is
  // the Nth of the range. Labels are in `labels`, one whole file for each DIMM, or nowhere.
  std::vector<std::string> ranges;
  std::vector<std::string> labels;
  // Of all files; label_size is that of images, or of the areas in memory (128 KiB, 0: none).
  ImageOptions options;
};

// Reads a table. Refused with the errno of the system and "nfit.open", else as ParseNfit.
absl::StatusOr<NfitTable> ReadNfit(const std::string& path);

// The bus. Refused as ReadNfit, DeriveTopology, OpenImage and OpenRange (range_file.h) say; with
// EINVAL, "nfit.bytes", where the files are not as many as the DIMMs or regions, or an image is too
// short; EOPNOTSUPP, "nfit.interleave",
// where a range is interleaved so that its bytes cannot be told from its DIMMs'.
// Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenNfit(const std::string& path, const NfitBytes& bytes);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_NFIT_NFIT_BACKEND_H_
