// SPDX-License-Identifier: Apache-2.0
#include "core/vet/info_vet.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/info_blocks/info_block.h"
#include "core/info_blocks/info_block_format.h"

namespace nvdimmfs::core {
namespace {

constexpr uint16_t kMajor = 1;
constexpr uint16_t kMostMinor = 4;
constexpr uint16_t kMinorWithZeros = 3;  // from here on, flags and padding are zero
constexpr uint16_t kMinorWithAlign = 2;
constexpr uint32_t kLargestPage = 65536;               // bytes, of any architecture
constexpr uint64_t kLargestAlign = uint64_t{1} << 30;  // bytes

class BlockVet {
 public:
  BlockVet(const InfoBlock& block, const Range& spa) : block_(block), spa_(spa) {}

  std::vector<VetFinding> Run() {
    VetVersion();
    VetPages();
    VetAlign();
    VetRoom();
    return std::move(findings_);
  }

 private:
  void Report(const char* reason, std::string sentence) {
    findings_.push_back({{reason, kInfoBlockOffset, std::move(sentence)}, sizeof(InfoBlock)});
  }

  void VetVersion() {
    if (block_.version_major != kMajor || block_.version_minor > kMostMinor) {
      Report("info.version",
             absl::StrCat("the info block has version ", uint16_t{block_.version_major}, ".",
                          uint16_t{block_.version_minor}));
      return;
    }
    const auto& padding = block_.padding;
    const bool zero = block_.flags == 0 && std::all_of(padding.begin(), padding.end(),
                                                       [](uint8_t byte) { return byte == 0; });
    if (block_.version_minor >= kMinorWithZeros && !zero)
      Report("info.reserved", "flags or padding of the info block are not zero");
  }

  void VetPages() {
    if (block_.version_minor < kMostMinor) return;
    const uint32_t page = block_.page_size;
    if (!std::has_single_bit(page) || page < kInfoPageSize || page > kLargestPage)
      Report("info.page_size", absl::StrCat("the info block was made for pages of ", page,
                                            " bytes, which no machine has"));
    if (block_.page_struct_size != kPageStructSize)
      Report("info.page_struct_size",
             absl::StrCat("the info block reserves ", uint16_t{block_.page_struct_size},
                          " bytes per page struct, not ", kPageStructSize));
  }

  void VetAlign() {
    if (block_.version_minor < kMinorWithAlign) return;
    const uint32_t align = block_.align;
    if (!std::has_single_bit(align) || align < kInfoPageSize || align > kLargestAlign)
      Report("info.align", absl::StrCat("the info block states an alignment of ", align, " bytes"));
  }

  uint64_t PageSize() const {
    const bool stated = block_.version_minor >= kMostMinor && block_.page_size != 0;
    return stated ? uint64_t{block_.page_size} : kInfoPageSize;
  }

  // Page structs, data and what is cut off share the namespace.
  void VetRoom() {
    const bool old = block_.version_minor < 1;
    const uint64_t start_pad = old ? 0 : uint64_t{block_.start_pad};
    const uint64_t end_trunc = old ? 0 : uint64_t{block_.end_trunc};
    if (start_pad != 0)
      Report("info.start_pad",
             absl::StrCat("the info block skips ", start_pad, " bytes before the data"));
    if (end_trunc >= std::max<uint64_t>(block_.align, kMemremapAlign))
      Report("info.end_trunc", absl::StrCat("the info block cuts off ", end_trunc,
                                            " bytes, more than its alignment asks for"));
    const uint64_t dataoff = block_.dataoff;
    // The two pads are below 2^32: their sum does not wrap.
    if (!Fits(dataoff, start_pad + end_trunc + 1, spa_.size)) {
      Report("info.empty",
             absl::StrCat("the data begins at offset ", dataoff, ", behind the namespace's ",
                          spa_.size, " bytes less what is cut off"));
      return;
    }
    const uint64_t data = spa_.size - start_pad - end_trunc - dataoff;
    VetDataOffset(dataoff, data);
    const uint64_t pages = data / PageSize();
    if (block_.npfns != pages)
      Report("info.npfns", absl::StrCat("the info block counts ", uint64_t{block_.npfns},
                                        " data pages; there are ", pages));
  }

  // The structs lie between the info block and the data.
  void VetDataOffset(uint64_t dataoff, uint64_t data) {
    const auto mode = static_cast<InfoBlockMode>(uint32_t{block_.mode});
    const bool on_media = mode == InfoBlockMode::kPmem;
    const uint64_t structs = on_media ? data / PageSize() * kPageStructSize : 0;
    if (dataoff >= kInfoBlockReserve + structs) return;
    Report("info.dataoff",
           absl::StrCat("the data begins at offset ", dataoff, ", inside the info block or the ",
                        structs, " bytes of page structs that follow it"));
  }

  const InfoBlock& block_;
  const Range spa_;
  std::vector<VetFinding> findings_;
};

bool Has(const std::vector<VetFinding>& findings, const std::string& reason) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const VetFinding& found) { return found.finding.reason == reason; });
}

}  // namespace

std::vector<VetFinding> VetInfoBlock(const Media& ns, const Uuid& parent_uuid, const Range& spa) {
  InfoBlock block;
  const absl::Span<std::byte> bytes(reinterpret_cast<std::byte*>(&block), sizeof block);
  if (!ns.Peek(kInfoBlockOffset, bytes).ok()) return {};
  const bool dax = block.signature == kDaxSignature;
  if (!dax && block.signature != kPfnSignature) return {};
  const absl::Status status = ReadInfoBlock(ns, dax, parent_uuid, spa, {}).status();
  const std::string reason = status.ok() ? "" : ReasonOf(status);
  const VetFinding refusal{{reason, kInfoBlockOffset, std::string(status.message())}, sizeof block};
  // Nothing else in it counts.
  if (reason == "info.parent" || reason == "info.checksum") return {refusal};
  std::vector<VetFinding> findings = BlockVet(block, spa).Run();
  if (!status.ok() && !Has(findings, reason)) findings.push_back(refusal);
  return findings;
}

}  // namespace nvdimmfs::core
