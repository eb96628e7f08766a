// SPDX-License-Identifier: Apache-2.0
// The semantics of a mount as programs see them, through the real kernel.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/base/status.h"
#include "core/model/name_hash.h"
#include "fs/protocol/fuse_session.h"
#include "fs/testing/fake_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fs_mount/offered_uring.h"

namespace nvdimmfs::tests {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kSize = 8 << 20;
constexpr size_t kPage = 4096;

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  operator int() const { return fd_; }  // NOLINT: stands for its number
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// Memory that O_DIRECT accepts.
class AlignedBuffer {
 public:
  AlignedBuffer(size_t size, char fill)
      : size_(size), bytes_(static_cast<char*>(aligned_alloc(kPage, size))) {
    memset(bytes_, fill, size);
  }
  ~AlignedBuffer() { free(bytes_); }
  char* data() { return bytes_; }
  std::string text() const { return std::string(bytes_, size_); }

 private:
  const size_t size_;
  char* const bytes_;
};

// The same tests run again over a mount by FUSE over io_uring.
bool ByUring() { return getenv("NVDIMMFS_TEST_URING") != nullptr; }

// Whether this process has an io_uring.
bool HasUring() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the listing's own
    if (std::filesystem::read_symlink(entry, gone) == "anon_inode:[io_uring]") return true;
  }
  return false;
}

class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "no /dev/fuse here";
    std::optional<OfferedUring> offered;
    if (ByUring() && !offered.emplace().works())
      GTEST_SKIP() << "FUSE over io_uring cannot be turned on here";
    char path[] = "/tmp/nvdimmfs_mount_test.XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    mountpoint_ = path;
    operations_ = std::make_unique<fs::Operations>(
        fake_.tree(), fake_.model(), fs::Operations::Owner{.uid = getuid(), .gid = getgid()});
    auto session = fs::FuseSession::Mount(*operations_, fake_.tree(),
                                          {.mountpoint = mountpoint_,
                                           .fuse_options = {"default_permissions"},
                                           .threads = 4,
                                           .uring = ByUring()});
    if (!session.ok() && core::ReasonOf(session.status()) == "mount.failed")
      GTEST_SKIP() << session.status();
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    absl::Notification ready;
    session_->Start({.on_ready = [&] { ready.Notify(); }});
    ready.WaitForNotification();
    EXPECT_EQ(HasUring(), ByUring());
  }
  void TearDown() override {
    if (session_ != nullptr) session_->Unmount();
    session_ = nullptr;
    if (!mountpoint_.empty()) {
      EXPECT_EQ(rmdir(mountpoint_.c_str()), 0);
    }
  }

  std::string At(const std::string& path) { return absl::StrCat(mountpoint_, "/", path); }
  int Open(const std::string& path, int flags) { return open(At(path).c_str(), flags, 0644); }
  int OpenError(const std::string& path, int flags) {
    Fd fd(Open(path, flags));
    return fd < 0 ? errno : 0;
  }
  static std::string ReadAt(int fd, off_t offset, size_t size) {
    std::string text(size, '\0');
    const ssize_t n = pread(fd, text.data(), size, offset);
    if (n < 0) return absl::StrCat("!", errno);
    text.resize(static_cast<size_t>(n));
    return text;
  }
  static int WriteAt(int fd, off_t offset, const std::string& text) {
    const ssize_t n = pwrite(fd, text.data(), text.size(), offset);
    return n < 0 ? -errno : static_cast<int>(n);
  }
  std::string Cat(const std::string& path) {
    Fd fd(Open(path, O_RDONLY));
    return ReadAt(fd, 0, kPage);
  }

  fs::FakeTree fake_{kSize};
  std::string mountpoint_;
  std::unique_ptr<fs::Operations> operations_;
  std::unique_ptr<fs::FuseSession> session_;
};

// --- Attributes. ---

TEST_F(MountTest, AttributesReadAndStatAsInSysfs) {
  EXPECT_EQ(Cat("devices/region0/size"), absl::StrCat(kSize, "\n"));
  struct stat st;
  ASSERT_EQ(stat(At("devices/region0/size").c_str(), &st), 0);
  EXPECT_EQ(st.st_size, 4096);
  EXPECT_EQ(st.st_mode, static_cast<mode_t>(S_IFREG | 0444));
}

TEST_F(MountTest, AttributesOfAnyLengthAreReadWhole) {
  Fd fd(Open("devices/region0/big", O_RDONLY));
  std::string text;
  std::vector<char> piece(100000);
  for (ssize_t n; (n = read(fd, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<size_t>(n));
  EXPECT_EQ(text, std::string(3 << 20, 'b'));
}

TEST_F(MountTest, ModeBitsBindRootToo) {
  EXPECT_EQ(OpenError("devices/region0/size", O_WRONLY), EACCES);
  EXPECT_EQ(OpenError("devices/region0/size", O_RDWR), EACCES);
  EXPECT_EQ(OpenError("devices/region0/bind", O_RDONLY), EACCES);
  EXPECT_EQ(OpenError("devices/region0/bind", O_WRONLY), 0);
}

TEST_F(MountTest, WritesArriveWithTheirNul) {
  Fd fd(Open("devices/region0/uuid", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(write(fd, "abc\n", 5), 5);
  EXPECT_EQ(write(fd, "", 1), 1);
  EXPECT_EQ(write(fd, "", 0), 0);
  EXPECT_THAT(fake_.model().stores(), ElementsAre(std::string("abc\n\0", 5), std::string("\0", 1)));
}

TEST_F(MountTest, ShellRedirectionWorks) {
  const std::string echo = absl::StrCat("echo word > ", At("devices/region0/uuid"));
  EXPECT_EQ(system(echo.c_str()), 0);
  EXPECT_EQ(Cat("devices/region0/uuid"), "word\n");
  const std::string append = absl::StrCat("echo more >> ", At("devices/region0/uuid"));
  EXPECT_EQ(system(append.c_str()), 0);
  EXPECT_EQ(Cat("devices/region0/uuid"), "more\n");
  const std::string tee =
      absl::StrCat("echo tee | tee ", At("devices/region0/uuid"), " >/dev/null");
  EXPECT_EQ(system(tee.c_str()), 0);
  EXPECT_EQ(Cat("devices/region0/uuid"), "tee\n");
}

TEST_F(MountTest, AnEmptyTruncationStoresNothing) {
  Fd fd(Open("devices/region0/uuid", O_WRONLY | O_TRUNC));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(ftruncate(fd, 0), 0);
  struct stat st;
  ASSERT_EQ(fstat(fd, &st), 0);
  EXPECT_EQ(st.st_size, 4096);
  EXPECT_TRUE(fake_.model().stores().empty());
}

TEST_F(MountTest, OfALongWriteOnePageIsTaken) {
  Fd fd(Open("devices/region0/uuid", O_WRONLY));
  EXPECT_EQ(WriteAt(fd, 0, std::string(3 * kPage, 'x')), static_cast<int>(kPage));
}

TEST_F(MountTest, SeekingToTheStartShowsAgain) {
  Fd fd(Open("devices/region0/size", O_RDONLY));
  EXPECT_EQ(ReadAt(fd, 0, 3), "838");
  fake_.model().Set(fake_.region(), "size", "7\n");
  EXPECT_EQ(ReadAt(fd, 3, 100), "8608\n");
  EXPECT_EQ(ReadAt(fd, 0, 100), "7\n");
}

TEST_F(MountTest, AFailingShowFailsTheRead) {
  Fd fd(Open("devices/region0/badblocks", O_RDONLY));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(ReadAt(fd, 0, 100), absl::StrCat("!", ENXIO));
}

TEST_F(MountTest, ARemovedDeviceIsGoneAtOnceAndOpenFilesGiveEnodev) {
  Fd fd(Open("devices/region0/uuid", O_RDWR));
  EXPECT_EQ(ReadAt(fd, 0, 100), "\n");
  fake_.RemoveRegion();
  EXPECT_EQ(ReadAt(fd, 0, 100), absl::StrCat("!", ENODEV));
  EXPECT_EQ(WriteAt(fd, 0, "x"), -ENODEV);
  EXPECT_EQ(OpenError("devices/region0/uuid", O_RDONLY), ENOENT);
  EXPECT_EQ(OpenError("devices/region0", O_RDONLY), ENOENT);
}

TEST_F(MountTest, PollWakesOnAChange) {
  Fd fd(Open("devices/region0/badblocks", O_RDONLY));
  fake_.model().Set(fake_.region(), "badblocks", "\n");
  EXPECT_EQ(ReadAt(fd, 0, 100), "\n");
  pollfd waiting = {fd, 0, 0};
  EXPECT_EQ(poll(&waiting, 1, 50), 0) << waiting.revents;
  std::thread changer([&] {
    usleep(50000);
    fake_.tree().ChangeAttribute("devices/region0/badblocks");
  });
  EXPECT_EQ(poll(&waiting, 1, 10000), 1);
  EXPECT_TRUE(waiting.revents & POLLERR);
  changer.join();
  waiting = {fd, POLLPRI, 0};
  EXPECT_EQ(poll(&waiting, 1, 1000), 1);
  EXPECT_EQ(ReadAt(fd, 0, 100), "\n");
  EXPECT_EQ(poll(&waiting, 1, 50), 0) << "read, so news no more";
}

TEST_F(MountTest, EpollWakesOnAChange) {
  Fd fd(Open("devices/region0/size", O_RDONLY));
  ReadAt(fd, 0, 100);
  Fd set(epoll_create1(0));
  epoll_event event = {};
  ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
  EXPECT_EQ(epoll_wait(set, &event, 1, 50), 0);
  std::thread changer([&] {
    usleep(50000);
    fake_.tree().ChangeAttribute("devices/region0/size");
  });
  EXPECT_EQ(epoll_wait(set, &event, 1, 10000), 1);
  changer.join();
}

// --- Directories. ---

TEST_F(MountTest, DirectoriesAreInTheKernelsOrderAndSeekable) {
  for (int i = 0; i < 300; ++i) fake_.tree().LinkAdded(absl::StrCat("block/b", i), "dev");
  DIR* dir = opendir(At("block").c_str());
  ASSERT_NE(dir, nullptr);
  std::vector<std::string> names;
  std::vector<long> places;
  while (const dirent* entry = readdir(dir)) {
    names.emplace_back(entry->d_name);
    EXPECT_NE(entry->d_ino, 0u);
    places.push_back(entry->d_off);
  }
  ASSERT_EQ(names.size(), 302u);
  EXPECT_EQ(names[0], ".");
  EXPECT_EQ(names[1], "..");
  for (size_t i = 2; i + 1 < names.size(); ++i) {
    EXPECT_LE(core::NameHash(names[i]), core::NameHash(names[i + 1]));
    EXPECT_EQ(places[i], static_cast<long>(core::NameHash(names[i + 1])));
  }
  fake_.tree().LinkRemoved(absl::StrCat("block/", names[10]));
  for (const size_t i : {5u, 150u, 299u}) {
    seekdir(dir, places[i]);
    EXPECT_EQ(readdir(dir)->d_name, names[i + 1]);
  }
  closedir(dir);
}

TEST_F(MountTest, TheTreeCannotBeChangedByHand) {
  EXPECT_EQ(mkdir(At("devices/new").c_str(), 0755), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(unlink(At("devices/region0/size").c_str()), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(rename(At("dev/pmem0").c_str(), At("dev/pmem1").c_str()), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(symlink("x", At("dev/y").c_str()), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(OpenError("dev/pmem9", O_RDWR | O_CREAT), EACCES);
  EXPECT_EQ(OpenError("devices/region0/none", O_WRONLY | O_CREAT), EACCES);
  EXPECT_EQ(OpenError("devices/region0/none", O_WRONLY), ENOENT);
}

TEST_F(MountTest, TheModelMayCreateAnAttribute) {
  fake_.model().on_create = [&](core::Device&, absl::string_view) {
    const auto replacement = std::make_shared<fs::FakeDevice>(
        "region0", std::vector<core::Attribute>{{.name = "uuid2", .mode = 0644}});
    fake_.tree().RemoveDevice("devices/region0");
    fake_.tree().AddDevice("devices/region0", replacement);
    return absl::OkStatus();
  };
  const std::string echo = absl::StrCat("echo word > ", At("devices/region0/uuid2"));
  EXPECT_EQ(system(echo.c_str()), 0);
  EXPECT_EQ(Cat("devices/region0/uuid2"), "word\n");
}

TEST_F(MountTest, HasSaneNumbersAndNoExtendedAttributes) {
  struct statvfs fs;
  ASSERT_EQ(statvfs(mountpoint_.c_str(), &fs), 0);
  EXPECT_EQ(fs.f_blocks * fs.f_frsize, 2 * kSize);
  // Monitors of full file systems raise no alarm.
  EXPECT_EQ(fs.f_bavail, fs.f_blocks);
  EXPECT_EQ(fs.f_favail, fs.f_files);
  char value[16];
  EXPECT_EQ(getxattr(At("dev/pmem0").c_str(), "user.x", value, sizeof value), -1);
  EXPECT_EQ(errno, EOPNOTSUPP);
  struct stat a, b;
  ASSERT_EQ(stat(At("bus/nd/devices/region0").c_str(), &a), 0);
  ASSERT_EQ(stat(At("devices/region0").c_str(), &b), 0);
  EXPECT_EQ(a.st_ino, b.st_ino);
}

// --- Data. ---

TEST_F(MountTest, DataFilesEndLikeADisk) {
  struct stat st;
  ASSERT_EQ(stat(At("dev/pmem0").c_str(), &st), 0);
  EXPECT_EQ(st.st_size, static_cast<off_t>(kSize));
  EXPECT_EQ(st.st_blksize, 512);
  for (const int direct : {0, O_DIRECT}) {
    SCOPED_TRACE(direct ? "O_DIRECT" : "buffered");
    Fd fd(Open("dev/pmem0", O_RDWR | direct));
    AlignedBuffer buffer(2 * kPage, 'e');
    EXPECT_EQ(pwrite(fd, buffer.data(), 2 * kPage, kSize - kPage), static_cast<ssize_t>(kPage));
    EXPECT_EQ(pwrite(fd, buffer.data(), kPage, kSize), -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(pread(fd, buffer.data(), 2 * kPage, kSize - kPage), static_cast<ssize_t>(kPage));
    EXPECT_EQ(pread(fd, buffer.data(), kPage, kSize), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), static_cast<off_t>(kSize));
    ASSERT_EQ(fstat(fd, &st), 0);
    EXPECT_EQ(st.st_size, static_cast<off_t>(kSize));
  }
}

TEST_F(MountTest, DdWritesAndTruncatesHarmlessly) {
  const std::string dd =
      absl::StrCat("dd if=/dev/zero of=", At("dev/pmem0"), " bs=1M count=2 seek=1 status=none");
  Fd keeper(Open("dev/pmem0", O_RDWR));
  WriteAt(keeper, 5 << 20, "kept");
  EXPECT_EQ(system(dd.c_str()), 0);
  EXPECT_EQ(ReadAt(keeper, 5 << 20, 4), "kept");
  EXPECT_EQ(ftruncate(keeper, 0), 0);
  EXPECT_EQ(ReadAt(keeper, 5 << 20, 4), "kept");
  const std::string full =
      absl::StrCat("dd if=/dev/zero of=", At("dev/pmem0"), " bs=1M status=none 2>/dev/null");
  EXPECT_NE(system(full.c_str()), 0) << "ENOSPC at the end";
}

TEST_F(MountTest, TruncatingDoesNotDisturbAMapping) {
  Fd fd(Open("dev/pmem0", O_RDWR));
  WriteAt(fd, 0, "mapped");
  auto* map = static_cast<char*>(mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0));
  ASSERT_NE(map, MAP_FAILED);
  EXPECT_EQ(std::string(map, 6), "mapped");
  Fd other(Open("dev/pmem0", O_WRONLY | O_TRUNC));
  EXPECT_EQ(std::string(map, 6), "mapped");
  munmap(map, kPage);
}

TEST_F(MountTest, DirectAccessWantsWholeBlocks) {
  Fd fd(Open("dev/pmem0s", O_RDWR | O_DIRECT));
  AlignedBuffer buffer(2 * kPage, 'a');
  EXPECT_EQ(pwrite(fd, buffer.data(), 512, 0), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(pread(fd, buffer.data(), kPage, 512), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(pwrite(fd, buffer.data(), kPage, kPage), static_cast<ssize_t>(kPage));
}

TEST_F(MountTest, LongDirectRequestsFromUnalignedMemoryWork) {
  constexpr size_t kLong = 3 << 20;
  Fd fd(Open("dev/pmem0s", O_RDWR | O_DIRECT));
  AlignedBuffer buffer(kLong + kPage, 'u');
  EXPECT_EQ(pwrite(fd, buffer.data() + 512, kLong, 0), static_cast<ssize_t>(kLong));
  memset(buffer.data(), 0, kLong + kPage);
  EXPECT_EQ(pread(fd, buffer.data() + 512, kLong, 0), static_cast<ssize_t>(kLong));
  EXPECT_EQ(std::string(buffer.data() + 512, kLong), std::string(kLong, 'u'));
}

TEST_F(MountTest, FsyncAndSynchronousWritesFlush) {
  Fd fd(Open("dev/pmem0", O_RDWR));
  WriteAt(fd, 0, "x");
  const int before = fake_.media().flushes();
  EXPECT_EQ(fsync(fd), 0);
  EXPECT_EQ(fake_.media().flushes(), before + 1);
  EXPECT_EQ(fdatasync(fd), 0);
  EXPECT_EQ(fake_.media().flushes(), before + 2);
  for (const int flags : {O_DSYNC, O_SYNC, O_DSYNC | O_DIRECT}) {
    Fd synchronous(Open("dev/pmem0", O_RDWR | flags));
    AlignedBuffer buffer(kPage, 's');
    const int earlier = fake_.media().flushes();
    EXPECT_EQ(pwrite(synchronous, buffer.data(), kPage, 0), static_cast<ssize_t>(kPage));
    EXPECT_GT(fake_.media().flushes(), earlier) << flags;
  }
}

TEST_F(MountTest, HolesAndZeroes) {
  Fd fd(Open("dev/pmem0", O_RDWR));
  WriteAt(fd, 0, std::string(4 * kPage, 'x'));
  EXPECT_EQ(ReadAt(fd, kPage, 1), "x");
  EXPECT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kPage, kPage), 0);
  EXPECT_EQ(ReadAt(fd, kPage - 1, kPage + 2), "x" + std::string(kPage, '\0') + "x");
  EXPECT_EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2 * kPage, kPage), 0);
  EXPECT_EQ(ReadAt(fd, 2 * kPage, kPage), std::string(kPage, '\0'));
  EXPECT_EQ(fallocate(fd, 0, 0, kSize), 0);
  EXPECT_EQ(fallocate(fd, 0, 0, kSize + 1), -1);
  EXPECT_EQ(errno, ENOSPC);
  struct stat st;
  ASSERT_EQ(fstat(fd, &st), 0);
  EXPECT_EQ(st.st_size, static_cast<off_t>(kSize));
}

TEST_F(MountTest, SharedMappingsWriteToTheMedia) {
  Fd fd(Open("dev/pmem0", O_RDWR));
  auto* map = static_cast<char*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_NE(map, MAP_FAILED);
  memcpy(map + 12345, "through", 7);
  EXPECT_EQ(msync(map, kSize, MS_SYNC), 0);
  EXPECT_EQ(memcmp(fake_.media().mapping() + 12345, "through", 7), 0);
  EXPECT_GT(fake_.media().flushes(), 0);
  munmap(map, kSize);
}

TEST_F(MountTest, BufferedAndDirectSeeEachOther) {
  Fd buffered(Open("dev/pmem0", O_RDWR)), direct(Open("dev/pmem0", O_RDWR | O_DIRECT));
  AlignedBuffer buffer(kPage, '\0');
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    const char fill = static_cast<char>('a' + round % 26);
    // Direct write, seen by a descriptor that has the page cached.
    memset(buffer.data(), fill, kPage);
    EXPECT_EQ(pwrite(direct, buffer.data(), kPage, kPage), static_cast<ssize_t>(kPage));
    EXPECT_EQ(ReadAt(buffered, kPage, kPage), std::string(kPage, fill));
    // Buffered write, seen by the direct descriptor.
    EXPECT_EQ(WriteAt(buffered, kPage, std::string(kPage, '#')), static_cast<int>(kPage));
    EXPECT_EQ(pread(direct, buffer.data(), kPage, kPage), static_cast<ssize_t>(kPage));
    EXPECT_EQ(buffer.text(), std::string(kPage, '#'));
  }
}

TEST_F(MountTest, CachedPagesAndAMappingSeeWhatAWriteOnlyDescriptorWrote) {
  Fd buffered(Open("dev/pmem0", O_RDWR)), writer(Open("dev/pmem0", O_WRONLY));
  auto* map =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, buffered, 0));
  ASSERT_NE(map, MAP_FAILED);
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    map[0] = static_cast<char>('A' + round % 26);  // dirty, next to what is written
    const std::string text(5, static_cast<char>('a' + round % 26));
    EXPECT_EQ(WriteAt(writer, 100, text), 5);
    EXPECT_EQ(ReadAt(buffered, 100, 5), text);
    EXPECT_EQ(std::string(map + 100, 5), text);
    EXPECT_EQ(map[0], 'A' + round % 26);
  }
  munmap(map, kPage);
}

TEST_F(MountTest, MappingsAndDirectSeeEachOther) {
  Fd buffered(Open("dev/pmem0", O_RDWR)), direct(Open("dev/pmem0", O_RDWR | O_DIRECT));
  auto* map =
      static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, buffered, 0));
  ASSERT_NE(map, MAP_FAILED);
  AlignedBuffer buffer(kPage, '\0');
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    memset(map, 'A' + round % 26, kPage);  // dirty, not yet written back
    EXPECT_EQ(pread(direct, buffer.data(), kPage, 0), static_cast<ssize_t>(kPage));
    EXPECT_EQ(buffer.text(), std::string(kPage, static_cast<char>('A' + round % 26)));
    memset(buffer.data(), 'a' + round % 26, kPage);
    EXPECT_EQ(pwrite(direct, buffer.data(), kPage, 0), static_cast<ssize_t>(kPage));
    EXPECT_EQ(std::string(map, kPage), buffer.text());
  }
  munmap(map, kPage);
}

TEST_F(MountTest, ADirectDescriptorCanBeMapped) {
  Fd direct(Open("dev/pmem0", O_RDWR | O_DIRECT));
  void* map = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, direct, 0);
  ASSERT_NE(map, MAP_FAILED);
  munmap(map, kPage);
}

TEST_F(MountTest, ParallelDirectWritersDoNotMix) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([this, i] {
      Fd fd(Open("dev/pmem0", O_RDWR | O_DIRECT));
      AlignedBuffer buffer(kPage, static_cast<char>('0' + i));
      for (int block = i; block < 400; block += 4)
        EXPECT_EQ(pwrite(fd, buffer.data(), kPage, block * kPage), static_cast<ssize_t>(kPage));
    });
  for (std::thread& writer : writers) writer.join();
  for (int block = 0; block < 400; ++block)
    EXPECT_EQ(static_cast<char>(fake_.media().mapping()[block * kPage]), '0' + block % 4);
}

// The kernel may release a file as soon as it has the reply to a read, while the reader of our side
// is still leaving it.
TEST_F(MountTest, AReleaseMayOvertakeTheRestOfARead) {
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([this] {
      for (int round = 0; round < 2000; ++round) {
        const Fd fd(Open("devices/region0/big", O_RDONLY));
        ASSERT_NE(ReadAt(fd, 0, kPage)[0], '!');
      }
    });
  for (std::thread& reader : readers) reader.join();
}

TEST_F(MountTest, AWriteRightAfterAnotherProgramsCloseFindsNoHolder) {
  fake_.model().on_store = [&](const core::Attribute&, absl::string_view) {
    return fake_.data().holders() == 0 ? absl::OkStatus()
                                       : core::Refusal(EBUSY, "data.held", "held");
  };
  for (int i = 0; i < 200; ++i) {
    Fd data(Open("dev/pmem0", O_RDWR));
    Fd attribute(Open("devices/region0/uuid", O_WRONLY));
    data.Close();
    ASSERT_EQ(write(attribute, "x", 1), 1) << "round " << i;
  }
}

TEST_F(MountTest, ADisabledNamespaceFailsForWhoHasItOpenEvenFromCache) {
  Fd buffered(Open("dev/pmem0", O_RDWR)), direct(Open("dev/pmem0", O_RDWR | O_DIRECT));
  WriteAt(buffered, 0, "cached");
  EXPECT_EQ(ReadAt(buffered, 0, 6), "cached");
  fake_.model().on_store = [&](const core::Attribute&, absl::string_view) {
    fake_.DisableData();
    return absl::OkStatus();
  };
  Fd unbind(Open("devices/region0/bind", O_WRONLY));
  EXPECT_EQ(write(unbind, "x", 1), 1);
  EXPECT_EQ(ReadAt(buffered, 0, 6), absl::StrCat("!", EIO));
  EXPECT_EQ(WriteAt(buffered, 0, "x"), -EIO);
  AlignedBuffer buffer(kPage, 'x');
  EXPECT_EQ(pread(direct, buffer.data(), kPage, 0), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(OpenError("dev/pmem0", O_RDONLY), ENOENT);
}

TEST_F(MountTest, ANewBindingHasNothingOfTheOldOnesCache) {
  {
    Fd old(Open("dev/pmem0", O_RDWR));
    WriteAt(old, 0, "old");
    EXPECT_EQ(ReadAt(old, 0, 3), "old");
  }
  struct stat before, after;
  ASSERT_EQ(stat(At("dev/pmem0").c_str(), &before), 0);
  fake_.DisableData();
  fake_.EnableData(2 * kSize);
  ASSERT_EQ(stat(At("dev/pmem0").c_str(), &after), 0);
  EXPECT_NE(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_size, static_cast<off_t>(2 * kSize));
  Fd fresh(Open("dev/pmem0", O_RDONLY));
  EXPECT_EQ(ReadAt(fresh, 0, 3), std::string(3, '\0'));
}

TEST_F(MountTest, WhatAMappingDirtiedIsThereAfterUnmounting) {
  {
    Fd fd(Open("dev/pmem0", O_RDWR));
    auto* map = static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ASSERT_NE(map, MAP_FAILED);
    memcpy(map, "last words", 10);
    munmap(map, kPage);
  }
  session_->Unmount();
  EXPECT_EQ(memcmp(fake_.media().mapping(), "last words", 10), 0);
}

TEST_F(MountTest, UnmountingReleasesWhoStillHasFilesOpen) {
  Fd fd(Open("dev/pmem0", O_RDWR));
  EXPECT_EQ(fake_.data().holders(), 1);
  session_->Unmount();
  EXPECT_EQ(fake_.data().holders(), 0);
  EXPECT_LT(WriteAt(fd, 0, "x"), 0);
}

}  // namespace
}  // namespace nvdimmfs::tests
