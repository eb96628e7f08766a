// SPDX-License-Identifier: Apache-2.0
// The driver against a device in this process: registers, queue and the ways in which one
// misbehaves. A device says where its memory is in its configuration, as QEMU's does, or has it in
// a shared memory region, as crosvm's does.
#include "backends/virtio/pmem_device.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "backends/flush_queue.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends::virtio {
namespace {

using core::ErrnoOf;
using core::LoadLe;
using core::Range;
using core::ReasonOf;
using core::StoreLe;

constexpr unsigned kCommonBar = 4;
constexpr uint32_t kMultiplier = 4;
constexpr unsigned kMemoryBar = 2;
constexpr Range kMemoryAddresses = {0x800000000, uint64_t{8} << 30};

// A virtio-pmem device. It outlives its driver; its DMA addresses are this process's own.
class Device {
 public:
  Device() {
    StoreLe(&config[kPciVendorId], kPciVendor);
    StoreLe(&config[kPciDeviceId], kPciPmemDevice);
    StoreLe(&config[kPciStatus], kStatusHasCapabilities);
    config[kPciCapabilities] = 0x40;
    AddCapability(0x40, 0x54, kCommon, 0, kCommonSize);
    AddCapability(0x54, 0x68, 3, 0x1000, 4);  // interrupts: not used
    AddCapability(0x68, 0x7c, kDevice, 0x2000, kPmemConfigSize);
    AddCapability(0x7c, 0, kNotify, 0x3000, 64);
    StoreLe(&config[0x7c + 16], kMultiplier);
    StoreLe(&memory[kStart], uint64_t{0x140000000});
    StoreLe(&memory[kSize], uint64_t{256} << 20);
  }

  void AddCapability(unsigned at, uint8_t next, uint8_t type, uint32_t offset, uint32_t size) {
    const PciCapability capability{.id = kVendorCapability,
                                   .next = next,
                                   .length = sizeof capability,
                                   .type = type,
                                   .bar = kCommonBar,
                                   .number = 0,
                                   .padding = {},
                                   .offset = offset,
                                   .size = size,
                                   .more = 0,
                                   .size_high = 0};
    std::memcpy(&config[at], &capability, sizeof capability);
  }

  // Region `number` of shared memory, beyond the first 4 GiB of its BAR. The device configuration
  // then says nothing.
  void HasSharedMemory(uint8_t number) {
    config[0x7c + 1] = 0x94;
    AddCapability(0x94, 0, kSharedMemory, 0x20000000, 0x10000000);
    config[0x94 + 4] = kMemoryBar;
    config[0x94 + 5] = number;
    StoreLe(&config[0x94 + 16], uint32_t{1});
    StoreLe(&config[0x94 + 20], uint32_t{0});
    memory.fill(0);
  }

  uint32_t ReadCommon(unsigned offset, unsigned width) {
    if (gone) return width == 4 ? ~0u : (1u << 8 * width) - 1;
    switch (offset) {
      case kDeviceFeature:
        return select < offered.size() ? offered[select] : 0;
      case kQueueCount:
        return 1;
      case kStatus:
        return status;
      case kQueueSize:
        return queue_max;
      case kQueueNotifyOffset:
        return notify_offset;
      default:
        return 0;
    }
  }

  void WriteCommon(unsigned offset, uint32_t value) {
    if (gone) return;
    switch (offset) {
      case kDeviceFeatureSelect:
      case kDriverFeatureSelect:
        select = value;
        break;
      case kDriverFeature:
        if (select < taken.size()) taken[select] = value;
        break;
      case kStatus:
        SetStatus(static_cast<uint8_t>(value));
        break;
      case kQueueEnable:
        enabled = value == 1;
        used = 0;
        break;
      case kQueueSize:
        entries = value;
        break;
      default:
        if (offset >= kQueueDescriptors && offset < kCommonSize)
          StoreLe(&addresses[offset - kQueueDescriptors], value);
    }
  }

  void SetStatus(uint8_t value) {
    if (value == 0) {
      ++resets;
      if (!resets_finish) return;
      status = 0;
      enabled = false;
      return;
    }
    const bool lacks = needs_shared_memory && (taken[0] & kSharedMemoryFeature) == 0;
    if ((value & kFeaturesOk) != 0 && (refuses_features || lacks)) value &= ~kFeaturesOk;
    status = value;
  }

  template <typename T>
  T* At(unsigned which, uint64_t offset = 0) {
    return reinterpret_cast<T*>(LoadLe<uint64_t>(&addresses[which]) + offset);
  }

  // The queue's notification. As strict as the strictest device: exactly one new request each.
  void Kick(uint32_t queue) {
    EXPECT_EQ(queue, 0u);
    EXPECT_TRUE(enabled);
    EXPECT_EQ(entries, kEntries);
    EXPECT_NE(status & kDriverOk, 0);
    ++kicks;
    const uint16_t available = *At<le16>(8, 2);
    EXPECT_EQ(available, static_cast<uint16_t>(used + 1));
    if (on_kick && !on_kick()) return;
    Answer();
  }

  void Answer() {
    const uint16_t slot = used % kEntries;
    const uint16_t head = *At<le16>(8, 4 + 2 * slot);
    const Descriptor& request = At<Descriptor>(0)[head];
    EXPECT_EQ(request.flags, kNext);
    EXPECT_EQ(request.length, 4u);
    EXPECT_EQ(LoadLe<uint32_t>(reinterpret_cast<void*>(uint64_t{request.address})), kFlush);
    const Descriptor& response = At<Descriptor>(0)[request.next];
    EXPECT_EQ(response.flags, kDeviceWrites);
    EXPECT_EQ(response.length, 4u);
    StoreLe(reinterpret_cast<void*>(uint64_t{response.address}), result);
    UsedElement& element = *At<UsedElement>(16, 4 + sizeof(UsedElement) * slot);
    element.id = head + wrong_id;
    element.length = 4;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    *At<le16>(16, 2) = ++used;
  }

  std::array<uint8_t, 256> config{};
  std::array<uint8_t, kPmemConfigSize> memory{};
  // Offered without a region: not to be taken.
  std::array<uint32_t, 2> offered = {kSharedMemoryFeature, kVersion1};
  std::array<uint32_t, 2> taken = {0xff, 0xff};
  uint32_t select = 0;
  uint8_t status = 0;
  uint32_t queue_max = 128;
  uint32_t notify_offset = 3;
  uint32_t entries = 0;
  std::array<uint8_t, 24> addresses{};
  bool enabled = false;
  uint16_t used = 0;
  uint32_t result = kFlushDone;
  uint16_t wrong_id = 0;
  bool resets_finish = true;
  bool refuses_features = false;
  bool needs_shared_memory = false;  // refuses to go on without that feature
  std::atomic<bool> gone{false};
  int resets = 0;
  std::atomic<int> kicks{0};
  std::function<bool()> on_kick;  // false: no answer
};

class FakeRegisters final : public Registers {
 public:
  FakeRegisters(Device& device, uint64_t offset) : device_(device), offset_(offset) {}
  uint32_t Read(unsigned offset, unsigned width) override {
    if (offset_ != 0x2000) return device_.ReadCommon(offset, width);
    return LoadLe<uint32_t>(&device_.memory[offset]);
  }
  void Write(unsigned offset, unsigned, uint32_t value) override {
    if (offset_ == 0) return device_.WriteCommon(offset, value);
    EXPECT_EQ(offset_, 0x3000u);
    EXPECT_EQ(offset, device_.notify_offset * kMultiplier);
    if (!device_.gone) device_.Kick(value);
  }

 private:
  Device& device_;
  const uint64_t offset_;
};

class FakeFunction final : public PciFunction {
 public:
  explicit FakeFunction(Device& device) : device_(device) {}
  const std::string& name() const override { return name_; }
  absl::Status ReadConfig(unsigned offset, absl::Span<std::byte> out) override {
    if (offset + out.size() > device_.config.size())
      return core::Refusal(EIO, "virtio.pci", "outside");
    std::memcpy(out.data(), &device_.config[offset], out.size());
    return absl::OkStatus();
  }
  absl::Status WriteConfig(unsigned offset, absl::Span<const std::byte> data) override {
    std::memcpy(&device_.config[offset], data.data(), data.size());
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<Registers>> Map(unsigned bar, uint64_t offset,
                                                 uint64_t size) override {
    if (bar != kCommonBar || offset + size > 0x4000)
      return core::Refusal(EINVAL, "virtio.pci", "no such BAR");
    return std::make_unique<FakeRegisters>(device_, offset);
  }
  absl::StatusOr<Range> BarAddresses(unsigned bar) override {
    if (bar != kMemoryBar) return core::Refusal(EINVAL, "virtio.pci", "no such BAR");
    return kMemoryAddresses;
  }
  absl::StatusOr<DmaPage> AllocatePage() override {
    return DmaPage{.at = page_.data(), .address = reinterpret_cast<uintptr_t>(page_.data())};
  }

 private:
  Device& device_;
  const std::string name_ = "0000:00:04.0";
  alignas(4096) std::array<std::byte, 4096> page_{};
};

// An answer that comes is waited for however busy the machine is.
constexpr PmemDevice::Patience kPatient = {.answer = absl::Minutes(1), .reset = absl::Minutes(1)};
constexpr PmemDevice::Patience kBrief = {.answer = absl::Milliseconds(20),
                                         .reset = absl::Milliseconds(20)};

class PmemDeviceTest : public ::testing::Test {
 protected:
  std::unique_ptr<PmemDevice> MakeOrDie(const PmemDevice::Patience& patience = kPatient) {
    auto made = PmemDevice::Make(std::make_unique<FakeFunction>(device_), patience);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  Device device_;
};

TEST_F(PmemDeviceTest, IsSetUpAsTheSpecificationSays) {
  const auto driver = MakeOrDie();
  EXPECT_EQ(device_.status, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  EXPECT_EQ(device_.taken[0], 0u);
  EXPECT_EQ(device_.taken[1], kVersion1);
  EXPECT_TRUE(device_.enabled);
  EXPECT_EQ(LoadLe<uint16_t>(&device_.config[kPciCommand]), kCommandMemory | kCommandMaster);
  EXPECT_EQ(driver->memory(), (Range{0x140000000, uint64_t{256} << 20}));
}

TEST_F(PmemDeviceTest, TheMemoryMayBeASharedMemoryRegion) {
  device_.HasSharedMemory(kPmemRegion);
  device_.needs_shared_memory = true;
  const auto driver = MakeOrDie();
  EXPECT_EQ(device_.taken[0], kSharedMemoryFeature);
  EXPECT_EQ(device_.taken[1], kVersion1);
  EXPECT_EQ(driver->memory(), (Range{kMemoryAddresses.start + 0x120000000, 0x10000000}));
  // After a reset it is at the same address, and is flushed in the same way.
  device_.on_kick = [&] {
    if (device_.kicks > 1) return true;
    device_.status |= kNeedsReset;
    return false;
  };
  EXPECT_TRUE(driver->Flush().ok());
  EXPECT_EQ(device_.kicks, 2);
  EXPECT_EQ(device_.taken[0], kSharedMemoryFeature);
}

TEST_F(PmemDeviceTest, ADeviceWithoutAConfigurationNeedsSharedMemory) {
  device_.HasSharedMemory(kPmemRegion);
  device_.config[0x54 + 1] = 0x7c;  // no device configuration
  EXPECT_EQ(MakeOrDie()->memory().size, 0x10000000u);
  device_.offered[0] = 0;
  const auto made = PmemDevice::Make(std::make_unique<FakeFunction>(device_), kBrief);
  EXPECT_EQ(ReasonOf(made.status()), "virtio.range");
}

TEST_F(PmemDeviceTest, ARegionThatIsNotOfferedOrNotTheFirstIsPassedOver) {
  const std::array<uint8_t, kPmemConfigSize> said = device_.memory;
  device_.HasSharedMemory(kPmemRegion + 1);
  device_.memory = said;
  EXPECT_EQ(MakeOrDie()->memory(), (Range{0x140000000, uint64_t{256} << 20}));
  EXPECT_EQ(device_.taken[0], 0u);
  device_.config[0x94 + 5] = kPmemRegion;
  device_.offered[0] = 0;
  EXPECT_EQ(MakeOrDie()->memory(), (Range{0x140000000, uint64_t{256} << 20}));
  EXPECT_EQ(device_.taken[0], 0u);
}

TEST_F(PmemDeviceTest, AFlushIsOneRequestAndOneNotification) {
  const auto driver = MakeOrDie();
  for (int i = 1; i <= 70000; ++i) {  // past the wrap of the indices
    ASSERT_TRUE(driver->Flush().ok());
    ASSERT_EQ(device_.kicks, i);
  }
}

TEST_F(PmemDeviceTest, TheDeviceIsResetWhenItIsLeft) {
  MakeOrDie().reset();
  EXPECT_EQ(device_.status, 0);
  EXPECT_FALSE(device_.enabled);
  EXPECT_EQ(LoadLe<uint16_t>(&device_.config[kPciCommand]), kCommandMemory);
}

TEST_F(PmemDeviceTest, AHostThatCannotFlushIsAnError) {
  const auto driver = MakeOrDie();
  device_.result = 1;
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.flush");
  EXPECT_EQ(ErrnoOf(driver->Flush()), EIO);
  device_.result = kFlushDone;
  EXPECT_TRUE(driver->Flush().ok());
}

TEST_F(PmemDeviceTest, ALateAnswerIsAwaited) {
  const auto driver = MakeOrDie();
  std::thread answer;
  device_.on_kick = [&] {
    answer = std::thread([&] {
      absl::SleepFor(absl::Milliseconds(20));
      device_.Answer();
    });
    return false;
  };
  EXPECT_TRUE(driver->Flush().ok());
  answer.join();
}

TEST_F(PmemDeviceTest, ADeviceThatNeedsAResetGetsOneAndTheFlushIsAskedAgain) {
  const auto driver = MakeOrDie();
  device_.on_kick = [&] {
    if (device_.kicks > 1) return true;
    device_.status |= kNeedsReset;
    return false;
  };
  const int resets = device_.resets;
  EXPECT_TRUE(driver->Flush().ok());
  EXPECT_EQ(device_.kicks, 2);
  EXPECT_EQ(device_.resets, resets + 1);
  EXPECT_EQ(device_.status, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  EXPECT_TRUE(driver->Flush().ok());
}

TEST_F(PmemDeviceTest, ADeviceThatStaysSilentIsAnErrorAndMayRecover) {
  const auto driver = MakeOrDie(kBrief);
  device_.on_kick = [] { return false; };
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.reset");
  device_.on_kick = nullptr;
  EXPECT_TRUE(driver->Flush().ok());
}

TEST_F(PmemDeviceTest, AConfusedDeviceIsResetAndNotBelieved) {
  const auto driver = MakeOrDie();
  device_.wrong_id = 1;
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.reset");
  device_.wrong_id = 0;
  device_.on_kick = [&] {  // answers twice
    device_.Answer();
    device_.used += 4;
    *device_.At<le16>(16, 2) = device_.used;
    return false;
  };
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.reset");
}

TEST_F(PmemDeviceTest, AResponseThatWasNotWrittenIsNoSuccess) {
  const auto driver = MakeOrDie();
  device_.result = 0xffffffff;
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.reset");
}

TEST_F(PmemDeviceTest, ARemovedDeviceStaysGone) {
  const auto driver = MakeOrDie();
  device_.on_kick = [&] {
    device_.gone = true;
    return false;
  };
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.gone");
  device_.gone = false;  // another one in its place is not this one
  device_.on_kick = nullptr;
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.gone");
  EXPECT_EQ(device_.kicks, 1);
}

TEST_F(PmemDeviceTest, MemoryThatMovedInAResetIsRefused) {
  const auto driver = MakeOrDie();
  device_.on_kick = [&] {
    device_.status |= kNeedsReset;
    StoreLe(&device_.memory[kStart], uint64_t{0x180000000});
    return false;
  };
  EXPECT_EQ(ReasonOf(driver->Flush()), "virtio.range");
  EXPECT_EQ(device_.status, 0);
}

TEST_F(PmemDeviceTest, CallersThatWaitShareTheNextFlush) {
  const auto driver = MakeOrDie();
  FlushQueue queue([&] { return driver->Flush(); }, FlushQueue::AfterError::kStayFailed);
  std::vector<std::thread> callers;
  device_.on_kick = [&] {
    while (device_.kicks == 1 && queue.waiting() < 7) absl::SleepFor(absl::Milliseconds(1));
    return true;
  };
  for (int i = 0; i < 8; ++i) callers.emplace_back([&] { EXPECT_TRUE(queue.Flush().ok()); });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(device_.kicks, 2);
}

struct Damage {
  const char* reason;
  std::function<void(Device&)> damage;
};

TEST_F(PmemDeviceTest, AnUnsoundDeviceIsRefused) {
  const Damage kDamage[] = {
      {"virtio.kind", [](Device& d) { StoreLe(&d.config[kPciDeviceId], uint16_t{0x1042}); }},
      {"virtio.gone", [](Device& d) { StoreLe(&d.config[kPciVendorId], uint16_t{0xffff}); }},
      {"virtio.capabilities", [](Device& d) { StoreLe(&d.config[kPciStatus], uint16_t{0}); }},
      {"virtio.capabilities", [](Device& d) { d.config[0x68 + 1] = 0; }},
      {"virtio.capabilities", [](Device& d) { d.config[0x54 + 1] = 0x40; }},  // a ring
      {"virtio.capabilities", [](Device& d) { StoreLe(&d.config[0x40 + 12], uint32_t{55}); }},
      {"virtio.pci", [](Device& d) { d.config[0x40 + 4] = 9; }},
      {"virtio.pci", [](Device& d) { StoreLe(&d.config[0x40 + 8], uint32_t{0xfffffff0}); }},
      {"virtio.pci",
       [](Device& d) {
         d.config[0x40 + 1] = 0xfc;
         d.config[0xfc] = 9;
       }},
      {"virtio.pci",  // shared memory in a BAR that is not there
       [](Device& d) {
         d.HasSharedMemory(kPmemRegion);
         d.config[0x94 + 4] = 3;
       }},
      {"virtio.range",  // that does not fit into its BAR
       [](Device& d) {
         d.HasSharedMemory(kPmemRegion);
         StoreLe(&d.config[0x94 + 16], uint32_t{2});
       }},
      {"virtio.range",
       [](Device& d) {
         d.HasSharedMemory(kPmemRegion);
         StoreLe(&d.config[0x94 + 20], ~uint32_t{0});
       }},
      {"virtio.range",
       [](Device& d) {
         d.HasSharedMemory(kPmemRegion);
         StoreLe(&d.config[0x94 + 12], uint32_t{0});
       }},
      {"virtio.features", [](Device& d) { d.offered[1] = 0; }},
      {"virtio.iommu", [](Device& d) { d.offered[1] |= kAccessPlatform; }},
      {"virtio.features", [](Device& d) { d.refuses_features = true; }},
      {"virtio.queue", [](Device& d) { d.queue_max = 1; }},
      {"virtio.queue", [](Device& d) { d.notify_offset = 16; }},
      {"virtio.range", [](Device& d) { StoreLe(&d.memory[kSize], uint64_t{0}); }},
      {"virtio.range", [](Device& d) { StoreLe(&d.memory[kSize], ~uint64_t{0}); }},
      {"virtio.range", [](Device& d) { StoreLe(&d.memory[kStart], uint64_t{0x1001}); }},
      {"virtio.reset",
       [](Device& d) {
         d.resets_finish = false;
         d.status = 1;
       }},
  };
  int row = 0;
  for (const Damage& damage : kDamage) {
    Device broken;
    damage.damage(broken);
    const auto made = PmemDevice::Make(std::make_unique<FakeFunction>(broken), kBrief);
    EXPECT_EQ(ReasonOf(made.status()), damage.reason) << "row " << row;
    EXPECT_EQ(broken.status & kDriverOk, 0) << "row " << row;
    ++row;
  }
}

}  // namespace
}  // namespace nvdimmfs::backends::virtio
