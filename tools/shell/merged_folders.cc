// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/merged_folders.h"

#include <fcntl.h>
#include <fuse.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
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
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/folder.h"
#include "backends/posix/loop_device.h"
#include "tools/shell/block_nodes.h"
#include "tools/shell/device_number.h"
#include "tools/shell/module_places.h"
#include "tools/shell/module_program.h"
#include "tools/shell/node_requests.h"

namespace nvdimmfs::tools {
namespace {

constexpr char kHome[] = ".nvdimmfs";
constexpr char kBlockNumbersPath[] = "/sys/dev/block";
constexpr char kBlockClassPath[] = "/sys/class/block";
constexpr absl::string_view kOwnPrefixes[] = {"pmem", "nmem", "ndctl", "dax", "memory"};

struct Sides {
  int host = -1;  // descriptors of the two folders; -1 if there is none
  int tree = -1;
};

struct Context {
  std::string tree;
  int top = -1;  // of the tree
  std::vector<MergedFolder> folders;
  std::vector<Sides> sides;  // one for each
  // Opened before they are covered: later, their paths lead through this file system.
  int partitions = -1;  // the host's /proc/partitions
  int modules = -1;     // and /proc/modules
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

bool IsDisk(absl::string_view name) { return ParseDiskName(name).has_value(); }

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

absl::string_view LastOf(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> NamesAt(int directory) {
  std::vector<std::string> names = posix::NamesIn(directory);
  names.erase(std::remove(names.begin(), names.end(), kHome), names.end());
  return names;
}

struct Entry {
  std::string link;             // its text, unless
  std::optional<dev_t> number;  // it is a device
  mode_t type = S_IFCHR;        // of this type
};

std::optional<dev_t> NumberOf(const Context& context, const std::string& name) {
  const auto folder = FolderOfNode(name);
  if (!folder) return std::nullopt;
  return ReadNumber(context.top, absl::StrCat(*folder, "/dev"));
}

// Whether the host's "loop3", or its partition, is a disk of the tree.
bool IsOwnLoop(const Context& context, absl::string_view name) {
  const auto index = posix::LoopIndexOf(name);
  return context.makers.block >= 0 && index && context.makers.loops.Holds(*index);
}

bool IsHidden(const Context& context, absl::string_view name) {
  return IsOwnKind(name) || IsOwnLoop(context, name);
}

// A kernel reads the partition table when a disk appears. Here a disk gets its loop device when it
// is first looked up: now.
void AttachAllDisks(const Context& context) {
  if (context.makers.block < 0) return;
  for (const std::string& name : NamesAt(context.sides[0].tree))
    if (IsDisk(name)) AskForNode(context.makers.block, name);
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
    if (const auto number = ReadNumber(context.top, absl::StrCat("class/block/", name, "/dev")))
      return Entry{.number = number, .type = S_IFBLK};
  if (Has(sides.tree, name)) return Entry{.link = absl::StrCat(kHome, "/tree/dev/", name)};
  if (IsHidden(context, name) || !Has(sides.host, name)) return std::nullopt;
  return Entry{.link = absl::StrCat(kHome, "/host/", name)};
}

std::optional<Entry> FindLink(const Context& context, size_t index, const std::string& name) {
  const MergedFolder& folder = context.folders[index];
  const Sides& sides = context.sides[index];
  // The tree shows partitions once the disk has been looked up.
  if (context.makers.block >= 0 && IsDisk(name)) AskForNode(context.makers.block, name);
  if (folder.kind == MergedFolder::Kind::kDevices && IsOwnKind(name)) {
    if (!Has(sides.tree, name)) return std::nullopt;
    return Entry{.link = absl::StrCat(folder.upwards, folder.tree, "/", name)};
  }
  auto link = LinkAt(sides.tree, name);
  if (!link && folder.place == kBlockNumbersPath) {
    AttachAllDisks(context);
    link = LinkAt(sides.tree, name);
  }
  if (link) {
    absl::string_view rest = *link;
    while (absl::ConsumePrefix(&rest, "../")) {
    }
    return Entry{.link = absl::StrCat(folder.upwards, rest)};
  }
  if (IsHidden(context, name)) return std::nullopt;
  link = LinkAt(sides.host, name);
  if (!link || IsOwnLoop(context, LastOf(*link))) return std::nullopt;
  return Entry{.link = *link};
}

std::optional<Entry> FindAnything(const Context& context, size_t index, const std::string& name) {
  const MergedFolder& folder = context.folders[index];
  const Sides& sides = context.sides[index];
  if (Has(sides.tree, name))
    return Entry{.link = absl::StrCat(context.tree, "/", folder.tree, "/", name)};
  if (IsHidden(context, name) || !Has(sides.host, name)) return std::nullopt;
  if (auto link = LinkAt(sides.host, name)) return Entry{.link = *std::move(link)};
  return Entry{
      .link = absl::StrCat(kDevicesCopy, folder.place.substr(strlen(kDevicesPath)), "/", name)};
}

// A directory that shows a device, and the path from there.
struct Mirrored {
  int top;
  std::string path;
};

// The directory that `path` belongs to, if it is in a kMirror folder and exists.
std::optional<Mirrored> FindMirrored(const Context& context, size_t index,
                                     const std::string& path) {
  if (context.folders[index].kind != MergedFolder::Kind::kMirror || path.empty())
    return std::nullopt;
  const std::string device = path.substr(0, path.find('/'));
  const Sides& sides = context.sides[index];
  if (Has(sides.tree, device)) return Mirrored{sides.tree, path};
  if (IsHidden(context, device) || !Has(sides.host, device)) return std::nullopt;
  return Mirrored{sides.host, path};
}

std::optional<Entry> Find(const Context& context, size_t index, const std::string& name) {
  switch (context.folders[index].kind) {
    case MergedFolder::Kind::kDev:
      return FindInDev(context, name);
    case MergedFolder::Kind::kLinks:
    case MergedFolder::Kind::kDevices:
      return FindLink(context, index, name);
    case MergedFolder::Kind::kMirror:
      return std::nullopt;
    case MergedFolder::Kind::kAnything:
      break;
  }
  return FindAnything(context, index, name);
}

// For a folder of disks, in which a kernel also shows partitions.
bool ShowsDisks(const MergedFolder& folder) {
  return folder.kind == MergedFolder::Kind::kDev || folder.place == kBlockNumbersPath ||
         folder.place == kBlockClassPath;
}

// Whether the host's entry is a disk of the tree, under the name or the number of a loop device.
bool LeadsToOwnLoop(const Context& context, int folder, const std::string& name) {
  if (context.makers.block < 0) return false;
  if (IsOwnLoop(context, name)) return true;
  if (name.find(':') == std::string::npos) return false;
  const auto link = LinkAt(folder, name);
  return link && IsOwnLoop(context, LastOf(*link));
}

std::set<std::string> NamesOf(const Context& context, size_t folder) {
  std::set<std::string> names;
  const Sides& sides = context.sides[folder];
  if (ShowsDisks(context.folders[folder])) AttachAllDisks(context);
  for (const std::string& name : NamesAt(sides.host))
    if (!IsOwnKind(name) && !LeadsToOwnLoop(context, sides.host, name)) names.insert(name);
  const bool devices_alone = context.folders[folder].kind == MergedFolder::Kind::kDevices;
  for (const std::string& name : NamesAt(sides.tree))
    if (!devices_alone || IsOwnKind(name)) names.insert(name);
  if (folder != 0) return names;
  for (const char* more : {"class/nd", "class/block"}) {
    const posix::Descriptor directory(
        openat(context.top, more, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& name : NamesAt(directory.get())) names.insert(name);
  }
  return names;
}

struct Path {
  std::optional<size_t> folder;
  std::string name;
};

// Nothing for names that cannot exist.
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

// The host's table, with the disks' names for their loop devices, as in /dev.
std::string Partitions(const Context& context) {
  AttachAllDisks(context);
  std::map<dev_t, std::string> ours;
  const posix::Descriptor disks(
      openat(context.top, "class/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const std::string& name : NamesAt(disks.get()))
    if (const auto number = ReadNumber(disks.get(), absl::StrCat(name, "/dev")))
      ours[*number] = name;
  std::string out;
  for (absl::string_view line :
       absl::StrSplit(ReadFromStart(context.partitions), '\n', absl::SkipEmpty())) {
    const size_t blank = line.rfind(' ');
    unsigned major_number = 0, minor_number = 0;
    sscanf(std::string(line).c_str(), "%u %u", &major_number, &minor_number);
    const auto found = ours.find(makedev(major_number, minor_number));
    const bool own = IsOwnLoop(context, line.substr(blank + 1));
    if (own && found == ours.end()) continue;
    absl::StrAppend(&out, line.substr(0, blank + 1),
                    own ? absl::string_view(found->second) : line.substr(blank + 1), "\n");
    if (out.size() == line.size() + 1) out += "\n";  // after the header
  }
  return out;
}

// The host's modules and those that the shell shows as loaded, which have no code.
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

// The content of the file at that path; null if there is none.
MakeText TextAt(const Context& context, absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return nullptr;
  if (path == kModulesName) return Modules;
  return path == kPartitionsName && context.makers.block >= 0 ? Partitions : nullptr;
}

// --- FUSE operations. ---

int ErrnoUnless(bool done) { return done ? 0 : -errno; }

// What a path in a kMirror folder mirrors.
std::optional<Mirrored> MirroredAt(const Context& context, absl::string_view text) {
  const auto path = Parse(context, text);
  if (!path || !path->folder) return std::nullopt;
  return FindMirrored(context, *path->folder, path->name);
}

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
  if (const auto mirrored = FindMirrored(context, *path->folder, path->name))
    return ErrnoUnless(fstatat(mirrored->top, mirrored->path.c_str(), stat, AT_SYMLINK_NOFOLLOW) ==
                       0);
  const auto entry = Find(context, *path->folder, path->name);
  if (!entry) return -ENOENT;
  if (entry->number) {
    stat->st_mode = entry->type | 0600;
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
  if (const auto mirrored = FindMirrored(TheContext(), *path->folder, path->name)) {
    const auto link = LinkAt(mirrored->top, mirrored->path);
    if (!link) return -errno;
    snprintf(out, size, "%s", link->c_str());
    return 0;
  }
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
  } else if (const auto mirrored = FindMirrored(context, *path->folder, path->name)) {
    const int directory =
        openat(mirrored->top, mirrored->path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    for (const std::string& name : NamesAt(directory)) add(name);
    close(directory);
  }
  return 0;
}

struct OpenFile {
  std::string text;     // what was there at the open
  int descriptor = -1;  // or the file itself
};

OpenFile& OpenedAs(const fuse_file_info* file) { return *reinterpret_cast<OpenFile*>(file->fh); }

int Open(const char* text, fuse_file_info* file) {
  const Context& context = TheContext();
  OpenFile opened;
  if (const auto mirrored = MirroredAt(context, text)) {
    opened.descriptor = openat(mirrored->top, mirrored->path.c_str(),
                               (file->flags & O_ACCMODE) | O_NOFOLLOW | O_CLOEXEC);
    if (opened.descriptor < 0) return -errno;
  } else {
    const MakeText make = TextAt(context, text);
    if (make == nullptr) return -ENOENT;
    if ((file->flags & O_ACCMODE) != O_RDONLY) return -EACCES;
    opened.text = make(context);
  }
  file->fh = reinterpret_cast<uintptr_t>(new OpenFile(std::move(opened)));
  file->direct_io = 1;
  return 0;
}

int Read(const char*, char* out, size_t size, off_t offset, fuse_file_info* file) {
  const OpenFile& opened = OpenedAs(file);
  if (opened.descriptor >= 0) {
    const ssize_t got = pread(opened.descriptor, out, size, offset);
    return got < 0 ? -errno : static_cast<int>(got);
  }
  const auto at = static_cast<size_t>(offset);
  return at >= opened.text.size() ? 0 : static_cast<int>(opened.text.copy(out, size, at));
}

int Write(const char*, const char* data, size_t size, off_t offset, fuse_file_info* file) {
  const ssize_t put = pwrite(OpenedAs(file).descriptor, data, size, offset);
  return put < 0 ? -errno : static_cast<int>(put);
}

// As sysfs does: a shell's > truncates what it writes to.
int Truncate(const char* text, off_t, fuse_file_info*) {
  return MirroredAt(TheContext(), text) ? 0 : -EACCES;
}

int Release(const char*, fuse_file_info* file) {
  const OpenFile* const opened = &OpenedAs(file);
  if (opened->descriptor >= 0) close(opened->descriptor);
  delete opened;
  return 0;
}

void* Initialise(fuse_conn_info*, fuse_config* config) {
  // Nothing is cached.
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return fuse_get_context()->private_data;
}

// The sender of SIGTERM is gone, and the tree's daemon is ending, too. It may still look up its
// mount point through these folders.
void EndSoon(int) {
  constexpr unsigned kSeconds = 2;
  alarm(kSeconds);
}

// Open for the life of the process.
int OpenFolder(const std::string& path) { return posix::OpenFolder(path).Release(); }

}  // namespace

std::vector<MergedFolder> MergedFolders(const std::string& tree) {
  using Kind = MergedFolder::Kind;
  std::vector<MergedFolder> folders = {
      {Kind::kDev, "dev", "/dev", "dev"},
      {Kind::kLinks, "dev-char", "/sys/dev/char", "sys/dev/char", "../../"},
      {Kind::kLinks, "dev-block", kBlockNumbersPath, "sys/dev/block", "../../"},
      {Kind::kLinks, "block", "/sys/block", "block", "../"},
      {Kind::kLinks, "class-block", kBlockClassPath, "class/block", "../../"},
      {Kind::kLinks, "class-bdi", "/sys/class/bdi", "class/bdi", "../../"},
      {Kind::kMirror, "bdi", "/sys/devices/virtual/bdi", "devices/virtual/bdi"},
  };
  constexpr char kMemory[] = "/sys/bus/memory/devices";
  if (access(kMemory, F_OK) == 0)
    folders.push_back(
        {Kind::kDevices, "bus-memory", kMemory, "devices/system/memory", "../../../"});
  const posix::Descriptor nodes = posix::OpenFolder(absl::StrCat(tree, "/devices/system/node"));
  for (const std::string& name : NamesAt(nodes.get()))
    folders.push_back({Kind::kAnything, name, absl::StrCat(kDevicesPath, "/system/node/", name),
                       absl::StrCat("devices/system/node/", name)});
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
  operations.write = Write;
  operations.truncate = Truncate;
  operations.release = Release;
  operations.init = Initialise;
  // Block device nodes can be opened, subject to their permissions, because their numbers are those
  // of real devices. Those of the character devices are not.
  std::string options =
      absl::StrCat("allow_other,default_permissions,nosuid,fsname=nvdimmfs,subtype=nvdimmfs-shell,",
                   makers.block >= 0 ? "dev" : "nodev");
  std::string program = "nvdimmfs", flag = "-o";
  char* arguments[] = {program.data(), flag.data(), options.data()};
  fuse_args args = FUSE_ARGS_INIT(3, arguments);
  fuse* const session = fuse_new(&args, &operations, sizeof operations, &context);
  if (session == nullptr || fuse_mount(session, mountpoint.c_str()) != 0) return 1;
  return fuse_loop(session) == 0 ? 0 : 1;
}

}  // namespace nvdimmfs::tools
