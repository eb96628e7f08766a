// SPDX-License-Identifier: Apache-2.0
// Hostile requests and journals: whatever the bytes, an answer is one line of JSON, and what is
// accepted leads out of no directory and comes back from the journal as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/json.h"
#include "tools/volumes/json_text.h"
#include "tools/volumes/protocol.h"
#include "tools/volumes/record.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

void Demand(bool condition) {
  if (!condition) std::abort();
}

void DemandHarmless(const std::string& name) {
  Demand(!name.empty() && name.size() <= 255 && name[0] != '.' && name[0] != '-');
  for (const char c : name) Demand(c != '/' && c != '\0' && c != '\n');
}

// Takes what the plugin's first checks let through.
class CheckingDriver : public VolumeDriver {
 public:
  absl::Status Create(const std::string& name, const OptionMap& map) override {
    const absl::Status status = CheckName(name);
    if (!status.ok()) return status;
    DemandHarmless(name);
    Demand(LabelName(name).size() <= kLongestLabelName && CheckLabelName(LabelName(name)).ok());
    const auto options = ParseVolumeOptions(map);
    if (!options.ok()) return options.status();
    const auto again = ParseVolumeOptions(ToMap(*options));
    Demand(again.ok() && *again == *options);
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& name) override { return CheckName(name); }
  absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) override {
    return name + id;
  }
  absl::Status Unmount(const std::string&, const std::string&) override { return {}; }
  absl::StatusOr<std::string> Path(const std::string& name) override { return name; }
  absl::StatusOr<VolumeView> Get(const std::string& name) override {
    return VolumeView{.name = name};
  }
  std::vector<VolumeView> List() override { return {}; }
  absl::Status Release(const std::string& name) override { return CheckName(name); }
  std::string Metrics() override { return ""; }
};

void TryRequest(const std::string& body) {
  CheckingDriver driver;
  for (const char* verb : {"Create", "Remove", "Mount", "Unmount", "Path", "Get", "List"}) {
    const Reply reply = Answer(driver, std::string("/VolumeDriver.") + verb, body);
    Demand(reply.body.find('\n') == reply.body.size() - 1);
    const auto json = ParseJson(reply.body);
    const core::Json* const error = json.ok() ? json->Find("Err") : nullptr;
    Demand(error != nullptr && error->text() != nullptr);
    Demand((reply.status == 200) == error->text()->empty());
  }
}

void TryRecord(const std::string& text) {
  const auto record = RecordFromJson(text);
  if (!record.ok()) return;
  DemandHarmless(record->name);
  const auto again = RecordFromJson(ToJson(*record));
  Demand(again.ok() && ToJson(*again) == ToJson(*record));
}

}  // namespace
}  // namespace nvdimmfs::volumes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  nvdimmfs::volumes::TryRequest(text);
  nvdimmfs::volumes::TryRecord(text);
  return 0;
}
