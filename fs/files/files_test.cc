// SPDX-License-Identifier: Apache-2.0
// Open attribute and data files, by way of Operations: what each request answers, without a kernel.
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "fs/files/operations.h"
#include "fs/testing/fake_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kDevice[] = "devices/region0";
constexpr uint64_t kSize = 1 << 20;

bool Never() { return false; }

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() : operations_(tree_, model_, {.uid = 7, .gid = 8, .umask = 02}) {
    tree_.AddDevice(kDevice, device_);
    model_.Set(*device_, "size", "1048576\n");
    model_.Set(*device_, "uuid", "\n");
    AddData({.name = "pmem0", .block_size = 512});
  }
  void AddData(core::DataNode::Options options) {
    media_ = std::make_shared<core::MemoryMedia>(kSize);
    data_ = std::make_shared<core::DataNode>(media_, options);
    tree_.DataAdded("dev/pmem0", data_);
  }

  std::unique_ptr<OpenFile> Open(const std::string& path, int flags) {
    auto file = operations_.Open(tree_.FindPath(path)->ino, flags);
    EXPECT_TRUE(file.ok()) << path << ": " << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  int OpenError(const std::string& path, int flags) {
    return core::ErrnoOf(operations_.Open(tree_.FindPath(path)->ino, flags).status());
  }
  // What was read, or "!" and the errno.
  std::string Read(OpenFile& file, uint64_t offset, size_t size) {
    std::vector<std::byte> scratch(size + OpenFile::kScratchSlack);
    std::string text;
    const absl::Status status =
        file.Read(offset, size, {absl::MakeSpan(scratch)}, [&](absl::Span<const std::byte> bytes) {
          text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
    return status.ok() ? text : absl::StrCat("!", core::ErrnoOf(status));
  }
  // The count, or the negative errno.
  int Write(OpenFile& file, uint64_t offset, absl::string_view text) {
    const auto n =
        file.Write(offset, {reinterpret_cast<const std::byte*>(text.data()), text.size()});
    return n.ok() ? static_cast<int>(*n) : -core::ErrnoOf(n.status());
  }

  FakeModel model_;
  Tree tree_;
  std::shared_ptr<FakeDevice> device_ = std::make_shared<FakeDevice>(
      "region0", std::vector<core::Attribute>{{.name = "size"},
                                              {.name = "uuid", .mode = 0644},
                                              {.name = "bind", .mode = 0200},
                                              {.name = "badblocks"}});
  std::shared_ptr<core::MemoryMedia> media_;
  std::shared_ptr<core::DataNode> data_;
  Operations operations_;
  const std::string size_ = absl::StrCat(kDevice, "/size");
  const std::string uuid_ = absl::StrCat(kDevice, "/uuid");
  const std::string bind_ = absl::StrCat(kDevice, "/bind");
};

// --- Attributes. ---

TEST_F(FilesTest, AnAttributeIsAPageLongInStat) {
  const auto entry = operations_.Lookup(tree_.FindPath(kDevice)->ino, "uuid");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->stat.st_size, 4096);
  EXPECT_EQ(entry->stat.st_mode, static_cast<mode_t>(S_IFREG | 0644));
  EXPECT_EQ(entry->stat.st_uid, 7u);
  EXPECT_EQ(entry->stat.st_gid, 8u);
}

TEST_F(FilesTest, ModeBitsBindEverybody) {
  EXPECT_EQ(OpenError(size_, O_WRONLY), EACCES);
  EXPECT_EQ(OpenError(size_, O_RDWR), EACCES);
  EXPECT_EQ(OpenError(bind_, O_RDONLY), EACCES);
  EXPECT_EQ(OpenError(bind_, O_RDWR), EACCES);
  EXPECT_EQ(OpenError(bind_, O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(OpenError(uuid_, O_RDWR), 0);
}

TEST_F(FilesTest, OnePassIsOneShow) {
  const auto file = Open(size_, O_RDONLY);
  EXPECT_EQ(Read(*file, 0, 3), "104");
  model_.Set(*device_, "size", "77\n");
  EXPECT_EQ(Read(*file, 3, 100), "8576\n");
  EXPECT_EQ(Read(*file, 8, 100), "");
  EXPECT_EQ(Read(*file, 4096, 100), "");
  EXPECT_EQ(model_.shows(), 1);
  EXPECT_EQ(Read(*file, 0, 100), "77\n");
  EXPECT_EQ(model_.shows(), 2);
}

TEST_F(FilesTest, AFirstReadFurtherOnShowsToo) {
  EXPECT_EQ(Read(*Open(size_, O_RDONLY), 4, 100), "576\n");
}

TEST_F(FilesTest, AnAttributeMayBeLongerThanAPage) {
  const std::string text(100000, 'x');
  model_.Set(*device_, "size", text);
  EXPECT_EQ(Read(*Open(size_, O_RDONLY), 0, 200000), text);
}

TEST_F(FilesTest, AFailedShowFailsTheReadAndNotTheOpen) {
  const auto file = Open(absl::StrCat(kDevice, "/badblocks"), O_RDONLY);
  EXPECT_EQ(Read(*file, 0, 100), absl::StrCat("!", ENXIO));
  model_.Set(*device_, "badblocks", "8 1\n");
  EXPECT_EQ(Read(*file, 0, 100), "8 1\n");
}

TEST_F(FilesTest, EveryWriteIsOneWholeValueWhereverItLands) {
  const auto file = Open(uuid_, O_WRONLY);
  EXPECT_EQ(Write(*file, 0, absl::string_view("a\n\0", 3)), 3);
  EXPECT_EQ(Write(*file, 3, "b\n"), 2);
  EXPECT_EQ(Write(*file, 4096, absl::string_view("\0", 1)), 1);
  EXPECT_THAT(model_.stores(), ElementsAre(std::string("a\n\0", 3), "b\n", std::string("\0", 1)));
}

TEST_F(FilesTest, AnEmptyWriteCallsNothing) {
  EXPECT_EQ(Write(*Open(uuid_, O_WRONLY), 0, ""), 0);
  EXPECT_TRUE(model_.stores().empty());
}

TEST_F(FilesTest, OfALongWriteOnePageCounts) {
  EXPECT_EQ(Write(*Open(uuid_, O_WRONLY), 0, std::string(10000, 'x')), 4096);
  // The model sees that there was more: some of its attributes refuse that.
  EXPECT_THAT(model_.stores(), ElementsAre(std::string(10000, 'x')));
}

TEST_F(FilesTest, ARefusedStoreGivesItsErrno) {
  model_.on_store = [](const core::Attribute&, absl::string_view) {
    return core::Refusal(EBUSY, "namespace.enabled", "it is enabled");
  };
  EXPECT_EQ(Write(*Open(uuid_, O_WRONLY), 0, "x"), -EBUSY);
}

TEST_F(FilesTest, AStoreWaitsForAHolderThatIsLeaving) {
  auto holder = Open("dev/pmem0", O_RDWR);
  bool leaving = false;
  model_.on_store = [&](const core::Attribute&, absl::string_view) {
    if (data_->holders() == 0) return absl::OkStatus();
    // Refused, and the close arrives before the store looks for one.
    if (leaving) holder.reset();
    return core::Refusal(EBUSY, "data.held", "held");
  };
  const auto file = Open(uuid_, O_WRONLY);
  EXPECT_EQ(Write(*file, 0, "x"), -EBUSY);
  leaving = true;
  EXPECT_EQ(Write(*file, 0, "x"), 1);
}

TEST_F(FilesTest, TruncationSucceedsAndChangesNothing) {
  for (const std::string& path : {uuid_, std::string("dev/pmem0")}) {
    const Ino ino = tree_.FindPath(path)->ino;
    const auto entry = operations_.SetAttributes(ino, nullptr, {.size = true});
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(entry->stat.st_size, path == uuid_ ? 4096 : static_cast<off_t>(kSize));
  }
  EXPECT_TRUE(model_.stores().empty());
}

TEST_F(FilesTest, AnAttributeKeepsItsModeAndOwnerAndIsOpenedAccordingly) {
  const Ino ino = tree_.FindPath(uuid_)->ino;
  const auto changed = operations_.SetAttributes(ino, nullptr, {.mode = 0400, .uid = 1000});
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->stat.st_mode, S_IFREG | 0400u);
  EXPECT_EQ(changed->stat.st_uid, 1000u);
  EXPECT_EQ(core::ErrnoOf(operations_.Open(ino, O_WRONLY).status()), EACCES);
  EXPECT_TRUE(operations_.Open(ino, O_RDONLY).ok());
  ASSERT_TRUE(operations_.SetAttributes(ino, nullptr, {.mode = 0222}).ok());
  EXPECT_TRUE(operations_.Open(ino, O_WRONLY).ok());
  EXPECT_EQ(core::ErrnoOf(operations_.Open(ino, O_RDONLY).status()), EACCES);
}

TEST_F(FilesTest, AnAttributeIsNotOpenedPastTheCache) {
  const Ino ino = tree_.FindPath(uuid_)->ino;
  EXPECT_EQ(core::ErrnoOf(operations_.Open(ino, O_RDONLY | O_DIRECT).status()), EINVAL);
}

TEST_F(FilesTest, ADataFileKeepsItsModeAndOwnerUntilItGoes) {
  const Ino ino = tree_.FindPath("dev/pmem0")->ino;
  const auto changed = operations_.SetAttributes(ino, nullptr, {.mode = 0666, .uid = 1000});
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->stat.st_mode, S_IFREG | 0666u);
  ASSERT_TRUE(operations_.SetAttributes(ino, nullptr, {.gid = 50}).ok());
  const auto entry = operations_.GetAttributes(ino, nullptr);
  EXPECT_EQ(entry->stat.st_mode, S_IFREG | 0666u);
  EXPECT_EQ(entry->stat.st_uid, 1000u);
  EXPECT_EQ(entry->stat.st_gid, 50u);
  tree_.DataRemoved("dev/pmem0");
  tree_.DataAdded("dev/pmem0", data_);
  const auto again = operations_.Lookup(tree_.FindPath("dev")->ino, "pmem0");
  EXPECT_EQ(again->stat.st_mode & 07777, data_->mode() & ~02u);
  EXPECT_EQ(again->stat.st_uid, 7u);
}

TEST_F(FilesTest, AnOpenAttributeOfARemovedDeviceGivesEnodev) {
  const auto file = Open(uuid_, O_RDWR);
  const Ino ino = file->node().ino;
  model_.Remove(*device_);
  tree_.RemoveDevice(kDevice);
  EXPECT_EQ(Read(*file, 0, 100), absl::StrCat("!", ENODEV));
  EXPECT_EQ(Write(*file, 0, "x"), -ENODEV);
  EXPECT_EQ(core::ErrnoOf(operations_.Open(ino, O_RDONLY).status()), ENOENT);
  EXPECT_TRUE(operations_.GetAttributes(ino, file.get()).ok());
  EXPECT_EQ(core::ErrnoOf(operations_.GetAttributes(ino, nullptr).status()), ENOENT);
}

class CountingWaker final : public PollWaker {
 public:
  explicit CountingWaker(int& woken) : woken_(woken) {}
  void Wake() override { ++woken_; }

 private:
  int& woken_;
};

TEST_F(FilesTest, PollTellsOfAChangeUntilItIsRead) {
  constexpr unsigned kNews = POLLERR | POLLPRI;
  int woken = 0;
  const auto file = Open(size_, O_RDONLY);
  EXPECT_EQ(file->Poll(nullptr) & kNews, kNews) << "never read";
  Read(*file, 0, 100);
  EXPECT_EQ(file->Poll(std::make_unique<CountingWaker>(woken)) & kNews, 0u);
  tree_.ChangeAttribute(size_);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(file->Poll(nullptr) & kNews, kNews);
  EXPECT_EQ(file->Poll(nullptr) & kNews, kNews);
  Read(*file, 0, 100);
  EXPECT_EQ(file->Poll(nullptr) & kNews, 0u);
}

TEST_F(FilesTest, PollWakesWhenTheDeviceGoes) {
  int woken = 0;
  const auto file = Open(size_, O_RDONLY);
  Read(*file, 0, 100);
  file->Poll(std::make_unique<CountingWaker>(woken));
  tree_.RemoveDevice(kDevice);
  EXPECT_EQ(woken, 1);
}

// --- Creation. ---

TEST_F(FilesTest, FilesCannotBeCreatedBesideTheData) {
  EXPECT_EQ(core::ErrnoOf(operations_.Create(tree_.FindPath("dev")->ino, "pmem9", O_RDWR).status()),
            EACCES);
}

TEST_F(FilesTest, TheModelMayMakeAnAttributeByReplacingTheDevice) {
  const auto replacement = std::make_shared<FakeDevice>(
      "region0", std::vector<core::Attribute>{{.name = "uuid2", .mode = 0644}});
  model_.on_create = [&](core::Device& device, absl::string_view name) {
    EXPECT_EQ(&device, device_.get());
    EXPECT_EQ(name, "uuid2");
    tree_.RemoveDevice(kDevice);
    tree_.AddDevice(kDevice, replacement);
    return absl::OkStatus();
  };
  auto created = operations_.Create(tree_.FindPath(kDevice)->ino, "uuid2", O_WRONLY);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(Write(*created->file, 0, "x"), 1);
}

TEST_F(FilesTest, TheModelsRefusalToCreateIsTheErrno) {
  EXPECT_EQ(core::ErrnoOf(
                operations_.Create(tree_.FindPath(kDevice)->ino, "nonesuch", O_WRONLY).status()),
            EACCES);
}

// --- Data. ---

TEST_F(FilesTest, ADataFileHasItsCapacityAndBlockSize) {
  const auto entry = operations_.Lookup(tree_.FindPath("dev")->ino, "pmem0");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->stat.st_size, static_cast<off_t>(kSize));
  EXPECT_EQ(entry->stat.st_blksize, 512);
  EXPECT_TRUE(S_ISREG(entry->stat.st_mode));
}

TEST_F(FilesTest, DataEndsLikeADisk) {
  const auto file = Open("dev/pmem0", O_RDWR);
  EXPECT_EQ(Write(*file, kSize - 3, "abcdef"), 3);
  EXPECT_EQ(Write(*file, kSize, "x"), -ENOSPC);
  EXPECT_EQ(Write(*file, ~uint64_t{0} - 1, "x"), -ENOSPC);
  EXPECT_EQ(Read(*file, kSize - 3, 100), "abc");
  EXPECT_EQ(Read(*file, kSize, 100), "");
  EXPECT_EQ(Read(*file, ~uint64_t{0}, 100), "");
}

TEST_F(FilesTest, ALongDiscardEndsBetweenTwoPiecesWhenItIsInterrupted) {
  constexpr uint64_t kLong = 256 << 20;
  const auto media = std::make_shared<core::MemoryMedia>(kLong);
  tree_.DataRemoved("dev/pmem0");
  tree_.DataAdded("dev/pmem0", std::make_shared<core::DataNode>(media, core::DataNode::Options{}));
  const auto file = Open("dev/pmem0", O_RDWR);
  for (uint64_t at = 0; at < kLong; at += 1 << 20) Write(*file, at, "x");
  for (const int mode : {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE}) {
    int asked = 0;
    const absl::Status status =
        file->Allocate(mode | FALLOC_FL_KEEP_SIZE, 0, kLong, [&] { return ++asked == 2; });
    EXPECT_EQ(core::ErrnoOf(status), EINTR);
    EXPECT_EQ(Read(*file, 0, 1), std::string(1, '\0'));
    EXPECT_EQ(Read(*file, kLong - (1 << 20), 1), "x");
  }
  EXPECT_TRUE(file->Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kLong, Never).ok());
  EXPECT_EQ(Read(*file, kLong - (1 << 20), 1), std::string(1, '\0'));
}

TEST_F(FilesTest, ADiscardEndsWhenItsNamespaceIsDisabledAndUnbindingWaitsForAPieceAlone) {
  constexpr uint64_t kLong = 256 << 20;
  const auto media = std::make_shared<core::MemoryMedia>(kLong);
  const auto node = std::make_shared<core::DataNode>(media, core::DataNode::Options{});
  tree_.DataRemoved("dev/pmem0");
  tree_.DataAdded("dev/pmem0", node);
  const auto file = Open("dev/pmem0", O_RDWR);
  int asked = 0;
  // From within, between two pieces: were the I/O counted in then, this would not return.
  const absl::Status status =
      file->Allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, kLong, [&] {
        if (++asked == 2) node->Close();
        return false;
      });
  EXPECT_EQ(core::ErrnoOf(status), EIO);
  EXPECT_EQ(core::ReasonOf(status), "data.disabled");
  EXPECT_EQ(asked, 2);
}

TEST_F(FilesTest, RefusedIoIsRememberedForLastError) {
  const auto file = Open("dev/pmem0", O_RDWR | O_DIRECT);
  EXPECT_EQ(data_->last_error().number, 0u);
  EXPECT_EQ(Read(*file, 1, 1), absl::StrCat("!", EINVAL));
  const core::LastError first = data_->last_error();
  EXPECT_THAT(first.Text(), HasSubstr("[EINVAL, data.alignment]"));
  ASSERT_TRUE(media_->InjectPoison({4096, 512}).ok());
  EXPECT_EQ(Read(*file, 4096, 512), absl::StrCat("!", EIO));
  EXPECT_THAT(data_->last_error().Text(), HasSubstr("[EIO, media.poison]"));
  EXPECT_GT(data_->last_error().number, first.number);
}

TEST_F(FilesTest, WhatIsReadAndWrittenIsCounted) {
  const auto file = Open("dev/pmem0", O_RDWR);
  Write(*file, 0, std::string(1024, 'x'));
  Write(*file, kSize - 512, std::string(1024, 'x'));  // half of it is past the end
  Write(*file, kSize, "x");                           // all of it
  Read(*file, 100, 412);
  Read(*file, kSize, 100);  // the end: nothing was read
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(file->Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192, Never).ok());
  const core::IoCounts counts = tree_.FindPath("dev/pmem0")->data->counts();
  EXPECT_EQ(counts.Text(),
            "reads 1\nread_bytes 412\nwrites 3\nwritten_bytes 1537\ndiscards 1\n"
            "discarded_bytes 8192\nflushes 1\nerrors 1\n");
  EXPECT_EQ(
      counts.StatText(),
      "       1        0        0        0        3        0        3        0        0        "
      "0        0        1        0       16        0        1        0\n");
}

TEST_F(FilesTest, DirectAccessWantsWholeBlocks) {
  const auto file = Open("dev/pmem0", O_RDWR | O_DIRECT);
  EXPECT_EQ(file->caching(), OpenFile::Caching::kNone);
  EXPECT_EQ(Write(*file, 1, std::string(512, 'x')), -EINVAL);
  EXPECT_EQ(Write(*file, 0, std::string(511, 'x')), -EINVAL);
  EXPECT_EQ(Write(*file, 512, std::string(1024, 'x')), 1024);
  EXPECT_EQ(Read(*file, 100, 512), absl::StrCat("!", EINVAL));
  EXPECT_EQ(Read(*file, 512, 512), std::string(512, 'x'));
}

TEST_F(FilesTest, PiecesOfALongDirectRequestNeedNotEndAtBlocks) {
  AddData({.name = "pmem0", .block_size = 4096});
  const auto file = Open("dev/pmem0", O_RDWR | O_DIRECT);
  EXPECT_EQ(Write(*file, 0, std::string(600 * 1024 + 512, 'a')), 600 * 1024 + 512);
  EXPECT_EQ(Write(*file, 600 * 1024 + 512, std::string(3584, 'b')), 3584);
  EXPECT_EQ(Write(*file, 512, std::string(3584, 'b')), -EINVAL);
}

TEST_F(FilesTest, ADisabledNodeRefusesWhoStillHasItOpen) {
  const auto file = Open("dev/pmem0", O_RDWR);
  data_->Close();
  tree_.DataRemoved("dev/pmem0");
  EXPECT_EQ(Read(*file, 0, 10), absl::StrCat("!", EIO));
  EXPECT_EQ(Write(*file, 0, "x"), -EIO);
  EXPECT_EQ(core::ErrnoOf(file->Sync()), EIO);
  EXPECT_EQ(core::ErrnoOf(file->Allocate(0, 0, 1, Never)), EIO);
}

TEST_F(FilesTest, OpenFilesHoldTheNode) {
  EXPECT_EQ(data_->holders(), 0);
  {
    const auto one = Open("dev/pmem0", O_RDONLY), two = Open("dev/pmem0", O_RDWR);
    EXPECT_EQ(data_->holders(), 2);
  }
  EXPECT_EQ(data_->holders(), 0);
}

TEST_F(FilesTest, AReadOnlyRegionRefusesWrites) {
  data_->set_read_only(true);
  const auto file = Open("dev/pmem0", O_RDWR);
  EXPECT_EQ(Write(*file, 0, "x"), -EPERM);
  data_->set_read_only(false);
  EXPECT_EQ(Write(*file, 0, "x"), 1);
}

TEST_F(FilesTest, AllocateFollowsFallocate) {
  const auto file = Open("dev/pmem0", O_RDWR);
  Write(*file, 0, std::string(300000, 'x'));
  const auto allocate = [&](int mode, uint64_t offset, uint64_t length) {
    return core::ErrnoOf(file->Allocate(mode, offset, length, Never));
  };
  EXPECT_EQ(allocate(0, 0, kSize), 0);
  EXPECT_EQ(allocate(0, 1, kSize), ENOSPC);
  EXPECT_EQ(allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 5), 0);
  EXPECT_EQ(Read(*file, 9, 7), std::string("x\0\0\0\0\0x", 7));
  EXPECT_EQ(allocate(FALLOC_FL_ZERO_RANGE, 100, 200000), 0);
  EXPECT_EQ(Read(*file, 100, 200000), std::string(200000, '\0'));
  EXPECT_EQ(Read(*file, 200100, 1), "x");
  EXPECT_EQ(allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kSize - 1, 100), 0);
  EXPECT_EQ(allocate(FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
}

// --- Nodes with atomic sectors. ---

// Refuses what is not whole sectors, as a sector layer may.
class SectorMedia final : public core::Media {
 public:
  explicit SectorMedia(uint64_t size) : bytes_(size) {}
  uint64_t size() const override { return bytes_.size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override {
    RETURN_IF_ERROR(Check(offset, out.size()));
    return bytes_.Read(offset, out);
  }
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override {
    RETURN_IF_ERROR(Check(offset, data.size()));
    return bytes_.Write(offset, data);
  }
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override {
    return Write(offset, data);
  }
  absl::Status Store32(uint64_t, uint32_t) override { return absl::UnimplementedError(""); }
  absl::Status Store64(uint64_t, uint64_t) override { return absl::UnimplementedError(""); }
  absl::Status Push(uint64_t, uint64_t) override { return absl::OkStatus(); }
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  absl::Status Punch(uint64_t, uint64_t) override {
    return core::Refusal(EOPNOTSUPP, "media.punch", "no holes");
  }
  bool IsPoisoned(uint64_t, uint64_t) const override { return false; }
  absl::Status ClearPoison(uint64_t, uint64_t) override { return absl::OkStatus(); }

 private:
  static absl::Status Check(uint64_t offset, uint64_t length) {
    if (offset % 4096 == 0 && length % 4096 == 0) return absl::OkStatus();
    return core::Refusal(EINVAL, "sector.alignment", "not whole sectors");
  }
  core::MemoryMedia bytes_;
};

TEST_F(FilesTest, PartsOfASectorAreReadModifyWrite) {
  tree_.DataAdded(
      "dev/pmem0s",
      std::make_shared<core::DataNode>(
          std::make_shared<SectorMedia>(kSize),
          core::DataNode::Options{.name = "pmem0s", .block_size = 4096, .atomic_sectors = true}));
  const auto file = Open("dev/pmem0s", O_RDWR);
  EXPECT_EQ(Write(*file, 4000, std::string(10000, 'y')), 10000);
  EXPECT_EQ(Read(*file, 3999, 2), std::string("\0y", 2));
  EXPECT_EQ(Read(*file, 13999, 2), std::string("y\0", 2));
  EXPECT_EQ(Read(*file, 4000, 10000), std::string(10000, 'y'));
  EXPECT_EQ(Write(*file, kSize - 1, "zz"), 1);
  EXPECT_EQ(Read(*file, kSize - 2, 5), std::string("\0z", 2));
  EXPECT_EQ(
      core::ErrnoOf(file->Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 100, Never)),
      0);
  EXPECT_EQ(Read(*file, 5000, 101), std::string(100, '\0') + "y");
}

// --- Directories. ---

TEST_F(FilesTest, ADirectoryBeginsWithItsDots) {
  const auto entries = operations_.ReadDirectory(tree_.FindPath("dev")->ino, 0, 4096);
  ASSERT_TRUE(entries.ok());
  ASSERT_GE(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, ".");
  EXPECT_EQ((*entries)[1].name, "..");
  EXPECT_EQ((*entries)[1].ino, kRootIno);
  EXPECT_EQ((*entries)[0].next_offset, 1u);
  EXPECT_EQ((*entries)[1].next_offset, (*entries)[2].offset);
}

TEST_F(FilesTest, ReadingADirectoryEnds) {
  const Ino dev = tree_.FindPath("dev")->ino;
  const auto entries = operations_.ReadDirectory(dev, 0, 4096);
  const auto rest = operations_.ReadDirectory(dev, entries->back().next_offset, 4096);
  ASSERT_TRUE(rest.ok());
  EXPECT_TRUE(rest->empty());
}

}  // namespace
}  // namespace nvdimmfs::fs
