// SPDX-License-Identifier: Apache-2.0
#include "core/base/nearest_word.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kLongest = 40;  // of words that are compared

char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }
bool Same(char a, char b) { return Lower(a) == Lower(b); }

// Slips from one to the other.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = last[j - 1] + (Same(a[i - 1], b[j - 1]) ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, changed});
      const bool exchanged = i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]);
      if (exchanged) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

std::string Completion(absl::string_view typed, const std::vector<std::string>& words) {
  std::string found;
  for (const std::string& word : words) {
    if (!absl::StartsWithIgnoreCase(word, typed) && !absl::EndsWithIgnoreCase(word, typed))
      continue;
    if (!found.empty()) return "";
    found = word;
  }
  return found;
}

}  // namespace

std::string NearestWord(absl::string_view typed, const std::vector<std::string>& words) {
  if (typed.size() < 2 || typed.size() > kLongest) return "";
  std::string nearest;
  size_t least = (typed.size() <= 4 ? 1 : 2) + 1;
  for (const std::string& word : words) {
    const size_t distance = Distance(typed, word);
    if (distance >= least) continue;
    least = distance;
    nearest = word;
  }
  return nearest.empty() ? Completion(typed, words) : nearest;
}

std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& words) {
  const std::string word = NearestWord(typed, words);
  return word.empty() ? "" : absl::StrCat("; did you mean ", word, "?");
}

}  // namespace nvdimmfs::core
