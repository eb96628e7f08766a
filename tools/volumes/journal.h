// SPDX-License-Identifier: Apache-2.0
// The records of all volumes: a directory with a file for each, named by the namespace's uuid.
//
// Crash safety: a record is written to a temporary file, flushed and renamed into place, and the
// directory is flushed. After a power cut there is the old record or the new one. When Put or Drop
// returns, the change is durable.
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
    std::vector<std::string> complaints;  // about files that are not records; they stay
  };
  // Reads all records, and removes temporary files that a power cut left.
  absl::StatusOr<Content> Load();

  absl::Status Put(const Record& record);
  // No error if there is no such record.
  absl::Status Drop(const std::string& uuid);

 private:
  std::string PathOf(const std::string& uuid) const;
  absl::Status Settle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string directory_;
  absl::Mutex mutex_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_JOURNAL_H_
