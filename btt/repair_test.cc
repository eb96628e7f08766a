// SPDX-License-Identifier: Apache-2.0
// BTTs with a known history, damaged at random and repaired: whatever sector read what was written
// to it before the repair does so afterwards, also when power fails in the middle of the repair;
// and what was damaged takes no write before.
//
// But for one kind of sector, those that read right by chance: the damaged map has the sector as
// never written, so that it reads the block of its own number, and the flog has it as written. If
// that block holds the right data, nothing on the media says so. A sector that was discarded before
// its entry was erased is even the same, bit for bit, as one whose first write was interrupted,
// which every opening finishes.
//
// Seeded. NVDIMMFS_SEED and NVDIMMFS_ROUNDS choose others, and more; `bazel run` with
// --test_env=NVDIMMFS_ROUNDS=2000 takes some minutes. A seed means the same damage whatever the
// compiler: no expression draws two numbers in an order that the language leaves open.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "btt/btt.h"
#include "btt/btt_format.h"
#include "btt/check.h"
#include "btt/info_block.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/testing/faulty_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

using ::nvdimmfs::testing::FaultyMedia;
using MediaPtr = std::shared_ptr<FaultyMedia>;
using Random = std::mt19937_64;

constexpr uint64_t kSize = kMinArena + 4096;

uint64_t Number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

uint64_t Pick(Random& random, uint64_t below) { return random() % below; }

// What a sector may read: the tag of a write, 0 for zeros; several where a write was interrupted.
using Tags = std::set<uint64_t>;
constexpr uint64_t kUnreadable = ~uint64_t{0};

// An arena written to as kernels do it: each write through some lane, by the protocol.
class History {
 public:
  History(uint32_t lbasize, Random& random) : random_(random) {
    media_ = std::make_shared<FaultyMedia>(kSize);
    auto btt = Btt::OpenOrFormat(
        media_, {.uuid = core::Uuid::Random(), .external_lbasize = lbasize}, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    arena_ = (*btt)->arenas()[0]->geometry();
    truth_.assign(arena_.external_nlba, {0});
    map_.assign(arena_.external_nlba, 0);
    for (uint32_t lane = 0; lane < arena_.nfree; ++lane)
      lanes_.push_back({arena_.external_nlba + lane, 2, 1});
  }

  const MediaPtr& media() const { return media_; }
  const ArenaGeometry& arena() const { return arena_; }
  const std::vector<Tags>& truth() const { return truth_; }
  const std::vector<uint32_t>& map() const { return map_; }

  void Live() {
    const uint32_t lanes = std::array<uint32_t, 4>{1, 2, 16, 256}[Pick(random_, 4)];
    // A part of the sectors in order, as a file system is filled; then some again.
    const uint32_t used =
        std::array<uint32_t, 4>{40, arena_.external_nlba / 3, arena_.external_nlba * 9 / 10,
                                arena_.external_nlba}[Pick(random_, 4)];
    const bool in_order = Pick(random_, 2) == 0;
    const auto some = [&](uint32_t below) { return static_cast<uint32_t>(Pick(random_, below)); };
    for (uint32_t i = 0; i < used; ++i) {
      const uint32_t lba = in_order ? i : some(used);
      Write(lba, some(lanes));
    }
    for (uint32_t i = 0; i < used / 2; ++i) {
      const uint32_t lba = some(used);
      Write(lba, some(lanes));
    }
    for (uint64_t i = Pick(random_, 4); i > 0; --i)
      Discard(static_cast<uint32_t>(Pick(random_, used)));
    for (uint64_t i = Pick(random_, 3); i > 0; --i)
      Interrupt(static_cast<uint32_t>(Pick(random_, used)), static_cast<uint32_t>(i));
  }

 private:
  struct Lane {
    uint32_t free;
    uint32_t seq;   // of the next entry
    uint32_t slot;  // for it
  };

  void Store(uint64_t at, absl::Span<const std::byte> bytes) {
    EXPECT_TRUE(media_->WriteThrough(at, bytes).ok());
    EXPECT_TRUE(media_->Drain().ok());
  }
  void Store32(uint64_t at, uint32_t value) {
    std::array<std::byte, 4> bytes;
    core::StoreLe(bytes.data(), value);
    Store(at, bytes);
  }

  // Data and flog, but not the map.
  uint32_t Log(uint32_t lba, uint32_t lane_index) {
    Lane& lane = lanes_[lane_index];
    const uint32_t old_block = MapEntry(map_[lba], lba).block();
    const uint32_t block = lane.free;
    std::array<std::byte, 16> data;
    core::StoreLe(data.data(), ++tag_);
    core::StoreLe(data.data() + 8, uint64_t{lba});
    Store(arena_.BlockAt(block), data);
    std::array<std::byte, 16> entry;
    core::StoreLe(entry.data(), lba);
    core::StoreLe(entry.data() + 4, old_block);
    core::StoreLe(entry.data() + 8, block);
    core::StoreLe(entry.data() + 12, lane.seq);
    Store(arena_.FlogAt(lane_index) + lane.slot * 16, entry);
    lane = {old_block, NextSeq(lane.seq), lane.slot ^ 1};
    return block;
  }
  void SetMap(uint32_t lba, uint32_t raw) {
    map_[lba] = raw;
    Store32(arena_.MapAt(lba), raw);
  }
  void Write(uint32_t lba, uint32_t lane) {
    if (interrupted_.contains(lba)) return;
    SetMap(lba, MapEntry::Normal(Log(lba, lane)));
    truth_[lba] = {tag_};
  }
  void Discard(uint32_t lba) {
    SetMap(lba, MapEntry::Zero(MapEntry(map_[lba], lba).block()));
    truth_[lba] = {0};
  }
  void Interrupt(uint32_t lba, uint32_t lane) {
    if (!interrupted_.insert(lba).second) return;
    Log(lba, lane);
    truth_[lba].insert(tag_);
  }

  Random& random_;
  MediaPtr media_;
  ArenaGeometry arena_;
  std::vector<Tags> truth_;    // by sector
  std::vector<uint32_t> map_;  // as on media
  std::vector<Lane> lanes_;
  std::set<uint32_t> interrupted_;
  uint64_t tag_ = 0;
};

std::vector<std::byte> Load(const FaultyMedia& media, uint64_t at, uint64_t length) {
  std::vector<std::byte> bytes(length);
  EXPECT_TRUE(media.Read(at, absl::MakeSpan(bytes)).ok());
  return bytes;
}

void Put(FaultyMedia& media, uint64_t at, absl::Span<const std::byte> bytes) {
  EXPECT_TRUE(media.WriteThrough(at, bytes).ok());
  EXPECT_TRUE(media.Drain().ok());
}

// Damage to the map, the flog or an info block, of one kind.
std::string DamageOnce(FaultyMedia& media, const ArenaGeometry& arena, Random& random) {
  const uint64_t map_size = uint64_t{arena.external_nlba} * 4;
  const auto entry_at = [&] {
    return arena.MapAt(static_cast<uint32_t>(Pick(random, arena.external_nlba)));
  };
  const auto slot_at = [&] {
    const uint64_t group = arena.FlogAt(static_cast<uint32_t>(Pick(random, 12)));
    return group + 16 * Pick(random, 2);
  };
  const auto flip = [&](uint64_t at, uint64_t length) {
    auto bytes = Load(media, at, length);
    bytes[Pick(random, length)] ^= static_cast<std::byte>(1 << Pick(random, 8));
    Put(media, at, bytes);
  };
  const auto garbage = [&](uint64_t length) {
    std::vector<std::byte> bytes(length);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    return bytes;
  };
  const auto swap = [&](uint64_t a, uint64_t b, uint64_t length) {
    const auto one = Load(media, a, length), other = Load(media, b, length);
    Put(media, a, other);
    Put(media, b, one);
  };
  switch (Pick(random, 13)) {
    case 0: {
      const uint64_t unit = std::array<uint64_t, 4>{4, 64, 512, 4096}[Pick(random, 4)];
      const uint64_t at = Pick(random, map_size) / unit * unit;
      const uint64_t length = std::min(map_size - at, unit * (1 + Pick(random, 3)));
      Put(media, arena.MapAt(0) + at, std::vector<std::byte>(length));
      return "map zeroed " + std::to_string(at / 4) + "+" + std::to_string(length / 4);
    }
    case 1:
      for (uint64_t i = 1 + Pick(random, 3); i > 0; --i) {
        const uint64_t to = entry_at();
        Put(media, to, Load(media, entry_at(), 4));
      }
      return "map entry duplicated";
    case 2:
      for (uint64_t i = 1 + Pick(random, 8); i > 0; --i) flip(entry_at(), 4);
      return "map bits flipped";
    case 3:
      for (uint64_t i = 1 + Pick(random, 4); i > 0; --i) {
        const uint64_t at = entry_at();
        Put(media, at, garbage(4));
      }
      return "map entries garbage";
    case 4:
      Put(media, arena.MapAt(0) + Pick(random, map_size - 64) / 4 * 4,
          std::vector<std::byte>(64, std::byte{0xff}));
      return "map entries out of range";
    case 5: {
      const uint64_t group = arena.FlogAt(static_cast<uint32_t>(Pick(random, 12)));
      swap(group, group + 16, 16);
      return "flog slots swapped in a group";
    }
    case 6: {
      const uint64_t slot = slot_at();
      swap(slot, slot_at(), 16);
      return "flog slots swapped";
    }
    case 7:
      Put(media, slot_at(), std::vector<std::byte>(16));
      return "flog slot zeroed";
    case 8:
      Put(media, arena.FlogAt(static_cast<uint32_t>(Pick(random, 12))), std::vector<std::byte>(64));
      return "flog group zeroed";
    case 9:
      for (uint64_t i = 1 + Pick(random, 4); i > 0; --i) flip(slot_at(), 16);
      return "flog bits flipped";
    case 10: {
      const uint64_t at = slot_at();
      Put(media, at, garbage(16));
      return "flog slot garbage";
    }
    case 11: {
      const bool first = Pick(random, 2) == 0;
      const auto other = LoadInfo(media, first ? arena.Info2At() : arena.start);
      if (!other.ok() || !CheckInfo(*other, core::Uuid()).ok()) return "nothing";
      Put(media, first ? arena.start : arena.Info2At(), garbage(64));
      return "info block garbage";
    }
    default: {
      const uint64_t length = std::min<uint64_t>(map_size, 512);
      const uint64_t at = arena.MapAt(0) + Pick(random, (map_size - length) / 4 + 1) * 4;
      Put(media, at, garbage(length));
      return "a piece of the map garbage";
    }
  }
}

// What a reader of the map as it is gets.
uint64_t ReadRaw(const FaultyMedia& media, const ArenaGeometry& arena, uint32_t lba, uint32_t raw) {
  const MapEntry entry(raw, lba);
  if (entry.zero()) return 0;
  if (entry.error() || entry.block() >= arena.internal_nlba) return kUnreadable;
  return core::LoadLe<uint64_t>(Load(media, arena.BlockAt(entry.block()), 8).data());
}

// The sectors that the damaged map has as never written though they were, as a flog slot tells.
std::set<uint32_t> RefutedByTheFlog(const FaultyMedia& media, const History& history) {
  const ArenaGeometry& arena = history.arena();
  const auto map = Load(media, arena.MapAt(0), uint64_t{arena.external_nlba} * 4);
  const auto flog = Load(media, arena.FlogAt(0), uint64_t{arena.nfree} * sizeof(FlogGroup));
  std::set<uint32_t> sectors;
  for (size_t slot = 0; slot < flog.size(); slot += sizeof(FlogEntry)) {
    FlogEntry entry;
    std::memcpy(&entry, flog.data() + slot, sizeof entry);
    const uint32_t lba = entry.lba;
    const bool records_a_write = lba < arena.external_nlba && entry.old_map != entry.new_map;
    if (!records_a_write || MapEntry(history.map()[lba], lba).initial()) continue;
    const auto raw = core::LoadLe<uint32_t>(map.data() + size_t{lba} * 4);
    if (MapEntry(raw, lba).initial()) sectors.insert(lba);
  }
  return sectors;
}

std::vector<uint64_t> ReadAllRaw(const FaultyMedia& media, const ArenaGeometry& arena) {
  const auto map = Load(media, arena.MapAt(0), uint64_t{arena.external_nlba} * 4);
  std::vector<uint64_t> tags;
  for (uint32_t lba = 0; lba < arena.external_nlba; ++lba)
    tags.push_back(
        ReadRaw(media, arena, lba, core::LoadLe<uint32_t>(map.data() + size_t{lba} * 4)));
  return tags;
}

std::vector<uint64_t> ReadAll(const Btt& btt) {
  std::vector<uint64_t> tags;
  std::array<std::byte, 8> data;
  for (uint64_t at = 0; at < btt.size(); at += btt.sector_size()) {
    const bool readable = btt.Read(at, absl::MakeSpan(data)).ok();
    tags.push_back(readable ? core::LoadLe<uint64_t>(data.data()) : kUnreadable);
  }
  return tags;
}

absl::Status KeepNothing(uint64_t, absl::Span<const std::byte>) { return absl::OkStatus(); }

struct Rates {
  uint64_t sectors = 0, right_before = 0, right_after = 0, came_back = 0, unreadable_after = 0;
  uint64_t wrong_before = 0, wrong_after = 0, less_readable = 0, by_chance = 0;
};

class RepairTest : public ::testing::Test {
 protected:
  static std::shared_ptr<Btt> Open(const MediaPtr& media) {
    auto btt = Btt::Open(media, Version::kV1_1, core::Uuid(), false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    return btt.ok() ? *btt : nullptr;
  }

  void ExpectNothingLost(const History& history, const std::vector<uint64_t>& before,
                         const std::set<uint32_t>& refuted, const MediaPtr& repaired) {
    for (const core::Finding& finding : Check(*repaired, Version::kV1_1, core::Uuid()))
      EXPECT_EQ(finding.reason, "btt.map.error") << finding.sentence;
    const auto btt = Open(repaired);
    ASSERT_NE(btt, nullptr);
    const std::vector<uint64_t> after = ReadAll(*btt);
    for (uint32_t lba = 0; lba < after.size(); ++lba) {
      const Tags& truth = history.truth()[lba];
      const bool was_right = truth.contains(before[lba]);
      const bool is_right = truth.contains(after[lba]);
      EXPECT_TRUE(is_right || !was_right || refuted.contains(lba))
          << "sector " << lba << " read " << before[lba] << ", and now " << after[lba];
      ++rates_.sectors;
      rates_.right_before += was_right;
      rates_.right_after += is_right;
      rates_.came_back += is_right && !was_right;
      rates_.by_chance += was_right && !is_right;
      rates_.unreadable_after += after[lba] == kUnreadable;
      rates_.wrong_before += !was_right && before[lba] != kUnreadable;
      rates_.wrong_after += !is_right && after[lba] != kUnreadable;
      rates_.less_readable += after[lba] == kUnreadable && before[lba] != kUnreadable;
    }
    ExpectWritesStayApart(*btt, after);
  }

  // No sector shares anything with another.
  void ExpectWritesStayApart(Btt& btt, std::vector<uint64_t> tags) {
    std::vector<std::byte> data(btt.sector_size());
    for (int i = 0; i < 300; ++i) {
      const uint64_t lba = Pick(random_, tags.size());
      tags[lba] = uint64_t{0xabc} << 40 | static_cast<uint64_t>(i);
      core::StoreLe(data.data(), tags[lba]);
      ASSERT_TRUE(btt.Write(lba * btt.sector_size(), data).ok()) << lba;
    }
    EXPECT_TRUE(ReadAll(btt) == tags);
  }

  // Whether every write is refused, or there is nothing that a write could harm.
  void ExpectNoHarm(const MediaPtr& damaged) {
    const MediaPtr media = damaged->Clone();
    auto btt = Btt::Open(media, Version::kV1_1, core::Uuid(), false);
    if (!btt.ok()) return;
    const std::vector<uint64_t> before = ReadAll(**btt);
    std::vector<std::byte> data((*btt)->sector_size());
    std::set<uint64_t> written;
    for (int i = 0; i < 600; ++i) {
      const uint64_t lba = Pick(random_, before.size());
      if ((*btt)->Write(lba * data.size(), data).ok()) written.insert(lba);
    }
    const std::vector<uint64_t> after = ReadAll(**btt);
    for (uint32_t lba = 0; lba < before.size(); ++lba)
      EXPECT_TRUE(written.contains(lba) || before[lba] == after[lba]) << lba;
  }

  Random random_;
  Rates rates_;
};

TEST_F(RepairTest, NothingThatReadsRightIsLost) {
  const uint64_t first = Number("NVDIMMFS_SEED", 1);
  const uint64_t rounds = Number("NVDIMMFS_ROUNDS", 60);
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    random_.seed(seed);
    History history(Pick(random_, 4) == 0 ? 512 : 4096, random_);
    history.Live();
    const MediaPtr damaged = history.media()->Clone();
    std::string what = "seed " + std::to_string(seed);
    for (uint64_t i = 1 + Pick(random_, 3); i > 0; --i)
      what += ", " + DamageOnce(*damaged, history.arena(), random_);
    SCOPED_TRACE(what);
    ExpectNoHarm(damaged);
    const std::vector<uint64_t> before = ReadAllRaw(*damaged, history.arena());
    const std::set<uint32_t> refuted = RefutedByTheFlog(*damaged, history);
    const MediaPtr repaired = damaged->Clone();
    const auto report = Repair(*repaired, Version::kV1_1, core::Uuid(), KeepNothing);
    ASSERT_TRUE(report.ok()) << report.status();
    ExpectNothingLost(history, before, refuted, repaired);
    // Power fails somewhere in it.
    if (repaired->steps() > 0) {
      const MediaPtr cut = damaged->Clone();
      cut->CutBefore(static_cast<int64_t>(Pick(random_, static_cast<uint64_t>(repaired->steps()))));
      (void)Repair(*cut, Version::kV1_1, core::Uuid(), KeepNothing);
      const MediaPtr again = cut->Restart(seed);
      ExpectNoHarm(again);
      ASSERT_TRUE(Repair(*again, Version::kV1_1, core::Uuid(), KeepNothing).ok());
      const Rates kept = rates_;
      ExpectNothingLost(history, before, refuted, again);
      rates_ = kept;
    }
    if (HasFailure()) return;
  }
  const Rates& r = rates_;
  std::printf(
      "[    RATES ] %llu arenas, %llu sectors: right %llu before and %llu after (%llu came "
      "back, %llu were right by chance), wrong %llu and %llu; %llu unreadable after, of which %llu "
      "read something before\n",
      static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(r.sectors),
      static_cast<unsigned long long>(r.right_before),
      static_cast<unsigned long long>(r.right_after), static_cast<unsigned long long>(r.came_back),
      static_cast<unsigned long long>(r.by_chance), static_cast<unsigned long long>(r.wrong_before),
      static_cast<unsigned long long>(r.wrong_after),
      static_cast<unsigned long long>(r.unreadable_after),
      static_cast<unsigned long long>(r.less_readable));
}

}  // namespace
}  // namespace nvdimmfs::btt
