// SPDX-License-Identifier: Apache-2.0
#include "fs/testing/request_door.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fs/loops/reply_port.h"
#include "fs/protocol/handlers.h"
#include "fs/protocol/handshake.h"
#include "fs/protocol/request_context.h"
#include "fs/protocol/served_mount.h"

namespace nvdimmfs::fs {
namespace {

// Collects replies. A notification has no request, so its unique number is 0.
class Collector final : public ReplyPort {
 public:
  std::optional<ssize_t> Send(const struct iovec* parts, int count) override {
    std::vector<std::byte> reply;
    for (int i = 0; i < count; ++i) {
      const auto* const from = static_cast<const std::byte*>(parts[i].iov_base);
      reply.insert(reply.end(), from, from + parts[i].iov_len);
    }
    fuse_out_header header;
    if (reply.size() < sizeof header) std::abort();
    std::memcpy(&header, reply.data(), sizeof header);
    const auto sent = static_cast<ssize_t>(reply.size());
    if (header.unique != 0) replies.push_back(std::move(reply));
    return sent;
  }

  std::vector<std::vector<std::byte>> replies;
};

}  // namespace

struct RequestDoor::Session {
  Session(Operations& operations, Tree& shown)
      : tree(shown), mount(operations, Passthrough::Policy::kOff) {
    fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
    fuse_opt_add_arg(&arguments, "door");
    fuse_lowlevel_ops table = Handlers();
    table.init = [](void*, fuse_conn_info* connection) { AskFor(*connection); };
    session = fuse_session_new(&arguments, &table, sizeof table, &mount);
    fuse_opt_free_args(&arguments);
    const fuse_custom_io io = {
        .writev = [](int device, struct iovec* parts, int count,
                     void*) { return RequestContext::Send(device, parts, count); },
        .read = [](int, void*, size_t, void*) -> ssize_t {
          errno = ENODEV;
          return -1;
        },
        .splice_receive = nullptr,
        .splice_send = nullptr,
    };
    // Where notifications of other threads go.
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (session == nullptr || nowhere < 0 || fuse_session_custom_io(session, &io, nowhere) != 0)
      std::abort();
    mount.StartDropping([](Ino) {});
    tree.set_data_removed([this](Ino ino) { mount.DropPages(ino); });
  }

  ~Session() {
    tree.set_data_removed(nullptr);
    mount.AwaitDroppedPages();
    mount.StopDropping();
    mount.CloseFiles();
    fuse_session_destroy(session);
  }

  Tree& tree;
  ServedMount mount;
  fuse_session* session = nullptr;
};

RequestDoor::RequestDoor(Operations& operations, Tree& tree)
    : session_(std::make_unique<Session>(operations, tree)) {
  struct {
    fuse_in_header header;
    fuse_init_in init;
  } request = {};
  request.header = {.len = sizeof request, .opcode = FUSE_INIT, .unique = 1};
  request.init.major = FUSE_KERNEL_VERSION;
  request.init.minor = FUSE_KERNEL_MINOR_VERSION;
  request.init.max_readahead = 128 << 10;
  request.init.flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS |
                       FUSE_CACHE_SYMLINKS | FUSE_MAX_PAGES | FUSE_HAS_IOCTL_DIR;
  const auto replies = Ask({reinterpret_cast<const std::byte*>(&request), sizeof request});
  if (replies.size() != 1) std::abort();
}

RequestDoor::~RequestDoor() = default;

std::vector<std::vector<std::byte>> RequestDoor::Ask(absl::Span<const std::byte> request) {
  // Its own memory, of its own length, so that a reader past the end is found out.
  std::vector<std::byte> bytes(request.begin(), request.end());
  Collector collector;
  {
    const RequestContext context(collector);
    fuse_buf buffer = {};
    buffer.mem = bytes.data();
    buffer.size = bytes.size();
    fuse_session_process_buf(session_->session, &buffer);
  }
  return std::move(collector.replies);
}

}  // namespace nvdimmfs::fs
