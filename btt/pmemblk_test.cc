// SPDX-License-Identifier: Apache-2.0
// Each reads what the other wrote: libpmemblk's pools hold a BTT, and for our part it is one
// (blocks aligned to 256, zero flags in the first flog entries, made at the first write).
#include "gtest/gtest.h"

#if !__has_include(<libpmemblk.h>)

TEST(PmemblkTest, EachReadsWhatTheOtherWrote) { GTEST_SKIP() << "libpmemblk-dev is not installed"; }

#else

#include <libpmemblk.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "btt/info_block.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kPoolSize = uint64_t{20} << 20;
// The BTT follows the pool's headers at 8192; ours looks for it 4096 into its namespace.
constexpr uint64_t kNamespaceAt = 4096;

using Bytes = std::vector<std::byte>;

Bytes Filled(size_t size, uint64_t block, uint64_t generation) {
  Bytes bytes(size);
  const uint64_t stamp = block << 32 | generation;
  for (size_t at = 0; at + 8 <= size; at += 8) std::memcpy(bytes.data() + at, &stamp, 8);
  return bytes;
}

class PmemblkTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    const char* directory = getenv("TEST_TMPDIR");
    path_ = std::string(directory == nullptr ? "/tmp" : directory) + "/pool" +
            std::to_string(GetParam());
    unlink(path_.c_str());
  }
  void TearDown() override { unlink(path_.c_str()); }

  // The file into memory, and back.
  std::shared_ptr<core::MemoryMedia> Load() {
    auto media = std::make_shared<core::MemoryMedia>(kPoolSize);
    std::ifstream(path_, std::ios::binary)
        .read(reinterpret_cast<char*>(media->bytes().data()), kPoolSize);
    return media;
  }
  void Save(core::MemoryMedia& media) {
    std::fstream(path_, std::ios::binary | std::ios::in | std::ios::out)
        .write(reinterpret_cast<const char*>(media.bytes().data()), kPoolSize);
  }
  std::string Findings(const core::Media& ns, const core::Uuid& parent) {
    std::string text;
    for (const auto& finding : Check(ns, Version::kV1_1, parent))
      text += finding.reason + ": " + finding.sentence + "\n";
    return text;
  }

  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Sizes, PmemblkTest,
                         ::testing::Values(512, 520, 528, 4096, 4104, 4160, 4224),
                         [](const auto& info) { return std::to_string(info.param); });

TEST_P(PmemblkTest, EachReadsWhatTheOtherWrote) {
  const uint32_t size = GetParam();
  const uint32_t sector = SectorSizeOf(size);
  std::map<uint64_t, uint64_t> generations;
  std::mt19937_64 random(size);

  PMEMblkpool* pool = pmemblk_create(path_.c_str(), size, kPoolSize, 0600);
  ASSERT_NE(pool, nullptr) << pmemblk_errormsg();
  const uint64_t blocks = pmemblk_nblock(pool);
  for (uint64_t generation = 1; generation <= 1500; ++generation) {
    const uint64_t block = random() % 300 + (generation % 2) * (blocks - 300);
    ASSERT_EQ(pmemblk_write(pool, Filled(size, block, generation).data(), block), 0);
    generations[block] = generation;
  }
  pmemblk_close(pool);

  auto file = Load();
  auto ns = core::MediaSlice::Make(file, {kNamespaceAt, kPoolSize - kNamespaceAt});
  ASSERT_TRUE(ns.ok());
  const core::Uuid parent = ParentOf(*LoadInfo(**ns, 4096));
  EXPECT_EQ(Findings(**ns, parent), "");
  {
    auto btt = Btt::Open(*ns, Version::kV1_1, parent, false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    EXPECT_EQ((*btt)->size() / sector, blocks);
    for (const auto& [block, generation] : generations) {
      Bytes out(sector);
      ASSERT_TRUE((*btt)->Read(block * sector, absl::MakeSpan(out)).ok());
      ASSERT_EQ(out, Filled(sector, block, generation));
    }
    for (uint64_t generation = 10000; generation < 60000; ++generation) {
      const uint64_t block = random() % 300 + (generation % 2) * (blocks - 300);
      ASSERT_TRUE((*btt)->Write(block * sector, Filled(sector, block, generation)).ok());
      generations[block] = generation;
    }
  }
  EXPECT_EQ(Findings(**ns, parent), "");

  Save(*file);
  EXPECT_EQ(pmemblk_check(path_.c_str(), size), 1) << pmemblk_errormsg();
  pool = pmemblk_open(path_.c_str(), size);
  ASSERT_NE(pool, nullptr) << pmemblk_errormsg();
  for (const auto& [block, generation] : generations) {
    Bytes out(size);
    ASSERT_EQ(pmemblk_read(pool, out.data(), block), 0);
    out.resize(sector);  // metadata is not ours to write
    ASSERT_EQ(out, Filled(sector, block, generation));
  }
  pmemblk_close(pool);
}

}  // namespace
}  // namespace nvdimmfs::btt

#endif
