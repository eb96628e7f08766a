// A mounted device tree as its user: reads and writes its files, as a person with a shell would.
//
// A refusal carries the errno of the write, and the reason and sentence of x/last_error.json.
// Thread rules: any thread; one at a time configures.
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
    std::string node;          // "pmem0s"; "" where it is not enabled or has none
    uint64_t size = 0;         // what it takes of the region
    uint64_t capacity = 0;     // of the node: without what a BTT or an info block takes
    uint32_t sector_size = 0;  // of the node
  };
  struct Region {
    std::string device;
    uint64_t size = 0;
    uint64_t available = 0;
    uint64_t largest = 0;  // free extent
    uint64_t align = 1;
    uint64_t bad_sectors = 0;  // of 512 bytes
    bool labelled = true;
    bool read_only = false;
  };

  explicit DeviceTree(std::string mountpoint) : mountpoint_(std::move(mountpoint)) {}

  const std::string& mountpoint() const { return mountpoint_; }
  std::string NodePath(const Namespace& ns) const;

  // Those that have a size and a uuid.
  absl::StatusOr<std::vector<Namespace>> Namespaces();
  // `device` is where it is expected; "" where that is not known. Refused with ENODEV, "tree.none".
  absl::StatusOr<Namespace> Find(const std::string& uuid, const std::string& device = "");
  // The node that the alias in dev/by-uuid leads to: "pmem0s"; "" where there is none.
  std::string NodeOf(const std::string& alias) const;
  // Whether there is such a name below the mount point.
  bool Has(const std::string& path) const;
  // How many times its node is open, by programs, mappings and loop devices.
  absl::StatusOr<uint64_t> CountHolders(const Namespace& ns);
  absl::StatusOr<std::vector<Region>> Regions();
  // Whether the label-less region's namespace begins and ends with a MiB of zeros: nobody's data.
  bool IsBlank(const Region& region);

  // `line` as x/create takes it. The device that was made.
  absl::StatusOr<std::string> Create(const std::string& region, const std::string& line);
  // In whatever state it is. Refused with EBUSY while its node is open.
  absl::Status Destroy(const Namespace& ns);
  // Hears how far work is, 0 to 100; says whether to go on.
  using Progress = std::function<bool(int)>;
  // Writes zeros, or holes, over every byte of its node, durably. Refused with ECANCELED,
  // "volume.cancelled", where `progress` says so.
  absl::Status Clear(const Namespace& ns, const Progress& progress);
  // Writes zeros, or holes, over every byte that the namespace has on its DIMMs, info blocks and
  // spare blocks included, durably. Whoever has its node open gets EIO from then on. Afterwards it
  // is raw, disabled and without a name. `device` as in Find.
  absl::Status Erase(const std::string& uuid, const std::string& device, const Progress& progress);

 private:
  std::string Attribute(const std::string& device, const std::string& attribute) const;
  // Refused where nobody serves the tree any more.
  absl::StatusOr<std::string> Read(const std::string& device, const std::string& attribute) const;
  absl::Status Write(const std::string& device, const std::string& attribute,
                     const std::string& value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Unbind(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Bind(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Namespace> MakeRaw(const std::string& uuid, const std::string& device);
  // Those in `folder` below the mount point that begin with `prefix`.
  absl::StatusOr<std::vector<std::string>> Names(const std::string& folder,
                                                 const std::string& prefix) const;
  // Refused where nothing is mounted: an empty folder says nothing of namespaces.
  absl::StatusOr<std::vector<std::string>> Buses() const;
  absl::StatusOr<Namespace> Describe(const std::string& device) const;

  const std::string mountpoint_;
  absl::Mutex mutex_;  // held over a write and the read of x/last_error.json
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_DEVICE_TREE_H_
