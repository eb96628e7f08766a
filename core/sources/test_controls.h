// SPDX-License-Identifier: Apache-2.0
// What a test can do to an emulated DIMM in addition to its commands, as with the kernel's test
// module: make functions fail, for every caller.
#ifndef NVDIMMFS_CORE_SOURCES_TEST_CONTROLS_H_
#define NVDIMMFS_CORE_SOURCES_TEST_CONTROLS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::core {

// Thread rules: any thread.
struct TestControls {
  explicit TestControls(int number_of_dimm) : number(number_of_dimm) {}

  // The return value of the function if it is one of `failing`, else 0: a negative errno, or a
  // positive number, which does not count as a failure.
  int CodeFor(uint64_t function) const;
  // Refused ("dimm.test.fails") if that is negative.
  absl::Status Verdict(uint64_t function) const;

  const int number;                  // K of test_dimmK
  std::atomic<uint64_t> failing{0};  // bit n: function n fails once it has done its work
  std::atomic<int> code{0};          // and returns this; 0: -EIO
};

// Like the test module, refuses a CALL of an Intel function whose buffer does not have the size of
// its structure, before the firmware sees it: EINVAL, "command.buffer"; "command.value" for a flag
// that does not exist. `size` is that of input and output together.
absl::Status CheckCallOfTestDimm(uint64_t function, absl::Span<const std::byte> in, uint64_t size);

// The same for a CALL of a bus function; errors are injected and withdrawn in whole structures, at
// least one.
absl::Status CheckCallOfTestBus(uint64_t function, absl::Span<const std::byte> in, uint64_t size);

// The label area of such a DIMM: an access that is made to fail has taken effect nevertheless.
class TestLabels final : public MemoryMedia {
 public:
  TestLabels(uint64_t size, std::shared_ptr<const TestControls> controls)
      : MemoryMedia(size), controls_(std::move(controls)) {}

  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  // Null, so that nothing bypasses Read.
  const std::byte* mapping() const override { return nullptr; }
  DirectView direct_view() const override { return {}; }

 private:
  absl::Status Stored(const absl::Status& status) const;

  const std::shared_ptr<const TestControls> controls_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_TEST_CONTROLS_H_
