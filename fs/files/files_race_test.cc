// SPDX-License-Identifier: Apache-2.0
// Requests of several threads at once, over a tree that changes under them: what each may answer,
// and, under the thread sanitizer, that nothing is shared without a lock.
#include <fcntl.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "fs/files/operations.h"
#include "fs/testing/fake_model.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

constexpr uint64_t kSize = 1 << 20;
constexpr int kRounds = 100;  // of changes; the other threads go on until the last

class Waker final : public PollWaker {
 public:
  explicit Waker(std::atomic<int>& woken) : woken_(woken) {}
  void Wake() override { ++woken_; }

 private:
  std::atomic<int>& woken_;
};

class FilesRaceTest : public ::testing::Test {
 protected:
  FilesRaceTest() : operations_(tree_, model_, {}) {
    tree_.set_data_removed([this](Ino) { ++data_removed_; });
    tree_.AddDevice("devices/bus0", bus_);
    model_.Set(*bus_, "wait_probe", "1\n");
  }

  std::unique_ptr<OpenFile> Open(const std::string& path, int flags) {
    const std::optional<NodeView> node = tree_.FindPath(path);
    if (!node) return nullptr;
    auto file = operations_.Open(node->ino, flags);
    if (file.ok()) return *std::move(file);
    const int error = core::ErrnoOf(file.status());
    EXPECT_TRUE(error == ENOENT || error == ENXIO) << file.status();
    return nullptr;
  }
  // The errno, or 0.
  static int Read(OpenFile& file, uint64_t offset, size_t size, std::string& text) {
    std::vector<std::byte> scratch(size + OpenFile::kScratchSlack);
    return core::ErrnoOf(
        file.Read(offset, size, {absl::MakeSpan(scratch)}, [&](absl::Span<const std::byte> bytes) {
          text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }));
  }
  static int Write(OpenFile& file, uint64_t offset, absl::string_view text) {
    return core::ErrnoOf(
        file.Write(offset, {reinterpret_cast<const std::byte*>(text.data()), text.size()})
            .status());
  }

  // Runs `change` kRounds times, and all of `others` again and again meanwhile, a thread each.
  void Race(const std::function<void(int round)>& change,
            const std::vector<std::function<void()>>& others) {
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (const auto& other : others)
      threads.emplace_back([&] {
        while (!over) other();
      });
    for (int round = 0; round < kRounds; ++round) change(round);
    over = true;
    for (std::thread& thread : threads) thread.join();
  }

  FakeModel model_;
  Tree tree_;
  std::shared_ptr<FakeDevice> bus_ = std::make_shared<FakeDevice>(
      "bus0", std::vector<core::Attribute>{{.name = "wait_probe", .mode = 0644}});
  std::atomic<int> data_removed_{0};
  Operations operations_;
};

std::shared_ptr<FakeDevice> MakeNamespace() {
  return std::make_shared<FakeDevice>(
      "namespace0.0",
      std::vector<core::Attribute>{{.name = "size", .mode = 0644}, {.name = "x/uuid"}},
      std::vector<std::string>{"x"});
}

TEST_F(FilesRaceTest, ANamespaceComesAndGoesUnderItsUsers) {
  constexpr char kDevice[] = "devices/bus0/namespace0.0", kData[] = "dev/pmem0";
  std::atomic<int> read{0}, listed{0};
  const auto change = [&](int) {
    const std::shared_ptr<FakeDevice> device = MakeNamespace();
    model_.Set(*device, "size", "4096\n");
    model_.Set(*device, "x/uuid", "\n");
    const auto data = std::make_shared<core::DataNode>(std::make_shared<core::MemoryMedia>(kSize),
                                                       core::DataNode::Options{.name = "pmem0"});
    tree_.AddDevice(kDevice, device);
    tree_.LinkAdded("bus/nd/devices/namespace0.0", kDevice);
    tree_.DataAdded(kData, data);
    std::this_thread::yield();
    data->Close();
    tree_.DataRemoved(kData);
    model_.Remove(*device);
    tree_.LinkRemoved("bus/nd/devices/namespace0.0");
    tree_.RemoveDevice(kDevice);
  };
  const auto use_attribute = [&] {
    const auto file = Open(absl::StrCat(kDevice, "/size"), O_RDWR);
    if (file == nullptr) return;
    std::string text;
    const int error = Read(*file, 0, 4096, text);
    EXPECT_TRUE(error == 0 || error == ENODEV) << error;
    const int stored = Write(*file, 0, "8192\n");
    EXPECT_TRUE(stored == 0 || stored == ENODEV) << stored;
  };
  // Threads that write have a part of the file each.
  const auto use_data = [&](uint64_t offset) {
    const auto file = Open(kData, O_RDWR);
    if (file == nullptr) return;
    const std::string mine(4096, static_cast<char>('a' + offset / 4096));
    std::string text;
    const int written = Write(*file, offset, mine);
    const int error = written != 0 ? written : Read(*file, offset, mine.size(), text);
    if (error != 0) {
      EXPECT_EQ(error, EIO);
      return;
    }
    EXPECT_EQ(text, mine);
    file->Sync().IgnoreError();
    ++read;
  };
  const auto list = [&] {
    for (const char* path : {"", "devices/bus0", "bus/nd/devices", "dev", kDevice}) {
      const std::optional<NodeView> node = tree_.FindPath(path);
      if (!node) continue;
      const auto entries = operations_.ReadDirectory(node->ino, 0, 4096);
      if (!entries.ok()) continue;
      std::set<std::string> names;
      for (const DirectoryEntry& entry : *entries) {
        EXPECT_TRUE(names.insert(entry.name).second) << path << "/" << entry.name;
        if (entry.name[0] != '.') operations_.Lookup(node->ino, entry.name).IgnoreError();
        operations_.GetAttributes(entry.ino, nullptr).IgnoreError();
        operations_.SetAttributes(entry.ino, nullptr, {.mode = 0600}).IgnoreError();
      }
      listed += static_cast<int>(entries->size());
    }
    operations_.FileSystem();
  };
  Race(change, {use_attribute, use_attribute, [&] { use_data(0); }, [&] { use_data(4096); }, list});
  EXPECT_EQ(data_removed_, kRounds);
  EXPECT_GT(listed, 0);
  EXPECT_GT(read, 0);
  EXPECT_FALSE(tree_.FindPath(kDevice));
}

TEST_F(FilesRaceTest, EveryChangeIsSeenByThoseWhoPoll) {
  constexpr char kPath[] = "devices/bus0/wait_probe";
  std::atomic<int> woken{0};
  const auto change = [&](int round) {
    model_.Set(*bus_, "wait_probe", absl::StrCat(round, "\n"));
    tree_.ChangeAttribute(kPath);
  };
  const auto poll = [&] {
    const auto file = Open(kPath, O_RDONLY);
    ASSERT_NE(file, nullptr);
    std::string text;
    EXPECT_EQ(Read(*file, 0, 64, text), 0);
    file->Poll(std::make_unique<Waker>(woken));
  };
  Race(change, {poll, poll, poll});
  // A file that was read and waits is woken by the next change, whatever went on before.
  const auto file = Open(kPath, O_RDONLY);
  std::string text;
  EXPECT_EQ(Read(*file, 0, 64, text), 0);
  EXPECT_EQ(text, absl::StrCat(kRounds - 1, "\n"));
  woken = 0;
  EXPECT_EQ(file->Poll(std::make_unique<Waker>(woken)) & POLLPRI, 0u);
  EXPECT_EQ(woken, 0);
  tree_.ChangeAttribute(kPath);
  EXPECT_EQ(woken, 1);
}

TEST_F(FilesRaceTest, AFileIsReadByAllWhoShareIt) {
  const auto file = Open("devices/bus0/wait_probe", O_RDWR);
  ASSERT_NE(file, nullptr);
  const auto read = [&] {
    std::string text;
    EXPECT_EQ(Read(*file, 0, 64, text), 0);
    EXPECT_TRUE(text == "one\n" || text == "two\n" || text == "1\n") << text;
  };
  const auto change = [&](int round) {
    EXPECT_EQ(Write(*file, 0, round % 2 == 0 ? "one\n" : "two\n"), 0);
  };
  Race(change, {read, read});
}

// Parts of a sector are read, changed and written back: none may undo its neighbour.
TEST_F(FilesRaceTest, WritersOfPartsOfASectorLoseNothing) {
  const auto data = std::make_shared<core::DataNode>(
      std::make_shared<core::MemoryMedia>(kSize),
      core::DataNode::Options{.name = "pmem0s", .block_size = 4096, .atomic_sectors = true});
  tree_.DataAdded("dev/pmem0s", data);
  constexpr int kWriters = 4;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] {
      const auto file = Open("dev/pmem0s", O_RDWR);
      ASSERT_NE(file, nullptr);
      for (int i = 0; i < kRounds; ++i) {
        const auto at = static_cast<uint64_t>(i * kWriters + writer);
        EXPECT_EQ(Write(*file, at, std::string(1, static_cast<char>('a' + writer))), 0);
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::string text, expected;
  EXPECT_EQ(Read(*Open("dev/pmem0s", O_RDONLY), 0, kRounds * kWriters, text), 0);
  for (int i = 0; i < kRounds; ++i) expected += "abcd";
  EXPECT_EQ(text, expected);
}

// close(2) reaches the daemon late: a store that is refused for a file that is being closed waits.
TEST_F(FilesRaceTest, StoresAndClosesMeet) {
  const auto data = std::make_shared<core::DataNode>(std::make_shared<core::MemoryMedia>(kSize),
                                                     core::DataNode::Options{.name = "pmem1"});
  tree_.DataAdded("dev/pmem1", data);
  model_.on_store = [&](const core::Attribute&, absl::string_view) {
    return data->holders() == 0 ? absl::OkStatus()
                                : core::Refusal(EBUSY, "test.busy", "the file is open");
  };
  std::atomic<int> stored{0};
  const auto store = [&](int) {
    const auto file = Open("devices/bus0/wait_probe", O_WRONLY);
    const int error = Write(*file, 0, "x");
    EXPECT_TRUE(error == 0 || error == EBUSY) << error;
    stored += error == 0;
  };
  const auto use = [&] {
    { const auto file = Open("dev/pmem1", O_RDONLY); }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  };
  Race(store, {use});
  EXPECT_GT(stored, 0);
}

}  // namespace
}  // namespace nvdimmfs::fs
