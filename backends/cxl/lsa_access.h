// SPDX-License-Identifier: Apache-2.0
// How reads and writes of a label storage area reach its device: the device's own mailbox
// (memdev.h), or the kernel's label commands (nmem_lsa.h).
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_CXL_LSA_ACCESS_H_
#define NVDIMMFS_BACKENDS_CXL_LSA_ACCESS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace nvdimmfs::backends::cxl {

class LsaAccess {
 public:
  virtual ~LsaAccess() = default;

  virtual const std::string& name() const = 0;  // for messages
  virtual uint64_t lsa_size() const = 0;        // bytes
  // Refused with EIO, "cxl.lsa.range", outside the area. Data is sent in pieces: a write that
  // fails part-way leaves its first bytes written, and the message says how many.
  virtual absl::Status ReadLsa(uint64_t offset, absl::Span<std::byte> out) const = 0;
  virtual absl::Status WriteLsa(uint64_t offset, absl::Span<const std::byte> data) = 0;

 protected:
  absl::Status CheckLsa(uint64_t offset, uint64_t length) const;
};

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_LSA_ACCESS_H_
