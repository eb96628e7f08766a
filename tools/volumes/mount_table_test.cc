// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/mount_table.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tools/volumes/mount_users.h"

namespace nvdimmfs::volumes {
namespace {

TEST(MountTable, ALineIsReadWhateverItsOptionalFields) {
  for (const char* optional : {"", "shared:5 ", "shared:5 master:7 unbindable "}) {
    const auto entry =
        ParseMountLine(std::string("36 35 7:3 /dev/pmem0 /a\\040b\\134c rw,noatime ") + optional +
                       "- fuse.nvdimmfs /srv/x.img rw");
    ASSERT_TRUE(entry.has_value()) << optional;
    EXPECT_EQ(entry->device, makedev(7, 3));
    EXPECT_EQ(entry->root, "/dev/pmem0");
    EXPECT_EQ(entry->place, "/a b\\c");
    EXPECT_EQ(entry->type, "fuse.nvdimmfs");
    EXPECT_EQ(entry->source, "/srv/x.img");
  }
}

TEST(MountTable, WhatIsNoLineIsNothing) {
  for (const char* line :
       {"", "-", "36 35 7:3 /", "36 35 7:3 / / rw - ext4", "36 35 x / / rw - a b c",
        "36 35 7:3:1 / / rw - a b c", "36 35 7 / / rw - a b c"})
    EXPECT_FALSE(ParseMountLine(line).has_value()) << line;
}

TEST(MountTable, OfThisProcessHasTheRoot) {
  ASSERT_TRUE(MountAt("/").has_value());
  EXPECT_TRUE(DeviceAt("/").has_value());
  EXPECT_EQ(DeviceAt("/proc"), MountAt("/proc")->device);
  EXPECT_FALSE(DeviceAt("/proc/self").has_value());
  EXPECT_FALSE(DeviceAt("/nonesuch").has_value());
  const dev_t proc = MountAt("/proc")->device;
  const auto some = MountTable(kOwnMounts, [proc](dev_t device) { return device == proc; });
  ASSERT_FALSE(some.empty());
  for (const MountEntry& entry : some) EXPECT_EQ(entry.device, proc);
  EXPECT_TRUE(MountTable("/nonesuch").empty());
}

TEST(MountTable, APlaceIsWithinItselfAndNotWithinItsNamesake) {
  EXPECT_TRUE(IsWithin("/a/b", "/a/b"));
  EXPECT_TRUE(IsWithin("/a/b/c", "/a/b"));
  EXPECT_FALSE(IsWithin("/a/bc", "/a/b"));
  EXPECT_FALSE(IsWithin("/a", "/a/b"));
}

MountedThing At(dev_t device, const char* root, const char* source = "x") {
  return {device, root, source};
}

TEST(MountUsers, AThingIsAWholeFileSystemOrOneFileOfIt) {
  const MountedThing whole = At(9, "", ""), file = At(9, "/dev/pmem0", "");
  EXPECT_TRUE(Matches(whole, At(9, "/dir")));
  EXPECT_FALSE(Matches(whole, At(8, "/dir")));
  EXPECT_TRUE(Matches(file, At(9, "/dev/pmem0")));
  EXPECT_TRUE(Matches(file, At(9, "/dev/pmem0//deleted")));
  EXPECT_FALSE(Matches(file, At(9, "/dev/pmem0.1")));
  EXPECT_FALSE(Matches(file, At(9, "/")));
}

TEST(MountUsers, AFileSystemWithTheNumberOfOneThatIsGoneIsAnother) {
  const MountedThing ours = At(9, "", "ours");
  EXPECT_TRUE(Matches(ours, At(9, "/", "ours")));
  EXPECT_FALSE(Matches(ours, At(9, "/", "tmpfs")));
}

TEST(MountUsers, ASetAndAnIndexSayWhatEachThingSays) {
  const std::vector<MountedThing> things = {At(9, "", "ours"), At(8, "/dev/pmem0", ""),
                                            At(8, "/dev/pmem1", ""), At(7, "", "")};
  std::vector<MountUser> users;
  for (const dev_t device : {6, 7, 8, 9})
    for (const char* root : {"/", "/dev/pmem0", "/dev/pmem1//deleted", "/dev/pmem2"})
      for (const char* source : {"ours", "tmpfs"})
        users.push_back({.thing = At(device, root, source)});
  const ThingSet set(things);
  const UserIndex index(users);
  EXPECT_TRUE(set.HasDevice(9));
  EXPECT_FALSE(set.HasDevice(6));
  size_t all = 0;
  for (const MountUser& user : users) {
    bool is_meant = false;
    for (const MountedThing& thing : things) is_meant = is_meant || Matches(thing, user.thing);
    EXPECT_EQ(set.Has(user.thing), is_meant) << user.thing.device << user.thing.root;
    all += is_meant;
  }
  EXPECT_EQ(index.Of(things).size(), all);
  EXPECT_EQ(index.Of({At(8, "/dev/pmem1", "")}).size(), 2u);
  // Each once, though two things match.
  EXPECT_EQ(index.Of({At(8, "", ""), At(8, "/dev/pmem1", "")}).size(), 8u);
}

TEST(MountUsers, AreFoundByTheirMounts) {
  const auto proc = MountAt("/proc");
  if (!proc) GTEST_SKIP() << "no /proc of its own";
  const auto users = FindMountUsers({{proc->device, ""}}, "");
  ASSERT_FALSE(users.empty());
  EXPECT_NE(Describe(users).find(" has /proc"), std::string::npos) << Describe(users);
  EXPECT_TRUE(FindMountUsers({{makedev(4095, 7), ""}}, "").empty());
}

TEST(MountUsers, AreFoundByTheirFiles) {
  char place[] = "/tmp/nv.XXXXXX";
  ASSERT_NE(mkdtemp(place), nullptr);
  EXPECT_TRUE(FindFileUsers(place).empty());
  const std::string before = std::filesystem::current_path();
  ASSERT_EQ(chdir(place), 0);
  const auto users = FindFileUsers(place);
  ASSERT_EQ(chdir(before.c_str()), 0);
  rmdir(place);
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].pid, getpid());
}

TEST(MountUsers, ManyAreCounted) {
  const MountUser one{.pid = 7, .command = "db", .container = "0123456789ab", .place = "/data"};
  EXPECT_EQ(Describe({one}), "process 7 (db) of container 0123456789ab has /data");
  std::vector<MountUser> many(5, one);
  EXPECT_EQ(Describe(many), Describe({one}));
  for (size_t i = 0; i < many.size(); ++i) many[i].pid = static_cast<pid_t>(i);
  EXPECT_NE(Describe(many).find("the host has /data; process 1 (db)"), std::string::npos);
  EXPECT_NE(Describe(many).find("; and 2 more"), std::string::npos);
}

}  // namespace
}  // namespace nvdimmfs::volumes
