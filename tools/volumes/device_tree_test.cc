// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/device_tree.h"

#include <cerrno>

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/fake_tree.h"

namespace nvdimmfs::volumes {
namespace {

constexpr char kUuid[] = "00112233-4455-6677-8899-aabbccddeeff";

class DeviceTreeTest : public testing::Test {
 protected:
  const std::string place_ =
      testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
  FakeTree fake_{place_};
  DeviceTree tree_{place_};
};

TEST_F(DeviceTreeTest, ARefusalHasTheReasonAndTheSentenceOfTheTree) {
  fake_.Refuse("region0", "x/create",
               R"({"errno":"EISDIR","reason":"namespace.space","sentence":"no [room], none"})");
  const absl::Status refused = tree_.Create("region0", "size=1M").status();
  EXPECT_EQ(core::ErrnoOf(refused), EISDIR);
  EXPECT_EQ(core::ReasonOf(refused), "namespace.space");
  EXPECT_EQ(refused.message(), "no [room], none");
}

TEST_F(DeviceTreeTest, WhatTheTreeSaysOfAnotherErrorIsNotTaken) {
  for (const char* said : {R"({"errno":"EBUSY","reason":"namespace.busy","sentence":"busy"})",
                           R"({"errno":null,"reason":"labels.uneven","sentence":"a note"})",
                           R"(["EISDIR"])", "null", "", "EISDIR"}) {
    fake_.Refuse("region0", "x/create", said);
    const absl::Status refused = tree_.Create("region0", "size=1M").status();
    EXPECT_EQ(core::ErrnoOf(refused), EISDIR) << said;
    EXPECT_EQ(core::ReasonOf(refused), "volume.tree") << said;
    EXPECT_EQ(refused.message(), "region0: Is a directory") << said;
  }
}

TEST_F(DeviceTreeTest, ANamespaceIsFoundByItsUuid) {
  EXPECT_EQ(core::ErrnoOf(tree_.Find(kUuid).status()), ENODEV);
  fake_.Show({{.device = "namespace0.1",
               .region = "region0",
               .label_name = "db",
               .uuid = kUuid,
               .mode = "sector",
               .node = "pmem0s",
               .size = 1 << 20,
               .capacity = 1000}});
  const auto found = tree_.Find(kUuid);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->device, "namespace0.1");
  EXPECT_EQ(found->region, "region0");
  EXPECT_EQ(found->label_name, "db");
  EXPECT_EQ(found->node, "pmem0s");
  EXPECT_TRUE(tree_.Destroy(*found).ok());
  EXPECT_EQ(fake_.Written("region0", "x/destroy"), "namespace0.1\n");
}

}  // namespace
}  // namespace nvdimmfs::volumes
