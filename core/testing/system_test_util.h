// SPDX-License-Identifier: Apache-2.0
// A device model over memory, for tests: one QEMU DIMM, and short functions that read and write its
// attributes.
#ifndef NVDIMMFS_CORE_TESTING_SYSTEM_TEST_UTIL_H_
#define NVDIMMFS_CORE_TESTING_SYSTEM_TEST_UTIL_H_

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "core/sources/bus_source.h"
#include "core/system/system.h"

namespace nvdimmfs::core {

// A fake BTT: marks the start of the namespace when one is created. The real one has its own tests,
// and tests/ combines it with this model.
class FakeSectorLayer final : public SectorLayer {
 public:
  uint64_t SignatureOffset(ClaimClass) const override { return 0; }
  bool IsSignature(absl::Span<const std::byte> bytes) const override {
    return !bytes.empty() && bytes[0] == std::byte{'B'};
  }

  absl::StatusOr<SectorIdentity> Probe(const Media& ns, ClaimClass, const Uuid&) override {
    std::byte mark[20];
    const absl::Status read = ns.Read(0, absl::MakeSpan(mark));
    if (!read.ok() || mark[0] != std::byte{'B'})
      return Refusal(ENODEV, "btt.info.signature", "no mark");
    SectorIdentity found{.external_lbasize = 4096};
    Uuid::Bytes bytes;
    std::memcpy(bytes.data(), mark + 1, bytes.size());
    found.uuid = Uuid(bytes);
    return found;
  }

  absl::StatusOr<std::shared_ptr<Media>> OpenOrFormat(std::shared_ptr<Media> ns,
                                                      const SectorOptions& options) override {
    if (fail) return Refusal(EIO, "btt.flog.seq", "the log is corrupt");
    std::byte mark[17] = {std::byte{'B'}};
    std::memcpy(mark + 1, options.uuid.bytes().data(), 16);
    RETURN_IF_ERROR(ns->Write(0, mark));
    RETURN_IF_ERROR(ns->Persist(0, sizeof mark));
    return MediaSlice::Make(ns, {8192, ns->size() - 8192});
  }

  bool fail = false;
};

// A System, and short functions that read and write its attributes.
class ModelVerbs {
 public:
  // As after a boot: a new System with this bus.
  void Start(BusSource bus, TreeListener* listener = nullptr) {
    system.reset();
    system = std::make_unique<System>(layer, listener, nullptr, bus.kernel);
    added = system->AddBus(std::move(bus));
  }

  // The content of "region0/size", or "!ENXIO".
  std::string Get(absl::string_view path) {
    const auto [device, attribute] = Resolve(path);
    if (attribute == nullptr) return "!ENOENT";
    const auto text = system->Show(*device, *attribute);
    if (!text.ok()) return absl::StrCat("!", ErrnoName(ErrnoOf(text.status())));
    return *text;
  }

  // "" if the write succeeded, else "EBUSY".
  std::string Set(absl::string_view path, absl::string_view text) {
    const auto [device, attribute] = Resolve(path);
    if (attribute == nullptr) return "ENOENT";
    const absl::Status status = system->Store(*device, *attribute, text);
    return status.ok() ? "" : ErrnoName(ErrnoOf(status));
  }

  std::string Bind(absl::string_view driver, absl::string_view name) {
    return Set(absl::StrCat("drivers/", driver, "/bind"), absl::StrCat(name, "\n"));
  }
  std::string Unbind(absl::string_view driver, absl::string_view name) {
    return Set(absl::StrCat("drivers/", driver, "/unbind"), absl::StrCat(name, "\n"));
  }
  bool Exists(absl::string_view name) { return system->Find(name) != nullptr; }
  bool Bound(absl::string_view name) {
    const auto device = system->Find(name);
    return device != nullptr && system->WithLock([&] { return device->driver() != nullptr; });
  }

  FakeSectorLayer layer;
  std::unique_ptr<System> system;
  absl::Status added;

 private:
  std::pair<std::shared_ptr<Device>, const Attribute*> Resolve(absl::string_view path) {
    for (const auto& device : system->Devices()) {
      const std::string prefix = device->kind() == ModelKind::kDriver
                                     ? absl::StrCat("drivers/", device->name(), "/")
                                     : absl::StrCat(device->name(), "/");
      if (!absl::StartsWith(path, prefix)) continue;
      for (const Attribute& attribute : device->attributes())
        if (attribute.name == path.substr(prefix.size()) &&
            system->WithLock([&] { return system->ModeOf(*device, attribute) != 0; }))
          return {device, &attribute};
    }
    return {nullptr, nullptr};
  }
};

class Model : public ModelVerbs {
 public:
  struct Options {
    uint64_t size = 256 << 20;
    uint64_t label_size = 128 << 10;  // 0: label-less
    const LabelVersion* labels = nullptr;
    Kernel kernel = kDefaultKernel;
  };

  Model() : Model(Options{}) {}
  explicit Model(Options options) : kernel_(options.kernel) {
    capacity = std::make_shared<MemoryMedia>(options.size);
    if (options.label_size != 0) labels = std::make_shared<MemoryMedia>(options.label_size);
    if (options.labels != nullptr) {
      auto area = LabelArea::Open(labels);
      area->Initialise(*options.labels).IgnoreError();
    }
    Restart();
  }

  // As after a reboot: the same bytes, a new System.
  void Restart() {
    DimmSource dimm{.description = "memory", .capacity = capacity, .labels = labels};
    dimm.identity = {.handle = 1,
                     .vendor = 0x8086,
                     .device = 1,
                     .revision = 1,
                     .serial = 0x123456,
                     .interface_code = 0x301};
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    BusSource bus = QemuBus(std::move(dimms));
    bus.kernel = kernel_;
    Start(std::move(bus));
  }

  std::shared_ptr<MemoryMedia> capacity;
  std::shared_ptr<MemoryMedia> labels;

 private:
  const Kernel kernel_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_TESTING_SYSTEM_TEST_UTIL_H_
