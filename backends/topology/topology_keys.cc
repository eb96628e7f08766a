// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/topology_keys.h"

#include "core/base/kernel.h"

namespace nvdimmfs::backends {
namespace {

constexpr core::KernelList kKernels("`\"", "\"`", ", ", ", ");
static_assert(core::KernelName(core::kDefaultKernel) == "7.3", "the row of `kernel` names it");

constexpr TopologyKey kKeys[] = {
    {"", "bus", "tables `[[bus]]`, at least one", "required",
     "one `ndbusN` each, in the order of the file"},
    {"", "kernel", kKernels.text(), "`\"7.3\"`",
     "the kernel whose device tree is shown; the option `kernel=` overrides it"},
    {"bus", "provider", "string", "`\"ACPI.NFIT\"`; `\"e820\"` without DIMMs",
     "the value of `provider`"},
    {"bus", "nfit", "true, false", "whether `provider` is `\"ACPI.NFIT\"`",
     "whether the `nfit/` groups exist"},
    {"bus", "cxl", "true, false", "whether `provider` is `\"CXL\"`",
     "its DIMMs are CXL memory devices: labels are in use from the start, and set cookies are "
     "computed from device serials"},
    {"bus", "scrub", "true, false", "false",
     "address-range scrub, error injection and address translation: `nfit/scrub`, `ndctl "
     "start-scrub`, `inject-error`, `clear-errors` (in `nvdimmfs shell`); refused without `nfit`"},
    {"bus", "layout", "`\"qemu\"`, `\"qemu-pc\"`", "each region at the next GiB boundary",
     "regions without `spa` lie where QEMU 7.2 or later puts the NVDIMMs of a guest with `-machine "
     "q35` or `-machine pc`: without gaps, after the guest's memory"},
    {"bus", "memory", "size, a multiple of 1M", "1G",
     "with `layout`: the guest's memory, QEMU's `-m`"},
    {"bus", "dimm", "tables `[[bus.dimm]]`", "none", "one `nmemN` each, in the order of the file"},
    {"bus", "region", "tables `[[bus.region]]`", "none",
     "one `regionN` each, in the order of the file"},
    {"bus", "preset", "string", "none",
     "buses that need no file, as with `preset:NAME`: `\"nfit_test\"` (both buses of the kernel's "
     "test module) or `\"demo\"`; excludes all other keys. Their regions keep their own addresses; "
     "those of the other buses are placed after them"},
    {"bus.dimm", "name", "string", "the value of `image`",
     "the name by which regions of this bus refer to it; unique on the bus"},
    {"bus.dimm", "image", "path", "required unless `missing`",
     "the image file, laid out as QEMU does it: data, then the label area"},
    {"bus.dimm", "label_size", "size", "found as for an image without a topology",
     "bytes of the label area at the end; 0: none; refused if that hides labels, and with "
     "`labels`"},
    {"bus.dimm", "hide_labels", "true, false", "false",
     "opens the image even if this hides existing labels"},
    {"bus.dimm", "format", "`\"raw\"`", "none",
     "treats the bytes as the DIMM's, even if they begin like another image format (qcow2, gzip)"},
    {"bus.dimm", "labels", "path", "none",
     "a file that is the label area (a CXL device's LSA); `image` is then all data, and "
     "`label_size` is refused"},
    {"bus.dimm", "label_format", "`\"efi\"`, `\"cxl\"`", "`\"efi\"`",
     "the labels that a blank label area gets: version 1.2, or those of CXL 2.1"},
    {"bus.dimm", "read_only", "true, false", "false", "the image is opened read-only"},
    {"bus.dimm", "missing", "true, false", "false",
     "the slot is known but empty: `image` is not opened; regions over it are refused with ENODEV"},
    {"bus.dimm", "size", "size, a multiple of 4096",
     "required with `missing`; otherwise the whole file",
     "data bytes of the missing DIMM; with an image: use only that many of its first bytes, as "
     "with QEMU's `size=`"},
    {"bus.dimm", "slot", "0 to 255", "the DIMM's number in the file, across all buses",
     "QEMU's slot, from which `handle` and `serial` follow"},
    {"bus.dimm", "handle", "u32", "slot + 1", "NFIT device handle; unique on the bus"},
    {"bus.dimm", "phys_id", "u16", "0", "SMBIOS handle"},
    {"bus.dimm", "vendor", "u16", "0x8086",
     "as the NFIT stores it; sysfs shows it byte-swapped; part of the set cookie"},
    {"bus.dimm", "device", "u16", "1", "likewise"},
    {"bus.dimm", "revision", "u16", "1", "as the NFIT stores it; sysfs shows it byte-swapped"},
    {"bus.dimm", "subsystem_vendor", "u16", "0", "likewise"},
    {"bus.dimm", "subsystem_device", "u16", "0", "likewise"},
    {"bus.dimm", "subsystem_revision", "u16", "0", "likewise"},
    {"bus.dimm", "serial", "u32; on a CXL bus up to 2^63 - 1", "0x123456 + slot",
     "as the NFIT stores it; part of the set cookie"},
    {"bus.dimm", "manufacturing_date", "u16", "not valid",
     "as the NFIT stores it; part of the v1.2 cookie"},
    {"bus.dimm", "manufacturing_location", "u8", "not valid",
     "likewise; setting one of these two keys makes both valid"},
    {"bus.dimm", "family", "`\"qemu\"`, `\"intel\"`", "`\"qemu\"`",
     "the commands of its firmware: only labels, as in QEMU; or the Intel command family: health, "
     "firmware update, security. `\"intel\"` is refused on a CXL bus"},
    {"bus.dimm", "state", "path", "the value of `image` with `.state` appended",
     "with `family = \"intel\"`: the file for state that the firmware keeps across a power cycle; "
     "created when there is something to keep"},
    {"bus.dimm", "interface_code", "u16", "0x0301", "region format interface code"},
    {"bus.dimm", "poison", "list of `{ offset = size, length = size }`", "none",
     "bad bytes, as offsets in the DIMM (DPA)"},
    {"bus.dimm.poison", "offset", "size", "required", "the first bad byte"},
    {"bus.dimm.poison", "length", "size, at least 1", "required", "how many bytes are bad"},
    {"bus.region", "dimms", "list of strings", "",
     "names of DIMMs of this bus; several form an interleave set"},
    {"bus.region", "mapping", "tables `[[bus.region.mapping]]`", "", "the same, with details"},
    {"bus.region", "image", "path", "",
     "a whole file without DIMMs or labels, as with `e820:`; `mappings` is 0"},
    {"bus.region", "hide_labels", "true, false", "false",
     "with `image`: opens it even if this hides existing labels"},
    {"bus.region", "format", "`\"raw\"`", "none",
     "with `image`: treats its bytes as the region's, even if they begin like another image "
     "format"},
    {"bus.region", "granularity", "size, a power of two from 256 to 1G", "4096",
     "bytes of each stripe; refused with `image`"},
    {"bus.region", "spa", "size, a multiple of 4096",
     "the first GiB boundary after the preceding regions, from 4G on; with `layout`, as it says",
     "system physical address, below 2^62"},
    {"bus.region", "numa_node", "-1 to 32767", "0", "the nearest NUMA node; -1: unknown"},
    {"bus.region", "target_node", "-1 to 32767", "0",
     "the NUMA node that the memory would become; -1: unknown, and not shown"},
    {"bus.region", "read_only", "true, false", "whether a member is read-only",
     "the initial value of `read_only`"},
    {"bus.region", "page_mapped", "true, false", "true with `image`, otherwise false",
     "an unclaimed namespace has mode `memory`"},
    {"bus.region", "persistence_domain", "`\"cpu_cache\"`, `\"memory_controller\"`, `\"unknown\"`",
     "`\"unknown\"`; on a CXL bus `\"memory_controller\"`",
     "the value of the attribute; `\"unknown\"`: the attribute does not exist"},
    {"bus.region", "range_index", "u16", "2 * (the region's number in the file, from 1)",
     "NFIT SPA range index"},
    {"bus.region", "type_guid", "UUID",
     "`\"66f0d379-b4f3-4074-ac43-0d3318b78cdb\"`; on a CXL bus nil",
     "NFIT SPA range type; stored in v1.2 labels"},
    {"bus.region", "uuid", "UUID", "the one in the region labels",
     "the region's uuid in CXL labels"},
    {"bus.region", "poison", "list of `{ offset = size, length = size }`", "none",
     "bad bytes, as offsets in the region"},
    {"bus.region.poison", "offset", "size", "required", "the first bad byte"},
    {"bus.region.poison", "length", "size, at least 1", "required", "how many bytes are bad"},
    {"bus.region.mapping", "dimm", "string", "required", "a DIMM's name"},
    {"bus.region.mapping", "dpa_offset", "size, a multiple of 4096", "0",
     "where the region's part of the DIMM starts"},
    {"bus.region.mapping", "dpa_size", "size, a multiple of 4096",
     "the largest size that every member has from its `dpa_offset` on",
     "its length; the same for all members"},
    {"bus.region.mapping", "region_offset", "size", "the position in the list * `granularity`",
     "NFIT region offset: determines the position in the stripes, and is part of the set cookie"},
};

}  // namespace

absl::Span<const TopologyKey> TopologyKeys() { return kKeys; }

}  // namespace nvdimmfs::backends
