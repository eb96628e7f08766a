// SPDX-License-Identifier: Apache-2.0
// Hostile payloads: whatever is in the commands that a DIMM's firmware gets, and in the record of
// its state, it answers with a status, keeps its invariants, and what it saves can be read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/intel/firmware.h"

namespace nvdimmfs::core::intel {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

class Store final : public StateStore {
 public:
  explicit Store(std::string& record) : record_(record) {}
  absl::StatusOr<std::string> Load() override { return record_; }
  absl::Status Save(absl::string_view record) override {
    Demand(DecodeKeptState(record).ok());
    record_ = std::string(record);
    return absl::OkStatus();
  }

 private:
  std::string& record_;
};

// Commands one after the other: the function, a length, the payload.
void RunCommands(absl::Span<const std::byte> input) {
  absl::Time now = absl::UnixEpoch();
  std::string record;
  {
    const auto firmware =
        *Firmware::PowerOn({.now = [&] { return now; }, .store = std::make_shared<Store>(record)});
    while (input.size() >= 2) {
      const auto function = std::to_integer<uint32_t>(input[0]) % 32;
      const size_t length = std::min(std::to_integer<size_t>(input[1]), input.size() - 2);
      const auto said = firmware->Run(function, input.subspan(2, length));
      Demand(said.size() >= sizeof(le32));
      now += absl::Milliseconds(300);
      input.remove_prefix(2 + length);
      (void)firmware->health().HasEvent();
    }
    Demand(!firmware->security().enabled());
  }
  Demand(Firmware::PowerOn({.store = std::make_shared<Store>(record)}).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = absl::MakeConstSpan(reinterpret_cast<const std::byte*>(data), size);
  RunCommands(bytes);
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto kept = DecodeKeptState(text); kept.ok())
    Demand(DecodeKeptState(Encode(*kept)).ok());
  return 0;
}

}  // namespace nvdimmfs::core::intel
