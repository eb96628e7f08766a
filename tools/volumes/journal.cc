// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr char kSuffix[] = ".json";
constexpr char kTemporary[] = ".new";

absl::Status Failed(absl::string_view what, absl::string_view path) {
  const int error = errno != 0 ? errno : EIO;
  return core::Refusal(error, "journal.io",
                       absl::StrCat("journal: ", what, " ", path, ": ", strerror(error)));
}

}  // namespace

std::string Journal::PathOf(const std::string& uuid) const {
  return absl::StrCat(directory_, "/", uuid, kSuffix);
}

absl::StatusOr<Journal::Content> Journal::Load() {
  absl::MutexLock lock(&mutex_);
  Content content;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, posix::ReadFolder(directory_));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(directory_, "/", name);
    if (absl::EndsWith(path, kTemporary)) {
      if (unlink(path.c_str()) != 0) return Failed("remove", path);
      continue;
    }
    if (!absl::EndsWith(path, kSuffix)) continue;
    ASSIGN_OR_RETURN(const std::string text, posix::ReadFile(path));
    absl::StatusOr<Record> record = RecordFromJson(text);
    if (record.ok() && PathOf(record->uuid) != path)
      record = core::Refusal(EINVAL, "journal.record", "its uuid differs from the file's name");
    if (record.ok())
      content.records.push_back(*std::move(record));
    else
      content.complaints.push_back(
          absl::StrCat(path, " is not a record and is left alone: ", record.status().message()));
  }
  return content;
}

absl::Status Journal::Put(const Record& record) {
  absl::MutexLock lock(&mutex_);
  const std::string path = PathOf(record.uuid);
  const std::string beside = path + kTemporary;
  const std::string text = ToJson(record);
  {
    const Descriptor file(
        open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Failed("make", beside);
    errno = posix::WriteAll(file.get(), text);
    if (errno != 0 || fsync(file.get()) != 0) return Failed("write", beside);
  }
  if (rename(beside.c_str(), path.c_str()) != 0) return Failed("rename", beside);
  return Settle();
}

absl::Status Journal::Drop(const std::string& uuid) {
  absl::MutexLock lock(&mutex_);
  const std::string path = PathOf(uuid);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Failed("remove", path);
  return Settle();
}

absl::Status Journal::Settle() {
  errno = posix::SyncFolder(directory_);
  return errno == 0 ? absl::OkStatus() : Failed("flush", directory_);
}

}  // namespace nvdimmfs::volumes
