// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_findings.h"

#include <utility>

namespace nvdimmfs::core {

void LabelFindings::Add(std::string reason, uint64_t offset, std::string sentence) {
  if (findings_.size() < kMost)
    findings_.push_back(
        {.reason = std::move(reason), .offset = offset, .sentence = std::move(sentence)});
  else if (findings_.size() == kMost)
    findings_.push_back({.reason = "label.findings",
                         .offset = offset,
                         .sentence = "further findings in this label area are not listed"});
}

void LabelFindings::DropAt(uint64_t offset) {
  std::erase_if(findings_, [offset](const Finding& finding) {
    return finding.offset == offset && finding.reason != "label.findings";
  });
}

}  // namespace nvdimmfs::core
