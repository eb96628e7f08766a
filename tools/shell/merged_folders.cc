#include "tools/shell/merged_folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tools/shell/block_nodes.h"
#include "tools/shell/device_number.h"
#include "tools/shell/module_places.h"
#include "tools/shell/module_program.h"
#include "tools/shell/node_requests.h"

namespace nvdimmfs::tools {
namespace {

constexpr char kHome[] = ".nvdimmfs";
constexpr absl::string_view kOwnPrefixes[] = {"pmem", "nmem", "ndctl", "dax", "memory"};

struct Sides {
  int host = -1;  // descriptors of the two folders; -1 where there is none
  int tree = -1;
};

struct Context {
  std::string tree;
  int top = -1;  // of the tree
  std::vector<MergedFolder> folders;
  std::vector<Sides> sides;  // one for each
  // Opened while nothing covers them: the way to them leads through here later.
  int partitions = -1;  // the host's /proc/partitions
  int modules = -1;     // and /proc/modules
  int blocks = -1;      // and /sys/class/block
  int nodes = -1;       // kBlockPath
  NodeMakers makers;
  struct timespec since = {};
};

Context& TheContext() { return *static_cast<Context*>(fuse_get_context()->private_data); }

// "pmem0.1s", "nmem0", "dax0.0", "memory3": a name under which a kernel shows persistent memory.
bool IsOwnKind(absl::string_view name) {
  for (const absl::string_view prefix : kOwnPrefixes)
    if (absl::StartsWith(name, prefix) && name.size() > prefix.size() &&
        isdigit(name[prefix.size()]))
      return true;
  return false;
}

// "pmem0", or a partition of it.
bool IsDisk(absl::string_view name) { return absl::StartsWith(name, "pmem") && IsOwnKind(name); }

std::optional<std::string> LinkAt(int directory, const std::string& name) {
  char text[PATH_MAX];
  const ssize_t length = readlinkat(directory, name.c_str(), text, sizeof text);
  if (length < 0) return std::nullopt;
  return std::string(text, length);
}

bool Has(int directory, const std::string& name) {
  struct stat stat = {};
  return directory >= 0 && fstatat(directory, name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) == 0;
}

std::vector<std::string> NamesAt(int directory) {
  std::vector<std::string> names;
  const int copy = directory < 0 ? -1 : openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(copy), closedir);
  while (const dirent* entry = readdir(stream.get())) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != kHome) names.emplace_back(entry->d_name);
  }
  return names;
}

struct Entry {
  std::string link;             // its text, unless
  std::optional<dev_t> number;  // it is a character device, without a real node
};

std::optional<dev_t> NumberOf(const Context& context, const std::string& name) {
  const auto folder = FolderOfNode(name);
  if (!folder) return std::nullopt;
  return ReadNumber(context.top, absl::StrCat(*folder, "/dev"));
}

// "loop3p1"
bool IsLoopPartition(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "loop") || name.empty() || !isdigit(name[0])) return false;
  return name.find('p') != absl::string_view::npos;
}

// A kernel reads the partitions of a disk as it comes, but our disks get their loop devices when
// somebody looks for them: now.
void AttachAllDisks(const Context& context) {
  for (const std::string& name : NamesAt(context.sides[0].tree))
    if (IsDisk(name)) AskForNode(context.makers.block, name);
}

// Of a disk whose loop device is attached: {"pmem0p1"}.
std::vector<std::string> PartitionsOf(const Context& context, const std::string& disk) {
  struct stat stat = {};
  if (fstatat(context.nodes, disk.c_str(), &stat, 0) != 0) return {};
  const std::string device = absl::StrCat("loop", minor(stat.st_rdev));
  const int folder = openat(context.blocks, device.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::vector<std::string> partitions;
  for (absl::string_view name : NamesAt(folder))
    if (absl::ConsumePrefix(&name, device) && absl::StartsWith(name, "p") && name.size() > 1 &&
        isdigit(name[1]))
      partitions.push_back(absl::StrCat(disk, name));
  if (folder >= 0) close(folder);
  return partitions;
}

std::optional<Entry> FindInDev(const Context& context, const std::string& name) {
  const Sides& sides = context.sides[0];
  if (const auto number = NumberOf(context, name)) {
    if (context.makers.control >= 0 && IsControlNode(name) &&
        AskForNode(context.makers.control, name))
      return Entry{.link = absl::StrCat(kHome, "/control/", name)};
    return Entry{.number = number};
  }
  if (context.makers.block >= 0 && IsDisk(name) && AskForNode(context.makers.block, name))
    return Entry{.link = absl::StrCat(kHome, "/block/", name)};
  if (Has(sides.tree, name)) return Entry{.link = absl::StrCat(kHome, "/tree/dev/", name)};
  if (IsOwnKind(name)) return std::nullopt;
  if (context.makers.block >= 0 && IsLoopPartition(name) && !Has(sides.host, name))
    AttachAllDisks(context);
  if (!Has(sides.host, name)) return std::nullopt;
  return Entry{.link = absl::StrCat(kHome, "/host/", name)};
}

std::optional<Entry> FindLink(const MergedFolder& folder, const Sides& sides,
                              const std::string& name) {
  if (const auto link = LinkAt(sides.tree, name)) {
    absl::string_view rest = *link;
    while (absl::ConsumePrefix(&rest, "../")) {
    }
    return Entry{.link = absl::StrCat(folder.upwards, rest)};
  }
  if (IsOwnKind(name)) return std::nullopt;
  if (const auto link = LinkAt(sides.host, name)) return Entry{.link = *link};
  return std::nullopt;
}

std::optional<Entry> FindAnything(const Context& context, size_t index, const std::string& name) {
  const MergedFolder& folder = context.folders[index];
  const Sides& sides = context.sides[index];
  if (Has(sides.tree, name))
    return Entry{.link = absl::StrCat(context.tree, "/", folder.tree, "/", name)};
  if (IsOwnKind(name) || !Has(sides.host, name)) return std::nullopt;
  return Entry{.link =
                   absl::StrCat(kSystemCopy, folder.place.substr(strlen(kSystemPath)), "/", name)};
}

std::optional<Entry> Find(const Context& context, size_t index, const std::string& name) {
  const MergedFolder& folder = context.folders[index];
  switch (folder.kind) {
    case MergedFolder::Kind::kDev:
      return FindInDev(context, name);
    case MergedFolder::Kind::kLinks:
      return FindLink(folder, context.sides[index], name);
    case MergedFolder::Kind::kAnything:
      break;
  }
  return FindAnything(context, index, name);
}

std::set<std::string> NamesOf(const Context& context, size_t folder) {
  std::set<std::string> names;
  const Sides& sides = context.sides[folder];
  for (const std::string& name : NamesAt(sides.host))
    if (!IsOwnKind(name)) names.insert(name);
  for (const std::string& name : NamesAt(sides.tree)) names.insert(name);
  if (folder != 0) return names;
  const int control = openat(context.top, "class/nd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const std::string& name : NamesAt(control)) names.insert(name);
  if (control >= 0) close(control);
  if (context.makers.block >= 0)
    for (const std::string& disk : NamesAt(sides.tree))
      if (IsDisk(disk))
        for (const std::string& name : PartitionsOf(context, disk)) names.insert(name);
  return names;
}

struct Path {
  std::optional<size_t> folder;
  std::string name;
};

// Nothing for what cannot exist.
std::optional<Path> Parse(const Context& context, absl::string_view path) {
  absl::ConsumePrefix(&path, "/");
  if (path.empty()) return Path{};
  const size_t slash = std::min(path.find('/'), path.size());
  for (size_t i = 0; i < context.folders.size(); ++i)
    if (path.substr(0, slash) == context.folders[i].name)
      return Path{i, std::string(path.substr(std::min(slash + 1, path.size())))};
  return std::nullopt;
}

bool IsHome(const Path& path) { return path.folder == 0u && path.name == kHome; }

// --- /proc/partitions and /proc/modules. ---

std::string ReadFromStart(int file) {
  std::string text;
  char part[4096];
  for (ssize_t n; (n = pread(file, part, sizeof part, static_cast<off_t>(text.size()))) > 0;)
    text.append(part, n);
  return text;
}

// The host's, where the loop devices of our disks have the names that they have in /dev.
std::string Partitions(const Context& context) {
  std::map<std::string, std::string> ours;  // "loop3" is "pmem0"
  for (const std::string& name : NamesAt(context.sides[0].tree)) {
    struct stat stat = {};
    if (IsDisk(name) && AskForNode(context.makers.block, name) &&
        fstatat(context.nodes, name.c_str(), &stat, 0) == 0)
      ours[absl::StrCat("loop", minor(stat.st_rdev))] = name;
  }
  std::string out;
  for (absl::string_view line :
       absl::StrSplit(ReadFromStart(context.partitions), '\n', absl::SkipEmpty())) {
    const size_t blank = line.rfind(' ');
    const std::string name(line.substr(blank + 1));
    // "loop3p1" is the partition "p1" of "loop3".
    const size_t p = name.rfind('p');
    const bool partition = p != std::string::npos && p > 0 && isdigit(name[p - 1]);
    const auto found = ours.find(partition ? name.substr(0, p) : name);
    if (found == ours.end())
      absl::StrAppend(&out, line, "\n");
    else
      absl::StrAppend(&out, line.substr(0, blank + 1), found->second,
                      partition ? name.substr(p) : "", "\n");
    if (out.size() == line.size() + 1) out += "\n";  // after the header
  }
  return out;
}

// The host's, and those that the shell shows as loaded beside them: without any code.
std::string Modules(const Context& context) {
  std::string out = ReadFromStart(context.modules);
  std::set<std::string> hosts;
  for (const absl::string_view line : absl::StrSplit(out, '\n', absl::SkipEmpty()))
    hosts.emplace(line.substr(0, line.find(' ')));
  for (const char* name : kModules)
    if (hosts.count(name) == 0 &&
        access(absl::StrCat(NVDIMMFS_MODULES, name, "/initstate").c_str(), F_OK) == 0)
      absl::StrAppend(&out, name, " 0 0 - Live 0x0000000000000000 (O)\n");
  return out;
}

using MakeText = std::string (*)(const Context&);

// What the file at that path says, null where there is none.
MakeText TextAt(const Context& context, absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return nullptr;
  if (path == kModulesName) return Modules;
  return path == kPartitionsName && context.makers.block >= 0 ? Partitions : nullptr;
}

// --- What FUSE asks. ---

int GetAttributes(const char* text, struct stat* stat, fuse_file_info*) {
  const Context& context = TheContext();
  *stat = {};
  if (TextAt(context, text) != nullptr) {
    stat->st_mode = S_IFREG | 0444;
    stat->st_nlink = 1;
    return 0;
  }
  const auto path = Parse(context, text);
  if (!path) return -ENOENT;
  stat->st_nlink = 1;
  stat->st_atim = stat->st_mtim = stat->st_ctim = context.since;
  if (!path->folder || path->name.empty() || IsHome(*path)) {
    stat->st_mode = S_IFDIR | 0755;
    stat->st_nlink = 2;
    return 0;
  }
  const auto entry = Find(context, *path->folder, path->name);
  if (!entry) return -ENOENT;
  if (entry->number) {
    stat->st_mode = S_IFCHR | 0600;
    stat->st_rdev = *entry->number;
  } else {
    stat->st_mode = S_IFLNK | 0777;
    stat->st_size = static_cast<off_t>(entry->link.size());
  }
  return 0;
}

int ReadLink(const char* text, char* out, size_t size) {
  const auto path = Parse(TheContext(), text);
  if (!path || !path->folder) return -ENOENT;
  const auto entry = Find(TheContext(), *path->folder, path->name);
  if (!entry) return -ENOENT;
  if (entry->number) return -EINVAL;
  snprintf(out, size, "%s", entry->link.c_str());
  return 0;
}

int ReadDirectory(const char* text, void* out, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                  fuse_readdir_flags) {
  const Context& context = TheContext();
  const auto path = Parse(context, text);
  if (!path) return -ENOENT;
  const auto add = [&](const std::string& name) { fill(out, name.c_str(), nullptr, 0, {}); };
  add(".");
  add("..");
  if (!path->folder) {
    for (const MergedFolder& folder : context.folders) add(folder.name);
    for (const char* name : {kModulesName, kPartitionsName})
      if (TextAt(context, absl::StrCat("/", name)) != nullptr) add(name);
  } else if (path->name.empty()) {
    if (*path->folder == 0) add(kHome);
    for (const std::string& name : NamesOf(context, *path->folder)) add(name);
  }
  return 0;
}

// What is read is what was there at the open.
int Open(const char* text, fuse_file_info* file) {
  const Context& context = TheContext();
  const MakeText make = TextAt(context, text);
  if (make == nullptr) return -ENOENT;
  if ((file->flags & O_ACCMODE) != O_RDONLY) return -EACCES;
  file->fh = reinterpret_cast<uintptr_t>(new std::string(make(context)));
  file->direct_io = 1;
  return 0;
}

int Read(const char*, char* out, size_t size, off_t offset, fuse_file_info* file) {
  const auto& text = *reinterpret_cast<const std::string*>(file->fh);
  const auto at = static_cast<size_t>(offset);
  return at >= text.size() ? 0 : static_cast<int>(text.copy(out, size, at));
}

int Release(const char*, fuse_file_info* file) {
  delete reinterpret_cast<const std::string*>(file->fh);
  return 0;
}

void* Initialise(fuse_conn_info*, fuse_config* config) {
  // Every look is a fresh one.
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return fuse_get_context()->private_data;
}

// Whoever sends SIGTERM is gone, and the daemon behind the tree ends too: it may still look for its
// mount point through these folders.
void EndSoon(int) {
  constexpr unsigned kSeconds = 2;
  alarm(kSeconds);
}

int OpenFolder(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

std::vector<MergedFolder> MergedFolders(const std::string& tree) {
  using Kind = MergedFolder::Kind;
  std::vector<MergedFolder> folders = {
      {Kind::kDev, "dev", "/dev", "dev"},
      {Kind::kLinks, "dev-char", "/sys/dev/char", "sys/dev/char", "../../"},
      {Kind::kLinks, "dev-block", "/sys/dev/block", "sys/dev/block", "../../"},
      {Kind::kLinks, "block", "/sys/block", "block", "../"},
      {Kind::kLinks, "class-block", "/sys/class/block", "class/block", "../../"},
  };
  const int nodes = OpenFolder(absl::StrCat(tree, "/devices/system/node"));
  for (const std::string& name : NamesAt(nodes))
    folders.push_back({Kind::kAnything, name, absl::StrCat(kSystemPath, "/node/", name),
                       absl::StrCat("devices/system/node/", name)});
  if (nodes >= 0) close(nodes);
  return folders;
}

int ServeMergedFolders(const std::string& mountpoint, const std::string& host_dev,
                       const std::string& tree, const NodeMakers& makers) {
  Context context;
  context.makers = makers;
  context.tree = tree;
  context.top = OpenFolder(tree);
  context.partitions = open("/proc/partitions", O_RDONLY | O_CLOEXEC);
  context.modules = open("/proc/modules", O_RDONLY | O_CLOEXEC);
  context.blocks = OpenFolder("/sys/class/block");
  context.nodes = OpenFolder(kBlockPath);
  clock_gettime(CLOCK_REALTIME, &context.since);
  context.folders = MergedFolders(tree);
  for (const MergedFolder& folder : context.folders)
    context.sides.push_back(
        {.host = OpenFolder(folder.kind == MergedFolder::Kind::kDev ? host_dev : folder.place),
         .tree = OpenFolder(absl::StrCat(tree, "/", folder.tree))});
  signal(SIGTERM, EndSoon);
  fuse_operations operations = {};
  operations.getattr = GetAttributes;
  operations.readlink = ReadLink;
  operations.readdir = ReadDirectory;
  operations.open = Open;
  operations.read = Read;
  operations.release = Release;
  operations.init = Initialise;
  // nodev: the numbers of our character devices may be those of the host's.
  std::string options = "allow_other,nodev,nosuid,fsname=nvdimmfs,subtype=nvdimmfs-shell";
  std::string program = "nvdimmfs", flag = "-o";
  char* arguments[] = {program.data(), flag.data(), options.data()};
  fuse_args args = FUSE_ARGS_INIT(3, arguments);
  fuse* const session = fuse_new(&args, &operations, sizeof operations, &context);
  if (session == nullptr || fuse_mount(session, mountpoint.c_str()) != 0) return 1;
  return fuse_loop(session) == 0 ? 0 : 1;
}

}  // namespace nvdimmfs::tools
