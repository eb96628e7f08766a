// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/lists.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "backends/topology/topology_keys.h"
#include "core/base/event.h"
#include "core/base/option_help.h"
#include "tools/check/vet_rules.h"
#include "tools/docs/man_text.h"
#include "tools/docs/reasons.h"
#include "tools/option_list.h"

namespace nvdimmfs::tools {
namespace {

using core::OptionHelp;

std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

// The heading of a table of the file.
std::string TableName(absl::string_view table) {
  return table.empty() ? "The top of the file" : absl::StrCat("[[", table, "]]");
}

}  // namespace

std::string OptionsMarkdown() {
  std::string text = "| option | meaning |\n|---|---|\n";
  for (const OptionHelp& option : AllOptions())
    absl::StrAppend(&text, "| `", option.name, option.value.empty() ? "" : "=", Cell(option.value),
                    "` | ", Cell(option.summary), " |\n");
  return text;
}

std::string OptionsMan() {
  std::string text;
  for (const OptionHelp& option : AllOptions()) {
    absl::StrAppend(&text, ".It Cm ", option.name);
    if (!option.value.empty()) absl::StrAppend(&text, " Ns = Ns Ar ", ManArgument(option.value));
    absl::StrAppend(&text, "\n", ManText(Sentence(option.summary)), "\n");
  }
  return text;
}

std::string DefectsMarkdown() {
  std::string text = "| case | finding | what a kernel does |\n|---|---|---|\n";
  for (const VetRule& rule : VetRules())
    if (!rule.defect.empty())
      absl::StrAppend(&text, "| ", rule.defect, " | `", rule.reason, "` | ", Cell(rule.kernel),
                      " |\n");
  return text;
}

std::string VetRulesMarkdown() {
  std::string text = "| finding | level | on media | what a kernel does |\n|---|---|---|---|\n";
  for (const VetRule& rule : VetRules()) {
    const Reason* const reason = FindReason(rule.reason);
    absl::StrAppend(&text, "| `", rule.reason, "` | ", NameOf(rule.level), " | ",
                    reason == nullptr ? "" : Cell(reason->meaning), " | ", Cell(rule.kernel),
                    " |\n");
  }
  return text;
}

std::string EventsMarkdown() {
  std::string text = "| event | level | `MESSAGE_ID` | meaning |\n|---|---|---|---|\n";
  for (const core::EventKind& kind : core::EventKinds())
    absl::StrAppend(&text, "| `", kind.name, "` | ", core::NameOf(kind.level), " | `",
                    kind.message_id, "` | ", Cell(FindReason(kind.name)->meaning), " |\n");
  return text;
}

std::string TopologyMarkdown(absl::string_view table) {
  std::string text = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const backends::TopologyKey& key : backends::TopologyKeys())
    if (key.table == table)
      absl::StrAppend(&text, "| `", key.name, "` | ", key.type, " | ", key.fallback, " | ",
                      key.meaning, " |\n");
  return text;
}

std::string TopologyMan() {
  std::string text;
  const backends::TopologyKey* before = nullptr;
  for (const backends::TopologyKey& key : backends::TopologyKeys()) {
    if (before == nullptr || before->table != key.table)
      absl::StrAppend(&text, before == nullptr ? "" : ".El\n", ".Ss ",
                      ManArgument(TableName(key.table)), "\n.Bl -tag -width Ds -compact\n");
    absl::StrAppend(&text, ".It Cm ", key.name, " : ", ManArgument(key.type), "\n",
                    ManText(key.meaning));
    if (!key.fallback.empty())
      absl::StrAppend(&text, key.fallback == "required"
                                 ? "; required"
                                 : absl::StrCat("; default: ", ManText(key.fallback)));
    absl::StrAppend(&text, ".\n");
    before = &key;
  }
  return absl::StrCat(text, ".El\n");
}

}  // namespace nvdimmfs::tools
