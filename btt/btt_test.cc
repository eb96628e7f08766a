#include "btt/btt.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "btt/info_block.h"
#include "btt/map_entry.h"
#include "core/endian.h"
#include "core/memory_media.h"
#include "core/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
const core::Uuid kUuid = *core::Uuid::Parse("3f9a6699-6bdc-424e-bc9f-c86d979c47e6");
const core::Uuid kParent = *core::Uuid::Parse("968ed3f7-0000-4000-8000-000000000001");

FormatOptions Options(uint32_t lbasize, Version version) {
  return {.uuid = kUuid, .parent_uuid = kParent, .external_lbasize = lbasize, .version = version};
}

std::vector<std::byte> Pattern(size_t size, uint32_t seed) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>((seed * 2654435761u + i * 40503u) >> 8);
  return bytes;
}

// A namespace in memory and what is on it.
class BttTest : public ::testing::Test {
 protected:
  void Make(uint64_t size) { ns_ = std::make_shared<core::MemoryMedia>(size); }

  std::shared_ptr<Btt> Bind(const FormatOptions& options) {
    auto btt = Btt::OpenOrFormat(ns_, options, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    return btt.ok() ? *btt : nullptr;
  }
  absl::Status OpenFailure(Version version, const core::Uuid& parent = kParent) {
    return Btt::Open(ns_, version, parent, false).status();
  }
  InfoBlock Info(uint64_t at) { return *LoadInfo(*ns_, at); }
  void Store(uint64_t at, const InfoBlock& info) {
    ASSERT_TRUE(ns_->Write(at, BytesOf(info)).ok());
  }
  uint32_t MapWord(const Btt& btt, uint32_t premap) {
    return core::LoadLe<uint32_t>(ns_->bytes().data() + btt.arenas()[0]->geometry().MapAt(premap));
  }
  std::vector<std::byte> ReadAll(const Btt& btt, uint64_t offset, size_t size) {
    std::vector<std::byte> out(size, std::byte{0xa5});
    const absl::Status status = btt.Read(offset, absl::MakeSpan(out));
    EXPECT_TRUE(status.ok()) << status;
    return out;
  }

  std::shared_ptr<core::MemoryMedia> ns_;
};

TEST_F(BttTest, EverySizeAndVersionKeepsWhatWasWrittenAcrossAnOpening) {
  for (Version version : {Version::kV1_1, Version::kV2_0}) {
    for (uint32_t lbasize : kExternalSizes) {
      SCOPED_TRACE(lbasize);
      Make(17 * kMiB);
      const auto data = Pattern(100000, lbasize);
      {
        auto btt = Bind(Options(lbasize, version));
        ASSERT_NE(btt, nullptr);
        EXPECT_EQ(btt->size() % btt->sector_size(), 0u);
        ASSERT_TRUE(btt->Write(12345, data).ok());
        ASSERT_TRUE(btt->Write(12345, data).ok());
        EXPECT_EQ(ReadAll(*btt, 12345, data.size()), data);
        EXPECT_EQ(ReadAll(*btt, 0, 12345), std::vector<std::byte>(12345));
      }
      auto again = Btt::Open(ns_, version, kParent, false);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ((*again)->external_lbasize(), lbasize);
      EXPECT_EQ((*again)->uuid(), kUuid);
      EXPECT_EQ(ReadAll(**again, 12345, data.size()), data);
    }
  }
}

TEST_F(BttTest, VersionDecidesWhereTheFirstArenaStarts) {
  Make(17 * kMiB);
  std::memset(ns_->bytes().data(), 0x5a, 4096);
  Bind(Options(4096, Version::kV1_1));
  EXPECT_EQ(ns_->bytes()[0], std::byte{0x5a});
  EXPECT_EQ(ns_->bytes()[4095], std::byte{0x5a});
  EXPECT_TRUE(Probe(*ns_, Version::kV1_1, kParent).ok());
  EXPECT_EQ(core::ErrnoOf(Probe(*ns_, Version::kV2_0, kParent).status()), ENODEV);
}

TEST_F(BttTest, FirstWriteOfALaneLooksAsTheKernelsDoes) {
  Make(64 * kMiB);
  auto btt = Bind(Options(520, Version::kV2_0));
  ASSERT_EQ(btt->arenas()[0]->geometry().external_nlba, 115399u);
  const auto data = Pattern(512, 1);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(btt->Write(5 * 512, data).ok());
  // One thread uses one lane; whichever it was, five writes leave {5, 5, E + lane, 3} as the
  // newest.
  EXPECT_EQ(MapWord(*btt, 5) & kMapFlags, kMapFlags);
  const uint32_t lane = (MapWord(*btt, 5) & kMapBlockMask) - 115399;
  ASSERT_LT(lane, 256u);
  const std::byte* group = ns_->bytes().data() + btt->arenas()[0]->geometry().FlogAt(lane);
  auto word = [&](int i) { return core::LoadLe<uint32_t>(group + 4 * i); };
  EXPECT_EQ(word(0), 5u);
  EXPECT_EQ(word(1), 115399 + lane);
  EXPECT_EQ(word(2), 5u);
  EXPECT_EQ(word(3), 2u);
  EXPECT_EQ(word(4), 5u);
  EXPECT_EQ(word(5), 5u);
  EXPECT_EQ(word(6), 115399 + lane);
  EXPECT_EQ(word(7), 3u);
  for (int i = 8; i < 16; ++i) EXPECT_EQ(word(i), 0u);
}

}  // namespace
}  // namespace nvdimmfs::btt
