// SPDX-License-Identifier: Apache-2.0
// What a reader of the program's output cannot accept: strict checks of text for a terminal, of
// XML, of JSON and of OpenMetrics text.
//
// They share no code with what writes the output (core/base/utf8.h, json.h, open_metrics.h), so
// that a defect of one does not hide a defect of the other. Each returns what is wrong and where,
// or an empty string. Thread rules: any thread.
#ifndef NVDIMMFS_CORE_TESTING_DOCUMENT_FAULTS_H_
#define NVDIMMFS_CORE_TESTING_DOCUMENT_FAULTS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// Text of one or more lines: anything but UTF-8 (RFC 3629), and characters other than line feeds
// that control a terminal (C0, DEL, C1), change the direction of text, or are separators of lines
// (U+2028, U+2029).
std::string TerminalFault(absl::string_view text);

// A whole JSON document (RFC 8259): besides its grammar, TerminalFault of its bytes, an object with
// two members of one name, unpaired surrogates, and more than 64 levels.
std::string JsonFault(absl::string_view document);

// A whole XML 1.0 document as this program writes it: a declaration, one root element, elements
// with attributes and text, the five predefined entities. Besides its grammar, TerminalFault of its
// bytes. Comments, CDATA, processing instructions and document types are faults.
std::string XmlFault(absl::string_view document);

// A whole OpenMetrics exposition of gauges: families in one piece and once each, TYPE and HELP
// before the values, each set of labels once, escapes as specified, `# EOF` at the end.
std::string MetricsFault(absl::string_view document);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_TESTING_DOCUMENT_FAULTS_H_
