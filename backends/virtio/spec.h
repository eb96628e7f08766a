// SPDX-License-Identifier: Apache-2.0
// The parts of the specification that a virtio-pmem PCI driver needs. Source: Virtual I/O Device
// (VIRTIO) version 1.2: 2.1 device status, 2.7 split virtqueues, 4.1 PCI bus, 5.19 PMEM device. All
// integers are little-endian.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_SPEC_H_
#define NVDIMMFS_BACKENDS_VIRTIO_SPEC_H_

#include <cstdint>

#include "core/base/endian.h"

namespace nvdimmfs::backends::virtio {

using core::le16;
using core::le32;
using core::le64;

// PCI configuration space.
inline constexpr uint16_t kPciVendor = 0x1af4;
inline constexpr uint16_t kPciPmemDevice = 0x1040 + 27;
inline constexpr unsigned kPciVendorId = 0x00;
inline constexpr unsigned kPciDeviceId = 0x02;
inline constexpr unsigned kPciCommand = 0x04;
inline constexpr unsigned kPciStatus = 0x06;
inline constexpr unsigned kPciCapabilities = 0x34;
inline constexpr uint16_t kCommandMemory = 0x2;
inline constexpr uint16_t kCommandMaster = 0x4;
inline constexpr uint16_t kStatusHasCapabilities = 0x10;
inline constexpr uint8_t kVendorCapability = 0x09;

// 4.1.4: a vendor capability with the location of a structure. `more` depends on the type; only
// shared memory (4.1.4.7) has size_high.
struct PciCapability {
  uint8_t id;          //  0
  uint8_t next;        //  1
  uint8_t length;      //  2: of the capability
  uint8_t type;        //  3: CapabilityType
  uint8_t bar;         //  4
  uint8_t number;      //  5: id of a shared memory region
  uint8_t padding[2];  //  6
  le32 offset;         //  8: in the BAR
  le32 size;           // 12: of the structure
  le32 more;           // 16: notifications: the multiplier; shared memory: upper half of the offset
  le32 size_high;      // 20: shared memory: upper half of the size
};
static_assert(sizeof(PciCapability) == 24);
inline constexpr unsigned kPlainCapability = 16;   // of the other types
inline constexpr unsigned kNotifyCapability = 20;  // with the multiplier
enum CapabilityType : uint8_t { kCommon = 1, kNotify = 2, kDevice = 4, kSharedMemory = 8 };

// 4.1.4.3: the common configuration.
enum CommonOffset : unsigned {
  kDeviceFeatureSelect = 0,
  kDeviceFeature = 4,
  kDriverFeatureSelect = 8,
  kDriverFeature = 12,
  kConfigVector = 16,
  kQueueCount = 18,
  kStatus = 20,
  kGeneration = 21,
  kQueueSelect = 22,
  kQueueSize = 24,
  kQueueVector = 26,
  kQueueEnable = 28,
  kQueueNotifyOffset = 30,
  kQueueDescriptors = 32,
  kQueueDriver = 40,
  kQueueDevice = 48,
  kCommonSize = 56,
};
inline constexpr uint16_t kNoVector = 0xffff;

// 2.1: device status.
inline constexpr uint8_t kAcknowledge = 1;
inline constexpr uint8_t kDriver = 2;
inline constexpr uint8_t kDriverOk = 4;
inline constexpr uint8_t kFeaturesOk = 8;
inline constexpr uint8_t kNeedsReset = 0x40;
inline constexpr uint8_t kGone = 0xff;  // the value that a removed device reads as

// 5.19.3: the device's own feature bit, in the first word: its memory is shared memory region 0,
// and the device configuration does not have its address.
inline constexpr uint32_t kSharedMemoryFeature = 1u << 0;
inline constexpr uint8_t kPmemRegion = 0;

// 6: feature bits in the second word.
inline constexpr uint32_t kVersion1 = 1u << 0;        // bit 32
inline constexpr uint32_t kAccessPlatform = 1u << 1;  // bit 33

// 5.19.4: device configuration.
enum PmemOffset : unsigned { kStart = 0, kSize = 8, kPmemConfigSize = 16 };

// 5.19.6: a request, and its response.
inline constexpr uint32_t kFlush = 0;
inline constexpr uint32_t kFlushDone = 0;

// 2.7: a split virtqueue.
struct Descriptor {
  le64 address;  //  0
  le32 length;   //  8
  le16 flags;    // 12
  le16 next;     // 14
};
static_assert(sizeof(Descriptor) == 16);
inline constexpr uint16_t kNext = 1;
inline constexpr uint16_t kDeviceWrites = 2;

struct UsedElement {
  le32 id;      // 0: first descriptor of the chain
  le32 length;  // 4: bytes written
};
static_assert(sizeof(UsedElement) == 8);

// The queue, its request and its response, in a page accessible to the device. One chain is in
// flight at a time, so a few entries are enough.
inline constexpr uint16_t kEntries = 2;
struct QueuePage {
  Descriptor descriptors[kEntries];   //   0: 16-aligned
  le16 driver_flags;                  //  32: the driver area ("available ring")
  le16 driver_index;                  //  34
  le16 driver_ring[kEntries];         //  36
  le16 driver_event;                  //  40
  uint8_t padding[22];                //  42
  le16 device_flags;                  //  64: the device area ("used ring"), 4-aligned
  le16 device_index;                  //  66
  UsedElement device_ring[kEntries];  //  68
  le16 device_event;                  //  84
  uint8_t padding2[42];               //  86
  le32 request;                       // 128
  le32 response;                      // 132
};
static_assert(offsetof(QueuePage, driver_flags) == 32);
static_assert(offsetof(QueuePage, device_flags) == 64);
static_assert(offsetof(QueuePage, request) == 128 && sizeof(QueuePage) == 136);

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_SPEC_H_
