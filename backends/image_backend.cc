#include "backends/image_backend.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/image_layout.h"
#include "backends/image_lock.h"
#include "core/media_slice.h"
#include "core/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Refusal;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status OpenError(const std::string& path, int error) {
  absl::string_view advice = "";
  if (error == EACCES || error == EPERM || error == EROFS)
    advice = "; it may still be readable: try -o ro";
  return Refusal(error, "image.open", absl::StrCat("open ", path, ": ", strerror(error), advice));
}

absl::Status WrongKind(const std::string& path, mode_t mode) {
  absl::string_view kind = "not a regular file";
  if (S_ISDIR(mode)) kind = "a directory, not an image file";
  if (S_ISCHR(mode)) kind = "a character device; for device-dax say devdax:PATH";
  if (S_ISBLK(mode)) kind = "a block device; an image must be a regular file";
  if (S_ISFIFO(mode)) kind = "a FIFO, not an image file";
  if (S_ISSOCK(mode)) kind = "a socket, not an image file";
  return Refusal(S_ISDIR(mode) ? EISDIR : EINVAL, "image.kind",
                 absl::StrCat("open ", path, ": ", kind));
}

// open(2), but where somebody asks for a lease just now (as image_lock.h does), a little later.
int OpenPatiently(const std::string& path, int flags) {
  for (int attempt = 0;; ++attempt) {
    const int fd = open(path.c_str(), flags);
    if (fd >= 0 || errno != EWOULDBLOCK || attempt == 20) return fd;
    absl::SleepFor(absl::Milliseconds(10));
  }
}

// Opens a regular file. What it is gets asked first: opening a FIFO waits, opening a device acts.
absl::StatusOr<Descriptor> OpenRegular(const std::string& path, bool read_only) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return OpenError(path, errno);
  if (!S_ISREG(status.st_mode)) return WrongKind(path, status.st_mode);
  const int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  // A look must not leave a trace in the access time. Only the owner may ask for that.
  int fd = OpenPatiently(path, flags | (read_only ? O_NOATIME : 0));
  if (fd < 0 && errno == EPERM && read_only) fd = OpenPatiently(path, flags);
  if (fd < 0) return OpenError(path, errno);
  Descriptor file(fd);
  if (fstat(fd, &status) != 0) return OpenError(path, errno);
  if (!S_ISREG(status.st_mode)) return WrongKind(path, status.st_mode);
  return file;
}

absl::StatusOr<std::shared_ptr<Pmem2Media>> MapWhole(const Descriptor& file,
                                                     const std::string& path,
                                                     const ImageOptions& options) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return OpenError(path, errno);
  if (status.st_size < static_cast<off_t>(kImagePage))
    return Refusal(
        EINVAL, "image.size",
        absl::StrCat("open ", path, ": ", status.st_size,
                     " bytes are no DIMM and no label area; the least is a page of ", kImagePage));
  return Pmem2Media::Map(file.get(), {.length = static_cast<uint64_t>(status.st_size),
                                      .read_only = options.read_only,
                                      .name = path,
                                      .durability = options.durability});
}

// Opened, locked and mapped.
absl::StatusOr<std::shared_ptr<core::Media>> OpenWhole(const std::string& path,
                                                       const ImageOptions& options) {
  ASSIGN_OR_RETURN(const Descriptor file, OpenRegular(path, options.read_only));
  if (!(options.read_only && options.force)) {
    RETURN_IF_ERROR(LockImage(file.get(), path, options.read_only));
  }
  return MapWhole(file, path, options);
}

absl::StatusOr<core::DimmSource> OpenWithLabelFile(const std::string& path,
                                                   const ImageOptions& options) {
  if (options.label_size)
    return Refusal(EINVAL, "image.label_size",
                   absl::StrCat("open ", path, ": a label size is of no use beside the label file ",
                                options.labels, ", which is one label area as a whole"));
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> data, OpenWhole(path, options));
  ASSIGN_OR_RETURN(ImageLayout layout, DivideImage(data, 0, path));
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> labels, OpenWhole(options.labels, options));
  core::DimmSource source;
  source.findings = std::move(layout.findings);
  ASSIGN_OR_RETURN(source.capacity, core::MediaSlice::Make(data, layout.data));
  ASSIGN_OR_RETURN(source.labels,
                   core::MediaSlice::Make(labels, {0, std::min(labels->size(), kMaxLabelArea)}));
  source.label_file = options.labels;
  return source;
}

absl::StatusOr<core::DimmSource> OpenWithLabelsInside(const std::string& path,
                                                      const ImageOptions& options) {
  // One mapping for data and labels: they share the queue of the one fdatasync.
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> whole, OpenWhole(path, options));
  ASSIGN_OR_RETURN(ImageLayout layout, DivideImage(whole, options.label_size, path));
  core::DimmSource source;
  source.findings = std::move(layout.findings);
  ASSIGN_OR_RETURN(source.capacity, core::MediaSlice::Make(whole, layout.data));
  if (!layout.labels.empty()) {
    ASSIGN_OR_RETURN(source.labels, core::MediaSlice::Make(whole, layout.labels));
    source.label_offset = layout.labels.start;
  }
  return source;
}

}  // namespace

core::DimmIdentity QemuIdentity(uint32_t slot) {
  core::DimmIdentity identity;
  identity.handle = slot + 1;
  identity.vendor = 0x8086;
  identity.device = 1;
  identity.revision = 1;
  identity.serial = 0x123456 + slot;
  identity.interface_code = 0x0301;
  return identity;
}

absl::StatusOr<core::DimmSource> OpenImage(const std::string& path, uint32_t slot,
                                           const ImageOptions& options) {
  ASSIGN_OR_RETURN(core::DimmSource source, options.labels.empty()
                                                ? OpenWithLabelsInside(path, options)
                                                : OpenWithLabelFile(path, options));
  source.description = path;
  source.read_only = options.read_only;
  source.identity = QemuIdentity(slot);
  return source;
}

}  // namespace nvdimmfs::backends
