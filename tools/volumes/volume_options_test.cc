// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_options.h"

#include <cerrno>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

using ::testing::HasSubstr;

TEST(VolumeOptions, WithoutAnyItIsAnExt4FileSystemOnABttThatIsErased) {
  const auto options = ParseVolumeOptions({});
  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(options->has_file_system());
  EXPECT_EQ(options->fstype, "ext4");
  EXPECT_STREQ(options->namespace_mode(), "sector");
  EXPECT_TRUE(options->erase);
  EXPECT_FALSE(options->read_only);
  EXPECT_EQ(options->permission_bits(), 0755u);
}

TEST(VolumeOptions, AllOfThemAreUnderstood) {
  const auto options = ParseVolumeOptions({{"size", "1G"},
                                           {"mode", "fsdax"},
                                           {"fstype", "xfs"},
                                           {"sector_size", "4K"},
                                           {"align", "2M"},
                                           {"region", "vm.img/region1"},
                                           {"erase", "no"},
                                           {"owner", "1000:50"},
                                           {"perm", "2770"},
                                           {"ro", ""}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->size, uint64_t{1} << 30);
  EXPECT_EQ(options->mode, VolumeMode::kFsdax);
  EXPECT_EQ(options->fstype, "xfs");
  EXPECT_EQ(options->sector_size, 4096u);
  EXPECT_EQ(options->align, 2u << 20);
  EXPECT_EQ(options->region, "vm.img/region1");
  EXPECT_FALSE(options->erase);
  EXPECT_EQ(options->uid, 1000u);
  EXPECT_EQ(options->gid, 50u);
  EXPECT_EQ(options->permission_bits(), 02770u);
  EXPECT_TRUE(options->read_only);
}

TEST(VolumeOptions, ModeInOctalIsPermissionBits) {
  const auto options = ParseVolumeOptions({{"mode", "0700"}});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->mode, VolumeMode::kFs);
  EXPECT_EQ(options->permission_bits(), 0700u);
}

TEST(VolumeOptions, NamesOfUsersAreLookedUp) {
  const auto options = ParseVolumeOptions({{"owner", "root:daemon"}});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->uid, 0u);
  EXPECT_EQ(options->gid, 1u);
}

TEST(VolumeOptions, EachSurvivesTheJournal) {
  const OptionMap maps[] = {{},
                            {{"size", "64M"}, {"mode", "raw"}, {"perm", "0"}},
                            {{"mode", "sector"}, {"sector_size", "520"}},
                            {{"on", "raw"}, {"fstype", "xfs"}, {"ro", "yes"}},
                            {{"mode", "fsdax"}, {"align", "4K"}, {"erase", "no"}},
                            {{"uid", "7"}, {"gid", "8"}, {"region", "region0"}}};
  for (const OptionMap& map : maps) {
    const auto options = ParseVolumeOptions(map);
    ASSERT_TRUE(options.ok()) << options.status();
    const auto again = ParseVolumeOptions(ToMap(*options));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *options);
  }
}

TEST(VolumeOptions, MayStandInOneAsForDockersOwnDriver) {
  const auto options = ParseVolumeOptions({{"o", "size=64m,uid=1000,ro"}, {"erase", "no"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->size, uint64_t{64} << 20);
  EXPECT_EQ(options->uid, 1000u);
  EXPECT_TRUE(options->read_only);
  EXPECT_FALSE(options->erase);
  EXPECT_FALSE(ParseVolumeOptions({{"o", "rw"}})->read_only);
  EXPECT_TRUE(ParseVolumeOptions({{"o", ""}}).ok());
  EXPECT_TRUE(ParseVolumeOptions({{"o", "size=64m"}, {"size", "64m"}}).ok());
  EXPECT_FALSE(ParseVolumeOptions({{"o", "size=64m"}, {"size", "32m"}}).ok());
  EXPECT_FALSE(ParseVolumeOptions({{"o", "size=64m,size=32m"}}).ok());
  EXPECT_FALSE(ParseVolumeOptions({{"o", "o=size=64m"}}).ok());
}

TEST(VolumeOptions, OfOPodmanSaysSomeOnceMoreInCapitals) {
  const auto options = ParseVolumeOptions(
      {{"o", "size=64m,uid=7,gid=8"}, {"SIZE", "64m"}, {"UID", "7"}, {"GID", "8"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->size, uint64_t{64} << 20);
  EXPECT_EQ(options->uid, 7u);
  EXPECT_EQ(options->gid, 8u);
  EXPECT_FALSE(ParseVolumeOptions({{"o", "size=64m"}, {"SIZE", "32m"}}).ok());
  EXPECT_FALSE(ParseVolumeOptions({{"SIZE", "64m"}}).ok());
}

TEST(VolumeOptions, ARefusalIsShortAndNamesTheWordThatWasMeant) {
  const struct {
    OptionMap map;
    const char* said;
  } kCases[] = {
      {{{"sise", "64M"}}, "unknown option \"sise\": did you mean size? The options are size,"},
      {{{"o", "siez=64M"}}, "did you mean size?"},
      {{{"type", "ext4"}}, "did you mean fstype?"},
      {{{"mode", "fsdx"}}, "mode=fsdx: did you mean fsdax? mode= takes fs, raw, sector"},
      {{{"fstype", "xfss"}}, "did you mean xfs? fstype= takes ext4, xfs"},
      {{{"fstype", "btrfs"}}, "fstype=btrfs: fstype= takes ext4, xfs"},
      {{{"size", "64Q"}}, "size=64Q: size= takes BYTES, as 64M, 64MiB or 64MB"}};
  for (const auto& one : kCases) {
    const absl::Status status = ParseVolumeOptions(one.map).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr(one.said));
    EXPECT_LT(status.message().size(), 200u);
  }
  EXPECT_LT(ParseVolumeOptions({{std::string(100000, 'x'), ""}}).status().message().size(), 250u);
  EXPECT_LT(ParseVolumeOptions({{"mode", std::string(100000, 'x')}}).status().message().size(),
            250u);
}

TEST(VolumeOptions, WhatIsUnknownOrContradictoryIsRefused) {
  const OptionMap maps[] = {{{"siz", "64M"}},
                            {{"", ""}},
                            {{"size", "0"}},
                            {{"size", "64Q"}},
                            {{"size", "-1"}},
                            {{"mode", "devdax"}},
                            {{"mode", "0999"}},
                            {{"fstype", "ext4; rm -rf /"}},
                            {{"sector_size", "1000"}},
                            {{"sector_size", "520"}},  // mode=fs
                            {{"mode", "raw"}, {"fstype", "ext4"}},
                            {{"mode", "sector"}, {"on", "raw"}},
                            {{"mode", "sector"}, {"align", "2M"}},
                            {{"erase", "perhaps"}},
                            {{"owner", "no such user"}},
                            {{"uid", "4294967295"}},
                            {{"owner", "1"}, {"uid", "1"}},
                            {{"owner", "1:1"}, {"gid", "1"}},
                            {{"perm", "0700"}, {"mode", "0700"}},
                            {{"perm", "10000"}},
                            {{"region", ""}}};
  for (const OptionMap& map : maps) {
    const auto options = ParseVolumeOptions(map);
    EXPECT_EQ(core::ErrnoOf(options.status()), EINVAL) << map.begin()->first;
    EXPECT_EQ(core::ReasonOf(options.status()), "volume.option");
  }
}

TEST(VolumeName, LeavesNoDirectory) {
  for (const char* name : {"a", "0", "db_1.old-2", "A..b"})
    EXPECT_TRUE(CheckName(name).ok()) << name;
  EXPECT_TRUE(CheckName(std::string(255, 'x')).ok());
  for (const char* name : {"", ".", "..", "../x", "a/b", "-rf", "a b", "a\nb", "ä", "a~b", "$(id)"})
    EXPECT_EQ(core::ReasonOf(CheckName(name)), "volume.name") << name;
  EXPECT_FALSE(CheckName(absl::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(CheckName(std::string(256, 'x')).ok());
}

TEST(VolumeName, OfALabelLeavesNoDirectoryEither) {
  EXPECT_TRUE(CheckLabelName("db").ok());
  EXPECT_TRUE(CheckLabelName(LabelName(std::string(64, 'f'))).ok());
  for (const char* name : {"", "~", "~a", "a~~b", "../x~", "a/b~c", "a\n~"})
    EXPECT_EQ(core::ReasonOf(CheckLabelName(name)), "volume.name") << name;
}

TEST(VolumeName, FitsIntoALabel) {
  EXPECT_EQ(LabelName(std::string(63, 'x')), std::string(63, 'x'));
  const std::string anonymous(64, 'f');  // as docker makes them
  EXPECT_EQ(LabelName(anonymous).size(), kLongestLabelName);
  EXPECT_EQ(LabelName(anonymous).substr(0, 47), std::string(46, 'f') + "~");
  EXPECT_NE(LabelName(anonymous), LabelName(std::string(63, 'f') + "e"));
}

}  // namespace
}  // namespace nvdimmfs::volumes
