// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/request_bytes.h"

#include <linux/fuse.h>

#include <cstring>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

// An open file with the properties that a test chooses.
class File final : public OpenFile {
 public:
  explicit File(NodeKind kind) : OpenFile(NodeView{.kind = kind}) {}
  Caching caching() const override { return caches; }
  bool is_quick() const override { return quick; }
  bool is_shown() const override { return shown; }
  absl::Status Read(uint64_t, size_t, const Scratch&, Deliver) override { return absl::OkStatus(); }
  absl::StatusOr<size_t> Write(uint64_t, absl::Span<const std::byte>) override { return 0; }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Allocate(int, uint64_t, uint64_t, absl::FunctionRef<bool()>) override {
    return absl::OkStatus();
  }
  unsigned Poll(std::unique_ptr<PollWaker>) override { return 0; }

  Caching caches = Caching::kPages;
  bool quick = false, shown = false;
};

using Bytes = std::vector<std::byte>;

template <typename In>
Bytes Request(uint32_t opcode, const In& in) {
  const fuse_in_header header = {
      .len = sizeof header + sizeof in, .opcode = opcode, .unique = 1, .nodeid = 77, .pid = 4711};
  Bytes bytes(header.len);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &in, sizeof in);
  return bytes;
}

Bytes ReadOf(const File& file) {
  fuse_read_in in = {};
  in.fh = HandleOf(&file);
  return Request(FUSE_READ, in);
}

Bytes WriteOf(const File& file) {
  fuse_write_in in = {};
  in.fh = HandleOf(&file);
  return Request(FUSE_WRITE, in);
}

TEST(RequestBytesTest, NamesNeverWait) {
  for (const uint32_t opcode : {FUSE_LOOKUP, FUSE_GETATTR, FUSE_OPEN, FUSE_READDIR, FUSE_STATFS})
    EXPECT_FALSE(MayWait(Request(opcode, uint64_t{0}), true)) << opcode;
}

TEST(RequestBytesTest, FlushesAndUnknownRequestsMayWait) {
  for (const uint32_t opcode : {uint32_t{FUSE_FSYNC}, uint32_t{FUSE_FALLOCATE}, 9999u})
    EXPECT_TRUE(MayWait(Request(opcode, uint64_t{0}), false)) << opcode;
}

TEST(RequestBytesTest, DataIsQuickUnlessItsFileWaits) {
  File file(NodeKind::kData);
  EXPECT_TRUE(MayWait(ReadOf(file), false));
  EXPECT_TRUE(MayWait(WriteOf(file), false));
  file.quick = true;
  EXPECT_FALSE(MayWait(ReadOf(file), true));
  EXPECT_FALSE(MayWait(WriteOf(file), true));
}

TEST(RequestBytesTest, AnAttributeWaitsWhileSomethingIsChanged) {
  File file(NodeKind::kAttribute);
  file.shown = true;
  EXPECT_FALSE(MayWait(ReadOf(file), false));
  EXPECT_TRUE(MayWait(ReadOf(file), true));
  EXPECT_TRUE(MayWait(WriteOf(file), false));
}

TEST(RequestBytesTest, ReleasingADataFileMayWait) {
  const File data(NodeKind::kData), attribute(NodeKind::kAttribute);
  fuse_release_in in = {};
  in.fh = HandleOf(&data);
  EXPECT_TRUE(MayWait(Request(FUSE_RELEASE, in), false));
  in.fh = HandleOf(&attribute);
  EXPECT_FALSE(MayWait(Request(FUSE_RELEASE, in), false));
}

TEST(RequestBytesTest, ShortRequestsAreHarmless) {
  File file(NodeKind::kData);
  file.quick = true;
  for (const Bytes& whole : {ReadOf(file), WriteOf(file)})
    for (size_t size = 0; size < whole.size(); ++size) {
      // A separate copy, so that the sanitizers notice accesses past its end.
      const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_TRUE(MayWait(cut, false)) << size;
      RequesterOf(cut);
      IsInit(cut);
      OfferOf(cut);
    }
  EXPECT_EQ(RequesterOf({}), 0u);
}

TEST(RequestBytesTest, TheRequesterIsTheThreadThatWaits) {
  EXPECT_EQ(RequesterOf(Request(FUSE_LOOKUP, uint64_t{0})), 4711u);
  for (const uint32_t opcode : {FUSE_FORGET, FUSE_INTERRUPT, FUSE_RELEASE})
    EXPECT_EQ(RequesterOf(Request(opcode, fuse_release_in{})), 0u) << opcode;
}

TEST(RequestBytesTest, TheRequesterOfACachedWriteIsTheFile) {
  File file(NodeKind::kData);
  EXPECT_EQ(RequesterOf(WriteOf(file)), 1u << 31 | 77u);
  file.caches = OpenFile::Caching::kNone;
  EXPECT_EQ(RequesterOf(WriteOf(file)), 4711u);
}

TEST(RequestBytesTest, InitOffersItsYoungerFlagsWhereItSaysSo) {
  fuse_init_in in = {};
  in.major = 7;
  in.minor = 46;
  in.flags2 = 1u << 9;
  EXPECT_TRUE(IsInit(Request(FUSE_INIT, in)));
  EXPECT_FALSE(IsInit(Request(FUSE_LOOKUP, in)));
  EXPECT_EQ(OfferOf(Request(FUSE_INIT, in)).flags2, 0u);
  in.flags = FUSE_INIT_EXT;
  const InitOffer offer = OfferOf(Request(FUSE_INIT, in));
  EXPECT_EQ(offer.major, 7u);
  EXPECT_EQ(offer.minor, 46u);
  EXPECT_EQ(offer.flags2, 1u << 9);
}

}  // namespace
}  // namespace nvdimmfs::fs
