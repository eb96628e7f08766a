// A SOURCE as the command line names it: a file, or SCHEME:NAME, with options after a comma.
#ifndef NVDIMMFS_TOOLS_SOURCE_H_
#define NVDIMMFS_TOOLS_SOURCE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/sources/bus_source.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

// The options that any source takes: those that -o passes on.
std::vector<absl::string_view> SourceOptions();

// What can be a SOURCE, for usage texts.
std::string SourceHelp();

struct SourceRequest {
  std::string text;    // as typed: "vm.img", "vm.img,label_size=256K", "ram:1G"
  OptionList options;  // from -o; those in `text` come after, and win
  bool read_only = false;
};

// "vm.img,label_size=256K" parted into the path and its options. A file that has the whole text for
// its name is just that.
std::pair<std::string, OptionList> SplitSource(const std::string& text);

// The source's name (without options) as it stays true in another directory: its path is absolute.
std::string AbsoluteSource(const std::string& name);

// Whether a kernel has these buses from a module: opened again they are as new.
bool IsModule(const SourceRequest& request);

// Opens it and says what buses it makes. Refused with EINVAL, "source.option" or "source.kind", or
// as the kind's opener says (tools/sources).
absl::StatusOr<std::vector<core::BusSource>> OpenSource(const SourceRequest& request);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCE_H_
