// SPDX-License-Identifier: Apache-2.0
// test_dimmK of class nfit_test_dimm: the attributes with which tests make an emulated DIMM fail.
// Registered after the bus, for DIMMs whose source has TestControls.
#ifndef NVDIMMFS_CORE_SERVICES_TEST_DIMM_H_
#define NVDIMMFS_CORE_SERVICES_TEST_DIMM_H_

#include <memory>
#include <string>
#include <vector>

#include "core/model/device.h"
#include "core/nd/dimm.h"

namespace nvdimmfs::core {

// The class of test_dimmK: a directory of links to them.
class TestDimmClass final : public Device {
 public:
  static constexpr DeviceKind kKind{"class", "class/CLASS"};
  static constexpr char kPlace[] = "class/nfit_test_dimm";
  explicit TestDimmClass(Engine& engine) : Device(engine, kKind, "nfit_test_dimm", nullptr) {}

  std::string place() const override { return kPlace; }
  absl::Span<const Attribute> attributes() const override { return {}; }
};

class TestDimm final : public Device {
 public:
  static constexpr DeviceKind kKind{"test_dimm", "nfit_test_dimm/test_dimmK"};

  explicit TestDimm(std::shared_ptr<Dimm> dimm);

  Dimm& dimm() const { return *dimm_; }
  TestControls& controls() const { return *dimm_->source().test_controls; }

  // Below the platform device that is the bus's parent.
  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;

 private:
  std::string platform_device() const;

  const std::shared_ptr<Dimm> dimm_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_TEST_DIMM_H_
