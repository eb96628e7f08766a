// SPDX-License-Identifier: Apache-2.0
// test_dimmK: functions that a test makes fail do so for every caller.
#include "core/services/test_dimm.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/intel/firmware.h"
#include "core/media/memory_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

class TestDimmTest : public testing::Test {
 protected:
  TestDimmTest() {
    LabelArea::Open(labels)->Initialise(LabelV1_2()).IgnoreError();
    DimmSource dimm{.description = "memory",
                    .capacity = std::make_shared<MemoryMedia>(32 << 20),
                    .labels = labels};
    dimm.identity = {.handle = 0x101, .vendor = 0x8086, .serial = 0x123456};
    dimm.test_controls = controls;
    dimm.firmware = *intel::Firmware::PowerOn({});
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    model.Start(QemuBus(std::move(dimms)));
  }

  void Fail(intel::Function function, int code) {
    EXPECT_EQ(model.Set("test_dimm3/fail_cmd_code", absl::StrCat(code, "\n")), "");
    EXPECT_EQ(model.Set("test_dimm3/fail_cmd", absl::StrCat(1u << function, "\n")), "");
  }
  void Disable() {
    EXPECT_EQ(model.Unbind("nd_region", "region0"), "");
    EXPECT_EQ(model.Unbind("nvdimm", "nmem0"), "");
  }

  const std::shared_ptr<TestControls> controls = std::make_shared<TestControls>(3);
  const std::shared_ptr<MemoryMedia> labels = std::make_shared<TestLabels>(128 << 10, controls);
  ModelVerbs model;
};

TEST_F(TestDimmTest, ShowsWhatItWasTold) {
  EXPECT_EQ(model.Get("test_dimm3/handle"), "0x101\n");
  EXPECT_EQ(model.Get("test_dimm3/fail_cmd"), "0\n");
  EXPECT_EQ(model.Get("test_dimm3/fail_cmd_code"), "0\n");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd", "0x30"), "");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd_code", "-22"), "");
  EXPECT_EQ(model.Get("test_dimm3/fail_cmd"), "0x30\n");
  EXPECT_EQ(model.Get("test_dimm3/fail_cmd_code"), "-22\n");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd", "all"), "EINVAL");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd_code", "22"), "");
  EXPECT_EQ(model.Get("test_dimm3/fail_cmd_code"), "22\n");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd_code", "-4096"), "EINVAL");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd_code", "2147483648"), "EINVAL");
}

TEST_F(TestDimmTest, LabelsThatAreLockedCannotBeRead) {
  Disable();
  Fail(intel::kGetLabels, -EACCES);
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "EACCES");
  EXPECT_EQ(model.Get("nmem0/flags"), "label lock \n");
  EXPECT_EQ(model.Set("test_dimm3/fail_cmd", "0"), "");
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(model.Get("nmem0/flags"), "label \n");
}

TEST_F(TestDimmTest, BytesThatAreLockedHaveReadableLabels) {
  const std::string ns = "namespace0.0";
  EXPECT_EQ(model.Set(ns + "/uuid", "8b5d0b5e-2d5c-4e0c-8f6b-3c6f6e5a7b01"), "");
  EXPECT_EQ(model.Set(ns + "/size", absl::StrCat(16 << 20)), "");
  Disable();
  Fail(intel::kGetLabelSize, -EACCES);
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(model.Bind("nd_region", "region0"), "");
  EXPECT_EQ(model.Get(ns + "/size"), absl::StrCat(16 << 20, "\n"));
  EXPECT_FALSE(model.Bound(ns));
  Disable();
  Fail(intel::kGetLabelSize, -EIO);
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "EIO");
}

TEST_F(TestDimmTest, TheDriversOwnLabelWritesFail) {
  EXPECT_EQ(model.Set("namespace0.0/uuid", "8b5d0b5e-2d5c-4e0c-8f6b-3c6f6e5a7b01"), "");
  Fail(intel::kSetLabels, 0);
  EXPECT_EQ(model.Set("namespace0.0/size", absl::StrCat(16 << 20)), "EIO");
  Fail(intel::kSmart, 0);
  EXPECT_EQ(model.Set("namespace0.0/size", absl::StrCat(16 << 20)), "");
  Disable();
  EXPECT_EQ(model.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(model.Bind("nd_region", "region0"), "");
  EXPECT_EQ(model.Get("namespace0.0/size"), absl::StrCat(16 << 20, "\n"));
}

TEST_F(TestDimmTest, WhatSysfsAsksTheFirmwareForFails) {
  Fail(intel::kActivateArm, -ENXIO);
  EXPECT_EQ(model.Set("nmem0/firmware/activate", "arm"), "ENXIO");
  Fail(intel::kFreeze, -EPERM);
  EXPECT_EQ(model.Set("nmem0/security", "freeze"), "EIO");  // it has no passphrase
  EXPECT_EQ(model.Set("test_dimm3/lock_dimm", "1"), "");
  EXPECT_EQ(model.Get("nmem0/security"), "locked\n");
  EXPECT_EQ(model.Set("nmem0/security", "freeze"), "EPERM");
  EXPECT_EQ(model.Get("nmem0/frozen"), "1\n");  // it was done nevertheless
}

}  // namespace
}  // namespace nvdimmfs::core
