// SPDX-License-Identifier: Apache-2.0
// Hostile text, in and out: every parser of core/base refuses it with a reason or takes it to the
// same value again, and what escapes it for a terminal, JSON or metrics makes text that these take.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/input.h"
#include "core/base/json.h"
#include "core/base/open_metrics.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/base/words.h"
#include "core/testing/document_faults.h"
#include "core/testing/fuzz_input.h"

namespace nvdimmfs::core {
namespace {

template <typename Value>
bool Took(const absl::StatusOr<Value>& parsed) {
  if (!parsed.ok())
    Demand(ErrnoOf(parsed.status()) != 0 && !ReasonOf(parsed.status()).empty(),
           "a refusal has errno and reason");
  return parsed.ok();
}

void Parse(absl::string_view text) {
  if (const auto number = ParseUnsigned(text); Took(number)) {
    Demand(*ParseUnsigned(absl::StrCat(*number)) == *number, "a number again");
    Demand(*ParseUnsigned(FormatHex(*number)) == *number, "the number in hexadecimal");
  }
  if (const auto number = ParseSigned(text); Took(number))
    Demand(*ParseSigned(absl::StrCat(*number)) == *number, "a signed number again");
  if (const auto uuid = ParseUuid(text); Took(uuid))
    Demand(*ParseUuid(uuid->ToString()) == *uuid, "a uuid again");
  if (const auto size = ParseSize(text); Took(size))
    Demand(*ParseSize(absl::StrCat(*size)) == *size, "a size again");
  for (const Kernel kernel : kKernels) Took(ParseBool(text, kernel));
  constexpr uint64_t kChoices[] = {512, 520, 4096};
  Took(ParseChoice(text, kChoices));
  if (const auto words = ParseWords(text); Took(words))
    for (const Word& word : *words) Demand(!word.key.empty(), "a word has a key");
  Demand(Trim(Trim(text)) == Trim(text), "trimmed twice");
}

void Print(absl::string_view text) {
  for (const std::string& escaped : {EscapeName(text), EscapeSentence(text), EscapeText(text)})
    DemandNoFault(TerminalFault(escaped), "escaped for a terminal", escaped);
  Demand(EscapeName(text).find('\n') == std::string::npos, "a name is one line");
  Demand(EscapeSentence(EscapeSentence(text)) == EscapeSentence(text), "a sentence escaped twice");
  const std::string quoted = QuoteJson(text);
  DemandNoFault(JsonFault(quoted), "quoted", quoted);
  Json json = {{"text", text}, {"size", text.size()}};
  json["list"].push_back(text);
  for (const std::string& document : {json.Line(), json.Indented()})
    DemandNoFault(JsonFault(EscapeJson(document)), "a document", document);
  OpenMetrics metrics("fuzz_");
  metrics.Family("a", "Help.");
  metrics.Value({{"name", text}, {"other", "x"}}, text.size());
  const std::string page = metrics.Finish();
  DemandNoFault(MetricsFault(page), "metrics", page);
  const std::string word = ShellWord(std::string(text));
  Demand(word.size() >= text.size() && !word.empty(), "a shell word");
}

}  // namespace
}  // namespace nvdimmfs::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  nvdimmfs::core::Parse(text);
  nvdimmfs::core::Print(text);
  return 0;
}
