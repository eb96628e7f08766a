// SPDX-License-Identifier: Apache-2.0
#include "core/base/words.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr absl::string_view kSeparators = " \t\n\r\v\f,";
constexpr absl::string_view kQuotes = "'\"";
constexpr size_t kShown = 80;  // bytes of the caller's text in a message

bool IsOneOf(char c, absl::string_view set) { return set.find(c) != absl::string_view::npos; }

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return Refusal(EINVAL, "words.syntax",
                 absl::StrCat("\"", absl::Utf8SafeCHexEscape(text.substr(0, kShown)), "\": ", why));
}

// Takes words from the front of `rest`, one at a time.
class Reader {
 public:
  explicit Reader(absl::string_view line) : rest_(line) { SkipSeparators(); }

  bool done() const { return rest_.empty(); }

  absl::StatusOr<Word> Next() {
    const absl::string_view start = rest_;
    const absl::string_view plain = rest_.substr(0, EndOfPlain());
    const size_t equals = plain.find('=');
    if (equals == absl::string_view::npos) return Bad(plain, "not of the form key=value");
    if (equals == 0) return Bad(plain, "a key is missing before \"=\"");
    Word word{.key = std::string(plain.substr(0, equals)), .value = {}};
    rest_.remove_prefix(equals + 1);
    if (!rest_.empty() && IsOneOf(rest_.front(), kQuotes)) {
      if (!TakeQuoted(word.value)) return Bad(start, "the quote is not closed");
      if (!rest_.empty() && !IsOneOf(rest_.front(), kSeparators))
        return Bad(start, "a blank is missing after the closing quote");
    } else {
      word.value = std::string(plain.substr(equals + 1));
      rest_.remove_prefix(word.value.size());
    }
    SkipSeparators();
    return word;
  }

 private:
  size_t EndOfPlain() const { return std::min(rest_.find_first_of(kSeparators), rest_.size()); }

  void SkipSeparators() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSeparators), rest_.size()));
  }

  // From the opening quote to after the closing one. False if there is no closing quote.
  bool TakeQuoted(std::string& value) {
    const char quote = rest_.front();
    for (size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        rest_.remove_prefix(at + 1);
        return true;
      }
      const bool escapes = quote == '"' && rest_[at] == '\\' && at + 1 < rest_.size() &&
                           (rest_[at + 1] == '"' || rest_[at + 1] == '\\');
      if (escapes) ++at;
      value.push_back(rest_[at]);
    }
    return false;
  }

  absl::string_view rest_;
};

}  // namespace

absl::StatusOr<std::vector<Word>> ParseWords(absl::string_view line) {
  std::vector<Word> words;
  for (Reader reader(line); !reader.done();) {
    ASSIGN_OR_RETURN(Word word, reader.Next());
    for (const Word& seen : words)
      if (seen.key == word.key) return Bad(word.key, "given twice");
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace nvdimmfs::core
