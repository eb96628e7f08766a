// SPDX-License-Identifier: Apache-2.0
// What core/media/media.h promises, asked of every Media that can be built here.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "backends/pmem2_media.h"
#include "btt/btt.h"
#include "btt/geometry.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "core/media/media.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "core/media/striped_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs {
namespace {

using backends::Durability;
using backends::Pmem2Media;
using core::ErrnoOf;
using core::Media;
using core::ReasonOf;

constexpr uint64_t kSize = 1 << 20;

std::shared_ptr<Media> MapFile(const std::string& folder, uint64_t offset, Durability durability,
                               uint64_t size = kSize) {
  std::string path = folder + "/media_conformance.XXXXXX";
  const int fd = mkstemp(path.data());
  if (fd < 0) return nullptr;
  unlink(path.c_str());
  std::shared_ptr<Media> media;
  if (ftruncate(fd, static_cast<off_t>(offset + size)) == 0) {
    auto mapped = Pmem2Media::Map(
        fd, {.offset = offset, .length = size, .name = path, .durability = durability});
    if (mapped.ok()) media = *mapped;
  }
  close(fd);
  return media;
}

std::string TemporaryFolder() {
  const char* folder = getenv("TEST_TMPDIR");
  return folder != nullptr ? folder : "/tmp";
}

struct Kind {
  std::string name;
  std::function<std::shared_ptr<Media>()> make;  // zeros; null where it cannot be had here
  uint64_t size = kSize;                         // 0: what it says
};

std::shared_ptr<Media> Window(std::shared_ptr<Media> parent) {
  auto slice = core::MediaSlice::Make(std::move(parent), {4096, kSize});
  return slice.ok() ? *slice : nullptr;
}

std::shared_ptr<Media> Stripe(size_t ways, uint64_t granularity) {
  std::vector<core::StripedMedia::Member> members;
  for (size_t i = 0; i < ways; ++i)
    members.push_back({std::make_shared<core::MemoryMedia>(kSize / ways), "member"});
  auto striped = core::StripedMedia::Make(std::move(members), granularity, kSize / ways);
  return striped.ok() ? *striped : nullptr;
}

// The sectors of a BTT, which know no poison of their own making.
std::shared_ptr<Media> Sectors(std::shared_ptr<Media> below, uint32_t block_size) {
  auto btt = btt::Btt::OpenOrFormat(
      std::move(below), {.uuid = core::Uuid::Random(), .external_lbasize = block_size}, false);
  return btt.ok() ? *btt : nullptr;
}

constexpr uint64_t kBttSize = btt::kMinArena + 8192;

const Kind kKinds[] = {
    {"Memory", [] { return std::make_shared<core::MemoryMedia>(kSize); }},
    {"SliceOfMemory", [] { return Window(std::make_shared<core::MemoryMedia>(kSize + 8192)); }},
    {"OneStripe", [] { return Stripe(1, 4096); }},
    {"TwoStripes", [] { return Stripe(2, 4096); }},
    {"FourFineStripes", [] { return Stripe(4, 256); }},
    {"File", [] { return MapFile(TemporaryFolder(), 0, Durability::kProcess); }},
    {"FileDurableOverPowerCuts", [] { return MapFile(TemporaryFolder(), 0, Durability::kPower); }},
    {"FileFromTheMiddleOfAPage",
     [] { return MapFile(TemporaryFolder(), 1536, Durability::kAuto); }},
    {"BttOf512", [] { return Sectors(std::make_shared<core::MemoryMedia>(kBttSize), 512); }, 0},
    {"BttOf4096", [] { return Sectors(std::make_shared<core::MemoryMedia>(kBttSize), 4096); }, 0},
    {"BttOf4160OnAFile",
     [] { return Sectors(MapFile(TemporaryFolder(), 0, Durability::kAuto, kBttSize), 4160); }, 0},
    {"FileOnTmpfs",
     []() -> std::shared_ptr<Media> {
       struct stat status;
       if (stat("/dev/shm", &status) != 0) return nullptr;
       return MapFile("/dev/shm", 0, Durability::kAuto);
     }},
};

class MediaConformanceTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    media_ = GetParam().make();
    if (media_ == nullptr) GTEST_SKIP() << GetParam().name << " cannot be made on this machine";
    size_ = media_->size();
  }
  std::vector<std::byte> Get(uint64_t offset, size_t length) {
    std::vector<std::byte> out(length, std::byte{0xEE});
    EXPECT_TRUE(media_->Read(offset, absl::MakeSpan(out)).ok());
    return out;
  }
  static std::vector<std::byte> Pattern(size_t length, int seed) {
    std::vector<std::byte> bytes(length);
    for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i * 7 + seed);
    return bytes;
  }

  std::shared_ptr<Media> media_;
  uint64_t size_ = 0;
};

TEST_P(MediaConformanceTest, HasItsSizeAndStartsAsZeros) {
  if (GetParam().size != 0) {
    EXPECT_EQ(size_, GetParam().size);
  }
  EXPECT_EQ(Get(0, size_), std::vector<std::byte>(size_));
  EXPECT_FALSE(media_->read_only());
}

TEST_P(MediaConformanceTest, AStoreIsVisibleAtOnce) {
  const auto data = Pattern(5000, 1);
  ASSERT_TRUE(media_->Write(123, data).ok());
  EXPECT_EQ(Get(123, data.size()), data);
  EXPECT_EQ(Get(122, 1)[0], std::byte{0});
  EXPECT_EQ(Get(5123, 1)[0], std::byte{0});
  const auto other = Pattern(4096, 2);
  ASSERT_TRUE(media_->WriteThrough(8191, other).ok());
  EXPECT_EQ(Get(8191, other.size()), other);
}

TEST_P(MediaConformanceTest, LastByteIsInAndTheNextIsOut) {
  const auto one = Pattern(1, 3);
  EXPECT_TRUE(media_->Write(size_ - 1, one).ok());
  EXPECT_EQ(Get(size_ - 1, 1), one);
  EXPECT_EQ(ReasonOf(media_->Write(size_, one)), "media.range");
}

TEST_P(MediaConformanceTest, AnEmptyAccessIsFineUpToTheEnd) {
  EXPECT_TRUE(media_->Read(size_, {}).ok());
  EXPECT_TRUE(media_->Write(size_, {}).ok());
  EXPECT_TRUE(media_->Push(size_, 0).ok());
  EXPECT_FALSE(media_->Read(size_ + 1, {}).ok());
}

TEST_P(MediaConformanceTest, AnAccessThatDoesNotFitIsEioAndTouchesNothing) {
  const auto data = Pattern(16, 4);
  for (uint64_t offset : {size_ - 15, size_, size_ + 1, UINT64_MAX - 15, UINT64_MAX}) {
    SCOPED_TRACE(offset);
    std::vector<std::byte> out(16);
    for (const absl::Status& status :
         {media_->Read(offset, absl::MakeSpan(out)), media_->Write(offset, data),
          media_->WriteThrough(offset, data), media_->Push(offset, 16),
          media_->Punch(offset, 16)}) {
      EXPECT_EQ(ErrnoOf(status), EIO) << status;
      EXPECT_EQ(ReasonOf(status), "media.range") << status;
    }
  }
  EXPECT_EQ(ReasonOf(media_->Store32(size_, 1)), "media.range");
  EXPECT_EQ(ReasonOf(media_->Store64(UINT64_MAX - 7, 1)), "media.range");
  EXPECT_EQ(Get(size_ - 16, 16), std::vector<std::byte>(16));
}

TEST_P(MediaConformanceTest, WordsLieLittleEndian) {
  ASSERT_TRUE(media_->Store32(4, 0x01020304).ok());
  ASSERT_TRUE(media_->Store64(8, 0x1122334455667788).ok());
  const auto bytes = Get(0, 16);
  EXPECT_EQ(bytes[4], std::byte{4});
  EXPECT_EQ(core::LoadLe<uint32_t>(bytes.data() + 4), 0x01020304u);
  EXPECT_EQ(core::LoadLe<uint64_t>(bytes.data() + 8), 0x1122334455667788u);
  EXPECT_EQ(bytes[0], std::byte{0});
}

TEST_P(MediaConformanceTest, UnalignedWordsAreRefused) {
  EXPECT_EQ(ErrnoOf(media_->Store32(2, ~0u)), EIO);
  EXPECT_EQ(ErrnoOf(media_->Store64(4, ~0ull)), EIO);
  EXPECT_EQ(Get(0, 16), std::vector<std::byte>(16));
}

TEST_P(MediaConformanceTest, AWordIsNeverSeenTorn) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 0; !stop; ++i) {
      const uint64_t value = i % 2 == 0 ? 0 : ~uint64_t{0};
      ASSERT_TRUE(media_->Store64(64, value).ok());
    }
  });
  const std::byte* mapping = media_->mapping();
  for (int i = 0; i < 20000 && mapping != nullptr; ++i) {
    const uint64_t value =
        __atomic_load_n(reinterpret_cast<const uint64_t*>(mapping + 64), __ATOMIC_ACQUIRE);
    ASSERT_TRUE(value == 0 || value == ~uint64_t{0});
  }
  stop = true;
  writer.join();
}

TEST_P(MediaConformanceTest, DurabilityVerbsSucceed) {
  ASSERT_TRUE(media_->Write(0, Pattern(4096, 5)).ok());
  EXPECT_TRUE(media_->Push(0, 4096).ok());
  EXPECT_TRUE(media_->Drain().ok());
  EXPECT_TRUE(media_->Persist(1, 1).ok());
  EXPECT_TRUE(media_->Flush().ok());
  EXPECT_EQ(Get(0, 4096), Pattern(4096, 5));
}

TEST_P(MediaConformanceTest, APunchedRangeReadsAsZerosOrPunchIsUnsupported) {
  const auto data = Pattern(20000, 6);
  ASSERT_TRUE(media_->Write(0, data).ok());
  const absl::Status status = media_->Punch(1000, 10000);
  if (!status.ok()) {
    EXPECT_EQ(ErrnoOf(status), EOPNOTSUPP) << status;
    EXPECT_EQ(Get(0, data.size()), data);
    return;
  }
  auto expected = data;
  std::fill_n(expected.begin() + 1000, 10000, std::byte{0});
  EXPECT_EQ(Get(0, data.size()), expected);
  EXPECT_EQ(media_->size(), size_);
}

TEST_P(MediaConformanceTest, TheMappingShowsTheSameBytes) {
  if (media_->mapping() == nullptr) GTEST_SKIP() << "not mapped";
  const auto data = Pattern(777, 7);
  ASSERT_TRUE(media_->Write(size_ - 777, data).ok());
  EXPECT_EQ(std::memcmp(media_->mapping() + size_ - 777, data.data(), data.size()), 0);
}

TEST_P(MediaConformanceTest, HealthyMediaKnowsNoPoison) {
  EXPECT_FALSE(media_->IsPoisoned(0, size_));
  EXPECT_TRUE(media_->ClearPoison(0, 4096).ok());
  EXPECT_EQ(ErrnoOf(media_->ClearPoison(1, 512)), ENXIO);
  EXPECT_EQ(ErrnoOf(media_->ClearPoison(0, 513)), ENXIO);
  EXPECT_EQ(ErrnoOf(media_->ClearPoison(size_, 512)), EIO);
}

TEST_P(MediaConformanceTest, PoisonIsInjectedShownAndHealedByWholeWrites) {
  ASSERT_EQ(media_->BadRanges(), std::vector<core::Range>{});
  const absl::Status injected = media_->InjectPoison({8192, 4096});
  if (ErrnoOf(injected) == EOPNOTSUPP) GTEST_SKIP() << injected.message();
  ASSERT_TRUE(injected.ok()) << injected;
  EXPECT_EQ(media_->BadRanges(), (std::vector<core::Range>{{8192, 4096}}));
  EXPECT_TRUE(media_->IsPoisoned(12287, 1));
  EXPECT_FALSE(media_->IsPoisoned(12288, 1));
  std::vector<std::byte> out(4096);
  EXPECT_EQ(ReasonOf(media_->Read(10000, absl::MakeSpan(out))), "media.poison");
  EXPECT_TRUE(media_->Read(4096, absl::MakeSpan(out)).ok());
  EXPECT_EQ(ReasonOf(media_->Write(8200, Pattern(100, 8))), "media.poison");
  ASSERT_TRUE(media_->WriteThrough(8192, Pattern(2048, 9)).ok());
  EXPECT_EQ(media_->BadRanges(), (std::vector<core::Range>{{10240, 2048}}));
  ASSERT_TRUE(media_->ClearPoison(8192, 4096).ok());
  EXPECT_EQ(media_->BadRanges(), std::vector<core::Range>{});
  EXPECT_EQ(Get(8192, 2048), Pattern(2048, 9));
  EXPECT_EQ(ReasonOf(media_->InjectPoison({size_, 1})), "media.range");
}

INSTANTIATE_TEST_SUITE_P(EveryMedia, MediaConformanceTest, ::testing::ValuesIn(kKinds),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace nvdimmfs
