// SPDX-License-Identifier: Apache-2.0
// A mounted device tree, used through its files, as a person with a shell would use it.
//
// A refusal carries the errno of the write, and the reason and sentence of x/last_error.json.
// Thread rules: any thread; one call at a time configures.
#ifndef NVDIMMFS_TOOLS_VOLUMES_DEVICE_TREE_H_
#define NVDIMMFS_TOOLS_VOLUMES_DEVICE_TREE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::volumes {

class DeviceTree {
 public:
  struct Namespace {
    std::string device;  // "namespace0.1"
    std::string region;  // "region0"
    std::string label_name;
    std::string uuid;
    std::string mode;          // "raw", "sector", "fsdax", "devdax"
    std::string holder;        // "btt0.1", or ""
    std::string node;          // "pmem0s"; "": not enabled, or without one
    uint64_t size = 0;         // in the region, in bytes
    uint64_t capacity = 0;     // of the node, in bytes: without BTT or info block
    uint32_t sector_size = 0;  // of the node
  };
  struct Region {
    std::string device;
    uint64_t size = 0;
    uint64_t available = 0;
    uint64_t largest = 0;  // free extent, in bytes
    uint64_t align = 1;
    uint64_t bad_sectors = 0;  // of 512 bytes
    bool labelled = true;
    bool read_only = false;
  };

  explicit DeviceTree(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

  const std::string& mountpoint() const { return mountpoint_; }
  std::string NodePath(const Namespace& ns) const;

  // All namespaces with a size and a uuid.
  absl::StatusOr<std::vector<Namespace>> Namespaces();
  // `device` is the expected one; "": not known. Refused with ENODEV, "tree.none".
  absl::StatusOr<Namespace> Find(const std::string& uuid, const std::string& device = "");
  // The node that the alias in dev/by-uuid leads to: "pmem0s"; "" if there is none.
  std::string NodeOf(const std::string& alias) const;
  // Whether the path exists below the mount point.
  bool Has(const std::string& path) const;
  // How many times its node is open: by programs, mappings and loop devices.
  absl::StatusOr<uint64_t> CountHolders(const Namespace& ns);
  absl::StatusOr<std::vector<Region>> Regions();
  // Whether the namespace of a region without labels begins and ends with a MiB of zeros, and so is
  // taken to be unused.
  bool IsBlank(const Region& region);

  // Takes a `line` for x/create. Returns the device that was created.
  absl::StatusOr<std::string> Create(const std::string& region, const std::string& line);
  // Destroys it in any state. Refused with EBUSY while its node is open.
  absl::Status Destroy(const Namespace& ns);
  // Called with the progress of work, 0 to 100; returns whether to go on.
  using Progress = std::function<bool(int)>;
  // Zeroes every byte of its node, by writing or punching holes, durably. Refused with ECANCELED,
  // "volume.cancelled", when `progress` returns false.
  absl::Status Clear(const Namespace& ns, const Progress& progress);
  // Zeroes every byte that the namespace has on its DIMMs, including info blocks and spare blocks,
  // durably. Open descriptors of its node get EIO from then on. Afterwards the namespace is raw,
  // disabled and unnamed. `device` as in Find.
  absl::Status Erase(const std::string& uuid, const std::string& device, const Progress& progress);

 private:
  std::string Attribute(const std::string& device, const std::string& attribute) const;
  // Refused if nothing serves the tree any more.
  absl::StatusOr<std::string> Read(const std::string& device, const std::string& attribute) const;
  absl::Status Write(const std::string& device, const std::string& attribute,
                     const std::string& value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Unbind(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Bind(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Namespace> MakeRaw(const std::string& uuid, const std::string& device);
  // The names in `folder` below the mount point that begin with `prefix`.
  absl::StatusOr<std::vector<std::string>> Names(const std::string& folder,
                                                 const std::string& prefix) const;
  // Refused if nothing is mounted: an empty folder does not mean that there are no namespaces.
  absl::StatusOr<std::vector<std::string>> Buses() const;
  absl::StatusOr<Namespace> Describe(const std::string& device) const;

  const std::string mountpoint_;
  absl::Mutex mutex_;  // held over a write and the read of x/last_error.json
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_DEVICE_TREE_H_
