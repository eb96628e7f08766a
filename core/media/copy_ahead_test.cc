// SPDX-License-Identifier: Apache-2.0
#include "core/media/copy_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace nvdimmfs::core {
namespace {

constexpr size_t kLong = 2 * kFetchAhead;  // beyond it CopyLong looks ahead

std::vector<std::byte> Counted(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

// Copies every length, with a byte on either side that must stay as it is.
TEST(CopyAheadTest, CopiesEveryLength) {
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{512}, size_t{1024}, size_t{1025}, kLong - 1, kLong, kLong + 1,
        kLong + 4096, kLong + 4097, size_t{1} << 20, (size_t{1} << 20) + 77}) {
    const std::vector<std::byte> from = Counted(length + 1);  // so that none has no address
    std::vector<std::byte> to(length + 2, std::byte{0xee});
    const auto copy = [](void* out, const void* in, size_t size) {
      std::memcpy(out, in, size);
      return true;
    };
    ASSERT_TRUE(CopyLong(copy, to.data() + 1, from.data(), length));
    EXPECT_TRUE(std::equal(from.begin(), from.end() - 1, to.begin() + 1)) << length;
    EXPECT_EQ(to.front(), std::byte{0xee});
    EXPECT_EQ(to.back(), std::byte{0xee});
  }
}

// What is fetched need not be there: it is not read.
TEST(CopyAheadTest, FetchesWhatIsNotMapped) {
  const std::vector<std::byte> from = Counted(4096);
  std::vector<std::byte> to(4096);
  const auto copy = [](void* out, const void* in, size_t size) {
    std::memcpy(out, in, size);
    return true;
  };
  const auto* nowhere = reinterpret_cast<const std::byte*>(uintptr_t{4096});
  EXPECT_TRUE(CopyAndFetch(copy, to.data(), from.data(), to.size(), nowhere));
  EXPECT_EQ(to, from);
}

// A piece that cannot be copied fails the whole, and nothing after it is tried.
TEST(CopyAheadTest, EndsAtTheFirstFailure) {
  const size_t length = kLong + 3 * 4096;
  const std::vector<std::byte> from = Counted(length);
  std::vector<std::byte> to(length);
  int pieces = 0;
  const auto count = [&](void*, const void*, size_t) { return ++pieces > 0; };
  ASSERT_TRUE(CopyLong(count, to.data(), from.data(), length));
  for (int failing = 1, all = std::exchange(pieces, 0); failing <= all; ++failing, pieces = 0) {
    const auto fail = [&](void*, const void*, size_t) { return ++pieces != failing; };
    EXPECT_FALSE(CopyLong(fail, to.data(), from.data(), length));
    EXPECT_EQ(pieces, failing);
  }
}

}  // namespace
}  // namespace nvdimmfs::core
