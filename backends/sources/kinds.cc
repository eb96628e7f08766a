// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/cxl_source.h"
#include "backends/sources/devdax_source.h"
#include "backends/sources/devicetree_source.h"
#include "backends/sources/e820_source.h"
#include "backends/sources/file_source.h"
#include "backends/sources/image_options.h"
#include "backends/sources/kind.h"
#include "backends/sources/nfit_source.h"
#include "backends/sources/preset_source.h"
#include "backends/sources/ram_source.h"
#include "backends/sources/virtio_pmem_source.h"

namespace nvdimmfs::backends {
namespace {

bool NeverAFile(absl::string_view) { return false; }

constexpr SourceKind kKinds[] = {
    {.scheme = "cxl:",
     .form = "cxl:/dev/cxl/memN",
     .summary = "a CXL memory device",
     .options = kCxlOptions,
     .open = OpenCxlSource,
     .drives_device = true},
    {.scheme = "devdax:",
     .form = "devdax:/dev/daxR.N",
     .summary = "a device-dax node",
     .options = kDevdaxOptions,
     .open = OpenDevdaxSource,
     .drives_device = true},
    {.scheme = "nfit:",
     .form = "nfit:TABLE",
     .summary = "the DIMMs and regions of an ACPI NFIT",
     .options = kNfitOptions,
     .open = OpenNfitSource},
    {.scheme = "ram:",
     .form = "ram:SIZE|FILE",
     .summary = "memory as one DIMM, gone at the end; or RAM that the kernel's ramdax drives",
     .options = kRamOptions,
     .names_a_file = IsRamFile,
     .open = OpenRamSource},
    {.scheme = "virtio-pmem:",
     .form = "virtio-pmem:/dev/pmemN|PCI-ADDRESS",
     .summary = "a guest's virtio-pmem device",
     .options = kVirtioPmemOptions,
     .names_a_file = NeverAFile,
     .open = OpenVirtioPmemSource,
     .drives_device = true},
    {.scheme = "e820:",
     .form = "e820:FILE",
     .summary = "a range of memory without DIMMs and labels",
     .options = kE820Options,
     .open = OpenE820Source},
    {.scheme = "dtb:",
     .form = "dtb:FILE",
     .summary = "the pmem-region nodes of a device tree",
     .options = kDeviceTreeOptions,
     .open = OpenDeviceTreeSource},
    {.scheme = "preset:",
     .form = "preset:NAME",
     .summary = "buses in memory: nfit_test, those of the kernel's test module; demo",
     .names_a_file = NeverAFile,
     .open = OpenPreset,
     .is_module = IsModule},
    {.scheme = "",
     .form = "FILE",
     .summary = "a DIMM image as QEMU lays it out, or a topology (.toml)",
     .options = kImageOptions,
     .open = OpenFileSource},
};

}  // namespace

absl::Span<const SourceKind> SourceKinds() { return kKinds; }

}  // namespace nvdimmfs::backends
