#include "tools/sources/devdax_source.h"
#include "tools/sources/file_source.h"
#include "tools/sources/image_options.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {
namespace {

constexpr SourceKind kKinds[] = {
    {.scheme = "devdax:",
     .form = "devdax:/dev/daxR.N",
     .summary = "a device-dax node",
     .options = kDevdaxOptions,
     .open = OpenDevdaxSource},
    {.scheme = "",
     .form = "FILE",
     .summary = "a DIMM image as QEMU lays it out, or a topology (.toml)",
     .options = kImageOptions,
     .open = OpenFileSource},
};

}  // namespace

absl::Span<const SourceKind> SourceKinds() { return kKinds; }

}  // namespace nvdimmfs::tools
