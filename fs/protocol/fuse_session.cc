// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/fuse_session.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/log.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "fs/loops/request_loop.h"
#include "fs/loops/uring_loop.h"
#include "fs/loops/uring_wire.h"
#include "fs/protocol/borrowed_streams.h"
#include "fs/protocol/handlers.h"
#include "fs/protocol/handshake.h"
#include "fs/protocol/libfuse_messages.h"
#include "fs/protocol/request_bytes.h"
#include "fs/protocol/request_context.h"
#include "fs/protocol/served_mount.h"
#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

class Session final : public FuseSession {
 public:
  Session(Operations& operations, Tree& tree, const Options& options)
      : tree_(tree),
        options_(options),
        mount_(operations, options.passthrough, options.backing_calls) {}
  ~Session() override;

  absl::Status Make();
  void Start(Events events) override;
  void Unmount() override;

 private:
  fuse_session* NewFuseSession();
  bool MountQuietly(LibfuseMessages& messages);
  void Handle(absl::Span<std::byte> request, ReplyPort& port);
  void HandleInit(absl::Span<std::byte> request, ReplyPort& port);
  void Process(absl::Span<std::byte> request);
  bool PrepareUring(uint32_t offered, const fuse_init_out& agreed);
  void WriteBack();
  bool UnmountThroughOther();

  RequestHandler handler() {
    return [this](absl::Span<std::byte> request, ReplyPort& port) { Handle(request, port); };
  }
  std::function<bool(absl::Span<const std::byte>)> may_wait() {
    return
        [this](absl::Span<const std::byte> request) { return MayWait(request, mount_.changing()); };
  }

  Tree& tree_;
  const Options options_;
  ServedMount mount_;
  Events events_;
  fuse_session* session_ = nullptr;
  bool mounted_ = false;
  std::unique_ptr<RequestLoop> loop_;
  std::unique_ptr<UringLoop> uring_;  // set while INIT is answered
  std::atomic<bool> ready_{false};
  std::atomic<bool> leaving_{false};
};

// `said` is libfuse's message; the reason why the device cannot be opened is more informative.
absl::Status MountRefusal(const std::string& mountpoint, const std::string& said) {
  const std::string what = absl::StrCat("mount on ", mountpoint, ": ");
  if (faccessat(AT_FDCWD, "/dev/fuse", R_OK | W_OK, AT_EACCESS) == 0)
    return core::Refusal(EIO, "mount.failed",
                         absl::StrCat(what, said.empty() ? "libfuse gave no reason" : said));
  const int error = errno;
  return core::Refusal(
      error, "mount.failed",
      absl::StrCat(what, "open /dev/fuse: ", strerror(error),
                   error == ENOENT ? "; load it (modprobe fuse), or give it to the container "
                                     "(--device /dev/fuse)"
                                   : "; mount as root, or let this user open it"));
}

fuse_session* Session::NewFuseSession() {
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "nvdimmfs");
  for (const std::string& option : options_.fuse_options) {
    const std::string escaped = absl::StrReplaceAll(option, {{"\\", "\\\\"}, {",", "\\,"}});
    fuse_opt_add_arg(&arguments, absl::StrCat("-o", escaped).c_str());
  }
  if (options_.debug) fuse_opt_add_arg(&arguments, "-odebug");
  fuse_lowlevel_ops table = Handlers();
  table.init = [](void*, fuse_conn_info* connection) { AskFor(*connection); };
  fuse_session* session = fuse_session_new(&arguments, &table, sizeof table, &mount_);
  fuse_opt_free_args(&arguments);
  return session;
}

// libfuse may run fusermount3, which reports errors on its standard error and keeps running with -o
// auto_unmount. It must not keep the streams with which this program was started.
bool Session::MountQuietly(LibfuseMessages& messages) {
  BorrowedStreams streams;
  const bool mounted = fuse_session_mount(session_, options_.mountpoint.c_str()) == 0;
  const std::string said = streams.Return();
  if (!mounted) messages.Add(said);
  return mounted;
}

absl::Status Session::Make() {
  {
    LibfuseMessages messages;
    session_ = NewFuseSession();
    mounted_ = session_ != nullptr && MountQuietly(messages);
    if (!mounted_) return MountRefusal(options_.mountpoint, messages.Collected());
  }
  const fuse_custom_io io = {
      .writev = [](int device, struct iovec* parts, int count,
                   void*) { return RequestContext::Send(device, parts, count); },
      .read = [](int device, void* to, size_t size, void*) { return read(device, to, size); },
      .splice_receive = nullptr,
      .splice_send = nullptr,
  };
  fuse_session_custom_io(session_, &io, fuse_session_fd(session_));
  mount_.StartDropping([this](Ino ino) {
    if (!leaving_) fuse_lowlevel_notify_inval_inode(session_, ino, 0, 0);
  });
  tree_.set_data_removed([this](Ino ino) { mount_.DropPages(ino); });
  return absl::OkStatus();
}

Session::~Session() {
  if (session_ == nullptr) return;
  Unmount();
  fuse_session_destroy(session_);
}

void Session::Start(Events events) {
  events_ = std::move(events);
  loop_ = std::make_unique<RequestLoop>(fuse_session_fd(session_),
                                        RequestLoop::Options{
                                            .threads = options_.threads,
                                            .buffer_size = kRequestBuffer,
                                            .spins = options_.spins,
                                            .may_wait = may_wait(),
                                            .requester = RequesterOf,
                                        },
                                        handler(), [this] {
                                          if (events_.on_unmount) events_.on_unmount();
                                        });
  loop_->Start();
}

void Session::Unmount() {
  if (!mounted_ || leaving_.exchange(true)) return;
  tree_.set_data_removed(nullptr);
  if (loop_ != nullptr) WriteBack();
  mount_.AwaitDroppedPages();
  // The workers have their own descriptors and answer until nothing uses the mount any more.
  if (options_.unmounter == nullptr || !UnmountThroughOther()) fuse_session_unmount(session_);
  loop_.reset();
  uring_.reset();
  mount_.StopDropping();
  mount_.CloseFiles();
}

// Pages dirtied through mappings arrive as writes.
void Session::WriteBack() {
  if (options_.unmounter != nullptr) return options_.unmounter->WriteBack();
  const int top = open(options_.mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return;
  struct statfs what = {};
  if (fstatfs(top, &what) == 0 && what.f_type == FUSE_SUPER_MAGIC) syncfs(top);
  close(top);
}

// What fuse_session_unmount does, but for a process that must not do it itself.
bool Session::UnmountThroughOther() {
  const int device = fuse_session_fd(session_);
  pollfd gone = {device, 0, 0};
  const bool is_gone = poll(&gone, 1, 0) == 1 && (gone.revents & POLLERR) != 0;
  if (!is_gone && !options_.unmounter->Unmount()) {
    core::Log(core::LogLevel::kError, "mount.stays",
              absl::StrCat("unmounting ", options_.mountpoint, " failed. Type: umount -l ",
                           core::ShellWord(options_.mountpoint)));
    return false;
  }
  // The kernel must not wait for this descriptor, which libfuse closes only at the very end.
  if (const int null = open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
    dup3(null, device, O_CLOEXEC);
    close(null);
  }
  return true;
}

void Session::Process(absl::Span<std::byte> request) {
  fuse_buf buffer = {};
  buffer.mem = request.data();
  buffer.size = request.size();
  fuse_session_process_buf(session_, &buffer);
}

void Session::Handle(absl::Span<std::byte> request, ReplyPort& port) {
  if (!ready_.load(std::memory_order_relaxed) && IsInit(request)) return HandleInit(request, port);
  const RequestContext context(port);
  Process(request);
}

void Session::HandleInit(absl::Span<std::byte> request, ReplyPort& port) {
  const InitOffer offered = OfferOf(request);
  const auto prepare_uring = [&](const fuse_init_out& agreed) {
    return options_.uring && PrepareUring(offered.flags2, agreed);
  };
  const Handshake handshake = {.offered = offered,
                               .device = fuse_session_fd(session_),
                               .debug = options_.debug,
                               .mount = mount_,
                               .prepare_uring = prepare_uring};
  const auto complete = [&](struct iovec* parts, int count) { handshake.Complete(parts, count); };
  const RequestContext::Edit edit = complete;
  {
    const RequestContext context(port, edit);
    Process(request);
  }
  if (uring_ != nullptr) uring_->Start();
  ready_ = true;
  if (events_.on_ready) events_.on_ready();
}

bool Session::PrepareUring(uint32_t offered, const fuse_init_out& agreed) {
  if ((offered & kOverIoUring) == 0) {
    core::Log(core::LogLevel::kNotice, "uring.not_offered",
              "-o uring: the kernel does not offer FUSE over io_uring; Linux 6.14 and later do "
              "once root writes Y to /sys/module/fuse/parameters/enable_uring");
    return false;
  }
  // The kernel requires room for the longest request that it may send.
  const size_t pages = size_t{agreed.max_pages} * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto loop = UringLoop::Create(
      fuse_session_fd(session_),
      UringLoop::Options{
          .helpers = options_.threads > 1 ? options_.threads : 0,
          .payload = std::max({size_t{agreed.max_write}, pages, size_t{FUSE_MIN_READ_BUFFER}}),
          .slack = OpenFile::kScratchSlack,
          .may_wait = may_wait()},
      handler());
  if (!loop.ok()) {
    core::Log(core::LogLevel::kNotice, core::ReasonOf(loop.status()),
              absl::StrCat("-o uring: ", loop.status().message(), "; requests come by /dev/fuse"));
    return false;
  }
  uring_ = *std::move(loop);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FuseSession>> FuseSession::Mount(Operations& operations, Tree& tree,
                                                                const Options& options) {
  auto session = std::make_unique<Session>(operations, tree, options);
  RETURN_IF_ERROR(session->Make());
  return session;
}

}  // namespace nvdimmfs::fs
