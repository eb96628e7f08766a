#include "core/base/near_word.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace nvdimmfs::core {
namespace {

// Longer texts are no typing errors.
constexpr size_t kLongest = 32;

char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }

// The optimal string alignment distance. Both are at most kLongest.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::array<std::array<size_t, kLongest + 1>, kLongest + 1> table;
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      const bool is_same = Lower(a[i - 1]) == Lower(b[j - 1]);
      table[i][j] = std::min(
          {table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (is_same ? 0 : 1)});
      if (i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
          Lower(a[i - 2]) == Lower(b[j - 1]))
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  return table[a.size()][b.size()];
}

}  // namespace

absl::string_view NearWord(absl::string_view text, absl::Span<const absl::string_view> words) {
  absl::string_view nearest;
  size_t least = kLongest;
  for (const absl::string_view word : words) {
    if (text.size() > kLongest || word.size() > kLongest) continue;
    const size_t distance = Distance(text, word);
    if (distance < least &&
        distance <= std::max<size_t>(1, std::max(text.size(), word.size()) / 3)) {
      least = distance;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace nvdimmfs::core
