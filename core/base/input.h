// SPDX-License-Identifier: Apache-2.0
// The grammars of values written to attributes, as the kernel's parsers have them.
//
// The caller has already cut `text` at its first NUL. Refused with EINVAL, "input.syntax", or
// ERANGE, "input.range".
#ifndef NVDIMMFS_CORE_BASE_INPUT_H_
#define NVDIMMFS_CORE_BASE_INPUT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/kernel.h"
#include "core/base/uuid.h"

namespace nvdimmfs::core {

// One optional '+'; 0x.. is base 16, a leading 0 base 8, else 10; one optional final newline.
absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view text);
// The same with an optional '-' before it.
absl::StatusOr<int64_t> ParseSigned(absl::string_view text);
// Looks at the first one or two characters only. Words that begin with e or d ("enable", "disable")
// are taken from 7.3 on.
absl::StatusOr<bool> ParseBool(absl::string_view text, Kernel kernel);
absl::StatusOr<Uuid> ParseUuid(absl::string_view text);
// An unsigned number that is one of `choices`.
absl::StatusOr<uint64_t> ParseChoice(absl::string_view text, absl::Span<const uint64_t> choices);

// Whether `text` is `word`, with or without one newline at its end.
bool IsWord(absl::string_view text, absl::string_view word);
// Without white space at both ends.
absl::string_view Trim(absl::string_view text);

// A size as users type it: a number with an optional suffix, in either case. K, M, G, T and KiB,
// MiB, GiB, TiB are powers of 1024; kB, MB, GB, TB are powers of 1000; B is a byte. For command
// lines and for x/create, not for the kernel's attributes.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// "512 [4096] \n": every choice followed by a blank, the current one in brackets.
std::string FormatChoices(absl::Span<const uint64_t> choices, uint64_t current);
// "0x1f"; zero is "0x0".
std::string FormatHex(uint64_t value);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_INPUT_H_
