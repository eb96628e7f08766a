// SPDX-License-Identifier: Apache-2.0
#include "backends/image_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "backends/posix/descriptor.h"
#include "core/base/event.h"
#include "core/base/shell_word.h"

namespace nvdimmfs::backends {
namespace {

struct Watched {
  posix::Descriptor file;
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  bool told = false;
};

struct Fate {
  absl::string_view what;
  bool is_lost;  // it has no name left, and is lost with its last descriptor
};

// What happened to it; nothing while its name still refers to it.
std::optional<Fate> FateOf(const Watched& watched) {
  struct stat own, named;
  if (fstat(watched.file.get(), &own) != 0) return std::nullopt;
  const bool exists = stat(watched.path.c_str(), &named) == 0;
  if (exists && named.st_dev == watched.device && named.st_ino == watched.inode)
    return std::nullopt;
  if (!exists && errno != ENOENT) return std::nullopt;  // unknown
  const bool is_lost = own.st_nlink == 0;
  if (exists) return Fate{"another file has taken its place", is_lost};
  return Fate{is_lost ? "it was deleted" : "it was renamed", is_lost};
}

// The command that saves the data, or shows where it is.
std::string AdviceOn(const Watched& watched, const Fate& fate) {
  const std::string open = absl::StrCat("/proc/", getpid(), "/fd/", watched.file.get());
  if (!fate.is_lost)
    return absl::StrCat("which has another name now: readlink ", open,
                        " says which. Open that one the next time");
  return absl::StrCat("and its data is lost when the program ends. To save it, stop all writers, ",
                      "then: cp --sparse=always ", open, " ",
                      core::ShellWord(watched.path + ".saved"));
}

// All watches of the process, and the thread that listens for them.
class Listener {
 public:
  static Listener& Get() {
    static auto* const listener = new Listener;  // never destroyed: its thread never ends
    return *listener;
  }
  std::optional<int> Add(Watched watched);
  void Remove(int id);

 private:
  void Listen();
  void Look(int watch);

  absl::Mutex mutex_;
  int notices_ ABSL_GUARDED_BY(mutex_) = -1;
  int next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int, Watched> files_ ABSL_GUARDED_BY(mutex_);
  std::multimap<int, int> by_watch_
      ABSL_GUARDED_BY(mutex_);  // the kernel's number of an inode -> files_
};

std::optional<int> Listener::Add(Watched watched) {
  absl::MutexLock lock(&mutex_);
  if (notices_ < 0) {
    notices_ = inotify_init1(IN_CLOEXEC);
    if (notices_ < 0) return std::nullopt;
    std::thread([this] { Listen(); }).detach();
  }
  // The link count is an attribute. An open file is deleted only with its last descriptor.
  const int watch =
      inotify_add_watch(notices_, absl::StrCat("/proc/self/fd/", watched.file.get()).c_str(),
                        IN_ATTRIB | IN_MOVE_SELF);
  if (watch < 0) return std::nullopt;
  const int id = next_++;
  by_watch_.emplace(watch, id);
  files_.emplace(id, std::move(watched));
  return id;
}

void Listener::Remove(int id) {
  absl::MutexLock lock(&mutex_);
  files_.erase(id);
  for (auto it = by_watch_.begin(); it != by_watch_.end(); ++it) {
    if (it->second != id) continue;
    const int watch = it->first;
    by_watch_.erase(it);
    if (by_watch_.count(watch) == 0) inotify_rm_watch(notices_, watch);
    return;
  }
}

void Listener::Listen() {
  int notices;
  {
    absl::MutexLock lock(&mutex_);
    notices = notices_;
  }
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = read(notices, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (size_t at = 0; at + sizeof(inotify_event) <= static_cast<size_t>(got);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      Look(event->wd);
      at += sizeof *event + event->len;
    }
  }
}

void Listener::Look(int watch) {
  absl::MutexLock lock(&mutex_);
  const auto [first, last] = by_watch_.equal_range(watch);
  for (auto it = first; it != last; ++it) {
    Watched& watched = files_.at(it->second);
    const auto fate = watched.told ? std::nullopt : FateOf(watched);
    if (!fate) continue;
    watched.told = true;
    core::Report(
        core::Event::kImageGone, watched.path, "",
        absl::StrCat(fate->what, " while this program has it open. It goes on with the old file, ",
                     AdviceOn(watched, *fate)));
  }
}

std::atomic<bool> watches = true;

class Watch final : public ImageWatch {
 public:
  explicit Watch(int id) : id_(id) {}
  ~Watch() override { Listener::Get().Remove(id_); }

 private:
  const int id_;
};

}  // namespace

std::shared_ptr<ImageWatch> ImageWatch::Begin(int fd, const std::string& path) {
  struct stat file;
  if (!watches || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return nullptr;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  Watched watched{.file = posix::Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, 3)),
                  .path = error ? path : absolute.string(),
                  .device = file.st_dev,
                  .inode = file.st_ino};
  // A file that had another name from the start (a memfd, /proc/self/fd/5) is not watched.
  if (watched.file.get() < 0 || FateOf(watched)) return nullptr;
  const auto id = Listener::Get().Add(std::move(watched));
  return id ? std::make_shared<Watch>(*id) : nullptr;
}

void ImageWatch::BeginNone() { watches = false; }

}  // namespace nvdimmfs::backends
