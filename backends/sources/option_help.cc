// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/option_help.h"

#include "core/base/kernel.h"

namespace nvdimmfs::backends {
namespace {

constexpr core::KernelList kKernels("", "", "|", "|");
static_assert(core::KernelName(core::kDefaultKernel) == "7.3", "the summary below names it");

constexpr core::OptionHelp kHelp[] = {
    {"kernel", kKernels.text(), "mirror the device tree of this kernel; 7.3 without it"},
    {"crash_after", "N",
     "cut the power at the Nth drain or flush below the mount: part of what is not durable is "
     "lost, every later access is refused, and the image stays as the cut left it. 0: only count "
     "them, in `x/fences`"},
    {"crash_log", "FILE",
     "record every store, drain and flush in a new file, up to 1 GiB: for `nvdimmfs crash`"},
    {"crash_seed", "S", "which part is lost: the same operations, N and S lose the same words"},
    {"force", "",
     "with `ro`: open an image that another process (such as a running VM) has open; its contents "
     "may change while you look"},
    {"label_size", "SIZE",
     "size of the label area at the file's end; 0: none. Refused if it would hide labels"},
    {"hide_labels", "",
     "allow a `label_size=` that hides existing labels, which may then be overwritten"},
    {"size", "SIZE", "use only the first SIZE bytes of the file, as with QEMU's `size=`"},
    {"slot", "K",
     "the DIMM's slot in QEMU, 0 to 255: labels carry a checksum of its serial number"},
    {"serial", "N", "the DIMM's serial number itself"},
    {"spa", "ADDRESS",
     "the DIMM's address in the guest, such as 0x110000000; 4 GiB without it. An alignment of 1G "
     "depends on it. QEMU's monitor shows it: `info memory-devices`"},
    {"format", "raw",
     "treat the bytes as the DIMM's, even if they begin like another image format"},
    {"labels", "FILE|tail",
     "keep the label area in this file (a CXL device's LSA); the image is all data. `tail`: make "
     "it at the end of a `devdax:` or `cxl:` node"},
    {"durability", "auto|process|power", "what a killed daemon and a power cut may lose"},
    {"data", "NODE", "`cxl:` takes the bytes from this node of one of the kernel's namespaces"},
    {"dimm", "IMAGE", "`nfit:` has the bytes of the next DIMM in this image"},
    {"range", "FILE", "the bytes of the next region are in this file or block device"},
    {"address", "N", "where the range of `e820:` or `ram:FILE` is; 4 GiB without it"},
};

}  // namespace

absl::Span<const core::OptionHelp> SourceOptionHelp() { return kHelp; }

}  // namespace nvdimmfs::backends
