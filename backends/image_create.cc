// SPDX-License-Identifier: Apache-2.0
#include "backends/image_create.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "backends/guest_layout.h"
#include "backends/image_layout.h"
#include "backends/largest_mapping.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/folder.h"
#include "core/base/range.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::Refusal;

constexpr uint64_t kGiB = uint64_t{1} << 30;
// This much of the label area is allocated immediately: the index blocks, and thousands of labels.
constexpr uint64_t kReserved = 2 << 20;

absl::Status CheckNew(const NewImage& image) {
  if (image.size == 0 || image.size % kImagePage != 0)
    return Refusal(EINVAL, "create.size",
                   absl::StrCat("create ", image.path, ": ", image.size,
                                " bytes of data: must be a positive multiple of ", kImagePage));
  if (image.label_size % kImagePage != 0 || image.label_size > kMaxLabelArea)
    return Refusal(EINVAL, "create.label_size",
                   absl::StrCat("create ", image.path, ": a label area of ", image.label_size,
                                " bytes: must be 0 or a multiple of ", kImagePage,
                                " up to 4G - 4096; QEMU takes 128K and more"));
  if (image.size > kLargestMapping - image.label_size)
    return Refusal(EINVAL, "create.size",
                   absl::StrCat("create ", image.path, ": ", image.size,
                                " bytes of data and the label area are more than ", kLargestMapping,
                                " bytes (64T): a process cannot map more, so it could not be "
                                "mounted"));
  return absl::OkStatus();
}

absl::string_view WhatToDo(int error) {
  switch (error) {
    case EEXIST:
      return "; remove it first, nothing is overwritten";
    case EFBIG:
      return "; its file system does not take a file of that size (ext4: 16T less a block); XFS, "
             "btrfs and tmpfs take larger ones";
    case ENOSPC:
    case EDQUOT:
      return "; free space there. No file was left behind";
    default:
      return "";
  }
}

absl::Status FileError(const std::string& path, absl::string_view step, int error) {
  return Refusal(error, error == EEXIST ? "create.exists" : "create.file",
                 absl::StrCat("create ", path, ": ", step, ": ", strerror(error), WhatToDo(error)));
}

// The data stays sparse. A label that cannot be written because the file system is full would cost
// more than these few blocks.
int ReserveLabels(int fd, const NewImage& image) {
  const uint64_t size = std::min(image.label_size, kReserved);
  if (size == 0) return 0;
  if (fallocate(fd, 0, static_cast<off_t>(image.size), static_cast<off_t>(size)) == 0) return 0;
  return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
}

// In QEMU's options a comma is doubled.
std::string QemuPath(const std::string& path) { return absl::StrReplaceAll(path, {{",", ",,"}}); }

}  // namespace

absl::StatusOr<CreatedImage> CreateImage(const NewImage& image) {
  RETURN_IF_ERROR(CheckNew(image));
  CreatedImage created;
  created.file_size = image.size + image.label_size;
  created.label_area_is_found = BlankLabelSize(created.file_size) == image.label_size;

  const posix::Descriptor file(
      open(image.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return FileError(image.path, "make the file", errno);
  int error = ftruncate(file.get(), static_cast<off_t>(created.file_size)) != 0 ? errno : 0;
  if (error == 0) error = ReserveLabels(file.get(), image);
  if (error == 0 && fsync(file.get()) != 0) error = errno;
  if (error != 0) {
    unlink(image.path.c_str());
    return FileError(image.path, absl::StrCat("give it ", created.file_size, " bytes"), error);
  }
  // If the directory cannot be synced, the file is still good, but may not survive a power cut.
  posix::SyncFolder(posix::FolderOf(image.path));
  return created;
}

std::string QemuCommandLine(const NewImage& image, uint32_t slot,
                            const std::optional<core::Uuid>& uuid) {
  const uint64_t file_size = image.size + image.label_size;
  // Room for the guest's own memory and the DIMM.
  const uint64_t max_gib = std::max<uint64_t>(16, 2 + file_size / kGiB);
  const uint32_t slots = std::max<uint32_t>(8, slot + 1);
  std::string device = absl::StrCat("nvdimm,memdev=m", slot, ",id=nv", slot);
  // By default QEMU assigns slots in the order of its command line.
  if (slot != 0) absl::StrAppend(&device, ",slot=", slot);
  if (image.label_size != 0) absl::StrAppend(&device, ",label-size=", image.label_size);
  if (uuid.has_value()) absl::StrAppend(&device, ",uuid=", uuid->ToString());
  return absl::StrCat("qemu-system-x86_64 -machine q35,nvdimm=on -m ", kGuestMemory / kGiB,
                      "G,slots=", slots, ",maxmem=", max_gib, "G -object ",
                      core::ShellWord(absl::StrCat("memory-backend-file,id=m", slot,
                                                   ",share=on,mem-path=", QemuPath(image.path),
                                                   ",size=", file_size)),
                      " -device ", device);
}

}  // namespace nvdimmfs::backends
