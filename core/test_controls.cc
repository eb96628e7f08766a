#include "core/test_controls.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/intel/format.h"
#include "core/status.h"

namespace nvdimmfs::core {

absl::Status TestControls::Verdict(uint64_t function) const {
  if (function >= 64 || (failing.load() >> function & 1) == 0) return absl::OkStatus();
  const int error = error_number.load();
  return Refusal(error == 0 ? EIO : error, "dimm.test.fails",
                 absl::StrCat("function ", function, " is made to fail by fail_cmd of test_dimm",
                              number, "; write 0 there to end it"));
}

absl::Status TestLabels::Stored(const absl::Status& status) const {
  return status.ok() ? controls_->Verdict(intel::kSetLabels) : status;
}

absl::Status TestLabels::Read(uint64_t offset, absl::Span<std::byte> out) const {
  const absl::Status status = MemoryMedia::Read(offset, out);
  return status.ok() ? controls_->Verdict(intel::kGetLabels) : status;
}

absl::Status TestLabels::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Stored(MemoryMedia::Write(offset, data));
}

absl::Status TestLabels::Store32(uint64_t offset, uint32_t value) {
  return Stored(MemoryMedia::Store32(offset, value));
}

absl::Status TestLabels::Store64(uint64_t offset, uint64_t value) {
  return Stored(MemoryMedia::Store64(offset, value));
}

absl::Status TestLabels::Punch(uint64_t offset, uint64_t length) {
  return Stored(MemoryMedia::Punch(offset, length));
}

}  // namespace nvdimmfs::core
