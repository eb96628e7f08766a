// SPDX-License-Identifier: Apache-2.0
#include "core/media/striped_media.h"

#include <algorithm>
#include <cerrno>
#include <random>
#include <string>

#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMember = 64 << 10;

struct Set {
  Set(size_t ways, uint64_t granularity) : granularity(granularity) {
    std::vector<StripedMedia::Member> parts;
    for (size_t i = 0; i < ways; ++i) {
      members.push_back(std::make_shared<MemoryMedia>(kMember));
      parts.push_back({members.back(), "dimm" + std::to_string(i)});
    }
    media = StripedMedia::Make(parts, granularity, kMember).value();
  }

  // Where byte `at` of the set lies, by the definition alone.
  std::byte& Cell(uint64_t at) {
    const size_t ways = members.size();
    return members[at / granularity % ways]
        ->bytes()[at / (granularity * ways) * granularity + at % granularity];
  }

  const uint64_t granularity;
  std::vector<std::shared_ptr<MemoryMedia>> members;
  std::shared_ptr<Media> media;
};

std::vector<std::byte> Random(size_t length, std::mt19937& random) {
  std::vector<std::byte> bytes(length);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(StripedMedia, EveryByteLiesWhereTheStripesSay) {
  std::mt19937 random(7);
  for (const size_t ways : {1, 2, 3, 4, 8})
    for (const uint64_t granularity : {256, 4096}) {
      Set set(ways, granularity);
      ASSERT_EQ(set.media->size(), ways * kMember);
      for (int round = 0; round < 50; ++round) {
        const uint64_t offset = random() % set.media->size();
        const size_t length = random() % std::min<uint64_t>(40000, set.media->size() - offset);
        const auto data = Random(length, random);
        ASSERT_TRUE((round % 2 == 0 ? set.media->Write(offset, data)
                                    : set.media->WriteThrough(offset, data))
                        .ok());
        for (size_t i = 0; i < length; ++i) ASSERT_EQ(set.Cell(offset + i), data[i]);
        std::vector<std::byte> read(length);
        ASSERT_TRUE(set.media->Read(offset, absl::MakeSpan(read)).ok());
        ASSERT_EQ(read, data);
      }
    }
}

TEST(StripedMedia, WordsLandOnOneMember) {
  Set set(3, 256);
  ASSERT_TRUE(set.media->Store64(256 * 4 + 8, 0x0102030405060708).ok());
  EXPECT_EQ(set.Cell(256 * 4 + 8), std::byte{8});
  EXPECT_EQ(set.members[1]->bytes()[256 + 8], std::byte{8});
  ASSERT_TRUE(set.media->StoreThrough32(512, 0x11).ok());
  EXPECT_EQ(set.members[2]->bytes()[0], std::byte{0x11});
  EXPECT_EQ(ReasonOf(set.media->Store64(252, 1)), "media.alignment");
}

TEST(StripedMedia, IsMappedOnlyWhereItIsOnePiece) {
  EXPECT_NE(Set(1, 4096).media->mapping(), nullptr);
  EXPECT_EQ(Set(2, 4096).media->mapping(), nullptr);
}

TEST(StripedMedia, PunchGivesZerosOnAllMembers) {
  Set set(4, 256);
  std::mt19937 random(8);
  const auto data = Random(set.media->size(), random);
  ASSERT_TRUE(set.media->Write(0, data).ok());
  ASSERT_TRUE(set.media->Punch(1000, 5000).ok());
  for (uint64_t i = 0; i < data.size(); ++i)
    ASSERT_EQ(set.Cell(i), i >= 1000 && i < 6000 ? std::byte{0} : data[i]);
}

TEST(StripedMedia, APageToGiveBackLiesOnOneMember) {
  EXPECT_EQ(HoleUnitOf(*Set(1, 256).media), 4096u);
  EXPECT_EQ(HoleUnitOf(*Set(3, 4096).media), 4096u);
  EXPECT_EQ(HoleUnitOf(*Set(2, 16384).media), 4096u);
  EXPECT_EQ(HoleUnitOf(*Set(2, 2048).media), 0u);
  Set set(2, 4096);
  const auto half =
      StripedMedia::Make({{set.members[0], "a.img"}, {nullptr, "b.img"}}, 4096, kMember).value();
  EXPECT_EQ(HoleUnitOf(*half), 0u);
}

TEST(StripedMedia, AMissingMemberRefusesWhatTouchesItAndNothingElse) {
  Set set(2, 4096);
  const auto half =
      StripedMedia::Make({{set.members[0], "a.img"}, {nullptr, "b.img"}}, 4096, kMember).value();
  std::vector<std::byte> bytes(4096, std::byte{5});
  EXPECT_TRUE(half->Write(0, bytes).ok());
  EXPECT_TRUE(half->Write(8192, bytes).ok());
  for (const absl::Status& status :
       {half->Write(8192 + 1, std::vector<std::byte>(4096, std::byte{6})),
        half->Read(4096, absl::MakeSpan(bytes)), half->Store64(4096, 1), half->Push(0, 8192),
        half->Punch(0, 8192), half->InjectPoison({4096, 1}), half->ClearPoison(0, 8192)}) {
    EXPECT_EQ(ErrnoOf(status), EIO);
    EXPECT_EQ(ReasonOf(status), "media.missing");
    EXPECT_NE(status.message().find("b.img"), absl::string_view::npos) << status;
  }
  EXPECT_EQ(set.members[0]->bytes()[4096 + 1], std::byte{5});  // the refused store stored nothing
  EXPECT_TRUE(half->Drain().ok());
  EXPECT_TRUE(half->Flush().ok());
  EXPECT_FALSE(half->IsPoisoned(0, half->size()));
}

TEST(StripedMedia, RefusesWhatIsNoSet) {
  const auto one = std::make_shared<MemoryMedia>(kMember);
  for (const auto& made :
       {StripedMedia::Make({}, 4096, kMember),
        StripedMedia::Make(std::vector<StripedMedia::Member>(33), 4096, kMember),
        StripedMedia::Make({{one, "a"}}, 128, kMember),
        StripedMedia::Make({{one, "a"}}, 768, kMember),
        StripedMedia::Make({{one, "a"}}, 4096, kMember - 4096),
        StripedMedia::Make({{one, "a"}}, 4096, kMember + 256),
        StripedMedia::Make({{nullptr, "a"}, {nullptr, "b"}}, 4096, uint64_t{1} << 63)})
    EXPECT_EQ(ReasonOf(made.status()), "media.stripes");
}

// --- Poison. ---

using Ranges = std::vector<Range>;

TEST(StripedPoison, ShowsWhereItIsInTheSet) {
  Set set(2, 4096);
  ASSERT_TRUE(set.members[1]->InjectPoison({512, 512}).ok());
  EXPECT_EQ(set.media->BadRanges(), (Ranges{{4096 + 512, 512}}));
  // The end of a piece on the first and the start of the one on the second are neighbours.
  ASSERT_TRUE(set.members[0]->InjectPoison({4096 - 512, 512}).ok());
  ASSERT_TRUE(set.members[1]->InjectPoison({0, 512}).ok());
  EXPECT_EQ(set.media->BadRanges(), (Ranges{{4096 - 512, 512 + 1024}}));
  EXPECT_TRUE(set.media->IsPoisoned(5000, 1));
  EXPECT_FALSE(set.media->IsPoisoned(5120, 1));
}

TEST(StripedPoison, IsInjectedAndHealedThroughTheSet) {
  for (const uint64_t granularity : {256, 4096}) {
    Set set(4, granularity);
    const uint64_t stripe = granularity * 4;
    ASSERT_TRUE(set.media->InjectPoison({stripe, 2 * stripe}).ok());
    EXPECT_EQ(set.media->BadRanges(),
              (Ranges{{stripe / 2048 * 2048, 2 * stripe + (granularity == 256 ? 2048u : 0)}}));
    for (const auto& member : set.members) EXPECT_EQ(member->BadRanges().size(), 1u);
    std::vector<std::byte> data(6 * stripe, std::byte{3});
    EXPECT_EQ(ReasonOf(set.media->Read(stripe, absl::MakeSpan(data))), "media.poison");
    std::fill(data.begin(), data.end(), std::byte{3});
    ASSERT_TRUE(set.media->Write(0, data).ok());
    EXPECT_EQ(set.media->BadRanges(), Ranges{});
    for (uint64_t i = 0; i < data.size(); ++i) ASSERT_EQ(set.Cell(i), std::byte{3});
  }
}

class Counter final : public PoisonObserver {
 public:
  void PoisonChanged(PoisonChange change) override {
    ++(change == PoisonChange::kWentBad ? bad : healed);
  }
  int bad = 0;
  int healed = 0;
};

TEST(StripedPoison, ObserversHearOfEveryMemberForAsLongAsTheyLive) {
  Set set(2, 4096);
  auto observer = std::make_shared<Counter>();
  set.media->ObservePoison(observer);
  ASSERT_TRUE(set.members[0]->InjectPoison({0, 1}).ok());
  ASSERT_TRUE(set.members[1]->InjectPoison({0, 1}).ok());
  EXPECT_EQ(observer->bad, 2);
  ASSERT_TRUE(set.media->ClearPoison(8192, 4096).ok());  // nothing bad there
  EXPECT_EQ(observer->healed, 0);
  ASSERT_TRUE(set.media->ClearPoison(0, 4096).ok());
  EXPECT_EQ(observer->healed, 1);
  observer.reset();
  ASSERT_TRUE(set.media->ClearPoison(0, 8192).ok());
}

// Refuses to become durable.
class StuckMedia final : public Media {
 public:
  explicit StuckMedia(std::string why) : why_(std::move(why)) {}
  uint64_t size() const override { return kMember; }
  absl::Status Read(uint64_t, absl::Span<std::byte>) const override { return Fail(); }
  absl::Status Write(uint64_t, absl::Span<const std::byte>) override { return Fail(); }
  absl::Status WriteThrough(uint64_t, absl::Span<const std::byte>) override { return Fail(); }
  absl::Status Store32(uint64_t, uint32_t) override { return Fail(); }
  absl::Status Store64(uint64_t, uint64_t) override { return Fail(); }
  absl::Status Push(uint64_t, uint64_t) override { return Fail(); }
  absl::Status Drain() override { return Fail(); }
  absl::Status Flush() override { return Fail(); }
  absl::Status Punch(uint64_t, uint64_t) override { return Fail(); }
  bool IsPoisoned(uint64_t, uint64_t) const override { return false; }
  absl::Status ClearPoison(uint64_t, uint64_t) override { return Fail(); }

  mutable int asked = 0;

 private:
  absl::Status Fail() const {
    ++asked;
    return Refusal(EIO, "media.flush", why_);
  }
  const std::string why_;
};

TEST(StripedMedia, FlushAsksEveryMemberAndTellsOfEachFailure) {
  const auto first = std::make_shared<StuckMedia>("disk full");
  const auto last = std::make_shared<StuckMedia>("disk gone");
  const auto media =
      StripedMedia::Make(
          {{first, "a.img"}, {std::make_shared<MemoryMedia>(kMember), "b.img"}, {last, "c.img"}},
          4096, kMember)
          .value();
  for (const absl::Status& status : {media->Drain(), media->Flush()}) {
    EXPECT_EQ(ErrnoOf(status), EIO);
    const std::string text(status.message());
    for (const char* word : {"a.img", "disk full", "c.img", "disk gone"})
      EXPECT_NE(text.find(word), std::string::npos) << text;
  }
  EXPECT_EQ(first->asked, 2);
  EXPECT_EQ(last->asked, 2);
}

}  // namespace
}  // namespace nvdimmfs::core
