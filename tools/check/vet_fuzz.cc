// SPDX-License-Identifier: Apache-2.0
// Hostile images under `check --policy vet`: whatever the labels, BTTs and info blocks say, it
// ends, changes nothing, and its output is JSON.
//
// The input is a byte whose lowest bit asks for correct checksums, then patches to a sound image: a
// byte that names the part, two of offset, one of length, then the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/base/endian.h"
#include "core/base/utf8.h"
#include "tools/check/sarif_log.h"
#include "tools/check/vet_image.h"
#include "tools/volumes/json_text.h"

namespace nvdimmfs::tools {
namespace {

constexpr uint64_t kArea = 8192;  // bytes: 30 slots of 256
constexpr uint64_t kWindow = 16384;

void Demand(bool condition) {
  if (!condition) std::abort();
}

// A sound image, and its patched parts, which are put back after each input.
class Patient {
 public:
  Patient() : image_(core::LabelV1_2(), kArea) {
    image_.AddFsdax();
    windows_.push_back({image_.At(0), kWindow});
    image_.AddBtt();
    const btt::ArenaGeometry& arena = image_.arena();
    for (const uint64_t at : {arena.start, arena.MapAt(0), arena.FlogAt(0)})
      windows_.push_back({image_.At(at), kWindow});
    windows_.push_back({image_.At(arena.Info2At()), btt::kInfoSize});
    windows_.push_back({image_.labels().data(), image_.labels().size()});
    for (const auto& window : windows_) sound_.emplace_back(window.begin(), window.end());
  }

  void Try(absl::Span<const uint8_t> input) {
    const bool seal = !input.empty() && (input[0] & 1) != 0;
    if (!input.empty()) input.remove_prefix(1);
    while (input.size() >= 4) {
      const absl::Span<std::byte> window = windows_[input[0] % windows_.size()];
      const size_t at = core::LoadLe<uint16_t>(input.data() + 1) % window.size();
      const size_t length = std::min<size_t>({input[3], input.size() - 4, window.size() - at});
      std::memcpy(window.data() + at, input.data() + 4, length);
      input.remove_prefix(4 + std::min<size_t>(input[3], input.size() - 4));
    }
    if (seal) Seal();
    Vet();
    for (size_t i = 0; i < windows_.size(); ++i)
      std::copy(sound_[i].begin(), sound_[i].end(), windows_[i].begin());
  }

 private:
  void Seal() {
    image_.SealIndexes();
    for (uint32_t slot = 0; slot < image_.geometry().slot_count; ++slot) image_.SealLabel(slot);
    for (const bool backup : {false, true}) btt::Seal(image_.btt_info(backup));
    auto* block = reinterpret_cast<std::byte*>(windows_[0].data()) + core::kInfoBlockOffset;
    core::StoreLe(
        block + offsetof(core::InfoBlock, checksum),
        core::Fletcher64({block, sizeof(core::InfoBlock)}, offsetof(core::InfoBlock, checksum)));
  }

  void Vet() {
    std::vector<std::vector<std::byte>> before;
    for (const auto& window : windows_) before.emplace_back(window.begin(), window.end());
    const auto findings = image_.Vet();
    for (size_t i = 0; i < windows_.size(); ++i)
      Demand(std::equal(before[i].begin(), before[i].end(), windows_[i].begin()));
    SarifLog log;
    if (findings.ok()) {
      for (const PlacedFinding& found : *findings) {
        Demand(found.finding.reason != "media.range");  // a check forgotten
        log.Add("vet.img", found);
      }
    } else {
      log.AddRefusal("vet.img", findings.status());
    }
    Demand(volumes::ParseJson(core::EscapeJson(log.Finish(0).Indented())).ok());
  }

  VetImage image_;
  std::vector<absl::Span<std::byte>> windows_;
  std::vector<std::vector<std::byte>> sound_;
};

}  // namespace
}  // namespace nvdimmfs::tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static nvdimmfs::tools::Patient patient;
  patient.Try({data, size});
  return 0;
}
