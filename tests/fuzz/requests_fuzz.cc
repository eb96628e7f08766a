// SPDX-License-Identifier: Apache-2.0
// Hostile FUSE requests on a hostile image: any sequence of what a kernel sends for programs
// (names, inode numbers of nodes that are gone, offsets, sizes, flags, data), on a tree whose
// labels and namespaces are the input's. Each request gets one reply, of the length and in the form
// that the kernel expects of its kind; nothing crashes, and nothing stays open.
//
// The kernel itself is trusted: lengths are right, names are without slashes, and file handles are
// those of open files (fs/testing/request_door.h).
//
// The input: tests/fuzz/hostile_image.h, then requests: a byte for its kind, and what it needs.
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "btt/btt_layer.h"
#include "core/listing/schema_listing.h"
#include "core/system/system.h"
#include "core/testing/fuzz_input.h"
#include "fs/files/command_wire.h"
#include "fs/files/operations.h"
#include "fs/mount/engine_model.h"
#include "fs/testing/request_door.h"
#include "fs/tree/tree.h"
#include "tests/fuzz/hostile_image.h"
#include "tests/fuzz/written_text.h"

namespace nvdimmfs::fuzz {
namespace {

using core::Demand;
using core::FuzzInput;

constexpr int kMostRequests = 64;
constexpr uint32_t kLongestTransfer = 128 << 10;
constexpr uint64_t kRoot = 1;

// Where steps go more often than a fuzzer finds the way: from the top, or from a device's
// directory,
// @NAME.
constexpr const char* kPlaces[] = {
    "dev/pmem0",
    "dev/pmem0.1s",
    "dev/nmem0",
    "dev/by-name",
    "@ndbus0/x/list.json",
    "@ndbus0/x/last_error",
    "@ndbus0/x/metrics",
    "@ndctl0/x/ioctl",
    "@nmem0/x/ioctl",
    "@nmem0/state",
    "@region0/x/create",
    "@region0/x/destroy",
    "@region0/x/map.svg",
    "@region0/badblocks",
    "@region0/read_only",
    "@namespace0.0",
    "@namespace0.0/size",
    "@namespace0.0/uuid",
    "@namespace0.0/alt_name",
    "@namespace0.1/holder_class",
    "bus/nd/drivers/nd_pmem/bind",
    "bus/nd/drivers/nd_pmem/unbind",
    "bus/nd/drivers/nd_region/unbind",
    "bus/nd/drivers/nd_region/bind",
    "bus/nd/drivers/nvdimm/unbind",
    "bus/nd/devices",
};

struct Handle {
  uint64_t ino = 0, fh = 0;
  int flags = 0;
};

template <typename Part>
void Append(const Part& part, std::vector<std::byte>& bytes) {
  const auto* const from = reinterpret_cast<const std::byte*>(&part);
  bytes.insert(bytes.end(), from, from + sizeof part);
}

// The reply to one request.
struct Reply {
  int error = 0;  // 0 or a positive errno
  std::vector<std::byte> body;

  template <typename Part>
  Part As() const {
    Demand(body.size() >= sizeof(Part), "the reply is too short");
    Part part;
    std::memcpy(&part, body.data(), sizeof part);
    return part;
  }
};

class Requests {
 public:
  explicit Requests(FuzzInput& input)
      : input_(input),
        image_(HostileImage::Make(input)),
        system_(layer_, &tree_),
        model_(system_),
        operations_(tree_, model_, {}, input.Byte() % 8 == 7) {
    system_.set_bus_lister([](core::Bus& bus) { return core::ListInSchema1(bus, "x"); });
    const absl::Status added = system_.AddBus(image_.Bus());
    Demand(added.ok(), added.message());
    door_ = std::make_unique<fs::RequestDoor>(operations_, tree_);
  }
  ~Requests() {
    door_.reset();
    tree_.Close();
  }

  void Run() {
    for (int i = 0; i < kMostRequests && !input_.empty(); ++i) Step();
    while (!handles_.empty()) Release(0);
  }

 private:
  void Step() {
    switch (input_.Byte() % 24) {
      case 0:
        return (void)Lookup(Node(), Name());
      case 1:
        return ReadDirectory();
      case 2:
        return GetAttributes();
      case 3:
        return SetAttributes();
      case 4:
        return ReadLink();
      case 5:
        return Open(Node());
      case 6:
        if (!handles_.empty()) Release(input_.Index(handles_.size()));
        return;
      case 7:
      case 8:
        return Read();
      case 9:
      case 10:
        return Write();
      case 11:
        return Sync();
      case 12:
        return Allocate();
      case 13:
        return Poll();
      case 14:
        return Create();
      case 15:
        return Change();
      case 16:
        return StatFs();
      case 17:
        return Forget();
      case 18:
        return WriteCommand();
      case 19:
        return Unknown();
      default:
        return Walk(kPlaces[input_.Index(std::size(kPlaces))]);
    }
  }

  // --- What a request is made of. ---

  uint64_t Node() {
    const uint8_t which = input_.Byte();
    return which == 0xff ? input_.Take<uint64_t>() | 2 : nodes_[which % nodes_.size()];
  }

  // Without slashes and NULs, and not longer than the kernel takes.
  std::string Name() {
    std::string name = input_.Byte() % 2 == 0 || names_.empty()
                           ? std::string(input_.Piece())
                           : names_[input_.Index(names_.size())];
    name.erase(
        std::remove_if(name.begin(), name.end(), [](char c) { return c == '/' || c == '\0'; }),
        name.end());
    return name.empty() ? "x" : name.substr(0, 255);
  }

  // `fixed` is the fixed part, `rest` what follows it.
  template <typename Fixed>
  Reply Ask(uint32_t opcode, uint64_t node, const Fixed& fixed, absl::string_view rest = {}) {
    std::vector<std::byte> body;
    Append(fixed, body);
    const auto* const from = reinterpret_cast<const std::byte*>(rest.data());
    body.insert(body.end(), from, from + rest.size());
    return AskWith(opcode, node, body);
  }
  Reply AskName(uint32_t opcode, uint64_t node, const std::string& name) {
    const auto* const from = reinterpret_cast<const std::byte*>(name.c_str());
    return AskWith(opcode, node, {from, from + name.size() + 1});
  }

  std::vector<std::vector<std::byte>> Send(uint32_t opcode, uint64_t node,
                                           const std::vector<std::byte>& body) {
    fuse_in_header header = {};
    header.len = static_cast<uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = unique_ += 2;
    header.nodeid = node;
    header.pid = 1;
    std::vector<std::byte> request;
    Append(header, request);
    request.insert(request.end(), body.begin(), body.end());
    return door_->Ask(request);
  }

  Reply AskWith(uint32_t opcode, uint64_t node, const std::vector<std::byte>& body) {
    const auto replies = Send(opcode, node, body);
    Demand(replies.size() == 1, absl::StrCat("one reply, not ", replies.size(), " to ", opcode));
    fuse_out_header header;
    std::memcpy(&header, replies[0].data(), sizeof header);
    Demand(header.len == replies[0].size(), "the length in a reply's header");
    Demand(header.unique == unique_, "the reply is to this request");
    Demand(header.error <= 0 && header.error > -512, "the error is an errno of user space");
    Reply reply{.error = -header.error,
                .body = {replies[0].begin() + sizeof header, replies[0].end()}};
    Demand(reply.error == 0 || reply.body.empty(), "an error has no body");
    return reply;
  }

  // --- Requests. ---

  static void JudgeAttributes(const fuse_attr& attributes) {
    const mode_t type = attributes.mode & S_IFMT;
    Demand(type == S_IFDIR || type == S_IFREG || type == S_IFLNK, "the type of a node");
    Demand(attributes.nlink > 0, "a node has a link");
    Demand(attributes.size < uint64_t{1} << 62, "the size of a node");
  }

  void Know(const fuse_entry_out& entry) {
    Demand(entry.nodeid != 0 && entry.nodeid == entry.attr.ino, "the node of an entry");
    JudgeAttributes(entry.attr);
    if (nodes_.size() < 200) nodes_.push_back(entry.nodeid);
  }

  uint64_t Lookup(uint64_t directory, const std::string& name) {
    const Reply reply = AskName(FUSE_LOOKUP, directory, name);
    if (reply.error != 0) return 0;
    Demand(reply.body.size() == sizeof(fuse_entry_out), "the reply to LOOKUP");
    const auto entry = reply.As<fuse_entry_out>();
    Know(entry);
    return entry.nodeid;
  }

  // Looks each part up, follows no links, and opens the last.
  void Walk(std::string place) {
    if (place[0] == '@') {
      const size_t slash = std::min(place.find('/'), place.size());
      const auto device = system_.Find(place.substr(1, slash - 1));
      if (device == nullptr) return;
      place.replace(0, slash, device->path());
    }
    uint64_t node = kRoot;
    for (const absl::string_view name : absl::StrSplit(place, '/')) {
      uint64_t next = Lookup(node, std::string(name));
      if (next == 0) return;
      node = next;
    }
    Open(node);
  }

  void ReadDirectory() {
    fuse_read_in in = {};
    in.size = input_.Byte() % 4 == 0 ? input_.Byte() : 4096;
    in.offset = input_.Byte() % 4 == 0 ? input_.Take<uint64_t>() : 0;
    const Reply reply = Ask(FUSE_READDIR, Node(), in);
    Demand(reply.body.size() <= in.size, "the reply to READDIR fits");
    names_.clear();
    for (size_t at = 0; at < reply.body.size();) {
      fuse_dirent entry;
      Demand(reply.body.size() - at >= FUSE_NAME_OFFSET, "a directory entry");
      std::memcpy(&entry, reply.body.data() + at, FUSE_NAME_OFFSET);
      Demand(entry.namelen > 0 && entry.namelen <= 255, "the length of a name");
      Demand(reply.body.size() - at >= FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen),
             "a directory entry fits");
      Demand(entry.ino != 0, "an entry has a node");
      const std::string name(
          reinterpret_cast<const char*>(reply.body.data() + at) + FUSE_NAME_OFFSET, entry.namelen);
      Demand(name.find('/') == name.npos && name.find('\0') == name.npos, "a name is a name");
      if (name != "." && name != "..") names_.push_back(name);
      at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
    }
  }

  void GetAttributes() {
    fuse_getattr_in in = {};
    uint64_t node = Node();
    if (const Handle* const handle = ChooseHandle(); handle != nullptr && input_.Byte() % 2 == 0) {
      in.getattr_flags = FUSE_GETATTR_FH;
      in.fh = handle->fh;
      node = handle->ino;
    }
    const Reply reply = Ask(FUSE_GETATTR, node, in);
    if (reply.error != 0) return;
    Demand(reply.body.size() == sizeof(fuse_attr_out), "the reply to GETATTR");
    JudgeAttributes(reply.As<fuse_attr_out>().attr);
  }

  void SetAttributes() {
    fuse_setattr_in in = {};
    in.valid = input_.Take<uint16_t>() & ~static_cast<uint32_t>(FATTR_FH);
    in.mode = input_.Take<uint16_t>();
    in.uid = input_.Byte();
    in.gid = input_.Byte();
    in.size = input_.Take<uint64_t>();
    const Reply reply = Ask(FUSE_SETATTR, Node(), in);
    if (reply.error != 0) return;
    Demand(reply.body.size() == sizeof(fuse_attr_out), "the reply to SETATTR");
    JudgeAttributes(reply.As<fuse_attr_out>().attr);
  }

  void ReadLink() {
    const Reply reply = AskWith(FUSE_READLINK, Node(), {});
    if (reply.error != 0) return;
    Demand(!reply.body.empty() && reply.body.size() < 4096, "the target of a link");
    Demand(std::find(reply.body.begin(), reply.body.end(), std::byte{0}) == reply.body.end(),
           "a target without NULs");
  }

  void Open(uint64_t node) {
    fuse_open_in in = {};
    const uint8_t flags = input_.Byte();
    in.flags = static_cast<uint32_t>(flags % 4 == 3 ? O_RDWR : flags % 4) |
               ((flags & 4) != 0 ? O_DIRECT : 0) | ((flags & 8) != 0 ? O_DSYNC : 0) |
               ((flags & 16) != 0 ? O_APPEND : 0) | ((flags & 32) != 0 ? O_NONBLOCK : 0);
    const Reply reply = Ask(FUSE_OPEN, node, in);
    if (reply.error != 0) return;
    Demand(reply.body.size() == sizeof(fuse_open_out), "the reply to OPEN");
    const auto out = reply.As<fuse_open_out>();
    Demand(out.fh != 0, "a file has a handle");
    handles_.push_back({.ino = node, .fh = out.fh, .flags = static_cast<int>(in.flags)});
  }

  void Release(size_t index) {
    fuse_release_in in = {};
    in.fh = handles_[index].fh;
    in.flags = static_cast<uint32_t>(handles_[index].flags);
    Demand(Ask(FUSE_RELEASE, handles_[index].ino, in).error == 0, "a release succeeds");
    handles_.erase(handles_.begin() + static_cast<ptrdiff_t>(index));
  }

  const Handle* ChooseHandle() {
    return handles_.empty() ? nullptr : &handles_[input_.Index(handles_.size())];
  }

  // Near the start, or anywhere below 2^63, as the kernel admits.
  uint64_t Offset() {
    const uint8_t kind = input_.Byte() % 4;
    if (kind == 0) return 0;
    if (kind == 1) return uint64_t{input_.Byte()} * 512;
    if (kind == 2) return input_.Take<uint32_t>();
    return input_.Take<uint64_t>() >> 1;
  }

  void Read() {
    const Handle* const handle = ChooseHandle();
    fuse_read_in in = {};
    in.offset = Offset();
    in.size = input_.Byte() % 2 == 0 ? 4096 : input_.Take<uint32_t>() % kLongestTransfer;
    if (handle == nullptr || (handle->flags & O_ACCMODE) == O_WRONLY) return;
    in.fh = handle->fh;
    in.flags = static_cast<uint32_t>(handle->flags);
    const Reply reply = Ask(FUSE_READ, handle->ino, in);
    Demand(reply.body.size() <= in.size, "the reply to READ fits");
  }

  void Write() {
    const Handle* const handle = ChooseHandle();
    const uint64_t offset = Offset();
    WriteTo(handle, offset, WrittenText(input_, names_));
  }

  void WriteTo(const Handle* handle, uint64_t offset, const std::string& text) {
    if (handle == nullptr || (handle->flags & O_ACCMODE) == O_RDONLY) return;
    fuse_write_in in = {};
    in.fh = handle->fh;
    in.offset = offset;
    in.size = static_cast<uint32_t>(text.size());
    in.flags = static_cast<uint32_t>(handle->flags);
    const Reply reply = Ask(FUSE_WRITE, handle->ino, in, text);
    if (reply.error != 0) return;
    Demand(reply.body.size() == sizeof(fuse_write_out), "the reply to WRITE");
    Demand(reply.As<fuse_write_out>().size <= in.size, "not more is written than there was");
  }

  // A control command, with its envelope or nearly so.
  void WriteCommand() {
    const Handle* const handle = ChooseHandle();
    nvdimmfs_command_request request = {};
    request.magic = NVDIMMFS_COMMAND_MAGIC;
    request.nr = input_.Byte() % 16;
    request.may_write = input_.Byte() % 2;
    const absl::string_view payload = input_.Piece();
    const uint8_t lie = input_.Byte();
    request.length = lie < 200 ? static_cast<uint32_t>(payload.size()) : input_.Take<uint32_t>();
    std::string text(reinterpret_cast<const char*>(&request), sizeof request);
    absl::StrAppend(&text, payload);
    WriteTo(handle, uint64_t{input_.Byte()} << NVDIMMFS_COMMAND_SHIFT, text);
  }

  void Sync() {
    const Handle* const handle = ChooseHandle();
    if (handle == nullptr) return;
    fuse_fsync_in in = {};
    in.fh = handle->fh;
    in.fsync_flags = input_.Byte() & 1;
    Demand(Ask(FUSE_FSYNC, handle->ino, in).body.empty(), "the reply to FSYNC");
  }

  void Allocate() {
    const Handle* const handle = ChooseHandle();
    fuse_fallocate_in in = {};
    in.offset = Offset();
    in.length = input_.Take<uint64_t>() >> 1;
    in.mode = input_.Byte() & 0x7f;
    // What vfs_fallocate lets through: positive lengths, and ends below 2^63.
    if (handle == nullptr || (handle->flags & O_ACCMODE) == O_RDONLY || in.length == 0 ||
        in.length > (UINT64_MAX >> 1) - in.offset)
      return;
    in.fh = handle->fh;
    Demand(Ask(FUSE_FALLOCATE, handle->ino, in).body.empty(), "the reply to FALLOCATE");
  }

  void Poll() {
    const Handle* const handle = ChooseHandle();
    if (handle == nullptr) return;
    fuse_poll_in in = {};
    in.fh = handle->fh;
    in.kh = unique_;
    in.flags = input_.Byte() % 2 == 0 ? FUSE_POLL_SCHEDULE_NOTIFY : 0;
    const Reply reply = Ask(FUSE_POLL, handle->ino, in);
    Demand(reply.error != 0 || reply.body.size() == sizeof(fuse_poll_out), "the reply to POLL");
  }

  void Create() {
    fuse_create_in in = {};
    in.flags = O_CREAT | O_RDWR;
    in.mode = S_IFREG | 0600;
    const uint64_t directory = Node();
    const std::string name = Name();
    const Reply reply =
        Ask(FUSE_CREATE, directory, in, absl::string_view(name.c_str(), name.size() + 1));
    if (reply.error != 0) return;
    Demand(reply.body.size() == sizeof(fuse_entry_out) + sizeof(fuse_open_out),
           "the reply to CREATE");
    const auto entry = reply.As<fuse_entry_out>();
    Know(entry);
    fuse_open_out out;
    std::memcpy(&out, reply.body.data() + sizeof entry, sizeof out);
    handles_.push_back({.ino = entry.nodeid, .fh = out.fh, .flags = O_RDWR});
  }

  // What changes the tree is refused.
  void Change() {
    const uint64_t node = Node();
    const std::string name = Name();
    const absl::string_view with_end(name.c_str(), name.size() + 1);
    Reply reply;
    switch (input_.Byte() % 6) {
      case 0:
        reply = AskName(FUSE_UNLINK, node, name);
        break;
      case 1:
        reply = AskName(FUSE_RMDIR, node, name);
        break;
      case 2:
        reply = Ask(FUSE_MKDIR, node, fuse_mkdir_in{.mode = 0755, .umask = 0}, with_end);
        break;
      case 3:
        reply =
            Ask(FUSE_MKNOD, node,
                fuse_mknod_in{.mode = input_.Take<uint16_t>(), .rdev = 0, .umask = 0, .padding = 0},
                with_end);
        break;
      case 4:
        reply = Ask(FUSE_LINK, node, fuse_link_in{.oldnodeid = Node()}, with_end);
        break;
      default: {
        std::string two(with_end);
        absl::StrAppend(&two, with_end);
        reply = input_.Byte() % 2 == 0
                    ? Ask(FUSE_RENAME2, node,
                          fuse_rename2_in{.newdir = Node(), .flags = 0, .padding = 0}, two)
                    : AskWith(FUSE_SYMLINK, node,
                              {reinterpret_cast<const std::byte*>(two.data()),
                               reinterpret_cast<const std::byte*>(two.data()) + two.size()});
      }
    }
    Demand(reply.error != 0, "the tree is made by its devices");
  }

  void StatFs() {
    const Reply reply = AskWith(FUSE_STATFS, Node(), {});
    Demand(reply.error == 0 && reply.body.size() == sizeof(fuse_statfs_out), "the reply to STATFS");
  }

  void Forget() {
    const fuse_forget_in in = {.nlookup = input_.Byte()};
    std::vector<std::byte> body;
    Append(in, body);
    Demand(Send(FUSE_FORGET, Node(), body).empty(), "FORGET has no reply");
  }

  // Requests that the mount does not serve: refused, once.
  void Unknown() {
    constexpr uint32_t kOthers[] = {FUSE_SETXATTR,
                                    FUSE_GETXATTR,
                                    FUSE_LISTXATTR,
                                    FUSE_LSEEK,
                                    FUSE_FLUSH,
                                    FUSE_GETLK,
                                    FUSE_BMAP,
                                    FUSE_READDIRPLUS,
                                    FUSE_COPY_FILE_RANGE,
                                    FUSE_FSYNCDIR,
                                    FUSE_SYNCFS,
                                    FUSE_TMPFILE,
                                    FUSE_SETUPMAPPING,
                                    999};
    const uint32_t opcode = kOthers[input_.Index(std::size(kOthers))];
    const Reply reply = AskWith(opcode, Node(), std::vector<std::byte>(256));
    Demand(reply.error != 0, absl::StrCat("request ", opcode, " is not served"));
  }

  FuzzInput& input_;
  const HostileImage image_;
  btt::BttLayer layer_;
  fs::Tree tree_;
  core::System system_;
  fs::EngineModel model_;
  fs::Operations operations_;
  std::unique_ptr<fs::RequestDoor> door_;
  uint64_t unique_ = 2;
  std::vector<uint64_t> nodes_ = {kRoot};
  std::vector<std::string> names_;  // of the directory read last
  std::vector<Handle> handles_;
};

}  // namespace
}  // namespace nvdimmfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::core::FuzzInput input(data, size);
  nvdimmfs::fuzz::Requests(input).Run();
  return 0;
}
