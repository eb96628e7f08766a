// A SOURCE as the command line names it: an image file or a topology file, with options after a
// comma.
#ifndef NVDIMMFS_TOOLS_SOURCE_H_
#define NVDIMMFS_TOOLS_SOURCE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/bus_source.h"

namespace nvdimmfs::tools {

// The options that a source takes, on the command line after its name or with -o.
inline constexpr absl::string_view kSourceOptions[] = {"label_size", "force", "durability"};

using OptionList = std::vector<std::pair<std::string, std::string>>;

struct SourceRequest {
  std::string text;    // as typed: "vm.img", "vm.img,label_size=256K"
  OptionList options;  // from -o; those in `text` come after, and win
  bool read_only = false;
};

// "vm.img,label_size=256K" parted into the path and its options. A file that has the whole text for
// its name is just that.
std::pair<std::string, OptionList> SplitSource(const std::string& text);

// Opens it and says what buses it makes: one of an image, as many as it has of a topology file
// (.toml). Refused with EINVAL, "source.option" or "source.kind", or as backends/image_backend.h
// and topology.h say.
absl::StatusOr<std::vector<core::BusSource>> OpenSource(const SourceRequest& request);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCE_H_
