// SPDX-License-Identifier: Apache-2.0
#include "core/model/last_error.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {
namespace {

uint64_t NextNumber() {
  static constinit std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::string QuotedOrNull(absl::string_view text) { return text.empty() ? "null" : QuoteJson(text); }

}  // namespace

LastError LastError::OfRefusal(const absl::Status& status) {
  return {.number = NextNumber(),
          .error = ErrnoOf(status),
          .reason = ReasonOf(status),
          .sentence = std::string(status.message())};
}

LastError LastError::OfRefusal(absl::string_view what, const absl::Status& status) {
  LastError refusal = OfRefusal(status);
  refusal.sentence = absl::StrCat(what, ": ", status.message());
  return refusal;
}

LastError LastError::OfNote(std::string sentence, std::string reason) {
  return {.number = NextNumber(), .reason = std::move(reason), .sentence = std::move(sentence)};
}

std::string LastError::Text() const {
  if (error == 0) return sentence;
  return absl::StrCat(sentence, " [", ErrnoName(error), ", ", reason, "]");
}

std::string LastError::Json() const {
  if (sentence.empty()) return "null";
  return absl::StrCat("{\"errno\":", QuotedOrNull(error == 0 ? "" : ErrnoName(error)),
                      ",\"reason\":", QuotedOrNull(reason), ",\"sentence\":", QuoteJson(sentence),
                      "}");
}

}  // namespace nvdimmfs::core
