// SPDX-License-Identifier: Apache-2.0
// A device model for tests: devices whose attributes are words in a map.
#ifndef NVDIMMFS_FS_TESTING_FAKE_MODEL_H_
#define NVDIMMFS_FS_TESTING_FAKE_MODEL_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "fs/files/model.h"

namespace nvdimmfs::fs {

inline constexpr core::DeviceKind kFakeKind{"fake", "FAKE"};

class FakeDevice final : public core::Device {
 public:
  FakeDevice(std::string name, std::vector<core::Attribute> attributes,
             std::vector<std::string> directories = {}, const core::DeviceKind& kind = kFakeKind);

  absl::Span<const core::Attribute> attributes() const override { return attributes_; }
  std::vector<std::string> directories() const override { return directories_; }
  std::vector<core::DeviceLink> inner_links() const override { return links_below; }
  std::vector<core::DeviceLink> links() const override { return links_elsewhere; }

  // Set it before the device is added anywhere.
  std::vector<core::DeviceLink> links_below, links_elsewhere;

 private:
  friend class FakeModel;
  const std::vector<core::Attribute> attributes_;
  const std::vector<std::string> directories_;
  // Under the model's lock.
  bool gone_ = false;
  std::map<std::string, std::string> values_;
};

class FakeModel final : public Model {
 public:
  void Set(FakeDevice& device, absl::string_view attribute, absl::string_view value);
  std::string Get(FakeDevice& device, absl::string_view attribute);
  // From now on the device answers ENODEV.
  void Remove(FakeDevice& device);

  // If set: what a store does instead of keeping the text.
  std::function<absl::Status(const core::Attribute&, absl::string_view)> on_store;
  std::function<absl::Status(core::Device&, absl::string_view)> on_create;

  int shows() const;
  std::vector<std::string> stores() const;  // everything written, oldest first

  absl::StatusOr<std::string> Show(core::Device& device, const core::Attribute& attribute) override;
  absl::Status Store(core::Device& device, const core::Attribute& attribute,
                     absl::string_view written) override;
  absl::Status CreateAttribute(core::Device& device, absl::string_view name) override;
  absl::StatusOr<int> RunCommand(core::Device& device, const core::Attribute& attribute,
                                 const core::Command& command) override;

 private:
  mutable absl::Mutex mutex_;
  int shows_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> stores_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_TESTING_FAKE_MODEL_H_
