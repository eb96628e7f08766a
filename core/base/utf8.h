// Text from media, such as a label's name, on its way into a document that must be well-formed.
#ifndef NVDIMMFS_CORE_BASE_UTF8_H_
#define NVDIMMFS_CORE_BASE_UTF8_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// `text` with U+FFFD for each byte that is not part of a well-formed UTF-8 sequence (RFC 3629), for
// each control character and for the non-characters U+FFFE and U+FFFF.
std::string PrintableUtf8(absl::string_view text);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_UTF8_H_
