// SPDX-License-Identifier: Apache-2.0
// One CXL memory device: its identity, its health, its label storage area and its poison list.
//
// Every answer of the device is checked before it is used. Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_CXL_MEMDEV_H_
#define NVDIMMFS_BACKENDS_CXL_MEMDEV_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/cxl/lsa_access.h"
#include "backends/cxl/mailbox.h"
#include "backends/cxl/payloads.h"
#include "core/base/range.h"

namespace nvdimmfs::backends::cxl {

inline constexpr uint32_t kMinPayload = 256;  // bytes; the specification's minimum mailbox

class Memdev final : public LsaAccess {
 public:
  struct Facts {
    std::string firmware;
    uint64_t total = 0;       // bytes
    core::Range volatile_;    // DPA
    core::Range persistent;   // DPA
    uint32_t lsa_size = 0;    // bytes
    uint32_t poison_max = 0;  // maximum number of records
  };

  // Identifies the device. `payload_max` is the size of its mailbox's payload in bytes; a value
  // below kMinPayload counts as kMinPayload. Refused as Mailbox::Send, and with EIO,
  // "cxl.identify", if the answer is too short or contradicts itself.
  static absl::StatusOr<std::shared_ptr<Memdev>> Make(std::unique_ptr<Mailbox> mailbox,
                                                      uint32_t payload_max, std::string name);

  const std::string& name() const override { return name_; }
  const Facts& facts() const { return facts_; }

  // Whether both driver and device support the command.
  bool Has(uint32_t command) const;
  // Whether the kernel reports that it reserves the command for itself.
  bool KernelHas(uint32_t command) const;

  // Transfers at most the mailbox's payload at a time. Refused also as Mailbox::Send, and a write
  // with EBUSY, "cxl.lsa.owned", while the kernel reserves the area for itself.
  uint64_t lsa_size() const override { return facts_.lsa_size; }
  absl::Status ReadLsa(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status WriteLsa(uint64_t offset, absl::Span<const std::byte> data) override;
  // The most bytes that one command writes.
  size_t lsa_write_max() const { return payload_max_ - sizeof(SetLsa); }

  absl::StatusOr<HealthInfo> ReadHealth() const;
  // The bad parts of `dpa`, if the device keeps a list and the kernel passes it on; else ENOTTY.
  absl::StatusOr<std::vector<core::Range>> ReadPoison(const core::Range& dpa) const;

 private:
  Memdev(std::unique_ptr<Mailbox> mailbox, uint32_t payload_max, std::string name)
      : mailbox_(std::move(mailbox)), payload_max_(payload_max), name_(std::move(name)) {}
  template <typename Payload>
  absl::StatusOr<Payload> Ask(uint32_t command) const;
  absl::Status Identify();

  const std::unique_ptr<Mailbox> mailbox_;
  const uint32_t payload_max_;
  const std::string name_;
  std::vector<CommandInfo> commands_;
  Facts facts_;
};

// "key: value" lines for people and scripts.
std::string DescribeFacts(const Memdev& device);
std::string DescribeHealth(const HealthInfo& health);

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_MEMDEV_H_
