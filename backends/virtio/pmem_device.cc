// SPDX-License-Identifier: Apache-2.0
#include "backends/virtio/pmem_device.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::virtio {
namespace {

using core::Refusal;

constexpr int kMostCapabilities = 48;  // as many as fit in the configuration space
constexpr unsigned kFirstCapability = 0x40;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostAddress = uint64_t{1} << 52;  // physical addresses have at most 52 bits
constexpr uint32_t kNoAnswer = 0xffffffff;
constexpr int kTightPolls = 2000;
constexpr absl::Duration kFirstPause = absl::Microseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(2);

template <typename Value>
absl::StatusOr<Value> ReadConfig(PciFunction& function, unsigned offset) {
  std::array<std::byte, sizeof(Value)> bytes;
  RETURN_IF_ERROR(function.ReadConfig(offset, absl::MakeSpan(bytes)));
  return core::LoadLe<Value>(bytes.data());
}

// The minimum size of the structure of each type.
uint64_t LeastSize(uint8_t type) {
  switch (type) {
    case kCommon:
      return kCommonSize;
    case kNotify:
      return sizeof(uint16_t);
    default:
      return kPmemConfigSize;
  }
}

// The number of bytes used of a capability of this type.
unsigned LengthOf(uint8_t type) {
  switch (type) {
    case kNotify:
      return kNotifyCapability;
    case kSharedMemory:
      return sizeof(PciCapability);
    default:
      return kPlainCapability;
  }
}

// Loads a word that the device changes.
uint16_t LoadVolatile(const le16& word) {
  const uint16_t value =
      core::LoadLe<uint16_t>(const_cast<const void*>(static_cast<const volatile void*>(&word)));
  std::atomic_thread_fence(std::memory_order_acquire);
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PmemDevice>> PmemDevice::Make(std::unique_ptr<PciFunction> function,
                                                             const Patience& patience) {
  std::unique_ptr<PmemDevice> device(new PmemDevice(std::move(function), patience));
  RETURN_IF_ERROR(device->Find());
  absl::MutexLock lock(&device->mutex_);
  ASSIGN_OR_RETURN(device->page_, device->function_->AllocatePage());
  RETURN_IF_ERROR(device->SetUp());
  return device;
}

PmemDevice::~PmemDevice() {
  absl::MutexLock lock(&mutex_);
  // The device must no longer use the page when it is released.
  if (common_ != nullptr && !gone_) Reset().IgnoreError();
  std::array<std::byte, 2> command;
  if (!function_->ReadConfig(kPciCommand, absl::MakeSpan(command)).ok()) return;
  const uint16_t value = core::LoadLe<uint16_t>(command.data());
  if (value == 0xffff) return;
  core::StoreLe(command.data(), static_cast<uint16_t>(value & ~kCommandMaster));
  function_->WriteConfig(kPciCommand, command).IgnoreError();
}

absl::Status PmemDevice::Gone() const {
  return Refusal(EIO, "virtio.gone",
                 absl::StrCat(function_->name(),
                              ": the device is gone. What was not flushed before may be lost"));
}

absl::Status PmemDevice::Find() {
  ASSIGN_OR_RETURN(const uint16_t vendor, ReadConfig<uint16_t>(*function_, kPciVendorId));
  ASSIGN_OR_RETURN(const uint16_t device, ReadConfig<uint16_t>(*function_, kPciDeviceId));
  if (vendor == 0xffff) return Gone();
  if (vendor != kPciVendor || device != kPciPmemDevice)
    return Refusal(EINVAL, "virtio.kind",
                   absl::StrCat(function_->name(), ": PCI id ", absl::Hex(vendor, absl::kZeroPad4),
                                ":", absl::Hex(device, absl::kZeroPad4),
                                " is not a virtio-pmem device (1af4:105b)"));
  ASSIGN_OR_RETURN(const uint16_t command, ReadConfig<uint16_t>(*function_, kPciCommand));
  std::array<std::byte, 2> enabled;
  core::StoreLe(enabled.data(), static_cast<uint16_t>(command | kCommandMemory | kCommandMaster));
  RETURN_IF_ERROR(function_->WriteConfig(kPciCommand, enabled));

  ASSIGN_OR_RETURN(const uint16_t status, ReadConfig<uint16_t>(*function_, kPciStatus));
  unsigned at = 0;
  if ((status & kStatusHasCapabilities) != 0) {
    ASSIGN_OR_RETURN(at, ReadConfig<uint8_t>(*function_, kPciCapabilities));
  }
  for (int seen = 0; seen < kMostCapabilities && (at & ~3u) >= kFirstCapability; ++seen) {
    at &= ~3u;
    PciCapability capability{};
    auto bytes = absl::MakeSpan(reinterpret_cast<std::byte*>(&capability), sizeof capability);
    RETURN_IF_ERROR(function_->ReadConfig(at, bytes.first(2)));
    if (capability.id == kVendorCapability) {
      // A plain capability may be at the end of the space: do not read past it.
      RETURN_IF_ERROR(function_->ReadConfig(at, bytes.first(kPlainCapability)));
      const unsigned length = LengthOf(capability.type);
      if (length > kPlainCapability)
        RETURN_IF_ERROR(function_->ReadConfig(
            at + kPlainCapability, bytes.subspan(kPlainCapability, length - kPlainCapability)));
      RETURN_IF_ERROR(capability.type == kSharedMemory ? TakeSharedMemory(capability)
                                                       : MapStructure(capability));
    }
    at = capability.next;
  }
  const bool says_memory = device_ != nullptr || shared_;
  if (common_ != nullptr && says_memory && notify_ != nullptr) return absl::OkStatus();
  return Refusal(EIO, "virtio.capabilities",
                 absl::StrCat(function_->name(), ": does not say where its ",
                              common_ == nullptr ? "common configuration"
                              : !says_memory     ? "device configuration"
                                                 : "notifications",
                              " are; a device before virtio 1.0?"));
}

absl::Status PmemDevice::TakeSharedMemory(const PciCapability& capability) {
  if (capability.number != kPmemRegion || shared_) return absl::OkStatus();
  const uint64_t offset = uint64_t{capability.more} << 32 | capability.offset;
  const uint64_t size = uint64_t{capability.size_high} << 32 | capability.size;
  ASSIGN_OR_RETURN(const core::Range bar, function_->BarAddresses(capability.bar));
  if (!core::Fits(offset, size, bar.size))
    return Refusal(EIO, "virtio.range",
                   absl::StrCat(function_->name(), ": its shared memory is ", size, " bytes at ",
                                offset, " of BAR ", capability.bar, ", which has ", bar.size));
  shared_ = core::Range{bar.start + offset, size};
  return absl::OkStatus();
}

absl::Status PmemDevice::MapStructure(const PciCapability& capability) {
  std::unique_ptr<Registers>* place = nullptr;
  if (capability.type == kCommon) place = &common_;
  if (capability.type == kDevice) place = &device_;
  if (capability.type == kNotify) place = &notify_;
  // The first of each type is the one that the device prefers.
  if (place == nullptr || *place != nullptr) return absl::OkStatus();
  if (capability.size < LeastSize(capability.type))
    return Refusal(EIO, "virtio.capabilities",
                   absl::StrCat(function_->name(), ": ", uint32_t{capability.size},
                                " bytes for a structure of type ", capability.type, ", of ",
                                LeastSize(capability.type)));
  ASSIGN_OR_RETURN(*place, function_->Map(capability.bar, capability.offset, capability.size));
  if (capability.type == kNotify) {
    notify_size_ = capability.size;
    notify_multiplier_ = capability.more;
  }
  return absl::OkStatus();
}

void PmemDevice::AddStatus(uint8_t bits) { common_->Write(kStatus, 1, ReadStatus() | bits); }

// Devices need not support 8-byte accesses.
void PmemDevice::WriteAddress(unsigned offset, uint64_t address) {
  common_->Write(offset, 4, static_cast<uint32_t>(address));
  common_->Write(offset + 4, 4, static_cast<uint32_t>(address >> 32));
}

uint64_t PmemDevice::ReadDevice64(unsigned offset) {
  const uint64_t low = device_->Read(offset, 4);
  return low | static_cast<uint64_t>(device_->Read(offset + 4, 4)) << 32;
}

absl::Status PmemDevice::Reset() {
  common_->Write(kStatus, 1, 0);
  const absl::Time end = absl::Now() + patience_.reset;
  for (uint8_t status = ReadStatus(); status != 0; status = ReadStatus()) {
    if (status == kGone) {
      gone_ = true;
      return Gone();
    }
    if (absl::Now() > end)
      return Refusal(EIO, "virtio.reset",
                     absl::StrCat(function_->name(), ": does not finish its reset"));
    absl::SleepFor(kFirstPause);
  }
  return absl::OkStatus();
}

absl::Status PmemDevice::SetUp() {
  RETURN_IF_ERROR(Reset());
  AddStatus(kAcknowledge);
  AddStatus(kDriver);
  absl::Status status = Negotiate();
  if (status.ok()) status = FindMemory();
  if (status.ok()) status = SetUpQueue();
  if (!status.ok()) {
    Reset().IgnoreError();
    return status;
  }
  AddStatus(kDriverOk);
  return absl::OkStatus();
}

absl::Status PmemDevice::Negotiate() {
  common_->Write(kDeviceFeatureSelect, 4, 0);
  // Without such a region the bit is not accepted: then the configuration has the address.
  shared_taken_ = shared_ && (common_->Read(kDeviceFeature, 4) & kSharedMemoryFeature) != 0;
  common_->Write(kDeviceFeatureSelect, 4, 1);
  const uint32_t offered = common_->Read(kDeviceFeature, 4);
  if ((offered & kVersion1) == 0)
    return Refusal(EIO, "virtio.features",
                   absl::StrCat(function_->name(), ": does not offer virtio 1.0"));
  if ((offered & kAccessPlatform) != 0)
    return Refusal(EIO, "virtio.iommu",
                   absl::StrCat(function_->name(),
                                ": is behind an IOMMU, which this driver cannot program; use the "
                                "kernel's driver and virtio-pmem:/dev/pmemN"));
  common_->Write(kDriverFeatureSelect, 4, 0);
  common_->Write(kDriverFeature, 4, shared_taken_ ? kSharedMemoryFeature : 0);
  common_->Write(kDriverFeatureSelect, 4, 1);
  common_->Write(kDriverFeature, 4, kVersion1);
  AddStatus(kFeaturesOk);
  if ((ReadStatus() & kFeaturesOk) != 0) return absl::OkStatus();
  return Refusal(EIO, "virtio.features",
                 absl::StrCat(function_->name(), ": requires a feature that this driver lacks"));
}

core::Range PmemDevice::ReadMemory() {
  if (shared_taken_) return *shared_;
  if (device_ == nullptr) return {};
  uint64_t start = 0;
  uint64_t size = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const uint32_t before = common_->Read(kGeneration, 1);
    start = ReadDevice64(kStart);
    size = ReadDevice64(kSize);
    if (common_->Read(kGeneration, 1) == before) break;
  }
  return {start, size};
}

absl::Status PmemDevice::FindMemory() {
  const auto [start, size] = ReadMemory();
  const auto memory = core::MakeRange(start, size);
  if (!memory || memory->empty() || memory->end() > kMostAddress || start % kPage != 0 ||
      size % kPage != 0)
    return Refusal(EIO, "virtio.range",
                   absl::StrCat(function_->name(), ": reports that its memory is ", size,
                                " bytes from address 0x", absl::Hex(start)));
  // The memory is mapped: after a reset its address must not have changed.
  if (!memory_.empty() && !(memory_ == *memory))
    return Refusal(EIO, "virtio.range",
                   absl::StrCat(function_->name(), ": its memory has moved to 0x", absl::Hex(start),
                                "; unmount"));
  memory_ = *memory;
  return absl::OkStatus();
}

absl::Status PmemDevice::SetUpQueue() {
  common_->Write(kConfigVector, 2, kNoVector);
  common_->Write(kQueueSelect, 2, 0);
  const uint32_t most = common_->Read(kQueueSize, 2);
  if (common_->Read(kQueueCount, 2) == 0 || most < kEntries)
    return Refusal(EIO, "virtio.queue",
                   absl::StrCat(function_->name(), ": has no queue of ", kEntries, " entries"));
  std::memset(page_.at, 0, kPage);
  asked_ = 0;
  common_->Write(kQueueSize, 2, kEntries);
  common_->Write(kQueueVector, 2, kNoVector);
  WriteAddress(kQueueDescriptors, page_.address + offsetof(QueuePage, descriptors));
  WriteAddress(kQueueDriver, page_.address + offsetof(QueuePage, driver_flags));
  WriteAddress(kQueueDevice, page_.address + offsetof(QueuePage, device_flags));
  const auto offset = core::CheckedMul(common_->Read(kQueueNotifyOffset, 2), notify_multiplier_);
  if (!offset || !core::Fits(*offset, sizeof(uint16_t), notify_size_))
    return Refusal(EIO, "virtio.queue",
                   absl::StrCat(function_->name(), ": its queue is notified outside of the ",
                                notify_size_, " bytes for that"));
  notify_offset_ = static_cast<unsigned>(*offset);
  common_->Write(kQueueEnable, 2, 1);
  return absl::OkStatus();
}

PmemDevice::Outcome PmemDevice::Ask() {
  auto& page = *reinterpret_cast<QueuePage*>(page_.at);
  page.request = kFlush;
  page.response = kNoAnswer;
  page.descriptors[0].address = page_.address + offsetof(QueuePage, request);
  page.descriptors[0].length = sizeof page.request;
  page.descriptors[0].flags = kNext;
  page.descriptors[0].next = 1;
  page.descriptors[1].address = page_.address + offsetof(QueuePage, response);
  page.descriptors[1].length = sizeof page.response;
  page.descriptors[1].flags = kDeviceWrites;
  page.descriptors[1].next = 0;
  page.driver_ring[asked_ % kEntries] = 0;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  page.driver_index = ++asked_;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  notify_->Write(notify_offset_, 2, 0);
  return AwaitAnswer();
}

PmemDevice::Outcome PmemDevice::AwaitAnswer() {
  const auto& page = *reinterpret_cast<const QueuePage*>(page_.at);
  const absl::Time end = absl::Now() + patience_.answer;
  absl::Duration pause = kFirstPause;
  for (int polls = 0;; ++polls) {
    const uint16_t answered = LoadVolatile(page.device_index);
    if (answered == asked_) break;
    if (answered != static_cast<uint16_t>(asked_ - 1)) return Outcome::kConfused;
    if (polls < kTightPolls) continue;
    // Each of these accesses is an exit to the hypervisor.
    const uint8_t status = ReadStatus();
    if (status == kGone) return Outcome::kGone;
    if ((status & kNeedsReset) != 0) return Outcome::kNeedsReset;
    if (absl::Now() > end) return Outcome::kSilent;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  // The counters wrap: 0 follows 65535.
  const uint16_t slot = static_cast<uint16_t>(asked_ - 1) % kEntries;
  if (page.device_ring[slot].id != 0 || page.response == kNoAnswer) return Outcome::kConfused;
  return page.response == kFlushDone ? Outcome::kDone : Outcome::kRefused;
}

absl::Status PmemDevice::Flush() {
  absl::MutexLock lock(&mutex_);
  for (int attempt = 0; attempt < 2 && !gone_; ++attempt) {
    switch (Ask()) {
      case Outcome::kDone:
        return absl::OkStatus();
      case Outcome::kRefused:
        return Refusal(EIO, "virtio.flush",
                       absl::StrCat("flush ", function_->name(),
                                    ": the host could not make the data durable. Stores since "
                                    "the last flush may be lost; unmount and check"));
      case Outcome::kGone:
        gone_ = true;
        return Gone();
      case Outcome::kSilent:
      case Outcome::kNeedsReset:
      case Outcome::kConfused:
        RETURN_IF_ERROR(core::Annotate(SetUp(), "set it up again after a flush without an answer"));
    }
  }
  if (gone_) return Gone();
  return Refusal(
      EIO, "virtio.reset",
      absl::StrCat("flush ", function_->name(),
                   ": no answer, not even after a reset. Stores since the last flush may be "
                   "lost; unmount and check"));
}

}  // namespace nvdimmfs::backends::virtio
