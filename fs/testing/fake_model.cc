// SPDX-License-Identifier: Apache-2.0
#include "fs/testing/fake_model.h"

#include <cerrno>

#include "core/base/status.h"
#include "core/model/engine.h"

namespace nvdimmfs::fs {
namespace {

// The engine that the devices refer to. None of them is registered with it.
core::Engine& UnusedEngine() {
  static auto* const engine = new core::Engine(nullptr, {}, core::kDefaultKernel);
  return *engine;
}

absl::Status Gone() { return core::Refusal(ENODEV, "device.gone", "the device is gone"); }

}  // namespace

FakeDevice::FakeDevice(std::string name, std::vector<core::Attribute> attributes,
                       std::vector<std::string> directories, const core::DeviceKind& kind)
    : Device(UnusedEngine(), kind, std::move(name), nullptr),
      attributes_(std::move(attributes)),
      directories_(std::move(directories)) {}

void FakeModel::Set(FakeDevice& device, absl::string_view attribute, absl::string_view value) {
  absl::MutexLock lock(&mutex_);
  device.values_[std::string(attribute)] = std::string(value);
}

std::string FakeModel::Get(FakeDevice& device, absl::string_view attribute) {
  absl::MutexLock lock(&mutex_);
  return device.values_[std::string(attribute)];
}

void FakeModel::Remove(FakeDevice& device) {
  absl::MutexLock lock(&mutex_);
  device.gone_ = true;
}

int FakeModel::shows() const {
  absl::MutexLock lock(&mutex_);
  return shows_;
}

std::vector<std::string> FakeModel::stores() const {
  absl::MutexLock lock(&mutex_);
  return stores_;
}

absl::StatusOr<std::string> FakeModel::Show(core::Device& device,
                                            const core::Attribute& attribute) {
  absl::MutexLock lock(&mutex_);
  auto& fake = static_cast<FakeDevice&>(device);
  ++shows_;
  if (fake.gone_) return Gone();
  const auto found = fake.values_.find(std::string(attribute.name));
  if (found == fake.values_.end())
    return core::Refusal(ENXIO, "attribute.nothing", "nothing to say");
  return found->second;
}

absl::Status FakeModel::Store(core::Device& device, const core::Attribute& attribute,
                              absl::string_view written) {
  auto& fake = static_cast<FakeDevice&>(device);
  {
    absl::MutexLock lock(&mutex_);
    stores_.emplace_back(written);
    if (fake.gone_) return Gone();
  }
  if (on_store) return on_store(attribute, written);
  Set(fake, attribute.name, written.substr(0, written.find('\0')));
  return absl::OkStatus();
}

absl::Status FakeModel::CreateAttribute(core::Device& device, absl::string_view name) {
  if (on_create) return on_create(device, name);
  return core::Refusal(EACCES, "tree.create", "none can be created");
}

absl::StatusOr<int> FakeModel::RunCommand(core::Device& device, const core::Attribute& attribute,
                                          const core::Command& command) {
  return attribute.command(device, command);
}

}  // namespace nvdimmfs::fs
