// SPDX-License-Identifier: Apache-2.0
#include "core/info_blocks/info_block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/fletcher64.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

absl::Span<const std::byte> BytesOf(const InfoBlock& block) {
  return {reinterpret_cast<const std::byte*>(&block), sizeof block};
}

uint64_t ChecksumOf(const InfoBlock& block) {
  return Fletcher64(BytesOf(block), offsetof(InfoBlock, checksum));
}

absl::Status NoBlock(absl::string_view reason, absl::string_view why) {
  return Refusal(ENODEV, reason, absl::StrCat("no info block at offset 4096: ", why));
}

absl::Status Unusable(absl::string_view reason, absl::string_view why) {
  return Refusal(EOPNOTSUPP, reason,
                 absl::StrCat("the info block at offset 4096 cannot be used: ", why,
                              "; write 1 to force_raw to see the raw bytes"));
}

// Steps 1 to 5: is this our block at all?
absl::Status CheckIdentity(const InfoBlock& block, bool dax, const Uuid& parent_uuid) {
  if (block.signature != (dax ? kDaxSignature : kPfnSignature))
    return NoBlock("info.signature", "another signature");
  if (Uuid(block.parent_uuid) != parent_uuid)
    return NoBlock("info.parent", "it belongs to another namespace");
  const uint64_t computed = ChecksumOf(block);
  if (block.checksum != computed)
    return NoBlock("info.checksum", absl::StrCat("checksum stored ", FormatHex(block.checksum),
                                                 ", computed ", FormatHex(computed)));
  return absl::OkStatus();
}

// Replaces fields that older versions lack.
InfoBlockView ViewOf(const InfoBlock& block) {
  InfoBlockView view{.uuid = Uuid(block.uuid),
                     .mode = static_cast<InfoBlockMode>(uint32_t{block.mode}),
                     .align = block.align,
                     .dataoff = block.dataoff,
                     .start_pad = block.start_pad,
                     .end_trunc = block.end_trunc};
  if (block.version_minor < 1) view.start_pad = view.end_trunc = 0;
  if (block.version_minor < 2) view.align = std::bit_floor(view.dataoff);
  return view;
}

absl::Status CheckPages(const InfoBlock& block) {
  if (block.version_minor < 4) return absl::OkStatus();
  if (block.page_size > kInfoPageSize)
    return Unusable("info.page_size",
                    absl::StrCat("made for pages of ", uint32_t{block.page_size}));
  if (block.page_struct_size < kPageStructSize)
    return Unusable(
        "info.page_struct_size",
        absl::StrCat("reserves only ", uint16_t{block.page_struct_size}, " bytes per page"));
  return absl::OkStatus();
}

bool IsSupported(uint64_t align) {
  return std::find(std::begin(kSupportedAligns), std::end(kSupportedAligns), align) !=
         std::end(kSupportedAligns);
}

absl::Status CheckWish(const InfoBlockView& view, const InfoBlockWish& wish) {
  if (!wish.configured) return absl::OkStatus();
  if (view.uuid != wish.uuid) return NoBlock("info.uuid", "it has another uuid");
  if (view.align != wish.align || view.mode != wish.mode)
    return Unusable("info.mismatch", absl::StrCat("it was made with align ", view.align,
                                                  " and mode ", static_cast<uint32_t>(view.mode),
                                                  ", not what this device is set to"));
  return absl::OkStatus();
}

// Steps 12 to 16.
absl::Status CheckGeometry(const InfoBlockView& view, const Range& spa) {
  if (view.align == 0 || view.align > spa.size)
    return Unusable("info.align", absl::StrCat("align ", view.align, " exceeds the namespace"));
  if (view.dataoff >= spa.size)
    return Unusable("info.dataoff", absl::StrCat("data at ", view.dataoff, " is past the end"));
  // All of these are below 2^32 or below the namespace's size, so the sums cannot wrap.
  const uint64_t start = spa.start + view.start_pad;
  if ((start + view.dataoff) % view.align != 0 || view.dataoff % kInfoPageSize != 0)
    return Unusable("info.dataoff.align",
                    absl::StrCat("its data is at address ", FormatHex(start + view.dataoff),
                                 ", which is not aligned to ", view.align));
  if (start % kMemremapAlign != 0)
    return Unusable("info.start_pad", absl::StrCat("its start, at address ", FormatHex(start),
                                                   ", is not a multiple of 2 MiB"));
  if ((spa.end() - view.end_trunc) % kMemremapAlign != 0)
    return Unusable("info.end_trunc",
                    absl::StrCat("its end, at address ", FormatHex(spa.end() - view.end_trunc),
                                 ", is not a multiple of 2 MiB"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Range> InfoBlockView::Data(uint64_t size) const {
  const uint64_t start = start_pad + dataoff;  // dataoff < size, start_pad < 2^32
  if (end_trunc >= size || start >= size - end_trunc)
    return Refusal(ENXIO, "info.empty", "the info block leaves no room for data");
  return Range{start, size - end_trunc - start};
}

bool IsInfoBlockSignature(absl::Span<const std::byte> bytes) {
  std::array<char, kPfnSignature.size()> found;
  if (bytes.size() != found.size()) return false;
  std::memcpy(found.data(), bytes.data(), found.size());
  return found == kPfnSignature || found == kDaxSignature;
}

absl::StatusOr<InfoBlockView> ReadInfoBlock(const Media& ns, bool dax, const Uuid& parent_uuid,
                                            const Range& spa, const InfoBlockWish& wish) {
  InfoBlock block;
  const absl::Status read =
      ns.Peek(kInfoBlockOffset, {reinterpret_cast<std::byte*>(&block), sizeof block});
  if (!read.ok()) return Refusal(ENXIO, "info.unreadable", read.message());
  RETURN_IF_ERROR(CheckIdentity(block, dax, parent_uuid));
  const InfoBlockView view = ViewOf(block);
  if (view.mode != InfoBlockMode::kRam && view.mode != InfoBlockMode::kPmem)
    return Refusal(ENXIO, "info.mode",
                   absl::StrCat("the info block's mode is ", uint32_t{block.mode}));
  if (view.mode == InfoBlockMode::kPmem) RETURN_IF_ERROR(CheckPages(block));
  if (dax && !IsSupported(view.align))
    return Unusable("info.align",
                    absl::StrCat("align ", view.align, " is not supported for devdax"));
  RETURN_IF_ERROR(CheckWish(view, wish));
  RETURN_IF_ERROR(CheckGeometry(view, spa));
  return view;
}

std::optional<uint64_t> FittingAddress(const Media& ns, uint64_t size, uint64_t least) {
  InfoBlock block;
  if (!ns.Peek(kInfoBlockOffset, {reinterpret_cast<std::byte*>(&block), sizeof block}).ok())
    return std::nullopt;
  const InfoBlockView view = ViewOf(block);
  const uint64_t unit = std::max(view.align, kMemremapAlign);
  // All are below 2^32 except dataoff, which is below the size, or no address fits.
  if (view.dataoff >= size || !IsPowerOfTwo(unit)) return std::nullopt;
  const uint64_t data = view.start_pad + view.dataoff;
  const uint64_t start = RoundUp(least + data, unit) - data;
  if (!CheckGeometry(view, {start, size}).ok()) return std::nullopt;
  return start;
}

absl::StatusOr<InfoBlock> MakeInfoBlock(bool dax, const Uuid& uuid, const Uuid& parent_uuid,
                                        const Range& spa, InfoBlockMode mode, uint64_t align) {
  if (spa.start % kMemremapAlign != 0)
    return Refusal(EINVAL, "info.start",
                   absl::StrCat("the namespace starts at ", FormatHex(spa.start),
                                ", not a multiple of 2 MiB"));
  if (mode == InfoBlockMode::kNone)
    return Refusal(ENXIO, "claim.mode.none", "no mode is set; write ram or pmem to `mode`");
  const uint64_t used_align = std::max(align, kMemremapAlign);
  const uint64_t all_pages = (spa.size - kInfoBlockReserve) / kInfoPageSize;
  const uint64_t page_structs = mode == InfoBlockMode::kPmem ? kPageStructSize * all_pages : 0;
  const uint64_t end_trunc = spa.end() % used_align;
  const uint64_t offset =
      RoundUp(spa.start + kInfoBlockReserve + page_structs, used_align) - spa.start;
  if (end_trunc >= spa.size || offset >= spa.size - end_trunc)
    return Refusal(ENXIO, "info.room",
                   absl::StrCat("a namespace of ", spa.size,
                                " bytes is too small for data with align ", align));
  InfoBlock block{};
  block.signature = dax ? kDaxSignature : kPfnSignature;
  block.uuid = uuid.bytes();
  block.parent_uuid = parent_uuid.bytes();
  block.version_major = 1;
  block.version_minor = 4;
  block.dataoff = offset;
  block.npfns = (spa.size - offset - end_trunc) / kInfoPageSize;
  block.mode = static_cast<uint32_t>(mode);
  block.end_trunc = static_cast<uint32_t>(end_trunc);
  block.align = static_cast<uint32_t>(align);
  block.page_size = static_cast<uint32_t>(kInfoPageSize);
  block.page_struct_size = static_cast<uint16_t>(kPageStructSize);
  block.checksum = ChecksumOf(block);
  return block;
}

absl::Status WriteInfoBlock(Media& ns, const InfoBlock& block) {
  RETURN_IF_ERROR(ns.WriteThrough(kInfoBlockOffset, BytesOf(block)));
  RETURN_IF_ERROR(ns.Drain());
  return ns.Flush();
}

}  // namespace nvdimmfs::core
