// SPDX-License-Identifier: Apache-2.0
// What Pmem2Media adds to core::Media's contract (tests/conformance asks for that one).
#include "backends/pmem2_media.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::ErrnoOf;
using core::Range;
using core::ReasonOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::byte> Filled(size_t size, int value) {
  return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

class Pmem2MediaTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::string folder = GetParam();
    if (folder == "tmp") folder = getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp";
    path_ = folder + "/pmem2_media.XXXXXX";
    fd_ = mkstemp(path_.data());
    if (fd_ < 0) GTEST_SKIP() << "no file can be made in " << folder;
  }
  void TearDown() override {
    if (fd_ < 0) return;
    close(fd_);
    unlink(path_.c_str());
  }
  void Resize(uint64_t size) { ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(size)), 0); }
  std::shared_ptr<Pmem2Media> MapOrDie(uint64_t offset, uint64_t length) {
    auto media = Pmem2Media::Map(fd_, {.offset = offset, .length = length, .name = "file"});
    EXPECT_TRUE(media.ok()) << media.status();
    return media.ok() ? *media : nullptr;
  }

  std::string path_;
  int fd_ = -1;
};

TEST_P(Pmem2MediaTest, StoresReachTheFileAtTheirOffset) {
  Resize(20000);
  auto media = MapOrDie(5000, 10000);
  ASSERT_TRUE(media->Write(0, Filled(10000, 'x')).ok());
  ASSERT_TRUE(media->Flush().ok());
  std::string contents(20000, '?');
  ASSERT_EQ(pread(fd_, contents.data(), contents.size(), 0), 20000);
  EXPECT_EQ(contents, std::string(5000, '\0') + std::string(10000, 'x') + std::string(5000, '\0'));
}

TEST_P(Pmem2MediaTest, MapsToTheLastByteOfAnOddFile) {
  Resize(12345);
  auto media = MapOrDie(12000, 345);
  ASSERT_TRUE(media->Write(344, Filled(1, 'z')).ok());
  char last = 0;
  ASSERT_EQ(pread(fd_, &last, 1, 12344), 1);
  EXPECT_EQ(last, 'z');
}

TEST_P(Pmem2MediaTest, RefusesWhatIsNotAPartOfTheFile) {
  Resize(8192);
  for (Range part :
       {Range{0, 0}, Range{0, 8193}, Range{8192, 1}, Range{1, UINT64_MAX}, Range{UINT64_MAX, 1}}) {
    auto media = Pmem2Media::Map(fd_, {.offset = part.start, .length = part.size, .name = "file"});
    EXPECT_EQ(ReasonOf(media.status()), "media.range") << part.start << " " << part.size;
    EXPECT_EQ(ErrnoOf(media.status()), EINVAL);
  }
}

TEST_P(Pmem2MediaTest, RefusesAnEmptyFileAndThingsThatAreNoFile) {
  EXPECT_FALSE(Pmem2Media::Map(fd_, {.length = 1, .name = "empty"}).ok());
  EXPECT_FALSE(Pmem2Media::Map(-1, {.length = 1, .name = "closed"}).ok());
  const int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_FALSE(Pmem2Media::Map(folder, {.length = 1, .read_only = true, .name = "folder"}).ok());
  close(folder);
}

TEST_P(Pmem2MediaTest, ATerabyteSparseFileCostsNothing) {
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer's shadow of it costs a lot";
#endif
#endif
  if (ftruncate(fd_, off_t{2} << 40) != 0) GTEST_SKIP() << "no file that large here";
  auto mapped = Pmem2Media::Map(fd_, {.length = uint64_t{2} << 40, .name = "file"});
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  auto media = *mapped;
  ASSERT_TRUE(media->Write((uint64_t{2} << 40) - 1, Filled(1, 1)).ok());
  ASSERT_TRUE(media->Flush().ok());
  struct stat status;
  ASSERT_EQ(fstat(fd_, &status), 0);
  EXPECT_LT(status.st_blocks, 16384);  // 8 MiB; tmpfs may give a huge page
}

TEST_P(Pmem2MediaTest, OutlivesTheCallersDescriptor) {
  Resize(4096);
  auto media = MapOrDie(0, 4096);
  close(fd_);
  ASSERT_TRUE(media->Write(0, Filled(4096, 9)).ok());
  EXPECT_TRUE(media->Flush().ok());
  EXPECT_TRUE(media->Punch(0, 4096).ok());
  fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
}

TEST_P(Pmem2MediaTest, ReadOnlyRefusesEveryStoreAndLeavesTheFileAlone) {
  Resize(8192);
  ASSERT_EQ(pwrite(fd_, "old", 3, 0), 3);
  const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
  ASSERT_EQ(futimens(fd_, times), 0);
  {
    const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    auto media = Pmem2Media::Map(fd, {.length = 8192, .read_only = true, .name = "file"});
    close(fd);
    ASSERT_TRUE(media.ok()) << media.status();
    EXPECT_TRUE((*media)->read_only());
    const auto data = Filled(512, 1);
    for (const absl::Status& status :
         {(*media)->Write(0, data), (*media)->WriteThrough(0, data), (*media)->Store32(0, 1),
          (*media)->Store64(0, 1), (*media)->Punch(0, 512), (*media)->ClearPoison(0, 512)}) {
      EXPECT_EQ(ErrnoOf(status), EROFS) << status;
      EXPECT_EQ(ReasonOf(status), "media.read_only");
    }
    EXPECT_TRUE((*media)->Persist(0, 512).ok());
    EXPECT_TRUE((*media)->Flush().ok());
    std::vector<std::byte> out(3);
    EXPECT_TRUE((*media)->Read(0, absl::MakeSpan(out)).ok());
    EXPECT_EQ(out[0], std::byte{'o'});
  }
  struct stat status;
  ASSERT_EQ(fstat(fd_, &status), 0);
  EXPECT_EQ(status.st_mtime, 1000000000);
}

TEST_P(Pmem2MediaTest, MappingReadWriteNeedsAWritableDescriptor) {
  Resize(4096);
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  auto media = Pmem2Media::Map(fd, {.length = 4096, .name = "file"});
  close(fd);
  EXPECT_EQ(ReasonOf(media.status()), "media.map") << media.status();
}

TEST_P(Pmem2MediaTest, ATruncatedFileIsEioNotADeadProcess) {
  Resize(3 * 4096);
  auto media = MapOrDie(0, 3 * 4096);
  Resize(4096);
  std::vector<std::byte> out(4096);
  const auto data = Filled(4096, 1);
  for (const absl::Status& status :
       {media->Read(4096, absl::MakeSpan(out)), media->Write(8192, data),
        media->WriteThrough(4096, data), media->Store32(4096, 1), media->Store64(8192, 1)}) {
    EXPECT_EQ(ErrnoOf(status), EIO) << status;
    EXPECT_EQ(ReasonOf(status), "media.sigbus") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("file"));
  }
  EXPECT_TRUE(media->Read(0, absl::MakeSpan(out)).ok());
  Resize(3 * 4096);  // and when the bytes are back, they can be used
  EXPECT_TRUE(media->Write(8192, data).ok());
  EXPECT_TRUE(media->Read(4096, absl::MakeSpan(out)).ok());
}

TEST_P(Pmem2MediaTest, PoisonedBytesReadAsEioUntilWrittenInWholeUnits) {
  Resize(65536);
  auto media = MapOrDie(0, 65536);
  ASSERT_TRUE(media->Write(0, Filled(65536, 1)).ok());
  ASSERT_TRUE(media->InjectPoison({1024, 1024}).ok());
  std::vector<std::byte> out(512);
  EXPECT_EQ(ReasonOf(media->Read(1000, absl::MakeSpan(out))), "media.poison");
  EXPECT_EQ(ErrnoOf(media->Read(1024, absl::MakeSpan(out))), EIO);
  EXPECT_TRUE(media->Read(512, absl::MakeSpan(out)).ok());
  EXPECT_TRUE(media->IsPoisoned(0, 1025));
  EXPECT_FALSE(media->IsPoisoned(0, 1024));

  EXPECT_EQ(ReasonOf(media->Write(1024, Filled(511, 2))), "media.poison");
  EXPECT_EQ(ReasonOf(media->Store64(1024, 2)), "media.poison");
  EXPECT_EQ(ReasonOf(media->Punch(1000, 600)), "media.poison");
  ASSERT_TRUE(media->WriteThrough(1024, Filled(512, 2)).ok());
  EXPECT_TRUE(media->Read(1024, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out, Filled(512, 2));
  EXPECT_THAT(media->BadRanges(), ElementsAre(Range{1536, 512}));
  ASSERT_TRUE(media->Write(1000, Filled(2000, 3)).ok());  // covers the bad unit wholly
  EXPECT_THAT(media->BadRanges(), IsEmpty());
}

TEST_P(Pmem2MediaTest, ClearPoisonTakesWholeUnitsOnly) {
  Resize(8192);
  auto media = MapOrDie(0, 8192);
  ASSERT_TRUE(media->InjectPoison({0, 4096}).ok());
  EXPECT_EQ(ErrnoOf(media->ClearPoison(0, 100)), ENXIO);
  EXPECT_EQ(ErrnoOf(media->ClearPoison(100, 512)), ENXIO);
  EXPECT_EQ(ErrnoOf(media->ClearPoison(8192, 512)), EIO);
  EXPECT_TRUE(media->ClearPoison(512, 3584).ok());
  EXPECT_THAT(media->BadRanges(), ElementsAre(Range{0, 512}));
  EXPECT_FALSE(media->InjectPoison({8000, 500}).ok());
}

TEST_P(Pmem2MediaTest, PunchGivesBlocksBack) {
  Resize(4 << 20);
  auto media = MapOrDie(0, 4 << 20);
  ASSERT_TRUE(media->Write(0, Filled(4 << 20, 1)).ok());
  ASSERT_TRUE(media->Flush().ok());
  ASSERT_TRUE(media->Punch(0, 4 << 20).ok());
  struct stat status;
  ASSERT_EQ(fstat(fd_, &status), 0);
  EXPECT_EQ(status.st_size, 4 << 20);
  EXPECT_LT(status.st_blocks, 512);
}

TEST_P(Pmem2MediaTest, LendsAWholeSoundFileAndTakesNoPoisonMeanwhile) {
  Resize(16384);
  auto media = MapOrDie(0, 16384);
  std::shared_ptr<core::FileLoan> loan = media->LendFile();
  ASSERT_NE(loan, nullptr);
  EXPECT_EQ(media->LendFile(), loan);
  EXPECT_FALSE(loan->is_sealed());
  EXPECT_FALSE(loan->Trim());
  EXPECT_EQ(ErrnoOf(media->InjectPoison({0, 512})), EBUSY);
  EXPECT_THAT(media->BadRanges(), IsEmpty());
  ASSERT_EQ(pwrite(loan->descriptor(), "x", 1, 16384), 1);
  EXPECT_TRUE(loan->Trim());
  EXPECT_EQ(lseek(fd_, 0, SEEK_END), 16384);
  loan.reset();
  EXPECT_TRUE(media->InjectPoison({0, 512}).ok());
  EXPECT_EQ(media->LendFile(), nullptr);
  EXPECT_TRUE(media->ClearPoison(0, 512).ok());
  EXPECT_NE(media->LendFile(), nullptr);
}

TEST_P(Pmem2MediaTest, LendsNoPartOfAFile) {
  Resize(16384);
  EXPECT_EQ(MapOrDie(4096, 12288)->LendFile(), nullptr);
  EXPECT_EQ(MapOrDie(0, 12288)->LendFile(), nullptr);
  auto whole = MapOrDie(0, 16384);
  Resize(20480);
  EXPECT_EQ(whole->LendFile(), nullptr);
}

TEST_P(Pmem2MediaTest, AutoIsNeverWhatIsInForce) {
  Resize(4096);
  EXPECT_NE(MapOrDie(0, 4096)->durability(), Durability::kAuto);
}

INSTANTIATE_TEST_SUITE_P(Folders, Pmem2MediaTest, ::testing::Values("tmp", "/dev/shm"),
                         [](const auto& info) {
                           return info.param == "tmp" ? std::string("Disk") : std::string("Tmpfs");
                         });

}  // namespace
}  // namespace nvdimmfs::backends
