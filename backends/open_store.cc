// SPDX-License-Identifier: Apache-2.0
#include "backends/open_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "backends/closing_mark.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

// Equal for two descriptors of one file; a block device may have several nodes.
using Identity = std::tuple<bool, dev_t, ino_t>;

std::optional<Identity> IdentityOf(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0) return std::nullopt;
  if (S_ISBLK(file.st_mode)) return Identity{true, file.st_rdev, 0};
  return Identity{false, file.st_dev, file.st_ino};
}

// All existing stores; unshared ones have no identity.
struct Registry {
  absl::Mutex mutex;
  std::vector<std::pair<std::optional<Identity>, std::weak_ptr<OpenStore>>> stores
      ABSL_GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

std::vector<std::shared_ptr<OpenStore>> All() {
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  std::vector<std::shared_ptr<OpenStore>> stores;
  for (const auto& known : registry.stores)
    if (auto store = known.second.lock()) stores.push_back(std::move(store));
  return stores;
}

absl::Status SyncFile(int fd, const std::string& name) {
  // This also writes back stores through mappings, since they are shared mappings of the same file.
  if (fdatasync(fd) == 0) return absl::OkStatus();
  return core::Refusal(errno, "media.flush",
                       absl::StrCat("flush ", name, ": ", strerror(errno),
                                    ". Stores since the last flush may be lost; unmount and "
                                    "check"));
}

void Keep(Registry& registry, const std::optional<Identity>& identity,
          const std::shared_ptr<OpenStore>& store) ABSL_EXCLUSIVE_LOCKS_REQUIRED(registry.mutex) {
  std::erase_if(registry.stores, [](const auto& known) { return known.second.expired(); });
  registry.stores.emplace_back(identity, store);
}

}  // namespace

OpenStore::OpenStore(int fd, const std::string& name, std::function<absl::Status()> flush)
    : file_(fcntl(fd, F_DUPFD_CLOEXEC, 3)),
      queue_(
          flush != nullptr ? std::move(flush)
                           : [this, name] { return SyncFile(file_.get(), name); },
          FlushQueue::AfterError::kStayFailed) {}

std::shared_ptr<OpenStore> OpenStore::OfFile(int fd, const std::string& name) {
  const std::optional<Identity> identity = IdentityOf(fd);
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  for (const auto& [known, store] : registry.stores)
    if (identity && known == identity)
      if (auto shared = store.lock()) return shared;
  auto store = std::make_shared<OpenStore>(fd, name, nullptr);
  Keep(registry, identity, store);
  return store;
}

std::shared_ptr<OpenStore> OpenStore::Make(int fd, std::function<absl::Status()> flush) {
  auto store = std::make_shared<OpenStore>(fd, "", std::move(flush));
  Registry& registry = TheRegistry();
  absl::MutexLock lock(&registry.mutex);
  Keep(registry, std::nullopt, store);
  return store;
}

absl::Status OpenStore::FlushPart(const std::function<absl::Status()>& flush) {
  RETURN_IF_ERROR(queue_.failed());
  const absl::Status flushed = flush();
  if (!flushed.ok()) queue_.Stop(flushed);
  return flushed;
}

void OpenStore::AnnounceClosing() {
  for (const auto& store : All()) MarkClosing(store->file_.get());
}

absl::Status OpenStore::FlushAll() {
  absl::Status first;
  for (const auto& store : All()) first.Update(store->Flush());
  return first;
}

}  // namespace nvdimmfs::backends
