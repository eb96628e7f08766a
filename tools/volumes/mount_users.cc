// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/mount_users.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kIdLength = 64;  // hexadecimal digits, as in docker and podman
constexpr size_t kShownOfId = 12;
constexpr size_t kMostDescribed = 3;

// The target of a link of proc(5); "" if it cannot be read.
std::string Link(const std::string& path) {
  std::array<char, 4096> room;
  const ssize_t length = readlink(path.c_str(), room.data(), room.size());
  return length < 0 ? "" : std::string(room.data(), static_cast<size_t>(length));
}

std::vector<std::string> NumbersIn(const std::string& directory) {
  std::vector<std::pair<pid_t, std::string>> numbers;
  for (std::string& name : posix::ReadFolder(directory).value_or(std::vector<std::string>())) {
    pid_t number;
    if (absl::SimpleAtoi(name, &number)) numbers.emplace_back(number, std::move(name));
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> names;
  for (auto& [number, name] : numbers) names.push_back(std::move(name));
  return names;
}

// The first run of as many hexadecimal digits as an id has.
std::string ContainerIn(absl::string_view cgroup) {
  size_t run = 0;
  for (size_t i = 0; i <= cgroup.size(); ++i) {
    const bool is_digit =
        i < cgroup.size() && absl::ascii_isxdigit(static_cast<unsigned char>(cgroup[i]));
    if (!is_digit && run == kIdLength) return std::string(cgroup.substr(i - kIdLength, kShownOfId));
    run = is_digit ? run + 1 : 0;
  }
  return "";
}

MountedThing MountedOf(const MountEntry& entry) { return {entry.device, entry.root, entry.source}; }

MountUser UserOf(const std::string& process, const MountEntry& entry) {
  MountUser user{.place = entry.place, .thing = MountedOf(entry)};
  if (process.empty()) return user;
  if (!absl::SimpleAtoi(process.substr(process.rfind('/') + 1), &user.pid)) user.pid = 0;
  user.command =
      std::string(absl::StripAsciiWhitespace(posix::ReadFile(process + "/comm").value_or("")));
  user.container = ContainerIn(posix::ReadFile(process + "/cgroup").value_or(""));
  return user;
}

// The name of the mounted file, whether or not it still has that name.
absl::string_view NameOf(absl::string_view root) {
  absl::ConsumeSuffix(&root, "//deleted");
  return root;
}

class Search {
 public:
  Search(const std::vector<MountedThing>& things, const std::string& own_top)
      : things_(things), own_top_(own_top), own_(Link("/proc/self/ns/mnt")) {}

  std::vector<MountUser> Run(Looking looking) {
    Look("", "/proc/self");
    for (const std::string& pid : NumbersIn("/proc")) {
      const std::string process = "/proc/" + pid;
      if (looking == Looking::kAtProcesses) {
        Look(process, process);
        continue;
      }
      for (const std::string& thread : NumbersIn(process + "/task"))
        Look(process, absl::StrCat(process, "/task/", thread));
    }
    return std::move(users_);
  }

 private:
  // Reads each view of the mounts once: a mount namespace as seen from a root directory. A view
  // that cannot be identified (the process is gone, or not accessible) is read nevertheless.
  void Look(const std::string& process, const std::string& thread) {
    const std::string ns = Link(thread + "/ns/mnt");
    if (!ns.empty() && !seen_.emplace(ns, Link(thread + "/root")).second) return;
    const auto is_wanted = [this](dev_t device) { return things_.HasDevice(device); };
    for (const MountEntry& entry : MountTable(thread + "/mountinfo", is_wanted)) {
      if (!own_top_.empty() && IsWithin(entry.place, own_top_)) continue;
      if (!things_.Has(MountedOf(entry))) continue;
      // A mount of the host has copies in slave namespaces.
      if (ns != own_ && reported_.count({own_, entry.place}) > 0) continue;
      if (reported_.emplace(ns.empty() ? thread : ns, entry.place).second)
        users_.push_back(UserOf(process, entry));
    }
  }

  const ThingSet things_;
  const std::string& own_top_;
  const std::string own_;
  std::set<std::pair<std::string, std::string>> seen_, reported_;
  std::vector<MountUser> users_;
};

}  // namespace

MountedThing ThingOf(const MountEntry& entry) {
  return {entry.device, entry.root == "/" ? "" : entry.root,
          entry.type == "tmpfs" ? entry.source : ""};
}

bool Matches(const MountedThing& thing, const MountedThing& mounted) {
  return mounted.device == thing.device &&
         (thing.root.empty() || NameOf(mounted.root) == thing.root) &&
         (thing.source.empty() || mounted.source == thing.source);
}

ThingSet::ThingSet(const std::vector<MountedThing>& things) {
  for (const MountedThing& thing : things) things_[thing.device][thing.root].push_back(thing);
}

bool ThingSet::Has(const MountedThing& mounted) const {
  const auto of = things_.find(mounted.device);
  if (of == things_.end()) return false;
  for (const absl::string_view root : {absl::string_view(), NameOf(mounted.root)})
    if (const auto found = of->second.find(root); found != of->second.end())
      for (const MountedThing& thing : found->second)
        if (Matches(thing, mounted)) return true;
  return false;
}

UserIndex::UserIndex(const std::vector<MountUser>& users) {
  for (const MountUser& user : users)
    users_[user.thing.device][NameOf(user.thing.root)].push_back(user);
}

std::vector<MountUser> UserIndex::Of(const std::vector<MountedThing>& things) const {
  std::vector<MountUser> its;
  const ThingSet wanted(things);
  const auto take = [&](const std::vector<MountUser>& users) {
    for (const MountUser& user : users)
      if (wanted.Has(user.thing)) its.push_back(user);
  };
  for (const auto& [device, roots] : wanted.things_) {
    const auto of = users_.find(device);
    if (of == users_.end()) continue;
    if (roots.contains("")) {
      for (const auto& [root, users] : of->second) take(users);
      continue;
    }
    for (const auto& [root, same] : roots)
      if (const auto found = of->second.find(root); found != of->second.end()) take(found->second);
  }
  return its;
}

std::vector<MountUser> FindMountUsers(const std::vector<MountedThing>& things,
                                      const std::string& own_top, Looking looking) {
  if (things.empty()) return {};
  return Search(things, own_top).Run(looking);
}

std::vector<MountUser> FindFileUsers(const std::string& place) {
  std::vector<MountUser> users;
  for (const std::string& pid : NumbersIn("/proc")) {
    const std::string process = "/proc/" + pid;
    std::vector<std::string> links = {process + "/cwd", process + "/root"};
    for (const std::string& number : NumbersIn(process + "/fd"))
      links.push_back(absl::StrCat(process, "/fd/", number));
    for (const std::string& link : links)
      if (const std::string path = Link(link); IsWithin(path, place)) {
        users.push_back(UserOf(process, {.place = path}));
        break;
      }
  }
  return users;
}

std::string Describe(const std::vector<MountUser>& users) {
  std::vector<std::string> lines;
  for (const MountUser& user : users) {
    std::string line = absl::StrCat("the host has ", user.place);
    if (user.pid != 0)
      line = absl::StrCat("process ", user.pid, " (", user.command, ")",
                          user.container.empty() ? "" : " of container ", user.container, " has ",
                          user.place);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  const size_t more = lines.size() - std::min(lines.size(), kMostDescribed);
  lines.resize(lines.size() - more);
  if (more > 0) lines.push_back(absl::StrCat("and ", more, " more"));
  return absl::StrJoin(lines, "; ");
}

}  // namespace nvdimmfs::volumes
