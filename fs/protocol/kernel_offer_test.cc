// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/kernel_offer.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::vector<std::byte> Init(uint32_t flags, uint32_t flags2) {
  fuse_in_header header = {};
  header.opcode = FUSE_INIT;
  fuse_init_in init = {};
  init.major = 7;
  init.minor = 45;
  init.flags = flags;
  init.flags2 = flags2;
  std::vector<std::byte> request(sizeof header + sizeof init);
  std::memcpy(request.data(), &header, sizeof header);
  std::memcpy(request.data() + sizeof header, &init, sizeof init);
  return request;
}

std::string Mounts() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(KernelOffer, ReadsBothWordsOfFlags) {
  const auto offer = OfferIn(Init(FUSE_ASYNC_DIO | FUSE_INIT_EXT, 1u << 5 | 1u << 9));
  ASSERT_TRUE(offer);
  EXPECT_EQ(OfferText(*offer),
            "7.45 offers async_dio, passthrough, over_io_uring; "
            "does not offer parallel_dirops, cache_symlinks, direct_io_allow_mmap");
}

TEST(KernelOffer, IgnoresTheSecondWordUnlessAnnounced) {
  const auto offer = OfferIn(Init(0, ~0u));
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->features, 0u);
  EXPECT_THAT(OfferText(*offer), MatchesRegex("7.45 does not offer async_dio, .*"));
}

TEST(KernelOffer, TakesTheShortRequestOfOlderKernels) {
  std::vector<std::byte> request = Init(FUSE_CACHE_SYMLINKS, 0);
  request.resize(sizeof(fuse_in_header) + 16);
  const auto offer = OfferIn(request);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->features, uint64_t{FUSE_CACHE_SYMLINKS});
}

TEST(KernelOffer, RefusesOtherRequestsAndPartsOfOne) {
  std::vector<std::byte> request = Init(0, 0);
  for (size_t size = 0; size < sizeof(fuse_in_header) + 16; ++size)
    EXPECT_FALSE(OfferIn(absl::MakeConstSpan(request).first(size))) << size;
  const uint32_t opcode = FUSE_LOOKUP;
  std::memcpy(request.data() + offsetof(fuse_in_header, opcode), &opcode, sizeof opcode);
  EXPECT_FALSE(OfferIn(request));
}

TEST(KernelOffer, AsksTheKernelAndLeavesNoMount) {
  const std::string before = Mounts();
  const auto offer = AskKernel();
  EXPECT_EQ(Mounts(), before);
  if (offer.ok()) {
    EXPECT_EQ(offer->major, 7u);
    EXPECT_NE(offer->features & FUSE_ASYNC_DIO, 0u);  // since Linux 3.10
  } else {
    EXPECT_THAT(std::string(offer.status().message()), HasSubstr(": "));
    GTEST_SKIP() << offer.status();
  }
}

}  // namespace
}  // namespace nvdimmfs::fs
