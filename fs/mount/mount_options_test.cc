// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_options.h"

#include <cerrno>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr absl::string_view kSource[] = {"label_size", "force"};

ParsedOptions Parse(absl::string_view text) {
  auto parsed = ParseOptions(text, kSource);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *parsed : ParsedOptions();
}

std::string ReasonFor(absl::string_view text) {
  return core::ReasonOf(ParseOptions(text, kSource).status());
}

TEST(MountOptionsTest, NothingIsTheDefault) {
  const ParsedOptions parsed = Parse("");
  EXPECT_FALSE(parsed.mount.read_only);
  EXPECT_FALSE(parsed.mount.allow_other);
  EXPECT_FALSE(parsed.mount.uid.has_value());
  EXPECT_THAT(parsed.source, IsEmpty());
}

TEST(MountOptionsTest, ReadsItsOwn) {
  const MountOptions mount =
      Parse("ro,commands,allow_other,uid=1000,gid=0,umask=027,fsname=a\\,b").mount;
  EXPECT_TRUE(mount.read_only);
  EXPECT_TRUE(mount.commands);
  EXPECT_TRUE(mount.allow_other);
  EXPECT_EQ(mount.uid, 1000u);
  EXPECT_EQ(mount.gid, 0u);
  EXPECT_EQ(mount.umask, 027u);
  EXPECT_EQ(mount.source_name, "a,b");
}

TEST(MountOptionsTest, HardensUnlessToldOtherwise) {
  EXPECT_EQ(Parse("").mount.harden, Harden::kOff);
  EXPECT_EQ(Parse("harden=off").mount.harden, Harden::kOff);
  EXPECT_EQ(Parse("harden=strict").mount.harden, Harden::kStrict);
  EXPECT_EQ(Parse("harden=off,harden=auto").mount.harden, Harden::kAuto);
  EXPECT_EQ(ReasonFor("harden=on"), "option.value");
  EXPECT_EQ(ReasonFor("harden"), "option.value");
  EXPECT_EQ(Parse("").mount.keeper, nullptr);
}

TEST(MountOptionsTest, ReadsWhatIsPassedThrough) {
  EXPECT_EQ(Parse("").mount.passthrough, Passthrough::Policy::kSafe);
  EXPECT_EQ(Parse("passthrough=off").mount.passthrough, Passthrough::Policy::kOff);
  EXPECT_EQ(Parse("passthrough=writes").mount.passthrough, Passthrough::Policy::kWrites);
  EXPECT_EQ(Parse("passthrough=off,passthrough=auto").mount.passthrough,
            Passthrough::Policy::kSafe);
  EXPECT_FALSE(Parse("").mount.no_spin);
  EXPECT_TRUE(Parse("nospin").mount.no_spin);
  EXPECT_FALSE(Parse("nospin").mount.uring);
  EXPECT_TRUE(Parse("uring").mount.uring);
  EXPECT_EQ(ReasonFor("passthrough=on"), "option.value");
  EXPECT_EQ(ReasonFor("passthrough"), "option.value");
}

TEST(MountOptionsTest, TheLastOfRoAndRwCounts) {
  EXPECT_FALSE(Parse("ro,rw").mount.read_only);
  EXPECT_TRUE(Parse("rw,ro").mount.read_only);
}

TEST(MountOptionsTest, GivesTheSourceItsOwn) {
  EXPECT_THAT(Parse("label_size=128K,ro,force").source,
              ElementsAre(Pair("label_size", "128K"), Pair("force", "")));
}

TEST(MountOptionsTest, AcceptsWhatMountAndFstabAdd) {
  EXPECT_THAT(Parse("rw,defaults,noauto,user,user=me,_netdev,nofail,x-systemd.automount,"
                    "comment=mine,relatime,dev,suid")
                  .mount.fuse_options,
              ElementsAre("dev", "suid"));
}

TEST(MountOptionsTest, RefusesTheUnknownAndNamesTheKnown) {
  const absl::Status status = ParseOptions("ro,lable_size=1M", kSource).status();
  EXPECT_EQ(core::ErrnoOf(status), EINVAL);
  EXPECT_EQ(core::ReasonOf(status), "option.unknown");
  EXPECT_THAT(std::string(status.message()), HasSubstr("lable_size=1M"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("label_size"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("umask="));
}

TEST(MountOptionsTest, RefusesBadValues) {
  for (const char* text : {"uid=me", "uid=", "uid", "uid=-1", "uid=4294967295", "umask=9",
                           "umask=1777", "gid=99999999999"})
    EXPECT_EQ(ReasonFor(text), "option.value") << text;
}

}  // namespace
}  // namespace nvdimmfs::fs
