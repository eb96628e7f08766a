// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/device_tree.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/input.h"
#include "core/base/json.h"
#include "core/base/status.h"
#include "tools/volumes/json_text.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

using core::Json;

constexpr size_t kLongestList = 256 << 20;  // for a bus with 16,000 labels: 25 MB
constexpr uint64_t kEraseStep = 64 << 20;
constexpr size_t kLook = 1 << 20;

constexpr char kDevices[] = "/bus/nd/devices/";

// Empty if there is no such file, or if it is empty. Refused if nothing serves the tree: the
// silence of a dead server is not an answer.
absl::StatusOr<std::string> Line(const std::string& path) {
  absl::StatusOr<std::string> text = posix::ReadFile(path);
  if (text.ok()) return std::string(core::Trim(*text));
  const int error = core::ErrnoOf(text.status());
  if (error == ENOTCONN || error == ECONNABORTED) return text.status();
  return "";
}

uint64_t Number(const std::string& text) { return core::ParseUnsigned(text).value_or(0); }

// The words for a mode in sysfs, and in the list of a bus.
struct ModeWord {
  const char* attribute;
  const char* word;
};
constexpr ModeWord kModeWords[] = {
    {"raw", "raw"}, {"safe", "sector"}, {"memory", "fsdax"}, {"dax", "devdax"}};

std::string WordOfMode(absl::string_view attribute) {
  for (const ModeWord& mode : kModeWords)
    if (attribute == mode.attribute) return mode.word;
  return std::string(attribute);
}

// Empty if there is no such array.
const Json::Array& Members(const Json& object, absl::string_view key) {
  static const Json& none = *new Json();
  const Json* const found = object.Find(key);
  return (found == nullptr ? none : *found).array();
}

std::string TextIn(const Json& object, absl::string_view key) {
  const Json* const found = object.Find(key);
  return found == nullptr || found->text() == nullptr ? "" : *found->text();
}

uint64_t NumberIn(const Json& object, absl::string_view key) {
  const Json* const found = object.Find(key);
  return found == nullptr ? 0 : found->natural().value_or(0);
}

DeviceTree::Namespace NamespaceOf(const Json& region, const Json& entry) {
  if (!entry.is_object()) return {};
  return {.device = TextIn(entry, "dev"),
          .region = TextIn(region, "dev"),
          .label_name = TextIn(entry, "name"),
          .uuid = TextIn(entry, "raw_uuid"),
          .mode = TextIn(entry, "mode"),
          .holder = TextIn(entry, "claim"),
          .node = TextIn(entry, "blockdev"),
          .size = NumberIn(entry, "raw_size"),
          .capacity = NumberIn(entry, "size"),
          .sector_size = static_cast<uint32_t>(NumberIn(entry, "sector_size"))};
}

std::string FirstIn(const std::string& directory) {
  const auto names = posix::ReadFolder(directory);
  return names.ok() && !names->empty() ? names->front() : "";
}

bool IsZero(int file, uint64_t offset, size_t length) {
  std::string bytes(length, '\1');
  return pread(file, bytes.data(), length, static_cast<off_t>(offset)) ==
             static_cast<ssize_t>(length) &&
         std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

// "512 [520] 528" is 520.
uint32_t Chosen(const std::string& choices) {
  const size_t open = choices.find('['), close = choices.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return 0;
  return static_cast<uint32_t>(Number(choices.substr(open + 1, close - open - 1)));
}

// `last_error` is the content of x/last_error.json. Another program may have been refused something
// else in between: then its errno differs in most cases, and errno alone says what happened here.
absl::Status RefusalOf(int error, const std::string& device, const std::string& last_error) {
  const absl::StatusOr<Json> last = ParseJson(last_error);
  if (last.ok() && last->is_object() && TextIn(*last, "errno") == core::ErrnoName(error))
    return core::Refusal(error, TextIn(*last, "reason"), TextIn(*last, "sentence"));
  return core::Refusal(error, "volume.tree", absl::StrCat(device, ": ", strerror(error)));
}

// Bad sectors in lines of "offset count".
uint64_t CountBad(const std::string& lines) {
  uint64_t bad = 0;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() == 2) bad += Number(words[1]);
  }
  return bad;
}

}  // namespace

std::string DeviceTree::NodePath(const Namespace& ns) const {
  return absl::StrCat(mountpoint_, "/dev/", ns.node);
}

std::string DeviceTree::Attribute(const std::string& device, const std::string& attribute) const {
  return Read(device, attribute).value_or("");
}

absl::StatusOr<std::string> DeviceTree::Read(const std::string& device,
                                             const std::string& attribute) const {
  return Line(absl::StrCat(mountpoint_, kDevices, device, "/", attribute));
}

absl::StatusOr<std::vector<std::string>> DeviceTree::Names(const std::string& folder,
                                                           const std::string& prefix) const {
  const auto all = posix::ReadFolder(mountpoint_ + folder);
  if (!all.ok())
    return core::Refusal(core::ErrnoOf(all.status()), "tree.gone",
                         absl::StrCat("the device tree at ", mountpoint_,
                                      " does not answer: ", strerror(core::ErrnoOf(all.status()))));
  std::vector<std::string> names;
  for (const std::string& name : *all)
    if (absl::StartsWith(name, prefix)) names.push_back(name);
  return names;
}

absl::StatusOr<DeviceTree::Namespace> DeviceTree::Describe(const std::string& device) const {
  Namespace ns;
  ns.device = device;
  ASSIGN_OR_RETURN(const std::string size, Read(device, "size"));
  ns.size = Number(size);
  ASSIGN_OR_RETURN(ns.uuid, Read(device, "uuid"));
  if (ns.size == 0 || ns.uuid.empty()) return ns;
  const std::string number(absl::StripPrefix(device.substr(0, device.find('.')), "namespace"));
  ns.region = "region" + number;
  ASSIGN_OR_RETURN(ns.label_name, Read(device, "alt_name"));
  ASSIGN_OR_RETURN(const std::string mode, Read(device, "mode"));
  ns.mode = WordOfMode(mode);
  ASSIGN_OR_RETURN(ns.holder, Read(device, "holder"));
  const std::string& server = ns.holder.empty() ? device : ns.holder;
  ns.node = FirstIn(absl::StrCat(mountpoint_, kDevices, server, "/block"));
  struct stat stat = {};
  if (!ns.node.empty() && ::stat(NodePath(ns).c_str(), &stat) == 0) {
    ns.capacity = static_cast<uint64_t>(stat.st_size);
    // st_blksize is always a power of two.
    ns.sector_size = Chosen(Attribute(server, "sector_size"));
    if (ns.sector_size == 0) ns.sector_size = static_cast<uint32_t>(stat.st_blksize);
  }
  return ns;
}

// Reads one file for all of them: reading thousands of attributes one by one is slow.
absl::StatusOr<std::vector<DeviceTree::Namespace>> DeviceTree::Namespaces() {
  ASSIGN_OR_RETURN(const std::vector<std::string> buses, Buses());
  std::vector<Namespace> namespaces;
  for (const std::string& bus : buses) {
    const std::string path = absl::StrCat(mountpoint_, kDevices, bus, "/x/list.json");
    ASSIGN_OR_RETURN(const std::string text, posix::ReadFile(path, kLongestList));
    ASSIGN_OR_RETURN(const Json list, ParseJson(text));
    for (const Json& one : Members(list, "buses"))
      for (const Json& region : Members(one, "regions"))
        for (const Json& entry : Members(region, "namespaces"))
          if (Namespace ns = NamespaceOf(region, entry); ns.size != 0 && !ns.uuid.empty())
            namespaces.push_back(std::move(ns));
  }
  return namespaces;
}

absl::StatusOr<DeviceTree::Namespace> DeviceTree::Find(const std::string& uuid,
                                                       const std::string& device) {
  if (!device.empty()) {
    ASSIGN_OR_RETURN(Namespace ns, Describe(device));
    if (ns.uuid == uuid && ns.size != 0) return ns;
  }
  ASSIGN_OR_RETURN(std::vector<Namespace> namespaces, Namespaces());
  for (Namespace& ns : namespaces)
    if (ns.uuid == uuid) return std::move(ns);
  return core::Refusal(ENODEV, "tree.none",
                       absl::StrCat("no namespace at ", mountpoint_, " has the uuid ", uuid));
}

std::string DeviceTree::NodeOf(const std::string& alias) const {
  std::error_code error;
  return std::filesystem::read_symlink(absl::StrCat(mountpoint_, "/dev/by-uuid/", alias), error)
      .filename()
      .string();
}

bool DeviceTree::Has(const std::string& path) const {
  struct stat stat = {};
  return lstat((mountpoint_ + path).c_str(), &stat) == 0;
}

absl::StatusOr<uint64_t> DeviceTree::CountHolders(const Namespace& ns) {
  ASSIGN_OR_RETURN(const std::string holders, Read(ns.device, "x/holders"));
  return Number(holders);
}

absl::StatusOr<std::vector<std::string>> DeviceTree::Buses() const {
  ASSIGN_OR_RETURN(std::vector<std::string> buses, Names("", "ndbus"));
  if (!buses.empty()) return buses;
  return core::Refusal(ENOTCONN, "tree.gone",
                       absl::StrCat("no device tree is mounted at ", mountpoint_));
}

absl::StatusOr<std::vector<DeviceTree::Region>> DeviceTree::Regions() {
  ASSIGN_OR_RETURN(const std::vector<std::string> buses, Buses());
  std::vector<std::string> devices;
  for (const std::string& bus : buses) {
    ASSIGN_OR_RETURN(const std::vector<std::string> its, Names("/" + bus, "region"));
    devices.insert(devices.end(), its.begin(), its.end());
  }
  std::vector<Region> regions;
  for (const std::string& device : devices) {
    Region region;
    region.device = device;
    region.size = Number(Attribute(device, "size"));
    region.available = Number(Attribute(device, "available_size"));
    region.largest = Number(Attribute(device, "max_available_extent"));
    region.align = std::max<uint64_t>(1, Number(Attribute(device, "align")));
    region.bad_sectors = CountBad(Attribute(device, "badblocks"));
    region.labelled = Attribute(device, "nstype") != "4";
    region.read_only = Attribute(device, "read_only") == "1";
    regions.push_back(std::move(region));
  }
  return regions;
}

bool DeviceTree::IsBlank(const Region& region) {
  const std::string ns =
      absl::StrCat("namespace", absl::StripPrefix(region.device, "region"), ".0");
  const std::string node = FirstIn(absl::StrCat(mountpoint_, kDevices, ns, "/block"));
  if (node.empty()) return false;
  const Descriptor file(
      open(absl::StrCat(mountpoint_, "/dev/", node).c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat = {};
  if (!file || fstat(file.get(), &stat) != 0) return false;
  const uint64_t size = static_cast<uint64_t>(stat.st_size);
  const size_t look = std::min<uint64_t>(kLook, size);
  return IsZero(file.get(), 0, look) && IsZero(file.get(), size - look, look);
}

absl::Status DeviceTree::Write(const std::string& device, const std::string& attribute,
                               const std::string& value) {
  const bool of_driver = attribute == "bind" || attribute == "unbind";
  const std::string path = of_driver
                               ? absl::StrCat(mountpoint_, "/bus/nd/drivers/nd_pmem/", attribute)
                               : absl::StrCat(mountpoint_, kDevices, device, "/", attribute);
  const std::string text = value + "\n";
  int error = 0;
  {
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), text.data(), text.size()) < 0) error = errno;
  }
  if (error == 0) return absl::OkStatus();
  return RefusalOf(error, device, Attribute(device, "x/last_error.json"));
}

absl::Status DeviceTree::Unbind(const std::string& device) {
  struct stat stat = {};
  if (lstat(absl::StrCat(mountpoint_, kDevices, device, "/driver").c_str(), &stat) != 0)
    return absl::OkStatus();
  return Write(device, "unbind", device);
}

absl::Status DeviceTree::Bind(const std::string& device) { return Write(device, "bind", device); }

absl::StatusOr<std::string> DeviceTree::Create(const std::string& region, const std::string& line) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Write(region, "x/create", line));
  return Read(region, "x/create");
}

absl::Status DeviceTree::Destroy(const Namespace& ns) {
  absl::MutexLock lock(&mutex_);
  return Write(ns.region, "x/destroy", ns.device);
}

absl::StatusOr<DeviceTree::Namespace> DeviceTree::MakeRaw(const std::string& uuid,
                                                          const std::string& device) {
  ASSIGN_OR_RETURN(const Namespace ns, Find(uuid, device));
  absl::MutexLock lock(&mutex_);
  if (!ns.holder.empty()) {
    RETURN_IF_ERROR(Unbind(ns.holder));
    RETURN_IF_ERROR(Write(ns.holder, "namespace", ""));
  }
  RETURN_IF_ERROR(Unbind(ns.device));
  if (!ns.label_name.empty()) RETURN_IF_ERROR(Write(ns.device, "alt_name", ""));
  RETURN_IF_ERROR(Write(ns.device, "force_raw", "1"));
  RETURN_IF_ERROR(Bind(ns.device));
  ASSIGN_OR_RETURN(const Namespace raw, Describe(ns.device));
  if (raw.capacity == ns.size) return raw;
  return core::Refusal(EIO, "volume.erase",
                       absl::StrCat(ns.device, " does not show all of its ", ns.size, " bytes"));
}

absl::Status DeviceTree::Clear(const Namespace& ns, const Progress& progress) {
  const std::string path = NodePath(ns);
  const auto failed = [&path] {
    return core::Refusal(errno, "volume.erase",
                         absl::StrCat("clear ", path, ": ", strerror(errno)));
  };
  const Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return failed();
  for (uint64_t at = 0; at < ns.capacity; at += kEraseStep) {
    const uint64_t step = std::min(kEraseStep, ns.capacity - at);
    if (fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                  static_cast<off_t>(step)) != 0)
      return failed();
    if (!progress(static_cast<int>((at + step) / (ns.capacity / 100 + 1))))
      return core::Refusal(ECANCELED, "volume.cancelled", absl::StrCat("clear ", path, ": ended"));
  }
  if (fsync(file.get()) != 0) return failed();
  return absl::OkStatus();
}

absl::Status DeviceTree::Erase(const std::string& uuid, const std::string& device,
                               const Progress& progress) {
  ASSIGN_OR_RETURN(const Namespace ns, MakeRaw(uuid, device));
  RETURN_IF_ERROR(Clear(ns, progress));
  absl::MutexLock lock(&mutex_);
  return Unbind(ns.device);
}

}  // namespace nvdimmfs::volumes
