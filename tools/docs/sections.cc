// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/sections.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/docs/lists.h"

namespace nvdimmfs::tools {
namespace {

constexpr absl::string_view kBegin = "generated: ";
constexpr absl::string_view kEnd = "end of generated";

// The content of section `name`.
std::optional<std::string> Generate(absl::string_view name) {
  if (name == "options.md") return OptionsMarkdown();
  if (name == "options.man") return OptionsMan();
  if (name == "defects.md") return DefectsMarkdown();
  if (name == "vet.md") return VetRulesMarkdown();
  if (name == "events.md") return EventsMarkdown();
  if (name == "topology.man") return TopologyMan();
  if (absl::ConsumePrefix(&name, "topology.md "))
    return TopologyMarkdown(name == "top" ? "" : name);
  return std::nullopt;
}

// The name in a line that begins a section, followed by ";"; "" for any other line.
absl::string_view NameIn(absl::string_view line) {
  const size_t begin = line.find(kBegin);
  const size_t end = line.find(';');
  if (begin == line.npos || end == line.npos || end < begin) return "";
  return line.substr(begin + kBegin.size(), end - begin - kBegin.size());
}

}  // namespace

absl::StatusOr<std::string> Regenerate(absl::string_view page) {
  std::string text;
  absl::string_view section;  // the section of this line
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    const bool ends = absl::StrContains(line, kEnd);
    if (ends) section = "";
    if (section.empty()) absl::StrAppend(&text, text.empty() ? "" : "\n", line);
    if (const absl::string_view name = ends ? "" : NameIn(line); !name.empty()) {
      const std::optional<std::string> generated = Generate(name);
      if (!generated)
        return absl::InvalidArgumentError(absl::StrCat("no generated section \"", name, "\""));
      absl::StrAppend(&text, "\n", absl::StripSuffix(*generated, "\n"));
      section = name;
    }
  }
  if (!section.empty())
    return absl::InvalidArgumentError(absl::StrCat("section \"", section, "\" has no end"));
  return text;
}

}  // namespace nvdimmfs::tools
