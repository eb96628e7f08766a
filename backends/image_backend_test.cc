// SPDX-License-Identifier: Apache-2.0
#include "backends/image_backend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "backends/image_create.h"
#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_area.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::DimmSource;
using core::ErrnoOf;
using core::ReasonOf;
using ::testing::HasSubstr;

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

// Runs `body` in a child; true where it returned true.
bool InChild(const std::function<bool()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class ImageBackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = GetParam();
    if (folder_ == "tmp") folder_ = getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp";
    folder_ += "/image.XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr)
      GTEST_SKIP() << "no folder can be made in " << GetParam();
    path_ = folder_ + "/dimm.img";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  void Create(uint64_t size = 16 * kMiB, uint64_t label_size = 128 * kKiB) {
    ASSERT_TRUE(CreateImage({path_, size, label_size}).ok());
  }
  absl::StatusOr<DimmSource> Open(const ImageOptions& options = {}) {
    return OpenImage(path_, 0, options);
  }
  std::string Contents() {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::string folder_, path_;
};

TEST_P(ImageBackendTest, ABlankImageIsOneDimmAsQemuShowsIt) {
  Create();
  auto dimm = OpenImage(path_, 2, {});
  ASSERT_TRUE(dimm.ok()) << dimm.status();
  EXPECT_EQ(dimm->description, path_);
  EXPECT_EQ(dimm->capacity->size(), 16 * kMiB);
  ASSERT_NE(dimm->labels, nullptr);
  EXPECT_EQ(dimm->labels->size(), 128 * kKiB);
  EXPECT_FALSE(dimm->read_only);
  EXPECT_EQ(dimm->identity.handle, 3u);
  EXPECT_EQ(dimm->identity.phys_id, 0);
  EXPECT_EQ(dimm->identity.vendor, 0x8086);
  EXPECT_EQ(dimm->identity.device, 1);
  EXPECT_EQ(dimm->identity.revision, 1);
  EXPECT_EQ(dimm->identity.serial, 0x123458u);
  EXPECT_EQ(dimm->identity.interface_code, 0x0301);
  EXPECT_FALSE(dimm->identity.manufacturing.has_value());
}

TEST_P(ImageBackendTest, ALabelLessImageHasNoLabels) {
  Create(16 * kMiB, 0);
  auto dimm = Open();
  ASSERT_TRUE(dimm.ok()) << dimm.status();
  EXPECT_EQ(dimm->labels, nullptr);
  EXPECT_EQ(dimm->capacity->size(), 16 * kMiB);
}

TEST_P(ImageBackendTest, DataAndLabelsLieWhereQemuPutsThem) {
  Create();
  {
    auto dimm = Open();
    ASSERT_TRUE(dimm.ok()) << dimm.status();
    ASSERT_TRUE(dimm->capacity->Write(0, std::vector<std::byte>(1, std::byte{'d'})).ok());
    ASSERT_TRUE(dimm->labels->Write(0, std::vector<std::byte>(1, std::byte{'l'})).ok());
    ASSERT_TRUE(dimm->capacity->Flush().ok());
  }
  const std::string contents = Contents();
  EXPECT_EQ(contents[0], 'd');
  EXPECT_EQ(contents[16 * kMiB], 'l');
}

TEST_P(ImageBackendTest, LabelsOfALargeAreaAreFoundOnceWritten) {
  Create(16 * kMiB, kMiB);
  {
    auto blank = Open();
    ASSERT_TRUE(blank.ok());
    EXPECT_EQ(blank->labels, nullptr);
  }
  {
    auto told = Open({.label_size = kMiB});
    ASSERT_TRUE(told.ok()) << told.status();
    auto area = core::LabelArea::Open(told->labels);
    ASSERT_TRUE(area.ok());
    ASSERT_TRUE(area->Initialise(core::LabelV1_1()).ok());
  }
  auto found = Open();
  ASSERT_TRUE(found.ok());
  ASSERT_NE(found->labels, nullptr);
  EXPECT_EQ(found->labels->size(), kMiB);
}

TEST_P(ImageBackendTest, ASecondUserIsRefusedAndToldWhoHasIt) {
  Create();
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  for (bool read_only : {false, true}) {
    auto second = Open({.read_only = read_only});
    EXPECT_EQ(ErrnoOf(second.status()), EBUSY) << second.status();
    EXPECT_EQ(ReasonOf(second.status()), "image.busy");
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat("pid ", getpid())));
    EXPECT_TRUE(InChild([&] { return ErrnoOf(Open({.read_only = read_only}).status()) == EBUSY; }));
  }
  EXPECT_EQ(ErrnoOf(Open({.force = true}).status()), EBUSY) << "force is for readers only";
  EXPECT_TRUE(Open({.read_only = true, .force = true}).ok());
}

TEST_P(ImageBackendTest, TheLockLastsAsLongAsAnyOfItsMedia) {
  Create();
  std::shared_ptr<core::Media> labels;
  {
    auto dimm = Open();
    ASSERT_TRUE(dimm.ok());
    labels = dimm->labels;
  }
  EXPECT_EQ(ErrnoOf(Open().status()), EBUSY);
  labels.reset();
  EXPECT_TRUE(Open().ok());
}

TEST_P(ImageBackendTest, ReadersShare) {
  Create();
  auto first = Open({.read_only = true});
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = Open({.read_only = true});
  EXPECT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(ErrnoOf(Open().status()), EBUSY);
}

TEST_P(ImageBackendTest, AProcessThatMapsItAsAVmDoesIsFound) {
  Create();
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t vm = fork();
  if (vm == 0) {
    close(go[1]);
    const int fd = open(path_.c_str(), O_RDWR);
    if (mmap(nullptr, 16 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED) _exit(1);
    close(fd);
    char byte = 1;
    (void)!write(ready[1], &byte, 1);
    (void)!read(go[0], &byte, 1);
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  for (bool read_only : {false, true}) {
    auto dimm = Open({.read_only = read_only});
    EXPECT_EQ(ErrnoOf(dimm.status()), EBUSY) << dimm.status();
    EXPECT_THAT(std::string(dimm.status().message()), HasSubstr(absl::StrCat("pid ", vm)));
    EXPECT_THAT(std::string(dimm.status().message()), HasSubstr("mapped"));
  }
  EXPECT_TRUE(Open({.read_only = true, .force = true}).ok());
  for (int fd : {ready[0], ready[1], go[0], go[1]}) close(fd);
  waitpid(vm, nullptr, 0);
  EXPECT_TRUE(Open().ok());
}

TEST_P(ImageBackendTest, ReadOnlyLeavesBytesAndTimesAlone) {
  Create();
  const struct timespec times[2] = {{1000000000, 0}, {1000000001, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
  {
    auto dimm = Open({.read_only = true});
    ASSERT_TRUE(dimm.ok()) << dimm.status();
    EXPECT_TRUE(dimm->read_only);
    EXPECT_TRUE(dimm->capacity->read_only());
    std::vector<std::byte> page(4096, std::byte{1});
    EXPECT_TRUE(dimm->capacity->Read(0, absl::MakeSpan(page)).ok());
    EXPECT_EQ(ErrnoOf(dimm->capacity->Write(0, page)), EROFS);
    EXPECT_EQ(ErrnoOf(dimm->labels->Write(0, page)), EROFS);
    EXPECT_TRUE(dimm->labels->Flush().ok());
  }
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mtime, 1000000001);
  EXPECT_EQ(status.st_atime, 1000000000);
  EXPECT_EQ(Contents(), std::string(16 * kMiB + 128 * kKiB, '\0'));
}

TEST_P(ImageBackendTest, WhatIsNoRegularFileIsRefused) {
  EXPECT_EQ(ErrnoOf(Open().status()), ENOENT);
  EXPECT_EQ(ReasonOf(Open().status()), "image.open");
  EXPECT_EQ(ErrnoOf(OpenImage(folder_, 0, {}).status()), EISDIR);
  EXPECT_EQ(ReasonOf(OpenImage("/dev/null", 0, {}).status()), "image.kind");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(ReasonOf(Open().status()), "image.kind");
  EXPECT_EQ(ReasonOf(Open({.read_only = true}).status()), "image.kind");
}

TEST_P(ImageBackendTest, TooSmallIsRefused) {
  for (int size : {0, 1, 511, 4095}) {
    std::ofstream(path_) << std::string(size, 'x');
    EXPECT_EQ(ReasonOf(Open().status()), "image.size") << size;
    EXPECT_EQ(ErrnoOf(Open().status()), EINVAL);
  }
}

TEST_P(ImageBackendTest, ALabelFileMayBeAsSmallAsALabelAreaIs) {
  Create(2 * kMiB, 0);
  const std::string labels = path_ + ".labels";
  for (int size : {0, 1, 511, 767}) {
    std::ofstream(labels) << std::string(size, '\0');
    EXPECT_EQ(ReasonOf(Open({.labels = labels}).status()), "image.size") << size;
  }
  for (int size : {768, 1000, 1024, 2048, 5000}) {
    std::ofstream(labels) << std::string(size, '\0');
    auto dimm = Open({.labels = labels});
    ASSERT_TRUE(dimm.ok()) << dimm.status();
    ASSERT_EQ(dimm->labels->size(), size);
    auto area = core::LabelArea::Open(dimm->labels);
    ASSERT_TRUE(area.ok()) << area.status();
    EXPECT_TRUE(area->Initialise(core::LabelV1_1()).ok()) << size;
    EXPECT_TRUE(core::HasLabelIndex(*dimm->labels));
  }
  std::remove(labels.c_str());
}

TEST_P(ImageBackendTest, AnyTruncationIsRefusedOrADimmThatCanBeRead) {
  std::mt19937_64 random(3);
  Create(2 * kMiB, 128 * kKiB);
  for (int round = 0; round < 50; ++round) {
    const uint64_t size = random() % (2 * kMiB + 128 * kKiB + 1);
    SCOPED_TRACE(size);
    ASSERT_EQ(truncate(path_.c_str(), static_cast<off_t>(size)), 0);
    auto dimm = Open({.read_only = round % 2 == 0});
    if (!dimm.ok()) {
      EXPECT_EQ(ReasonOf(dimm.status()), "image.size");
      continue;
    }
    std::vector<std::byte> all(dimm->capacity->size());
    EXPECT_TRUE(dimm->capacity->Read(0, absl::MakeSpan(all)).ok());
    if (dimm->labels == nullptr) continue;
    all.resize(dimm->labels->size());
    EXPECT_TRUE(dimm->labels->Read(0, absl::MakeSpan(all)).ok());
  }
}

TEST_P(ImageBackendTest, TruncationWhileOpenIsAnIoError) {
  Create();
  auto dimm = Open();
  ASSERT_TRUE(dimm.ok());
  ASSERT_EQ(truncate(path_.c_str(), 8 * kMiB), 0);
  std::vector<std::byte> page(4096);
  EXPECT_TRUE(dimm->capacity->Read(0, absl::MakeSpan(page)).ok());
  EXPECT_EQ(ReasonOf(dimm->capacity->Read(8 * kMiB, absl::MakeSpan(page))), "media.sigbus");
  EXPECT_EQ(ErrnoOf(dimm->labels->Write(0, page)), EIO);
}

INSTANTIATE_TEST_SUITE_P(Folders, ImageBackendTest, ::testing::Values("tmp", "/dev/shm"),
                         [](const auto& info) {
                           return info.param == "tmp" ? std::string("Disk") : std::string("Tmpfs");
                         });

}  // namespace
}  // namespace nvdimmfs::backends
