// SPDX-License-Identifier: Apache-2.0
// What goes wrong with the I/O on a data file: the line that x/faults takes and shows.
//
//   latency=1ms..5ms eio=0.01 write:enospc=0.1 flush:latency=20ms@0.05 eio=64K+512 seed=7
//
// Words are separated by blanks, commas or newlines; "none" alone is no fault at all. A word is
// [OPERATIONS:]KIND=VALUE, where OPERATIONS are read, write, flush, joined with +. (A discard is a
// write.) Without them a rule is for reads and writes; kinds that only writes have take nothing
// else.
//
//   latency=T, T..T      the access waits so long, or for a time between the two: 10us, 2ms, 1s; at
//                        most 10 s. @RATE behind it: for a share of the accesses
//   eio=RATE, OFFSET+LENGTH      refused with EIO: a share, or what touches the range (bytes)
//   enospc=RATE, OFFSET+LENGTH   of writes: refused with ENOSPC
//   space=SIZE           of writes: refused with ENOSPC once so many bytes were written
//   torn=RATE            of writes: one 512-byte sector gets some of its 8-byte words, those behind
//                        it nothing, and the write is refused with EIO
//   poison=OFFSET+LENGTH         these bytes are bad from now on, until they are written
//   seed=N               which accesses a rate hits; 1 without it
//
// RATE is a share of the accesses, above 0 and at most 1, with up to nine digits behind the point.
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
  // The line, without the final newline: Parse of it is equal to this. "none" without rules.
  std::string Text() const;

  std::vector<FaultRule> rules;
  uint64_t seed = 1;
  friend bool operator==(const FaultRules&, const FaultRules&) = default;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_FAULT_RULES_H_
