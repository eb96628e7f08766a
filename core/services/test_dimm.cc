// SPDX-License-Identifier: Apache-2.0
#include "core/services/test_dimm.h"

#include <cerrno>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/common_attributes.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

constexpr int64_t kLeast = -4095;  // the lowest errno

TestDimm& AsTest(Device& device) { return static_cast<TestDimm&>(device); }

absl::StatusOr<std::string> ShowFailing(Device& device) {
  return absl::StrFormat("%#x\n", AsTest(device).controls().failing.load());
}

absl::Status StoreFailing(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t functions, ParseSigned(text));
  AsTest(device).controls().failing = static_cast<uint64_t>(functions);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowCode(Device& device) {
  return absl::StrCat(AsTest(device).controls().code.load(), "\n");
}

absl::Status StoreCode(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t code, ParseSigned(text));
  if (code < kLeast || code > std::numeric_limits<int>::max())
    return Refusal(EINVAL, "dimm.test.code",
                   absl::StrCat("fail_cmd_code of ", device.name(), ": ", code,
                                " is neither a negative errno nor a value that an ioctl returns; 0 "
                                "means -",
                                EIO));
  AsTest(device).controls().code = static_cast<int>(code);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowHandle(Device& device) {
  return absl::StrFormat("%#x\n", AsTest(device).dimm().source().identity.handle);
}

absl::Status StoreLock(Device& device, absl::string_view) {
  Dimm& dimm = AsTest(device).dimm();
  // Without security the lock has no effect.
  if (dimm.firmware() == nullptr || !dimm.firmware()->has(intel::kSecurityState))
    return absl::OkStatus();
  RETURN_IF_ERROR(dimm.firmware()
                      ->ChangeSecurity([](intel::Security& security) {
                        security.Lock();
                        return intel::kSuccess;
                      })
                      .status());
  dimm.engine().NotifyChanged(dimm, "security");
  return absl::OkStatus();
}

constexpr Attribute kTestDimmAttributes[] = {
    {.name = "fail_cmd",
     .mode = 0644,
     .show = ShowFailing,
     .store = StoreFailing,
     .summary = "bit n: function n fails after it has done its work",
     .grammar = "NUMBER, also negative",
     .refusals = "input.*"},
    {.name = "fail_cmd_code",
     .mode = 0644,
     .show = ShowCode,
     .store = StoreCode,
     .summary = "what such a function returns: a negative errno, 0 for -EIO; positive: no failure",
     .grammar = "NUMBER, also negative",
     .refusals = "dimm.test.code input.*"},
    {.name = "handle", .show = ShowHandle, .summary = "NFIT handle of the DIMM"},
    {.name = "lock_dimm",
     .mode = 0200,
     .store = StoreLock,
     .summary = "a write locks the DIMM with the passphrase that it has",
     .grammar = "anything",
     .refusals = "dimm_state.*"},
    kUeventAttribute,
};

}  // namespace

TestDimm::TestDimm(std::shared_ptr<Dimm> dimm)
    : Device(dimm->engine(), kKind, absl::StrCat("test_dimm", dimm->source().test_controls->number),
             nullptr),
      dimm_(std::move(dimm)) {}

std::string TestDimm::platform_device() const {
  const std::string& bus = dimm_->parent()->path();
  return bus.substr(0, bus.rfind('/'));
}

std::string TestDimm::place() const {
  return absl::StrCat(platform_device(), "/nfit_test_dimm/", name());
}

absl::Span<const Attribute> TestDimm::Table() { return kTestDimmAttributes; }

std::vector<DeviceLink> TestDimm::inner_links() const {
  return {{"subsystem", TestDimmClass::kPlace}, {"device", platform_device()}};
}

std::vector<DeviceLink> TestDimm::links() const {
  return {{absl::StrCat(TestDimmClass::kPlace, "/", name()), path()}};
}

}  // namespace nvdimmfs::core
