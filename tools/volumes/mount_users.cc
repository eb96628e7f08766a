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
#include "tools/volumes/descriptor.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kIdLength = 64;  // hexadecimal digits, as docker and podman have them
constexpr size_t kShownOfId = 12;
constexpr size_t kMostDescribed = 3;

// Where a link of proc(5) leads; "" where it cannot be read.
std::string Link(const std::string& path) {
  std::array<char, 4096> room;
  const ssize_t length = readlink(path.c_str(), room.data(), room.size());
  return length < 0 ? "" : std::string(room.data(), static_cast<size_t>(length));
}

std::vector<std::string> NumbersIn(const std::string& directory) {
  std::vector<std::pair<pid_t, std::string>> numbers;
  for (std::string& name : ReadFolder(directory).value_or(std::vector<std::string>())) {
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

MountUser UserOf(const std::string& process, const MountEntry& entry) {
  MountUser user{.place = entry.place, .thing = {entry.device, entry.root}};
  if (process.empty()) return user;
  if (!absl::SimpleAtoi(process.substr(process.rfind('/') + 1), &user.pid)) user.pid = 0;
  user.command = std::string(absl::StripAsciiWhitespace(ReadFile(process + "/comm").value_or("")));
  user.container = ContainerIn(ReadFile(process + "/cgroup").value_or(""));
  return user;
}

class Search {
 public:
  Search(const std::vector<MountedThing>& things, const std::string& own_top)
      : things_(things), own_top_(own_top), own_(Link("/proc/self/ns/mnt")) {}

  std::vector<MountUser> Run(Looking looking) {
    if (things_.empty()) return {};
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
  // Each view of the mounts once: a mount namespace, from a root directory. One that cannot be told
  // (the process is gone, or its owner's affair) is looked at all the same.
  void Look(const std::string& process, const std::string& thread) {
    const std::string ns = Link(thread + "/ns/mnt");
    if (!ns.empty() && !seen_.emplace(ns, Link(thread + "/root")).second) return;
    for (const MountEntry& entry : MountTable(thread + "/mountinfo")) {
      if (!own_top_.empty() && IsWithin(entry.place, own_top_)) continue;
      if (!IsMeant(entry)) continue;
      // A mount of the host has copies in the namespaces that follow it.
      if (ns != own_ && reported_.count({own_, entry.place}) > 0) continue;
      if (reported_.emplace(ns.empty() ? thread : ns, entry.place).second)
        users_.push_back(UserOf(process, entry));
    }
  }

  bool IsMeant(const MountEntry& entry) const {
    return std::any_of(things_.begin(), things_.end(), [&](const MountedThing& thing) {
      return Matches(thing, entry.device, entry.root);
    });
  }

  const std::vector<MountedThing>& things_;
  const std::string& own_top_;
  const std::string own_;
  std::set<std::pair<std::string, std::string>> seen_, reported_;
  std::vector<MountUser> users_;
};

}  // namespace

bool Matches(const MountedThing& thing, dev_t device, absl::string_view root) {
  absl::ConsumeSuffix(&root, "//deleted");
  return device == thing.device && (thing.root.empty() || root == thing.root);
}

std::vector<MountUser> FindMountUsers(const std::vector<MountedThing>& things,
                                      const std::string& own_top, Looking looking) {
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
