// SPDX-License-Identifier: Apache-2.0
#include "backends/image_create.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "backends/image_layout.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::ErrnoOf;
using core::ReasonOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kMiB = 1 << 20;

class ImageCreateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::string(getenv("TEST_TMPDIR") ? getenv("TEST_TMPDIR") : "/tmp") + "/create.XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/dimm.img";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  std::string folder_, path_;
};

TEST_F(ImageCreateTest, IsASparseFileOfDataAndLabelArea) {
  auto created = CreateImage({path_, 256 * kMiB, 128 * 1024});
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->file_size, 256 * kMiB + 128 * 1024);
  EXPECT_TRUE(created->label_area_is_found);
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(static_cast<uint64_t>(status.st_size), created->file_size);
  // The label area has its blocks, where the file system can give them beforehand; the data has
  // none.
  EXPECT_LE(status.st_blocks, 128 * 1024 / 512 + 64);
}

TEST_F(ImageCreateTest, NothingIsEverOverwritten) {
  std::ofstream(path_) << "precious";
  auto created = CreateImage({path_, kMiB});
  EXPECT_EQ(ErrnoOf(created.status()), EEXIST);
  EXPECT_EQ(ReasonOf(created.status()), "create.exists");
  std::string contents;
  std::ifstream(path_) >> contents;
  EXPECT_EQ(contents, "precious");
}

TEST_F(ImageCreateTest, ADanglingLinkIsNotFollowed) {
  ASSERT_EQ(symlink("elsewhere", path_.c_str()), 0);
  EXPECT_EQ(ReasonOf(CreateImage({path_, kMiB}).status()), "create.exists");
}

TEST_F(ImageCreateTest, RefusesSizesThatNoDimmHas) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{4095}, kMiB + 512, uint64_t{64} << 40,
                        uint64_t{100} << 40, uint64_t{INT64_MAX} + 1, UINT64_MAX - 4095}) {
    auto created = CreateImage({path_, size});
    EXPECT_EQ(ReasonOf(created.status()), "create.size") << size;
    EXPECT_EQ(ErrnoOf(created.status()), EINVAL);
  }
  for (uint64_t label_size :
       {uint64_t{1}, uint64_t{512}, uint64_t{1500}, uint64_t{131071}, uint64_t{131073},
        uint64_t{132096}, uint64_t{1} << 32, UINT64_MAX - 4095}) {
    auto created = CreateImage({path_, kMiB, label_size});
    EXPECT_EQ(ReasonOf(created.status()), "create.label_size") << label_size;
  }
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(ImageCreateTest, AFailureLeavesNoFile) {
  // As on a file system that takes no file of that size.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1 << 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  auto created = CreateImage({path_, 64 * kMiB});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(ReasonOf(created.status()), "create.file") << created.status();
  EXPECT_EQ(ErrnoOf(created.status()), EFBIG);
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  EXPECT_EQ(ErrnoOf(CreateImage({folder_ + "/none/dimm.img", kMiB}).status()), ENOENT);
}

TEST_F(ImageCreateTest, TellsWhereABlankLabelAreaWouldNotBeFound) {
  auto large = CreateImage({path_, 256 * kMiB, kMiB});
  ASSERT_TRUE(large.ok());
  EXPECT_FALSE(large->label_area_is_found);
  unlink(path_.c_str());
  auto none = CreateImage({path_, 64 * kMiB, 0});
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->label_area_is_found);
}

TEST(QemuCommandLineTest, NamesFileSizesAndLabelArea) {
  EXPECT_EQ(QemuCommandLine({"vm.img", 256 * kMiB, 128 * 1024}, 0, std::nullopt),
            "qemu-system-x86_64 -machine q35,nvdimm=on -m 1G,slots=8,maxmem=16G "
            "-object memory-backend-file,id=m0,share=on,mem-path=vm.img,size=268566528 "
            "-device nvdimm,memdev=m0,id=nv0,label-size=131072");
}

TEST(QemuCommandLineTest, ASecondDimmHasItsSlot) {
  const std::string line = QemuCommandLine({"b.img", 64 * kMiB, 128 * 1024}, 1, std::nullopt);
  EXPECT_THAT(line, HasSubstr("-device nvdimm,memdev=m1,id=nv1,slot=1,label-size=131072"));
  EXPECT_THAT(line, HasSubstr("id=m1,share=on"));
  EXPECT_THAT(QemuCommandLine({"b.img", kMiB, 0}, 40, std::nullopt), HasSubstr("slots=41,"));
}

TEST(QemuCommandLineTest, LabelLessHasNoLabelSizeAndUuidIsPassedOn) {
  const auto uuid = core::Uuid::Parse("3f1c9e9e-0f29-4a0f-8e0f-d2a1d5b6f7a1");
  const std::string line = QemuCommandLine({"vm.img", 64 * kMiB, 0}, 0, uuid);
  EXPECT_THAT(line, Not(HasSubstr("label-size")));
  EXPECT_THAT(line, HasSubstr(",uuid=3f1c9e9e-0f29-4a0f-8e0f-d2a1d5b6f7a1"));
}

TEST(QemuCommandLineTest, OddPathsAreQuotedForQemuAndTheShell) {
  EXPECT_THAT(
      QemuCommandLine({"a,b c'd.img", kMiB, 0}, 0, std::nullopt),
      HasSubstr("'memory-backend-file,id=m0,share=on,mem-path=a,,b c'\\''d.img,size=1048576'"));
}

TEST(QemuCommandLineTest, MaxmemHoldsALargeDimm) {
  EXPECT_THAT(QemuCommandLine({"x", uint64_t{2} << 40, 131072}, 0, std::nullopt),
              HasSubstr("maxmem=2050G"));
}

}  // namespace
}  // namespace nvdimmfs::backends
