// SPDX-License-Identifier: Apache-2.0
// Errors: an absl::Status whose payloads hold the errno that a kernel would return, and a short,
// stable reason that scripts and tests may match.
//
// The message is a sentence for the user: what was tried, on what, why it was refused, what to do.
// Thread rules: plain values, no shared state.
#ifndef NVDIMMFS_CORE_BASE_STATUS_H_
#define NVDIMMFS_CORE_BASE_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

// A refusal with the kernel's `error_number` (ENXIO, EBUSY, ...; must not be 0) and a dotted stable
// `reason` ("label.index.checksum"). The absl code follows from the errno.
absl::Status Refusal(int error_number, absl::string_view reason, absl::string_view sentence);

// The errno for a caller: 0 for OK, the refusal's own if it has one, else the closest match for the
// absl code (EIO if there is none).
int ErrnoOf(const absl::Status& status);

// "ENXIO"; "errno 9999" for a number without a name.
std::string ErrnoName(int error_number);

// The stable reason, or "" if the status has none.
std::string ReasonOf(const absl::Status& status);

// The same refusal with "context: " before its sentence.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace nvdimmfs::core

// Leaves the function with the status of `expr` unless it is OK.
#define RETURN_IF_ERROR(expr)                                                         \
  do {                                                                                \
    if (absl::Status return_if_error_status_ = (expr); !return_if_error_status_.ok()) \
      return return_if_error_status_;                                                 \
  } while (false)

#define NVDIMMFS_CONCAT_INNER_(a, b) a##b
#define NVDIMMFS_CONCAT_(a, b) NVDIMMFS_CONCAT_INNER_(a, b)
#define NVDIMMFS_ASSIGN_OR_RETURN_(statusor, lhs, expr) \
  auto statusor = (expr);                               \
  if (!statusor.ok()) return statusor.status();         \
  lhs = *std::move(statusor)

// lhs = value of the StatusOr `expr`, or leaves the function with its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  NVDIMMFS_ASSIGN_OR_RETURN_(NVDIMMFS_CONCAT_(statusor_, __LINE__), lhs, expr)

#endif  // NVDIMMFS_CORE_BASE_STATUS_H_
