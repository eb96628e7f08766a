// SPDX-License-Identifier: Apache-2.0
#include "backends/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/folder.h"
#include "backends/posix/new_file.h"
#include "backends/written_later.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr size_t kLongest = 4096;  // bytes; a record is far shorter

class File final : public core::intel::StateStore {
 public:
  File(std::string path, bool read_only) : path_(std::move(path)), read_only_(read_only) {}

  absl::StatusOr<std::string> Load() override {
    const posix::Descriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (file.get() < 0 && errno == ENOENT) return std::string();
    struct stat status = {};
    if (file.get() < 0 || fstat(file.get(), &status) != 0) return Failed("dimm_state.open", "open");
    if (!S_ISREG(status.st_mode))
      return core::Refusal(EINVAL, "dimm_state.open",
                           absl::StrCat("open ", path_, ": not a regular file"));
    std::string record(kLongest, '\0');
    const ssize_t length = read(file.get(), record.data(), record.size());
    if (length < 0) return Failed("dimm_state.open", "open");
    record.resize(static_cast<size_t>(length));
    // An empty file is not a damaged record; it may have been created by hand, to set its owner.
    return record;
  }

  absl::Status Save(absl::string_view record) override {
    if (read_only_)
      return core::Refusal(EROFS, "dimm_state.read_only",
                           absl::StrCat("save ", path_, ": the DIMM was opened read-only"));
    // A file that a power cut left there was never the record.
    const std::string fresh = path_ + ".new";
    unlink(fresh.c_str());
    errno = posix::ReplaceFile(path_, fresh, record, 0600);
    if (errno == 0) errno = posix::SyncFolder(posix::FolderOf(path_));
    return errno == 0 ? absl::OkStatus() : Failed("dimm_state.save", "save");
  }

 private:
  absl::Status Failed(absl::string_view reason, absl::string_view verb) const {
    const int error = errno;
    return core::Refusal(error, reason, absl::StrCat(verb, " ", path_, ": ", strerror(error)));
  }

  const std::string path_;
  const bool read_only_;
};

}  // namespace

std::shared_ptr<core::intel::StateStore> StateFile(std::string path, bool read_only) {
  if (!read_only) AddFolderWrittenLater(posix::FolderOf(path));
  return std::make_shared<File>(std::move(path), read_only);
}

}  // namespace nvdimmfs::backends
