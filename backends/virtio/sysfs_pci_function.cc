// SPDX-License-Identifier: Apache-2.0
#include "backends/virtio/sysfs_pci_function.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "backends/posix/descriptor.h"
#include "backends/sysfs_folder.h"
#include "core/base/endian.h"
#include "core/base/input.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::virtio {
namespace {

using core::Refusal;

constexpr uint64_t kPage = 4096;
constexpr size_t kHugePage = 2 << 20;
constexpr unsigned kBars = 6;
// A bit of the third word in a line of `resource`: IORESOURCE_MEM of the kernel's linux/ioport.h.
constexpr uint64_t kMemoryResource = 0x200;

// Bits of /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst.
constexpr uint64_t kPagePresent = uint64_t{1} << 63;
constexpr uint64_t kPageFrame = (uint64_t{1} << 55) - 1;

class Mapping {
 public:
  Mapping(void* at, size_t size) : at_(at), size_(size) {}
  Mapping(Mapping&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  ~Mapping() {
    if (at_ != nullptr) munmap(at_, size_);
  }
  std::byte* at() const { return static_cast<std::byte*>(at_); }

 private:
  void* at_;
  size_t size_;
};

class MappedRegisters final : public Registers {
 public:
  MappedRegisters(Mapping mapping, std::byte* at) : mapping_(std::move(mapping)), at_(at) {}

  uint32_t Read(unsigned offset, unsigned width) override {
    const volatile void* at = at_ + offset;
    switch (width) {
      case 1:
        return *static_cast<const volatile uint8_t*>(at);
      case 2:
        return *static_cast<const volatile uint16_t*>(at);
      default:
        return *static_cast<const volatile uint32_t*>(at);
    }
  }
  void Write(unsigned offset, unsigned width, uint32_t value) override {
    volatile void* at = at_ + offset;
    switch (width) {
      case 1:
        *static_cast<volatile uint8_t*>(at) = static_cast<uint8_t>(value);
        break;
      case 2:
        *static_cast<volatile uint16_t*>(at) = static_cast<uint16_t>(value);
        break;
      default:
        *static_cast<volatile uint32_t*>(at) = value;
    }
  }

 private:
  const Mapping mapping_;
  std::byte* const at_;
};

class SysfsPciFunction final : public PciFunction {
 public:
  SysfsPciFunction(std::string name, SysfsFolder folder, posix::Descriptor config)
      : name_(std::move(name)), folder_(std::move(folder)), config_(std::move(config)) {}

  const std::string& name() const override { return name_; }
  absl::Status ReadConfig(unsigned offset, absl::Span<std::byte> out) override;
  absl::Status WriteConfig(unsigned offset, absl::Span<const std::byte> data) override;
  absl::StatusOr<std::unique_ptr<Registers>> Map(unsigned bar, uint64_t offset,
                                                 uint64_t size) override;
  absl::StatusOr<core::Range> BarAddresses(unsigned bar) override;
  absl::StatusOr<DmaPage> AllocatePage() override;

 private:
  absl::Status Failed(absl::string_view what, int error) const {
    return Refusal(
        error == 0 ? EIO : error, "virtio.pci",
        absl::StrCat(what, " of ", name_, ": ", error == 0 ? "cut short" : strerror(error)));
  }

  const std::string name_;
  const SysfsFolder folder_;
  const posix::Descriptor config_;
  std::vector<Mapping> pages_;
};

absl::Status SysfsPciFunction::ReadConfig(unsigned offset, absl::Span<std::byte> out) {
  const ssize_t done = pread(config_.get(), out.data(), out.size(), offset);
  if (done == static_cast<ssize_t>(out.size())) return absl::OkStatus();
  return Failed("read the configuration", done < 0 ? errno : 0);
}

absl::Status SysfsPciFunction::WriteConfig(unsigned offset, absl::Span<const std::byte> data) {
  const ssize_t done = pwrite(config_.get(), data.data(), data.size(), offset);
  if (done == static_cast<ssize_t>(data.size())) return absl::OkStatus();
  return Failed("write the configuration", done < 0 ? errno : 0);
}

absl::StatusOr<std::unique_ptr<Registers>> SysfsPciFunction::Map(unsigned bar, uint64_t offset,
                                                                 uint64_t size) {
  const std::string path = absl::StrCat(folder_.path(), "/resource", bar);
  const posix::Descriptor file(bar < kBars ? open(path.c_str(), O_RDWR | O_CLOEXEC) : -1);
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || status.st_size <= 0 || size == 0 ||
      !core::Fits(offset, size, static_cast<uint64_t>(status.st_size)))
    return Refusal(
        EINVAL, "virtio.pci",
        absl::StrCat("map ", size, " bytes at ", offset, " of ", path, ": no such part of a BAR"));
  const uint64_t start = core::RoundDown(offset, kPage);
  const size_t length = core::RoundUp(offset + size, kPage) - start;
  void* at = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(),
                  static_cast<off_t>(start));
  if (at == MAP_FAILED) return Failed(absl::StrCat("map BAR ", bar), errno);
  Mapping mapping(at, length);
  std::byte* first = mapping.at() + (offset - start);
  return std::make_unique<MappedRegisters>(std::move(mapping), first);
}

// One line for each BAR: first address, last address, flags; zeros if there is no such BAR.
absl::StatusOr<core::Range> SysfsPciFunction::BarAddresses(unsigned bar) {
  const std::string text = folder_.Text("resource").value_or("");
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (bar < kBars && bar < lines.size()) {
    const std::vector<absl::string_view> words = absl::StrSplit(lines[bar], ' ');
    std::array<uint64_t, 3> values = {};
    for (size_t i = 0; i < values.size() && i < words.size(); ++i)
      values[i] = core::ParseUnsigned(words[i]).value_or(0);
    const auto [first, last, flags] = values;
    if (words.size() >= values.size() && (flags & kMemoryResource) != 0 && first < last)
      return core::Range{first, last - first + 1};
  }
  return Refusal(
      EINVAL, "virtio.pci",
      absl::StrCat(name_, ": has no memory BAR ", bar, " (", folder_.path(), "/resource)"));
}

// A huge page: unlike other pages, the kernel does not move it while the device uses its address.
absl::StatusOr<DmaPage> SysfsPciFunction::AllocatePage() {
  void* at = mmap(nullptr, kHugePage, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED)
    return Refusal(ENOMEM, "virtio.memory",
                   absl::StrCat("a huge page for ", name_, ": ", strerror(errno),
                                "; echo 1 > /proc/sys/vm/nr_hugepages sets one aside"));
  Mapping mapping(at, kHugePage);
  std::memset(at, 0, kPage);
  uint64_t entry = 0;
  const posix::Descriptor pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const auto place = static_cast<off_t>(reinterpret_cast<uintptr_t>(at) / kPage * sizeof entry);
  if (pagemap.get() < 0 || pread(pagemap.get(), &entry, sizeof entry, place) != sizeof entry ||
      (entry & kPagePresent) == 0 || (entry & kPageFrame) == 0)
    return Refusal(EPERM, "virtio.memory",
                   absl::StrCat("the physical address of a page for ", name_,
                                ": /proc/self/pagemap does not tell; it takes CAP_SYS_ADMIN"));
  DmaPage page{.at = mapping.at(), .address = (entry & kPageFrame) * kPage};
  pages_.push_back(std::move(mapping));
  return page;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PciFunction>> OpenSysfsPciFunction(const std::string& address) {
  const auto folder = SysfsFolder(kPciDevices).Follow(address);
  if (!folder)
    return Refusal(ENODEV, "virtio.pci", absl::StrCat("open ", address, ": no such PCI device"));
  // The kernel's virtio driver is bound to the virtio device, one level below.
  if (const auto driver = folder->Follow("driver"))
    return Refusal(EBUSY, "virtio.bound",
                   absl::StrCat("open ", address, ": the kernel's ", driver->name(),
                                " drives it. Either mount virtio-pmem:/dev/pmemN, or: echo ",
                                address, " > ", folder->path(), "/driver/unbind"));
  if (folder->Has("iommu_group") && folder->Names("iommu").size() > 1)
    return Refusal(EIO, "virtio.iommu",
                   absl::StrCat("open ", address,
                                ": it is behind an IOMMU, which this driver cannot program; use "
                                "the kernel's driver and virtio-pmem:/dev/pmemN"));
  // An unbound device may be disabled.
  const posix::Descriptor enable(open((folder->path() + "/enable").c_str(), O_WRONLY | O_CLOEXEC));
  if (enable.get() >= 0 && write(enable.get(), "1", 1) != 1)
    return Refusal(errno, "virtio.pci", absl::StrCat("enable ", address, ": ", strerror(errno)));
  posix::Descriptor config(open((folder->path() + "/config").c_str(), O_RDWR | O_CLOEXEC));
  if (config.get() < 0)
    return Refusal(errno, "virtio.pci", absl::StrCat("open ", address, ": ", strerror(errno)));
  if (flock(config.get(), LOCK_EX | LOCK_NB) != 0)
    return Refusal(EBUSY, "virtio.busy",
                   absl::StrCat("open ", address, ": another process drives it from user space"));
  return std::make_unique<SysfsPciFunction>(address, *folder, std::move(config));
}

}  // namespace nvdimmfs::backends::virtio
