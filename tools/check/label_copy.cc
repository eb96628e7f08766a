// SPDX-License-Identifier: Apache-2.0
#include "tools/check/label_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

constexpr uint64_t kPiece = 1 << 20;

absl::Status Failed(const std::string& path, int error) {
  return core::Refusal(error, "labels.keep",
                       absl::StrCat("save a copy of the label area in ", path, ": ",
                                    strerror(error), "; nothing was changed"));
}

posix::Descriptor OpenNew(const std::string& path) {
  return posix::Descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

absl::Status Copy(const core::Media& area, int fd, const std::string& path) {
  std::vector<std::byte> piece;
  for (uint64_t at = 0; at < area.size(); at += piece.size()) {
    piece.resize(std::min(kPiece, area.size() - at));
    RETURN_IF_ERROR(area.Read(at, absl::MakeSpan(piece)));
    if (const int error = posix::WriteAll(fd, piece); error != 0) return Failed(path, error);
  }
  return fsync(fd) == 0 ? absl::OkStatus() : Failed(path, errno);
}

// Makes the directory entry durable.
absl::Status SyncFolder(const std::string& path) {
  const int error = posix::SyncFolder(posix::FolderOf(path));
  return error == 0 || error == EINVAL ? absl::OkStatus() : Failed(path, error);
}

}  // namespace

absl::StatusOr<std::string> KeepLabelArea(const core::Media& area,
                                          const std::optional<std::string>& path,
                                          const std::string& beside) {
  std::string name = path.value_or("");
  posix::Descriptor file;
  if (path) {
    file = OpenNew(name);
  } else {
    for (int number = 1; !file; ++number) {
      name = absl::StrCat(beside, ".labels-", number);
      file = OpenNew(name);
      if (!file && errno != EEXIST) break;
    }
  }
  if (!file) return Failed(name, errno);
  absl::Status status = Copy(area, file.get(), name);
  file.Close();
  if (status.ok()) status = SyncFolder(name);
  if (status.ok()) return name;
  unlink(name.c_str());
  return status;
}

std::string HowToBringBack(const std::string& copy, const core::DimmSource& dimm) {
  const std::string target = dimm.label_file.empty() ? dimm.description : dimm.label_file;
  std::error_code error;
  if (!std::filesystem::is_regular_file(target, error))
    return absl::StrCat("  write it to dev/nmemN of a mount while its regions are disabled");
  return absl::StrCat("  dd if=", copy, " of=", target,
                      " bs=64K oflag=seek_bytes seek=", dimm.label_offset, " conv=notrunc");
}

}  // namespace nvdimmfs::tools
