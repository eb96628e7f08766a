#include "tools/sources/file_source.h"
#include "tools/sources/image_options.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {
namespace {

constexpr SourceKind kKinds[] = {
    {.scheme = "",
     .form = "FILE",
     .summary = "a DIMM image as QEMU lays it out, or a topology (.toml)",
     .options = kImageOptions,
     .open = OpenFileSource},
};

}  // namespace

absl::Span<const SourceKind> SourceKinds() { return kKinds; }

}  // namespace nvdimmfs::tools
