// SPDX-License-Identifier: Apache-2.0
#include "backends/content.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/endian.h"
#include "core/base/range.h"

namespace nvdimmfs::backends {
namespace {

// A position in a store; fields are read at offsets from it. Fields that are unreadable or past the
// end are 0.
class Reader {
 public:
  Reader(const core::Media& store, uint64_t base) : store_(store), base_(base) {}

  bool Has(uint64_t offset, absl::string_view magic) const {
    std::array<char, 32> found{};
    return magic.size() <= found.size() && Get(offset, found.data(), magic.size()) &&
           absl::string_view(found.data(), magic.size()) == magic;
  }
  uint64_t Little(uint64_t offset, size_t size) const {
    uint64_t value = 0;
    std::array<uint8_t, 8> bytes{};
    if (!Get(offset, bytes.data(), size)) return 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | bytes[i];
    return value;
  }
  uint64_t Big(uint64_t offset, size_t size) const {
    uint64_t value = 0;
    std::array<uint8_t, 8> bytes{};
    if (!Get(offset, bytes.data(), size)) return 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
    return value;
  }
  Reader At(uint64_t offset) const {
    return {store_, core::CheckedAdd(base_, offset).value_or(store_.size())};
  }

 private:
  bool Get(uint64_t offset, void* to, size_t size) const {
    const auto at = core::CheckedAdd(base_, offset);
    if (!at || !core::Fits(*at, size, store_.size())) return false;
    return store_.Peek(*at, absl::MakeSpan(static_cast<std::byte*>(to), size)).ok();
  }

  const core::Media& store_;
  const uint64_t base_;
};

// a * b, saturating.
uint64_t Times(uint64_t a, uint64_t b) {
  return core::CheckedMul(a, b).value_or(Content::kToTheEnd);
}
uint64_t Plus(uint64_t a, uint64_t b) {
  return core::CheckedAdd(a, b).value_or(Content::kToTheEnd);
}
// 2^bits; 0 if no block is that large.
uint64_t Shifted(uint64_t bits) { return bits <= 30 ? uint64_t{1} << bits : 0; }

// Each returns its end, in bytes from its own start; 0 if it is not there.

uint64_t Ext(const Reader& at) {
  if (!at.Has(0x438, "\x53\xef")) return 0;
  uint64_t blocks = at.Little(0x404, 4);
  if ((at.Little(0x460, 4) & 0x80) != 0) blocks |= at.Little(0x550, 4) << 32;
  return Times(blocks, 1024 * Shifted(at.Little(0x418, 4)));
}

uint64_t Xfs(const Reader& at) { return at.Has(0, "XFSB") ? Times(at.Big(8, 8), at.Big(4, 4)) : 0; }

// The size of this device; the first field has the sum over all devices of the file system.
uint64_t Btrfs(const Reader& at) { return at.Has(0x10040, "_BHRfS_M") ? at.Little(0x100d1, 8) : 0; }

uint64_t Squashfs(const Reader& at) { return at.Has(0, "hsqs") ? at.Little(40, 8) : 0; }

uint64_t Erofs(const Reader& at) {
  if (!at.Has(1024, "\xe2\xe1\xf5\xe0")) return 0;
  return Times(at.Little(1024 + 36, 4), Shifted(at.Little(1024 + 12, 1)));
}

uint64_t F2fs(const Reader& at) {
  if (!at.Has(1024, "\x10\x20\xf5\xf2")) return 0;
  return Times(at.Little(1024 + 36, 8), Shifted(at.Little(1024 + 16, 4)));
}

uint64_t Cramfs(const Reader& at) { return at.Has(0, "\x45\x3d\xcd\x28") ? at.Little(4, 4) : 0; }

uint64_t Nilfs(const Reader& at) {
  return at.Has(1024 + 6, "\x34\x34") ? at.Little(1024 + 0x20, 8) : 0;
}

uint64_t Jfs(const Reader& at) {
  return at.Has(0x8000, "JFS1") ? Times(at.Little(0x8008, 8), at.Little(0x8018, 4)) : 0;
}

uint64_t Reiserfs(const Reader& at) {
  if (!at.Has(0x10034, "ReIsEr")) return 0;
  return Times(at.Little(0x10000, 4), at.Little(0x1002c, 2));
}

uint64_t Iso9660(const Reader& at) {
  return at.Has(0x8001, "CD001") ? Times(at.Little(0x8050, 4), at.Little(0x8080, 2)) : 0;
}

uint64_t Fat(const Reader& at) {
  if (!at.Has(510, "\x55\xaa") || (!at.Has(54, "FAT") && !at.Has(82, "FAT32"))) return 0;
  const uint64_t few = at.Little(19, 2);
  return Times(few != 0 ? few : at.Little(32, 4), at.Little(11, 2));
}

uint64_t Exfat(const Reader& at) {
  return at.Has(3, "EXFAT   ") ? Times(at.Little(72, 8), Shifted(at.Little(108, 1))) : 0;
}

// The last sector, which is not counted, is a copy of the first.
uint64_t Ntfs(const Reader& at) {
  if (!at.Has(3, "NTFS    ")) return 0;
  return Times(Plus(at.Little(40, 8), 1), at.Little(11, 2));
}

uint64_t Swap(const Reader& at) {
  if (!at.Has(4086, "SWAPSPACE2")) return 0;
  return Times(Plus(at.Little(1028, 4), 1), 4096);
}

uint64_t Gpt(const Reader& at) {
  for (const uint64_t sector : {512, 4096})
    if (at.Has(sector, "EFI PART")) return Times(Plus(at.Little(sector + 32, 8), 1), sector);
  return 0;
}

// The entry of a GPT's protective table has no meaning.
uint64_t Mbr(const Reader& at) {
  constexpr uint64_t kFirst = 446, kEntry = 16, kProtective = 0xee;
  if (!at.Has(510, "\x55\xaa")) return 0;
  uint64_t end = 0;
  for (uint64_t entry = kFirst; entry < kFirst + 4 * kEntry; entry += kEntry) {
    if ((at.Little(entry, 1) & 0x7f) != 0) return 0;  // code of a boot sector
    const uint64_t type = at.Little(entry + 4, 1);
    if (type != 0 && type != kProtective)
      end = std::max(end, Times(Plus(at.Little(entry + 8, 4), at.Little(entry + 12, 4)), 512));
  }
  return end;
}

uint64_t PhysicalVolume(const Reader& at) {
  for (uint64_t sector = 0; sector < 4 * 512; sector += 512)
    if (at.Has(sector, "LABELONE") && at.Has(sector + 24, "LVM2 001"))
      return at.Little(sector + at.Little(sector + 20, 4) + 32, 8);
  return 0;
}

uint64_t Luks(const Reader& at) { return at.Has(0, "LUKS\xba\xbe") ? Content::kToTheEnd : 0; }

uint64_t Bcachefs(const Reader& at) {
  constexpr absl::string_view kMagic = "\xc6\x85\x73\xf6\x66\xce\x90\xa9";
  return at.Has(4096 + 24, kMagic) ? Content::kToTheEnd : 0;
}

uint64_t RaidMember(const Reader& at) {
  constexpr absl::string_view kMagic = "\xfc\x4e\x2b\xa9";
  return at.Has(0, kMagic) || at.Has(4096, kMagic) ? Content::kToTheEnd : 0;
}

struct Format {
  absl::string_view what;
  uint64_t (*end)(const Reader&);
};
constexpr Format kFormats[] = {
    {"an ext2, ext3 or ext4 file system", Ext},
    {"an XFS", Xfs},
    {"a btrfs", Btrfs},
    {"a squashfs", Squashfs},
    {"an EROFS", Erofs},
    {"an F2FS", F2fs},
    {"a cramfs", Cramfs},
    {"a NILFS2", Nilfs},
    {"a JFS", Jfs},
    {"a ReiserFS", Reiserfs},
    {"an ISO 9660 file system", Iso9660},
    {"a FAT file system", Fat},
    {"an exFAT file system", Exfat},
    {"an NTFS", Ntfs},
    {"swap space", Swap},
    {"a GUID partition table", Gpt},
    {"an MBR partition table", Mbr},
    {"an LVM physical volume", PhysicalVolume},
    {"a LUKS volume", Luks},
    {"a bcachefs", Bcachefs},
    {"a RAID member", RaidMember},
};

void Consider(const Reader& at, uint64_t base, std::optional<Content>& furthest) {
  for (const Format& format : kFormats) {
    const uint64_t end = format.end(at);
    if (end != 0 && (!furthest || Plus(base, end) > furthest->end))
      furthest = Content{std::string(format.what), Plus(base, end)};
  }
}

}  // namespace

std::optional<Content> FindContent(const core::Media& store) {
  const Reader start(store, 0);
  std::optional<Content> furthest;
  Consider(start, 0, furthest);
  // An info block states where its data is.
  constexpr uint64_t kInfoBlock = 4096, kDataOffset = 56, kPages = 64;
  if (start.Has(kInfoBlock, "NVDIMM_PFN_INFO") || start.Has(kInfoBlock, "NVDIMM_DAX_INFO")) {
    const uint64_t data = start.Little(kInfoBlock + kDataOffset, 8);
    const uint64_t end = Plus(data, Times(start.Little(kInfoBlock + kPages, 8), 4096));
    if (!furthest || end > furthest->end) furthest = Content{"an fsdax or devdax namespace", end};
    Consider(start.At(data), data, furthest);
  }
  return furthest;
}

}  // namespace nvdimmfs::backends
