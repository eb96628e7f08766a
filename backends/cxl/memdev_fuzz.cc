// SPDX-License-Identifier: Apache-2.0
// A hostile CXL device: whatever it answers, asking it ends and stays in bounds, and what it says
// of itself is consistent where it is taken.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "backends/cxl/memdev.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::cxl {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

// Answers with the bytes of the input, one after the other, of lengths that they choose, too.
class HostileMailbox final : public Mailbox {
 public:
  HostileMailbox(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  absl::StatusOr<std::vector<CommandInfo>> Commands() override {
    std::vector<CommandInfo> commands;
    for (uint32_t id = 1; id < 24; ++id)
      if ((Byte() & 1) != 0) commands.push_back({id, Byte(), ~0u, ~0u});
    return commands;
  }
  absl::StatusOr<std::vector<std::byte>> Send(uint32_t id, absl::Span<const std::byte>,
                                              size_t out_size) override {
    const uint8_t mood = Byte();
    if (mood >= 0xf8) return DeviceRefusal(mood & 7u, id, "mem0");
    std::vector<std::byte> out(mood < 0x10 ? std::min<size_t>(out_size, mood) : out_size);
    for (std::byte& byte : out) byte = static_cast<std::byte>(Byte());
    return out;
  }

 private:
  uint8_t Byte() { return at_ < size_ ? data_[at_++] : 0; }

  const uint8_t* const data_;
  const size_t size_;
  size_t at_ = 0;
};

void Run(const uint8_t* data, size_t size) {
  const auto made = Memdev::Make(std::make_unique<HostileMailbox>(data, size), 0, "mem0");
  if (!made.ok()) return;
  const Memdev& device = **made;
  const Memdev::Facts& facts = device.facts();
  Demand(facts.persistent.start == facts.volatile_.size);
  Demand(core::Fits(facts.persistent.start, facts.persistent.size, facts.total));
  Demand(!DescribeFacts(device).empty());
  if (const auto health = device.ReadHealth(); health.ok())
    Demand(!DescribeHealth(*health).empty());
  const core::Range asked{facts.persistent.start,
                          std::min<uint64_t>(facts.persistent.size, 1 << 30)};
  if (asked.empty()) return;
  if (const auto poison = device.ReadPoison(asked); poison.ok())
    for (const core::Range& bad : *poison) Demand(!bad.empty() && asked.Contains(bad));
  std::vector<std::byte> labels(1000);
  const bool fits = facts.lsa_size >= labels.size();
  Demand(fits || !device.ReadLsa(0, absl::MakeSpan(labels)).ok());
}

}  // namespace
}  // namespace nvdimmfs::backends::cxl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::backends::cxl::Run(data, size);
  return 0;
}
