// SPDX-License-Identifier: Apache-2.0
#include "backends/devicetree_structure.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using Bytes = absl::Span<const std::byte>;

// Offsets of the header's big-endian words.
constexpr size_t kMagicAt = 0, kTotalSizeAt = 4, kStructAt = 8, kStringsAt = 12, kReservedAt = 16,
                 kVersionAt = 20, kLastCompatibleAt = 24, kStringsSizeAt = 32, kStructSizeAt = 36;
constexpr size_t kHeaderSize = 40;
constexpr uint32_t kMagic = 0xd00dfeed, kVersion = 17;

enum Token : uint32_t { kBeginNode = 1, kEndNode = 2, kProperty = 3, kNop = 4, kEnd = 9 };

uint32_t WordAt(Bytes bytes, size_t at) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4; ++i) word = word << 8 | static_cast<uint32_t>(bytes[at + i]);
  return word;
}

absl::Status Malformed(size_t offset, absl::string_view why) {
  return core::Refusal(
      EINVAL, "dtb.structure",
      absl::StrCat("device tree, offset ", offset, ": ", why,
                   "; a device tree comes from dtc -O dtb, or is /sys/firmware/fdt"));
}

// A part of the blob.
struct Block {
  size_t start = 0;
  Bytes bytes;
};

absl::StatusOr<Block> BlockOf(Bytes blob, size_t offset_at, uint64_t size, uint64_t align,
                              absl::string_view name) {
  const uint64_t start = WordAt(blob, offset_at);
  if (start < kHeaderSize || start > blob.size() || size > blob.size() - start)
    return Malformed(offset_at, absl::StrFormat("the %s block (%u bytes at %u) is not inside the "
                                                "%u bytes of the tree",
                                                name, size, start, blob.size()));
  if (start % align != 0)
    return Malformed(offset_at, absl::StrFormat("the %s block starts at %u, not a multiple of %u",
                                                name, start, align));
  return Block{static_cast<size_t>(start), blob.subspan(start, size)};
}

// The length of the name that starts at `at`; nothing if it is not terminated within kMaxTreeName
// bytes.
std::optional<size_t> NameLength(Bytes bytes, size_t at) {
  const Bytes room = bytes.subspan(at, std::min(kMaxTreeName + 1, bytes.size() - at));
  const auto end = std::find(room.begin(), room.end(), std::byte{0});
  if (end == room.end()) return std::nullopt;
  return static_cast<size_t>(end - room.begin());
}

// The walk through the structure block.
class Walk {
 public:
  Walk(const Block& structure, const Block& strings) : structure_(structure), strings_(strings) {}

  absl::Status Run() {
    while (!ended_) {
      if (left() < 4) return Bad("the structure block ends without its end token");
      const uint32_t token = WordAt(structure_.bytes, at_);
      RETURN_IF_ERROR(Take(token));
    }
    return absl::OkStatus();
  }

 private:
  size_t left() const { return structure_.bytes.size() - at_; }
  absl::Status Bad(absl::string_view why) const { return Malformed(structure_.start + at_, why); }

  // Skips a token and the `bytes` after it, at most left().
  void Pass(size_t bytes) { at_ = std::min(structure_.bytes.size(), (at_ + bytes + 3) / 4 * 4); }

  absl::Status Take(uint32_t token) {
    if (depth_ == 0 && seen_root_ && token != kEnd && token != kNop)
      return Bad("data follows the root node");
    if (depth_ == 0 && !seen_root_ && token != kBeginNode && token != kNop)
      return Bad("the structure does not start with a node");
    switch (token) {
      case kBeginNode:
        return BeginNode();
      case kProperty:
        return Property();
      case kEndNode:
        --depth_;
        Pass(4);
        return absl::OkStatus();
      case kNop:
        Pass(4);
        return absl::OkStatus();
      case kEnd:
        if (depth_ != 0) return Bad("the structure ends inside a node");
        ended_ = true;
        return absl::OkStatus();
      default:
        return Bad(absl::StrFormat("0x%x is not a token", token));
    }
  }

  absl::Status BeginNode() {
    const auto length = NameLength(structure_.bytes, at_ + 4);
    if (!length)
      return Bad(absl::StrCat("a node's name does not end within ", kMaxTreeName, " bytes"));
    if (*length == 0 && depth_ != 0) return Bad("a node below the root has no name");
    for (const std::byte byte : structure_.bytes.subspan(at_ + 4, *length))
      if (byte <= std::byte{' '} || byte >= std::byte{0x7f} || byte == std::byte{'/'})
        return Bad(
            absl::StrFormat("a node's name has the byte 0x%02x", static_cast<unsigned>(byte)));
    if (depth_ == kMaxTreeDepth)
      return Bad(absl::StrCat("more than ", kMaxTreeDepth, " nested nodes"));
    ++depth_;
    seen_root_ = true;
    Pass(4 + *length + 1);
    return absl::OkStatus();
  }

  absl::Status Property() {
    constexpr size_t kPropertyHeader = 12;  // token, length, offset of the name
    if (left() < kPropertyHeader) return Bad("a property's header does not fit");
    const uint32_t length = WordAt(structure_.bytes, at_ + 4);
    const uint32_t name = WordAt(structure_.bytes, at_ + 8);
    if (length > left() - kPropertyHeader)
      return Bad(absl::StrCat("a property of ", length, " bytes, with ", left() - kPropertyHeader,
                              " left in the structure block"));
    if (name >= strings_.bytes.size())
      return Bad(
          absl::StrCat("a property's name is at offset ", name, ", outside the strings block"));
    if (!NameLength(strings_.bytes, name))
      return Bad(absl::StrCat("a property's name (offset ", name,
                              " of the strings block) does not end within ", kMaxTreeName,
                              " bytes"));
    Pass(kPropertyHeader + length);
    return absl::OkStatus();
  }

  const Block structure_;
  const Block strings_;
  size_t at_ = 0;  // in the structure block; a multiple of 4, or its end
  size_t depth_ = 0;
  bool seen_root_ = false;
  bool ended_ = false;
};

// Pairs of address and size, up to a pair of zeros.
absl::Status CheckReserved(Bytes blob) {
  ASSIGN_OR_RETURN(const Block block, BlockOf(blob, kReservedAt, 0, 8, "memory reservation"));
  constexpr size_t kEntry = 16;
  for (size_t at = block.start; blob.size() - at >= kEntry; at += kEntry) {
    const Bytes entry = blob.subspan(at, kEntry);
    if (std::all_of(entry.begin(), entry.end(), [](std::byte b) { return b == std::byte{0}; }))
      return absl::OkStatus();
  }
  return Malformed(block.start, "the memory reservation block is not terminated");
}

}  // namespace

absl::Status CheckDeviceTree(absl::Span<const std::byte> blob) {
  if (blob.size() < kHeaderSize)
    return Malformed(0, absl::StrCat(blob.size(), " bytes; the header alone has ", kHeaderSize));
  if (WordAt(blob, kMagicAt) != kMagic)
    return Malformed(kMagicAt, absl::StrFormat("does not start with 0x%08x", kMagic));
  const uint32_t total = WordAt(blob, kTotalSizeAt);
  if (total < kHeaderSize || total > blob.size())
    return Malformed(kTotalSizeAt,
                     absl::StrCat("states ", total, " bytes, but there are ", blob.size()));
  const uint32_t version = WordAt(blob, kVersionAt);
  const uint32_t last_compatible = WordAt(blob, kLastCompatibleAt);
  if (version < kVersion || last_compatible > kVersion)
    return Malformed(kVersionAt,
                     absl::StrCat("version ", version, ", readable as ", last_compatible,
                                  "; only version ", kVersion, " is read"));
  const Bytes tree = blob.first(total);
  RETURN_IF_ERROR(CheckReserved(tree));
  ASSIGN_OR_RETURN(const Block structure,
                   BlockOf(tree, kStructAt, WordAt(tree, kStructSizeAt), 4, "structure"));
  ASSIGN_OR_RETURN(const Block strings,
                   BlockOf(tree, kStringsAt, WordAt(tree, kStringsSizeAt), 1, "strings"));
  return Walk(structure, strings).Run();
}

}  // namespace nvdimmfs::backends
