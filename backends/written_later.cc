// SPDX-License-Identifier: Apache-2.0
#include "backends/written_later.h"

#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::backends {
namespace {

struct Folders {
  absl::Mutex mutex;
  std::set<std::string> names ABSL_GUARDED_BY(mutex);
};

Folders& AllFolders() {
  static auto* const folders = new Folders;  // never destroyed
  return *folders;
}

}  // namespace

void AddFolderWrittenLater(const std::string& folder) {
  Folders& all = AllFolders();
  absl::MutexLock lock(&all.mutex);
  all.names.insert(folder);
}

std::vector<std::string> FoldersWrittenLater() {
  Folders& all = AllFolders();
  absl::MutexLock lock(&all.mutex);
  return {all.names.begin(), all.names.end()};
}

}  // namespace nvdimmfs::backends
