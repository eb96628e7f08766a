// SPDX-License-Identifier: Apache-2.0
// The faults of I/O on a data file: the line that x/faults takes and shows.
//
//   latency=1ms..5ms eio=0.01 write:enospc=0.1 flush:latency=20ms@0.05 eio=64K+512 seed=7
//
// Words are separated by blanks, commas or newlines; the word "none" alone means no faults. A word
// is [OPERATIONS:]KIND=VALUE, where OPERATIONS are read, write and flush, joined with +. (A discard
// is a write.) Without OPERATIONS, a rule applies to reads and writes, or to writes alone if its
// kind allows nothing else.
//
//   latency=T, T..T              the access waits for this time, or for a time between the two
//                                (10us, 2ms, 1s; at most 10 s). T@RATE: a share of the accesses
//   eio=RATE, OFFSET+LENGTH      a share of the accesses, or those that touch the range (bytes),
//                                are refused with EIO
//   enospc=RATE, OFFSET+LENGTH   the same for writes, with ENOSPC
//   space=SIZE                   once this many bytes were written, writes are refused with ENOSPC
//   torn=RATE                    of a write, one 512-byte sector gets only some of its 8-byte
//                                words, later ones get nothing, and the write is refused with EIO
//   poison=OFFSET+LENGTH         these bytes are bad from now on, until they are written
//   seed=N                       selects the accesses that a rate hits; default: 1
//
// RATE is a share of the accesses, above 0 and at most 1, with up to nine decimal places.
#ifndef NVDIMMFS_CORE_MEDIA_FAULT_RULES_H_
#define NVDIMMFS_CORE_MEDIA_FAULT_RULES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/range.h"

namespace nvdimmfs::core {

enum class FaultKind { kLatency, kEio, kEnospc, kSpace, kTorn, kPoison };

struct FaultRule {
  // Bits of `operations`.
  static constexpr unsigned kRead = 1, kWrite = 2, kFlush = 4;
  static constexpr uint32_t kAlways = 1'000'000'000;  // the rate 1

  FaultKind kind = FaultKind::kEio;
  unsigned operations = 0;
  uint32_t rate = kAlways;     // billionths
  std::optional<Range> range;  // nothing: everywhere
  uint64_t least_us = 0;       // latency, microseconds
  uint64_t most_us = 0;        // not below least_us
  uint64_t space = 0;          // bytes
  friend bool operator==(const FaultRule&, const FaultRule&) = default;
};

struct FaultRules {
  static constexpr size_t kMost = 64;
  static constexpr uint64_t kMostLatency = 10'000'000;  // microseconds

  // Refused with EINVAL, "faults.syntax": the sentence names the word and what it takes.
  static absl::StatusOr<FaultRules> Parse(absl::string_view line);
  // The line, without the final newline; Parse turns it back into these rules. "none" if there are
  // none.
  std::string Text() const;

  std::vector<FaultRule> rules;
  uint64_t seed = 1;
  friend bool operator==(const FaultRules&, const FaultRules&) = default;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_FAULT_RULES_H_
