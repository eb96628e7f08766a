// SPDX-License-Identifier: Apache-2.0
// Bad bytes as the device tree shows them: which files, from where they count, who is told.
#include <gtest/gtest.h>

#include <vector>

#include "core/testing/silent_listener.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

constexpr char kA[] = "11111111-2222-3333-4444-555555555501\n";
constexpr char kB[] = "11111111-2222-3333-4444-555555555502\n";

// Writes down what is told, and keeps the data nodes.
class Recorder final : public SilentListener {
 public:
  void DataAdded(absl::string_view path, const std::shared_ptr<DataNode>& node) override {
    if (path == "dev/pmem0.1") data = node;
  }
  void DataChanged(absl::string_view path) override { told.push_back(std::string(path)); }
  void AttributeChanged(const Device& device, absl::string_view attribute) override {
    told.push_back(absl::StrCat(device.name(), "/", attribute));
  }
  std::vector<std::string> Take() { return std::exchange(told, {}); }

  std::vector<std::string> told;
  std::shared_ptr<DataNode> data;
};

class PoisonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LabelArea::Open(labels_)->Initialise(LabelV1_2()).IgnoreError();
    DimmSource dimm{.description = "memory", .capacity = capacity_, .labels = labels_};
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    m.Start(QemuBus(std::move(dimms)), &recorder);
    for (const char* name : {"namespace0.0", "namespace0.1"}) {
      ASSERT_EQ(m.Set(absl::StrCat(name, "/uuid"), name[11] == '0' ? kA : kB), "");
      ASSERT_EQ(m.Set(absl::StrCat(name, "/size"), "67108864\n"), "");
      if (name[11] == '0') m.Bind("nd_pmem", name);
    }
    recorder.told.clear();
  }

  std::shared_ptr<MemoryMedia> capacity_ = std::make_shared<MemoryMedia>(256 << 20);
  std::shared_ptr<MemoryMedia> labels_ = std::make_shared<MemoryMedia>(128 << 10);
  Recorder recorder;
  ModelVerbs m;
};

using Lines = std::vector<std::string>;

TEST_F(PoisonTest, RawDiskCountsFromItsNamespace) {
  ASSERT_EQ(m.Bind("nd_pmem", "namespace0.1"), "");
  EXPECT_EQ(m.Get("region0/badblocks"), "");
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "");
  ASSERT_TRUE(capacity_->InjectPoison({(64 << 20) + 8192, 4096}).ok());
  EXPECT_EQ(m.Get("region0/badblocks"), "131088 8\n");
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "16 8\n");
  EXPECT_EQ(m.Get("pmem0/badblocks"), "");
  EXPECT_NE(std::find(recorder.told.begin(), recorder.told.end(), "region0/badblocks"),
            recorder.told.end());
}

TEST_F(PoisonTest, WhetherADiskFlushesCachesCanBeSet) {
  EXPECT_EQ(m.Get("pmem0/dax/write_cache"), "1\n");
  EXPECT_EQ(m.Set("pmem0/dax/write_cache", "0\n"), "");
  EXPECT_EQ(m.Get("pmem0/dax/write_cache"), "0\n");
  EXPECT_EQ(m.Set("pmem0/dax/write_cache", "x\n"), "EINVAL");
}

TEST_F(PoisonTest, FsdaxDiskCountsFromItsData) {
  ASSERT_EQ(m.Set("pfn0.0/uuid", kA), "");
  ASSERT_EQ(m.Set("pfn0.0/mode", "ram\n"), "");
  ASSERT_EQ(m.Set("pfn0.0/namespace", "namespace0.1\n"), "");
  ASSERT_EQ(m.Bind("nd_pmem", "pfn0.0"), "");
  ASSERT_TRUE(capacity_->InjectPoison({(64 << 20) + (2 << 20) + 512, 1}).ok());
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "1 1\n");
  EXPECT_EQ(m.Get("region0/badblocks"), absl::StrCat((66 << 20) / 512 + 1, " 1\n"));
}

TEST_F(PoisonTest, BadBytesAmongPageStructsAreWrittenOverWhenEnabled) {
  ASSERT_EQ(m.Set("pfn0.0/uuid", kA), "");
  ASSERT_EQ(m.Set("pfn0.0/mode", "pmem\n"), "");
  ASSERT_EQ(m.Set("pfn0.0/namespace", "namespace0.1\n"), "");
  ASSERT_EQ(m.Bind("nd_pmem", "pfn0.0"), "");
  m.Unbind("nd_pmem", "pfn0.0");
  // The info block's own reserve is left alone; the last page before the data is not.
  const uint64_t start = 64 << 20, data = start + (2 << 20);
  ASSERT_TRUE(capacity_->InjectPoison({start, 512}).ok());
  ASSERT_TRUE(capacity_->InjectPoison({start + 8192 + 1024, 8192}).ok());
  ASSERT_TRUE(capacity_->InjectPoison({data - 512, 1024}).ok());
  ASSERT_EQ(m.Bind("nd_pmem", "pfn0.0"), "");
  EXPECT_EQ(capacity_->BadRanges(), (std::vector<Range>{{start, 512}, {data, 512}}));
}

TEST_F(PoisonTest, BttDiskHasNoTable) {
  ASSERT_EQ(m.Set("btt0.0/uuid", kA), "");
  ASSERT_EQ(m.Set("btt0.0/sector_size", "512\n"), "");
  ASSERT_EQ(m.Set("btt0.0/namespace", "namespace0.1\n"), "");
  ASSERT_EQ(m.Bind("nd_pmem", "btt0.0"), "");
  EXPECT_EQ(m.Get("pmem0.1s/badblocks"), "!ENOENT");
  ASSERT_TRUE(capacity_->InjectPoison({(64 << 20) + (1 << 20), 1}).ok());
  const Lines told = recorder.Take();
  EXPECT_NE(std::find(told.begin(), told.end(), "dev/pmem0.1s"), told.end());
}

TEST_F(PoisonTest, TheRegionsTableGoesWithItsDriver) {
  m.Unbind("nd_region", "region0");
  EXPECT_EQ(m.Get("region0/badblocks"), "!ENXIO");
}

TEST_F(PoisonTest, WritingToTheDisksTableMakesSectorsBad) {
  ASSERT_EQ(m.Bind("nd_pmem", "namespace0.1"), "");
  m.Unbind("nd_pmem", "namespace0.0");
  recorder.told.clear();
  EXPECT_EQ(m.Set("pmem0.1/badblocks", "16 8\n"), "");
  EXPECT_EQ(recorder.Take(), (Lines{"region0/badblocks", "pmem0.1/badblocks", "dev/pmem0.1"}));
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "16 8\n");
  EXPECT_EQ(m.Get("region0/badblocks"), "131088 8\n");
  EXPECT_EQ(m.Set("pmem0.1/badblocks", "24 1000\n"), "");
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "16 512\n528 496\n");
  for (const char* bad : {"16\n", "16 0\n", "x 1\n", "16 -1\n", "131072 1\n", "131071 2\n"})
    EXPECT_EQ(m.Set("pmem0.1/badblocks", bad), "EINVAL") << bad;
  EXPECT_EQ(m.Set("pmem0.1/badblocks", "131071 1\n"), "");
}

TEST_F(PoisonTest, ATableHolds512Entries) {
  ASSERT_EQ(m.Bind("nd_pmem", "namespace0.1"), "");
  for (int i = 0; i < 512; ++i)
    ASSERT_EQ(m.Set("pmem0.1/badblocks", absl::StrCat(2 * i, " 1\n")), "") << i;
  EXPECT_EQ(m.Set("pmem0.1/badblocks", "5000 1\n"), "ENOSPC");
}

TEST_F(PoisonTest, AWriteOfWholeSectorsHealsAndIsTold) {
  ASSERT_EQ(m.Bind("nd_pmem", "namespace0.1"), "");
  ASSERT_EQ(m.Set("pmem0.1/badblocks", "16 2\n"), "");
  m.Unbind("nd_pmem", "namespace0.0");
  recorder.told.clear();
  Media& media = recorder.data->media();
  std::byte sector[512] = {std::byte{7}};
  EXPECT_EQ(ReasonOf(media.Read(8192, absl::MakeSpan(sector))), "media.poison");
  ASSERT_TRUE(media.WriteThrough(8192, sector).ok());
  EXPECT_EQ(recorder.Take(), (Lines{"region0/badblocks", "pmem0.1/badblocks"}));
  EXPECT_EQ(m.Get("pmem0.1/badblocks"), "17 1\n");
  EXPECT_TRUE(media.Read(8192, absl::MakeSpan(sector)).ok());
  ASSERT_TRUE(media.WriteThrough(0, sector).ok());  // nothing bad there: nothing to tell
  EXPECT_EQ(recorder.Take(), Lines{});
}

}  // namespace
}  // namespace nvdimmfs::core
