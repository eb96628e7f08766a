// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/outputs.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/labels/dpa_svg.h"
#include "core/listing/schema_listing.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/services/dpa_map.h"
#include "core/testing/document_faults.h"
#include "core/testing/fuzz_input.h"
#include "tools/list/listing.h"

namespace nvdimmfs::fuzz {
namespace {

using core::Attribute;
using core::Demand;
using core::DemandNoFault;
using core::Device;

constexpr size_t kPage = 4096;

// As the kernel's: at most a page, which may hold any byte of a name. Ours: for a terminal, or in
// the format that the file's name states.
void JudgeAttribute(const Device& device, const Attribute& attribute, const std::string& text) {
  const std::string what = absl::StrCat(device.path(), "/", attribute.name);
  if (!absl::StartsWith(attribute.name, "x/")) {
    Demand(text.size() <= kPage, absl::StrCat(what, ": more than a page"));
    return;
  }
  if (absl::EndsWith(attribute.name, ".json"))
    DemandNoFault(core::JsonFault(text), what, text);
  else if (absl::EndsWith(attribute.name, ".svg"))
    DemandNoFault(core::XmlFault(text), what, text);
  else if (attribute.name == "x/metrics")
    DemandNoFault(core::MetricsFault(text), what, text);
  else
    DemandNoFault(core::TerminalFault(text), what, text);
}

void JudgeAttributes(core::System& system) {
  for (const auto& device : system.Devices())
    for (const Attribute& attribute : device->attributes()) {
      if (attribute.show == nullptr ||
          system.WithLock([&] { return system.ModeOf(*device, attribute) == 0; }))
        continue;
      const auto text = system.Show(*device, attribute);
      if (text.ok())
        JudgeAttribute(*device, attribute, *text);
      else
        JudgeRefusal(text.status());
    }
}

// The program's last step for results on standard output is tools/output.cc's EscapeText, which
// must have nothing left to do but in names of raw text.
void JudgeListings(core::System& system) {
  const std::vector<std::string> sources(16, "hostile \x1b[31m\".img");
  const std::string schema = core::ListInSchema1(system, sources);
  DemandNoFault(core::JsonFault(schema), "list --schema 1", schema);
  for (const bool human : {false, true})
    for (const bool idle : {false, true}) {
      const auto text = tools::List(system, {.buses = true,
                                             .dimms = true,
                                             .regions = true,
                                             .namespaces = true,
                                             .idle = idle,
                                             .configured = idle,
                                             .device_dax = true,
                                             .media_errors = true,
                                             .health = true,
                                             .firmware = true,
                                             .capabilities = true,
                                             .human = human,
                                             .verbose = 3,
                                             .filter = {}});
      Demand(text.ok(), "list");
      if (!text->empty()) DemandNoFault(core::JsonFault(*text), "list", *text);
    }
}

void JudgeMaps(core::System& system) {
  const auto devices = system.Devices();
  std::string text;
  std::vector<core::DpaBar> bars;
  system.WithLock([&] {
    for (const auto& device : devices) {
      if (device->kind() != core::NdKind::kRegion) continue;
      const auto& region = static_cast<const core::Region&>(*device);
      absl::StrAppend(&text, core::DrawDpaMap(region));
      for (const core::DpaBar& bar : core::MapDpa(region)) bars.push_back(bar);
    }
  });
  DemandNoFault(core::TerminalFault(text), "map", text);
  const std::string picture = core::DrawDpaSvg(bars);
  DemandNoFault(core::XmlFault(picture), "map --svg", picture);
}

}  // namespace

void JudgeOutputs(core::System& system) {
  JudgeAttributes(system);
  JudgeListings(system);
  JudgeMaps(system);
}

void JudgeRefusal(const absl::Status& status) {
  Demand(core::ErrnoOf(status) > 0 && core::ErrnoOf(status) < 4096, "a refusal has an errno");
  Demand(!core::ReasonOf(status).empty(),
         absl::StrCat("a refusal has a reason: ", status.message()));
  Demand(!status.message().empty(), "a refusal has a sentence");
  const std::string printed = core::EscapeSentence(status.message());
  DemandNoFault(core::TerminalFault(printed), "a refusal", printed);
}

}  // namespace nvdimmfs::fuzz
