// SPDX-License-Identifier: Apache-2.0
// The word that a mistyped one may have meant.
#ifndef NVDIMMFS_CORE_BASE_NEAREST_WORD_H_
#define NVDIMMFS_CORE_BASE_NEAREST_WORD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// The one of `words` that is closest to `typed`; "" if none is close. Case does not matter. Close
// means one slip in words of up to four letters, else two, or that `typed` is the beginning or the
// end of exactly one word. A slip is a letter left out, inserted or changed, or two letters
// exchanged.
std::string NearestWord(absl::string_view typed, const std::vector<std::string>& words);

// "; did you mean WORD?", or "".
std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& words);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_NEAREST_WORD_H_
