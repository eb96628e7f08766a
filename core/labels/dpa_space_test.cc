// SPDX-License-Identifier: Apache-2.0
#include "core/labels/dpa_space.h"

#include <algorithm>
#include <cerrno>
#include <random>
#include <vector>

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kAlign = 16 * kMiB;
constexpr Range kWindow{0, 256 * kMiB};

Uuid Owner(uint8_t n) { return Uuid(Uuid::Bytes{n}); }

// A space with extents (owner, start, size) in MiB.
struct Piece {
  uint8_t owner;
  uint64_t start;
  uint64_t size;
};
DpaSpace SpaceOf(std::vector<Piece> pieces) {
  DpaSpace space;
  for (const Piece& piece : pieces)
    EXPECT_TRUE(
        space.Reserve({Range{piece.start * kMiB, piece.size * kMiB}, Owner(piece.owner)}).ok());
  return space;
}

std::vector<Range> RangesOf(const DpaSpace& space) {
  std::vector<Range> ranges;
  for (const DpaExtent& extent : space.extents()) ranges.push_back(extent.dpa);
  return ranges;
}

Range MiB(uint64_t start, uint64_t size) { return {start * kMiB, size * kMiB}; }

TEST(DpaSpaceTest, ExtentsStayAscending) {
  const DpaSpace space = SpaceOf({{1, 64, 32}, {2, 0, 64}, {1, 96, 16}});
  // One owner's neighbours are kept apart.
  EXPECT_EQ(RangesOf(space), (std::vector<Range>{MiB(0, 64), MiB(64, 32), MiB(96, 16)}));
  EXPECT_EQ(space.Allocated(Owner(1)), 48 * kMiB);
  EXPECT_EQ(space.ExtentsOf(Owner(1)).size(), 2u);
}

TEST(DpaSpaceTest, OverlapIsRefusedFromEitherSide) {
  DpaSpace space = SpaceOf({{1, 64, 32}});
  for (const Range& range : {MiB(64, 32), MiB(63, 2), MiB(95, 1), MiB(0, 256), MiB(70, 1)}) {
    const absl::Status status = space.Reserve({range, Owner(2)});
    EXPECT_EQ(ReasonOf(status), "dpa.overlap");
    EXPECT_EQ(ErrnoOf(status), EBUSY);
  }
  EXPECT_TRUE(space.Reserve({MiB(63, 1), Owner(2)}).ok());
  EXPECT_TRUE(space.Reserve({MiB(96, 1), Owner(2)}).ok());
}

TEST(DpaSpaceTest, HostileRangesAreRefused) {
  DpaSpace space;
  EXPECT_EQ(ReasonOf(space.Reserve({{0, 0}, Owner(1)})), "dpa.range");
  EXPECT_EQ(ReasonOf(space.Reserve({{UINT64_MAX, 2}, Owner(1)})), "dpa.range");
  EXPECT_TRUE(space.Reserve({{UINT64_MAX - 1, 1}, Owner(1)}).ok());
  EXPECT_EQ(space.Available(kWindow, kAlign), 256 * kMiB);
  EXPECT_EQ(space.LargestGap({0, UINT64_MAX}, kAlign), 0u);  // widened it runs out at the top
}

TEST(DpaSpaceTest, FirstFitAscending) {
  DpaSpace space = SpaceOf({{1, 0, 64}, {2, 96, 32}});
  ASSERT_TRUE(space.Grow(Owner(3), 64 * kMiB, kWindow, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(3))[0].dpa, MiB(128, 64));
  ASSERT_TRUE(space.Grow(Owner(4), 32 * kMiB, kWindow, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(4))[0].dpa, MiB(64, 32));
}

TEST(DpaSpaceTest, GrowsUpwardBehindItself) {
  DpaSpace space = SpaceOf({{1, 0, 64}});
  ASSERT_TRUE(space.Grow(Owner(1), 32 * kMiB, kWindow, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(1)), (std::vector<DpaExtent>{{MiB(0, 96), Owner(1)}}));
}

// On a kernel: 0x106000000 became 0x104000000.
TEST(DpaSpaceTest, GrowsDownwardIntoTheGapBefore) {
  DpaSpace space = SpaceOf({{1, 0, 64}, {2, 96, 32}});
  ASSERT_TRUE(space.Grow(Owner(2), 32 * kMiB, kWindow, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(2))[0].dpa, MiB(64, 64));
}

TEST(DpaSpaceTest, SecondExtentIsRefused) {
  DpaSpace space = SpaceOf({{1, 64, 64}, {2, 128, 64}});
  const DpaSpace before = space;
  const absl::Status status = space.Grow(Owner(2), 128 * kMiB, kWindow, kAlign);
  EXPECT_EQ(ReasonOf(status), "dpa.fragmented");
  EXPECT_EQ(ErrnoOf(status), ENOSPC);
  EXPECT_TRUE(space.extents() == before.extents());
  EXPECT_EQ(ReasonOf(space.Grow(Owner(2), 144 * kMiB, kWindow, kAlign)), "dpa.full");
  EXPECT_EQ(ReasonOf(space.Grow(Owner(3), 80 * kMiB, kWindow, kAlign)), "dpa.fragmented");
}

TEST(DpaSpaceTest, GapsAreTrimmedInward) {
  DpaSpace space = SpaceOf({{1, 1, 63}});
  EXPECT_TRUE(space.Grow(Owner(2), 16 * kMiB, {8 * kMiB, 100 * kMiB}, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(2))[0].dpa, MiB(64, 16));
  EXPECT_EQ(space.LargestGap({8 * kMiB, 100 * kMiB}, kAlign), 16 * kMiB);  // [80, 96) of [80, 108)
}

// As a 6.1 kernel, whose scan tells nothing of an empty mapping.
TEST(DpaSpaceTest, AnEmptyWindowIsFilledFromItsStartAlignedOrNot) {
  const Range window = MiB(17, 64);
  DpaSpace space;
  ASSERT_TRUE(space.Grow(Owner(1), 16 * kMiB, window, kAlign).ok());
  EXPECT_EQ(RangesOf(space)[0], MiB(17, 16));
  ASSERT_TRUE(space.Grow(Owner(2), 16 * kMiB, window, kAlign).ok());
  EXPECT_EQ(RangesOf(space)[1], MiB(48, 16));
  space.Release(Owner(1));
  ASSERT_TRUE(space.Grow(Owner(3), 16 * kMiB, window, kAlign).ok());
  EXPECT_EQ(RangesOf(space)[0], MiB(32, 16));
  // No gap is left; between the start and the first extent is room without alignment, for less.
  EXPECT_EQ(ErrnoOf(space.Grow(Owner(4), 32 * kMiB, window, kAlign)), ENOSPC);
  ASSERT_TRUE(space.Grow(Owner(5), 8 * kMiB, window, kAlign).ok());
  EXPECT_EQ(space.ExtentsOf(Owner(5))[0].dpa, MiB(64, 8));
  DpaSpace other = SpaceOf({{1, 49, 32}});
  ASSERT_TRUE(other.Grow(Owner(2), 32 * kMiB, window, kAlign).ok());
  EXPECT_EQ(RangesOf(other)[0], MiB(17, 32));
  EXPECT_EQ(ErrnoOf(DpaSpace().Grow(Owner(1), 65 * kMiB, window, kAlign)), ENOSPC);
}

TEST(DpaSpaceTest, ShrinkTakesTheHighestFirst) {
  DpaSpace space = SpaceOf({{1, 0, 32}, {2, 32, 32}, {1, 64, 32}});
  space.Shrink(Owner(1), 48 * kMiB);
  EXPECT_EQ(space.ExtentsOf(Owner(1)), (std::vector<DpaExtent>{{MiB(0, 16), Owner(1)}}));
  space.Shrink(Owner(1), 16 * kMiB);
  EXPECT_EQ(space.Allocated(Owner(1)), 0u);
  EXPECT_EQ(space.extents().size(), 1u);
}

TEST(DpaSpaceTest, RenameAndRelease) {
  DpaSpace space = SpaceOf({{1, 0, 32}, {2, 32, 32}});
  space.Rename(Owner(1), Owner(3));
  EXPECT_EQ(space.Allocated(Owner(1)), 0u);
  EXPECT_EQ(space.Allocated(Owner(3)), 32 * kMiB);
  space.Release(Owner(3));
  EXPECT_EQ(space.extents().size(), 1u);
}

// Values that a kernel showed for a 256 MiB dimm.
TEST(DpaSpaceTest, AvailableIsTheKernels) {
  const DpaSpace four = SpaceOf({{1, 0, 64}, {2, 64, 32}, {3, 96, 64}, {4, 160, 64}});
  EXPECT_EQ(four.Available(kWindow, kAlign), 33554432u);
  EXPECT_EQ(four.LargestGap(kWindow, kAlign), 33554432u);
  const DpaSpace hole = SpaceOf({{1, 0, 64}, {2, 96, 32}});
  EXPECT_EQ(hole.Available(kWindow, kAlign), 167772160u);
  EXPECT_EQ(hole.LargestGap(kWindow, kAlign), 134217728u);
  const DpaSpace k11 = SpaceOf({{1, 0, 64}, {2, 128, 32}});
  EXPECT_EQ(k11.Available(kWindow, kAlign), 167772160u);
  EXPECT_EQ(k11.LargestGap(kWindow, kAlign), 100663296u);
}

TEST(DpaSpaceTest, AlignWidensWhatIsBusy) {
  DpaSpace space;
  ASSERT_TRUE(space.Reserve({Range{0, 4096}, Owner(1)}).ok());
  const Range window{0, 64 * kMiB};
  EXPECT_EQ(space.Available(window, 4096), 67104768u);
  EXPECT_EQ(space.LargestGap(window, 4096), 67104768u);
  EXPECT_EQ(space.Available(window, kAlign), 50331648u);
  EXPECT_EQ(space.LargestGap(window, kAlign), 50331648u);
}

// Values that a kernel showed after align had been raised over what is allocated.
TEST(DpaSpaceTest, ExtentsThatShareAnAlignUnit) {
  const DpaSpace low = SpaceOf({{1, 0, 16}, {2, 16, 48}});
  EXPECT_EQ(low.Available(kWindow, 32 * kMiB), 160 * kMiB);
  EXPECT_EQ(low.LargestGap(kWindow, 32 * kMiB), 0u);
  EXPECT_EQ(low.LargestGap(kWindow, kAlign), 192 * kMiB);
  const DpaSpace lower = SpaceOf({{1, 0, 16}, {2, 16, 16}});
  EXPECT_EQ(lower.Available(kWindow, 32 * kMiB), 192 * kMiB);
  EXPECT_EQ(lower.LargestGap(kWindow, 32 * kMiB), 192 * kMiB);
  const DpaSpace high = SpaceOf({{1, 0, 32}, {2, 32, 16}, {3, 48, 16}});
  EXPECT_EQ(high.Available(kWindow, 32 * kMiB), 160 * kMiB);
  EXPECT_EQ(high.LargestGap(kWindow, 32 * kMiB), 160 * kMiB);
  EXPECT_EQ(high.LargestGap(kWindow, kAlign), 192 * kMiB);
}

// As a 6.1 kernel: a gap at the start of the DIMM that ends below align is not a gap, and not an
// obstacle.
TEST(DpaSpaceTest, AFirstExtentBelowAlignLeavesTheRestFree) {
  for (const uint64_t gap : {uint64_t{512}, uint64_t{4096}, 4 * kMiB, 8 * kMiB, 15 * kMiB}) {
    DpaSpace space;
    ASSERT_TRUE(space.Reserve({{gap, 64 * kMiB}, Owner(1)}).ok());
    EXPECT_EQ(space.Available(kWindow, kAlign), 176 * kMiB) << gap;
    EXPECT_EQ(space.LargestGap(kWindow, kAlign), 176 * kMiB) << gap;
    ASSERT_TRUE(space.Grow(Owner(2), 16 * kMiB, kWindow, kAlign).ok());
    EXPECT_EQ(space.ExtentsOf(Owner(2))[0].dpa, MiB(80, 16)) << gap;
  }
}

// Between two extents below align the kernel's arithmetic wraps: the gap seems to begin at align.
TEST(DpaSpaceTest, AGapBetweenExtentsBelowAlignIsTakenForEndless) {
  const auto low = [](uint64_t behind) {
    DpaSpace space;
    EXPECT_TRUE(space.Reserve({{0, 4096}, Owner(1)}).ok());
    EXPECT_TRUE(space.Reserve({{8192, 4096}, Owner(2)}).ok());
    if (behind != 0) {
      EXPECT_TRUE(space.Reserve({MiB(behind, 16), Owner(3)}).ok());
    }
    return space;
  };
  DpaSpace open = low(0);
  EXPECT_EQ(open.LargestGap(kWindow, kAlign), 224 * kMiB);
  ASSERT_TRUE(open.Grow(Owner(4), kAlign, kWindow, kAlign).ok());
  EXPECT_EQ(open.ExtentsOf(Owner(4))[0].dpa, MiB(16, 16));
  // What is available does not lie in one piece from align on.
  for (const uint64_t behind : {16, 64, 224}) {
    EXPECT_EQ(low(behind).Available(kWindow, kAlign), 208 * kMiB);
    EXPECT_EQ(low(behind).LargestGap(kWindow, kAlign), behind == 224 ? 208 * kMiB : 0u);
  }
}

// The kernel asks for no byte in between.
TEST(DpaSpaceTest, ExtentsBelowAlignThatTouchAreTakenForEndlessToo) {
  DpaSpace space = SpaceOf({{1, 3, 1}, {2, 4, 1}});
  EXPECT_EQ(space.LargestGap(kWindow, kAlign), 224 * kMiB);
  ASSERT_TRUE(space.Reserve({MiB(17, 20), Owner(3)}).ok());
  EXPECT_EQ(space.Available(kWindow, kAlign), 192 * kMiB);
  EXPECT_EQ(space.LargestGap(kWindow, kAlign), 0u);
  EXPECT_NE(space.LargestGap(kWindow, kMiB), 0u);
}

TEST(DpaSpaceTest, ExtentsAtTheEdgesOfTheWindow) {
  const Range window = MiB(64, 64);
  EXPECT_EQ(SpaceOf({{1, 0, 64}}).Available(window, kAlign), 64 * kMiB);
  EXPECT_EQ(SpaceOf({{1, 128, 64}}).Available(window, kAlign), 64 * kMiB);
  // Reaches in from below: all of it counts, as in the kernel.
  EXPECT_EQ(SpaceOf({{1, 48, 32}}).Available(window, kAlign), 32 * kMiB);
  EXPECT_EQ(SpaceOf({{1, 112, 32}}).Available(window, kAlign), 0u);  // runs out at the top
  EXPECT_EQ(SpaceOf({{1, 0, 256}}).Available(window, kAlign), 0u);   // covers it
  EXPECT_EQ(SpaceOf({{1, 64, 64}}).Available(window, kAlign), 0u);
}

TEST(DpaSpaceTest, EmptyWindowHasNothing) {
  DpaSpace space;
  EXPECT_EQ(space.Available({0, 0}, kAlign), 0u);
  EXPECT_EQ(space.LargestGap({4096, 0}, kAlign), 0u);
  EXPECT_EQ(ReasonOf(space.Grow(Owner(1), kAlign, {0, 0}, kAlign)), "dpa.full");
}

// Whatever happens, extents are ascending, disjoint and inside the window, and what was asked for
// is what is allocated.
TEST(DpaSpaceTest, RandomWorkload) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    DpaSpace space;
    std::vector<uint64_t> wanted(6);
    for (int step = 0; step < 200; ++step) {
      const auto who = static_cast<uint8_t>(random() % wanted.size());
      const uint64_t n = (1 + random() % 5) * kAlign;
      if (random() % 3 != 0) {
        const uint64_t largest = space.LargestGap(kWindow, kAlign);
        const bool grown = space.Grow(Owner(who), n, kWindow, kAlign).ok();
        if (grown) wanted[who] += n;
        if (wanted[who] == 0) {
          EXPECT_EQ(grown, n <= largest);
        }
      } else {
        space.Shrink(Owner(who), n);
        wanted[who] -= std::min(wanted[who], n);
      }
      uint64_t end = 0;
      uint64_t sum = 0;
      for (const DpaExtent& extent : space.extents()) {
        ASSERT_GE(extent.dpa.start, end);
        ASSERT_FALSE(extent.dpa.empty());
        end = extent.dpa.end();
        sum += extent.dpa.size;
      }
      ASSERT_LE(end, kWindow.end());
      ASSERT_EQ(space.Available(kWindow, kAlign), kWindow.size - sum);
      for (uint8_t owner = 0; owner < wanted.size(); ++owner) {
        ASSERT_EQ(space.Allocated(Owner(owner)), wanted[owner]);
        ASSERT_LE(space.ExtentsOf(Owner(owner)).size(), 1u);
      }
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::core
