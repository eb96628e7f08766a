// SPDX-License-Identifier: Apache-2.0
// Hostile SOURCE texts: whatever is typed, it is parsed to a name and options, and each value of an
// option is taken or refused as "source.option". Sizes of memory are opened; nothing that names a
// file is.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "backends/sources/file_options.h"
#include "backends/sources/image_options.h"
#include "backends/sources/label_options.h"
#include "backends/sources/ram_source.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "core/testing/fuzz_input.h"

namespace nvdimmfs::backends {
namespace {

using core::Demand;

void DemandAnswer(const absl::Status& status) {
  Demand(status.ok() || (core::ErrnoOf(status) == EINVAL &&
                         core::ReasonOf(status) == "source.option" && !status.message().empty()),
         "an option is taken, or refused as one");
}

void TryText(const std::string& text) {
  Source source(text);
  Demand(source.text() == text, "the text as typed");
  (void)source.is_module();
  const bool read_only = source.read_only();
  source.PutDefaults({{"force", ""}});
  Demand(source.read_only() == read_only, "force does not make it read-only");
  const SourceArguments arguments{
      .name = source.name(), .options = source.options(), .read_only = read_only};
  DemandAnswer(ReadImageOptions(arguments).status());
  DemandAnswer(ReadAddress(arguments, 1 << 30).status());
  DemandAnswer(ReadSlotWish(arguments).status());
  DemandAnswer(ReadLabelPlace(arguments).status());
  DemandAnswer(ReadFileOptions(arguments).status());
  DemandAnswer(ReadRangeAddress(arguments, 1 << 30).status());
  DemandAnswer(FilesOf(arguments, "labels").status());
  source.set_read_only();
  Demand(source.read_only(), "read-only");
}

void TryMemory(const std::string& size) {
  if (IsRamFile(size)) return;
  const auto buses = OpenRamSource({.name = size});
  Demand(buses.ok() || !core::ReasonOf(buses.status()).empty(), "a refusal has a reason");
}

}  // namespace
}  // namespace nvdimmfs::backends

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  text.resize(std::min(text.find('\0'), text.size()));  // as an argument of the program
  nvdimmfs::backends::TryText(text);
  nvdimmfs::backends::TryMemory(text);
  return 0;
}
