// SPDX-License-Identifier: Apache-2.0
// Lists of options, events and topology keys, in the formats of the pages.
#ifndef NVDIMMFS_TOOLS_DOCS_LISTS_H_
#define NVDIMMFS_TOOLS_DOCS_LISTS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

std::string OptionsMarkdown();  // a table
std::string OptionsMan();       // items of a list

// The findings of `check --policy vet`: tables of known kernel defects, and of all rules.
std::string DefectsMarkdown();
std::string VetRulesMarkdown();
// The events, with their meanings from the table of reasons: a table.
std::string EventsMarkdown();

// The keys of one table of the file: "bus.dimm".
std::string TopologyMarkdown(absl::string_view table);
// All of them.
std::string TopologyMan();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_LISTS_H_
