// The records of all volumes: a directory with a file for each, named by the namespace's uuid.
//
// Crash safety: a record is written beside, flushed, renamed into place, and the directory flushed;
// after a cut there is the old record or the new one. When Put or Drop returns, it is durable.
// Thread rules: any thread.
#ifndef NVDIMMFS_TOOLS_VOLUMES_JOURNAL_H_
#define NVDIMMFS_TOOLS_VOLUMES_JOURNAL_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tools/volumes/record.h"

namespace nvdimmfs::volumes {

class Journal {
 public:
  // `directory` exists.
  explicit Journal(std::string directory) : directory_(std::move(directory)) {}

  struct Content {
    std::vector<Record> records;
    std::vector<std::string> complaints;  // sentences about files that are no records; they stay
  };
  // Everything in it; leftovers of a cut are removed.
  absl::StatusOr<Content> Load();

  absl::Status Put(const Record& record);
  // No error where there is none.
  absl::Status Drop(const std::string& uuid);

 private:
  std::string PathOf(const std::string& uuid) const;
  absl::Status Settle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string directory_;
  absl::Mutex mutex_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_JOURNAL_H_
