// Which word somebody meant who typed another.
#ifndef NVDIMMFS_CORE_BASE_NEAREST_WORD_H_
#define NVDIMMFS_CORE_BASE_NEAREST_WORD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// The one of `words` that is typed most like `typed`; "" where none is: a slip is a letter left
// out, put in, changed, or two exchanged, in either case; one slip for words of up to four letters,
// else two; or the beginning or the end of a single word.
std::string NearestWord(absl::string_view typed, const std::vector<std::string>& words);

// "; did you mean WORD?", or "".
std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& words);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_NEAREST_WORD_H_
