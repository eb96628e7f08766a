// SPDX-License-Identifier: Apache-2.0
// Hostile -o texts: each is parsed, or refused with EINVAL and a sentence; what goes on to libfuse
// is one of its options as it stands, without a value that a user chose.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/testing/fuzz_input.h"
#include "fs/mount/mount_options.h"

namespace nvdimmfs::fs {
namespace {

using core::Demand;

void Run(absl::string_view text) {
  constexpr absl::string_view kSource[] = {"label_size", "force", "kernel"};
  const auto parsed = ParseOptions(text, kSource);
  if (!parsed.ok()) {
    const std::string reason = core::ReasonOf(parsed.status());
    Demand(core::ErrnoOf(parsed.status()) == EINVAL, "the errno of a refused option");
    Demand(reason == "option.unknown" || reason == "option.value", "the reason");
    Demand(!parsed.status().message().empty(), "the sentence");
    return;
  }
  for (const auto& [name, value] : parsed->source)
    Demand(name == "label_size" || name == "force" || name == "kernel", "an option of the source");
  for (const std::string& option : parsed->mount.fuse_options)
    Demand(option.find_first_of(",=\\") == option.npos && !option.empty(), "an option of libfuse");
  if (parsed->mount.umask) Demand(*parsed->mount.umask <= 0777, "permission bits");
}

}  // namespace
}  // namespace nvdimmfs::fs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::fs::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
