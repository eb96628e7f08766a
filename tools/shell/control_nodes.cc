// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/control_nodes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"
#include "tools/shell/command_client.h"
#include "tools/shell/cuse_device.h"
#include "tools/shell/device_number.h"
#include "tools/shell/node_requests.h"

namespace nvdimmfs::tools {
namespace {

static_assert(CuseDevice::kLongest == NVDIMMFS_COMMAND_LIMIT);

constexpr char kNumbersAttribute[] = "bus/nd/x/numbers";
// Minor of the nodes that reserve a major; no DIMM and no bus has it.
constexpr unsigned kHoldersMinor = (1u << 20) - 1;

// One open(2) of a node: an open command file.
class ControlFile final : public CuseFile {
 public:
  ControlFile(posix::Descriptor file, bool dimm, bool may_write)
      : file_(std::move(file)), dimm_(dimm), may_write_(may_write) {}

  uint64_t LengthOf(unsigned number, absl::Span<const std::byte> first) override {
    return nvdimmfs_command_length(dimm_, CommandOf(number), first.data(), first.size());
  }
  int Ioctl(unsigned number, absl::Span<std::byte> buffer, uint64_t length) override {
    return nvdimmfs_command_run(file_.get(), CommandOf(number), may_write_, buffer.data(), length);
  }

 private:
  static unsigned CommandOf(unsigned number) { return number & 0xff; }

  const posix::Descriptor file_;
  const bool dimm_;
  const bool may_write_;
};

class ControlNodes {
 public:
  ControlNodes(const std::string& host_dev, const std::string& tree);

  bool Ensure(const std::string& name);
  // Descriptors to poll, with the device of each.
  void AddTo(std::vector<pollfd>& polled) const;
  // Serves the device with that descriptor, which is ready.
  void Serve(int descriptor);

 private:
  absl::Status TakeMajors();
  // Makes a device that reserves a major; the kernel chooses it.
  absl::StatusOr<unsigned> TakeMajor(const std::string& what);
  absl::Status MakeDevice(const std::string& name, dev_t number, CuseDevice::Opener opener);
  absl::StatusOr<std::unique_ptr<CuseFile>> Open(const std::string& name, int flags) const;
  // Whether the device of that number is this tree's `name`, made by another shell.
  bool IsOurs(const std::string& name, dev_t number) const;
  std::string HostName(absl::string_view name) const {
    return absl::StrCat("nvdimmfs-", identity_, "-", name);
  }

  // Opened before they are covered: later, looking up their paths may wait for this process.
  const posix::Descriptor host_;     // the host's /dev
  const posix::Descriptor tree_;     // the top of the tree
  const posix::Descriptor nodes_;    // kControlPath
  const posix::Descriptor classes_;  // /sys/class
  const posix::Descriptor numbers_;  // /sys/dev/char
  uint64_t identity_ = 0;
  std::map<int, std::unique_ptr<CuseDevice>> devices_;  // by descriptor
  std::map<std::string, dev_t> made_;                   // nodes
  bool ready_ = false;
};

ControlNodes::ControlNodes(const std::string& host_dev, const std::string& tree)
    : host_(posix::OpenFolder(host_dev)),
      tree_(posix::OpenFolder(tree)),
      nodes_(posix::OpenFolder(kControlPath)),
      classes_(posix::OpenFolder("/sys/class")),
      numbers_(posix::OpenFolder("/sys/dev/char")) {
  struct stat stat = {};
  if (fstat(tree_.get(), &stat) == 0) identity_ = stat.st_dev;
  ready_ = TakeMajors().ok();
}

absl::Status ControlNodes::TakeMajors() {
  absl::StatusOr<unsigned> dimms = TakeMajor("dimms");
  // Another shell on this mount has chosen them.
  if (core::ReasonOf(dimms.status()) == "cuse.taken") return absl::OkStatus();
  RETURN_IF_ERROR(dimms.status());
  ASSIGN_OR_RETURN(const unsigned buses, TakeMajor("buses"));
  const std::string text = absl::StrCat("dimm=", *dimms, " control=", buses, "\n");
  const int error = posix::WriteAttribute(tree_.get(), kNumbersAttribute, text);
  if (error == 0) return absl::OkStatus();
  return core::Refusal(error, "shell.cuse",
                       absl::StrCat("write ", kNumbersAttribute, ": ", strerror(error)));
}

absl::StatusOr<unsigned> ControlNodes::TakeMajor(const std::string& what) {
  const std::string name = HostName(what);
  RETURN_IF_ERROR(MakeDevice(name, makedev(0, kHoldersMinor), [](int) {
    return absl::StatusOr<std::unique_ptr<CuseFile>>(
        core::Refusal(ENXIO, "shell.cuse", "the node only reserves a major"));
  }));
  const auto number = ReadNumber(classes_.get(), absl::StrCat("cuse/", name, "/dev"));
  if (number) return major(*number);
  return core::Refusal(ENOENT, "shell.cuse",
                       "no entry of /sys/class/cuse has the number of the device");
}

absl::Status ControlNodes::MakeDevice(const std::string& name, dev_t number,
                                      CuseDevice::Opener opener) {
  const int cuse = openat(host_.get(), "cuse", O_RDWR | O_CLOEXEC);
  if (cuse < 0)
    return core::Refusal(errno, "shell.cuse", absl::StrCat("open /dev/cuse: ", strerror(errno)));
  ASSIGN_OR_RETURN(std::unique_ptr<CuseDevice> device,
                   CuseDevice::Make(cuse, name, number, std::move(opener)));
  const int descriptor = device->descriptor();
  devices_[descriptor] = std::move(device);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CuseFile>> ControlNodes::Open(const std::string& name,
                                                             int flags) const {
  const auto folder = FolderOfNode(name);
  const std::string path = absl::StrCat(folder.value_or(""), "/x/ioctl");
  // Writing a command and reading its reply, whatever access the caller has.
  posix::Descriptor file(openat(tree_.get(), path.c_str(), O_RDWR | O_CLOEXEC));
  if (file)
    return std::make_unique<ControlFile>(std::move(file), IsDimmNode(name),
                                         (flags & O_ACCMODE) != O_RDONLY);
  const int error = errno == ENOENT ? ENXIO : errno;  // gone: as the kernel has it
  return core::Refusal(error, "shell.cuse", absl::StrCat("open ", path, ": ", strerror(error)));
}

bool ControlNodes::IsOurs(const std::string& name, dev_t number) const {
  const std::string link = absl::StrCat(major(number), ":", minor(number));
  char target[PATH_MAX];
  const ssize_t length = readlinkat(numbers_.get(), link.c_str(), target, sizeof target);
  return length > 0 && absl::EndsWith(absl::string_view(target, static_cast<size_t>(length)),
                                      absl::StrCat("/", HostName(name)));
}

bool ControlNodes::Ensure(const std::string& name) {
  if (!ready_ || name == kControlReady) return ready_;
  const auto folder = FolderOfNode(name);
  if (!IsControlNode(name) || !folder) return false;
  const auto number = ReadNumber(tree_.get(), absl::StrCat(*folder, "/dev"));
  if (!number) return false;
  if (!IsOurs(name, *number)) {
    const absl::Status made =
        MakeDevice(HostName(name), *number, [this, name](int flags) { return Open(name, flags); });
    // Another shell may have just removed it.
    if (!made.ok() && !IsOurs(name, *number)) return false;
  }
  const auto found = made_.find(name);
  if (found != made_.end() && found->second == *number) return true;
  unlinkat(nodes_.get(), name.c_str(), 0);
  if (mknodat(nodes_.get(), name.c_str(), S_IFCHR | 0600, *number) != 0) return false;
  made_[name] = *number;
  return true;
}

void ControlNodes::AddTo(std::vector<pollfd>& polled) const {
  for (const auto& [descriptor, device] : devices_) polled.push_back({descriptor, POLLIN, 0});
}

void ControlNodes::Serve(int descriptor) {
  const auto found = devices_.find(descriptor);
  if (found != devices_.end() && !found->second->Serve()) devices_.erase(found);
}

}  // namespace

absl::Status CheckControlNodes(const std::string& host_dev) {
  const std::string path = absl::StrCat(host_dev, "/cuse");
  if (posix::Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC))) return absl::OkStatus();
  const int error = errno;
  return core::Refusal(error, "shell.cuse", absl::StrCat("open /dev/cuse: ", strerror(error)));
}

int ServeControlNodes(int socket, const std::string& host_dev, const std::string& tree) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  const int signals = signalfd(-1, &end, SFD_CLOEXEC);
  ControlNodes nodes(host_dev, tree);
  while (true) {
    std::vector<pollfd> polled = {{socket, POLLIN, 0}, {signals, POLLIN, 0}};
    nodes.AddTo(polled);
    if (poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return 1;
    }
    if (polled[1].revents != 0) return 0;
    if (polled[0].revents != 0 &&
        !AnswerNodeRequest(socket, [&](const std::string& name) { return nodes.Ensure(name); }))
      return 0;
    for (size_t i = 2; i < polled.size(); ++i)
      if (polled[i].revents != 0) nodes.Serve(polled[i].fd);
  }
}

}  // namespace nvdimmfs::tools
