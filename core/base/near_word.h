// The word that somebody probably meant.
#ifndef NVDIMMFS_CORE_BASE_NEAR_WORD_H_
#define NVDIMMFS_CORE_BASE_NEAR_WORD_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::core {

// Of `words` the one that is the fewest typing errors (a letter too many, missing or wrong, two
// swapped) away from `text`, whatever its case; "" where each is further away than one error in
// three letters. Of several that are equally near, the first.
absl::string_view NearWord(absl::string_view text, absl::Span<const absl::string_view> words);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_NEAR_WORD_H_
