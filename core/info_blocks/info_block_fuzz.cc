// SPDX-License-Identifier: Apache-2.0
// Hostile info blocks: whatever the bytes say, reading them ends, and a block that is accepted
// gives data that is aligned and lies within its namespace.
//
// The input: the namespace's first address and size in MiB, two bytes each; flags; then bytes that
// overwrite a sound block from its start.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/status.h"
#include "core/info_blocks/info_block.h"
#include "core/media/memory_media.h"
#include "core/testing/fuzz_input.h"
#include "core/testing/reseal.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMiB = 1 << 20;

void DemandSound(const InfoBlockView& view, const Range& spa) {
  Demand(view.align != 0 && view.dataoff < spa.size, "the fields of an accepted block");
  const auto data = view.Data(spa.size);
  if (!data.ok()) return;
  Demand(!data->empty() && Fits(data->start, data->size, spa.size), "data within the namespace");
  Demand((spa.start + data->start) % std::min<uint64_t>(view.align, kInfoPageSize) == 0,
         "data that is aligned");
}

void Run(FuzzInput input) {
  const Range spa{(uint64_t{4} << 30) + input.Take<uint16_t>() * kMiB,
                  (1 + input.Take<uint16_t>() % 4096) * kMiB};
  const uint8_t flags = input.Byte();
  const bool dax = (flags & 1) != 0;
  const Uuid uuid(Uuid::Bytes{1}), parent(Uuid::Bytes{2});
  InfoBlock block = {};
  if (const auto made = MakeInfoBlock(dax, uuid, parent, spa,
                                      (flags & 2) != 0 ? InfoBlockMode::kRam : InfoBlockMode::kPmem,
                                      kSupportedAligns[(flags >> 2) % std::size(kSupportedAligns)]);
      made.ok())
    block = *made;
  auto* const bytes = reinterpret_cast<std::byte*>(&block);
  const absl::string_view piece = input.Piece(sizeof block);
  if (!piece.empty()) std::memcpy(bytes, piece.data(), piece.size());
  if ((flags & 0x20) == 0) ResealInfoBlock({bytes, sizeof block});
  MemoryMedia media(std::max<uint64_t>(spa.size, kInfoBlockReserve));
  Demand(WriteInfoBlock(media, block).ok(), "a block is written");
  for (const bool configured : {false, true})
    for (const bool as_dax : {false, true}) {
      const InfoBlockWish wish{.configured = configured,
                               .uuid = uuid,
                               .mode = InfoBlockMode::kPmem,
                               .align = kMemremapAlign};
      const auto view = ReadInfoBlock(media, as_dax, parent, spa, wish);
      if (view.ok())
        DemandSound(*view, spa);
      else
        Demand(!ReasonOf(view.status()).empty(), "a refusal has a reason");
    }
  if (const auto address = FittingAddress(media, spa.size, spa.start))
    Demand(*address >= spa.start && MakeRange(*address, spa.size).has_value(),
           "an address that fits");
}

}  // namespace
}  // namespace nvdimmfs::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::core::Run({data, size});
  return 0;
}
