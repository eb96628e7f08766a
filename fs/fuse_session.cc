#include "fs/fuse_session.h"

#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "fs/borrowed_streams.h"
#include "fs/huge_buffer.h"
#include "fs/page_dropper.h"
#include "fs/passthrough.h"
#include "fs/request_loop.h"
#include "fs/uring_loop.h"
#include "fs/uring_wire.h"

namespace nvdimmfs::fs {
namespace {

constexpr size_t kMaxTransfer = 1 << 20;  // bytes of one read or write
constexpr size_t kCopied = 16 * 1024;     // bytes: a read from this length on is copied first
constexpr size_t kRequestBuffer = kMaxTransfer + 4096;        // and its headers
constexpr double kConstantTimeout = 86400, kNoTimeout = 0.0;  // seconds
constexpr absl::Duration kDropPatience = absl::Milliseconds(100);
constexpr unsigned kBackgroundRequests = 256;
constexpr uint32_t kRequesterIsFile = 1u << 31;  // of a requester, which is no thread's id then

// Flags of the protocol that are younger than the header of Linux 6.1.
constexpr uint32_t kDirectIoAllowMmap = 1u << 4;  // of flags2: FUSE_DIRECT_IO_ALLOW_MMAP, Linux 6.6
constexpr uint32_t kPassthrough = 1u << 5;        // of flags2: FUSE_PASSTHROUGH, Linux 6.9
constexpr uint32_t kOpenPassthrough = 1u << 7;    // of an open's flags: FOPEN_PASSTHROUGH
constexpr uint32_t kStackDepth = 1;  // what is passed through is no stacked file system

// --- What libfuse says goes into our refusal while a mount is made, and to the log later. ---

struct Chatter {
  absl::Mutex mutex;
  bool collecting ABSL_GUARDED_BY(mutex) = false;
  std::string text ABSL_GUARDED_BY(mutex);
};

Chatter& TheChatter() {
  static Chatter* const chatter = new Chatter;
  return *chatter;
}

void TakeChatter(enum fuse_log_level level, const char* format, va_list arguments) {
  char line[512];
  vsnprintf(line, sizeof line, format, arguments);
  Chatter& chatter = TheChatter();
  absl::MutexLock lock(&chatter.mutex);
  if (chatter.collecting) {
    chatter.text += line;
    return;
  }
  // In the foreground with -d a line is what one request says.
  core::Log(level == FUSE_LOG_DEBUG ? core::LogLevel::kDebug : core::LogLevel::kWarning, "fuse",
            absl::StripTrailingAsciiWhitespace(line));
}

void CollectChatter() {
  Chatter& chatter = TheChatter();
  absl::MutexLock lock(&chatter.mutex);
  chatter.collecting = true;
  chatter.text.clear();
}

std::string CollectedChatter() {
  Chatter& chatter = TheChatter();
  absl::MutexLock lock(&chatter.mutex);
  chatter.collecting = false;
  std::string text = std::exchange(chatter.text, {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return absl::StrReplaceAll(text, {{"\n", "; "}});
}

// --- The session. ---

// The younger flags that the kernel offered, on the worker that is answering its first request.
thread_local std::optional<uint32_t> offered_flags2;
// Whether the reply that this thread sent last had lost its bytes (Session::Send).
thread_local bool reply_lost = false;

class Session final : public FuseSession {
 public:
  Session(Operations& operations, Tree& tree, const Options& options)
      : operations_(operations),
        tree_(tree),
        options_(options),
        passthrough_(options.passthrough) {}
  ~Session() override;

  absl::Status Make();
  void Start(Events events) override;
  void Unmount() override;

  Operations& operations() { return operations_; }
  Passthrough& passthrough() { return passthrough_; }

  // Open files, so that those which the kernel never released go with the session.
  uint64_t Keep(std::unique_ptr<OpenFile> file);
  void Release(uint64_t handle);

  void Initialize(fuse_conn_info& connection);
  // Around whatever may hold the configuration lock for long.
  class Change {
   public:
    explicit Change(Session& session) : count_(session.changes_under_way_) { ++count_; }
    ~Change() { --count_; }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    std::atomic<int>& count_;
  };
  void AwaitDroppedPages() { dropper_->AwaitIdle(kDropPatience); }
  // Whether files opened with O_DIRECT may bypass the page cache by FOPEN_DIRECT_IO and stay
  // coherent with those that do not.
  bool direct_is_coherent() const { return direct_is_coherent_; }

 private:
  void Handle(absl::Span<std::byte> request);
  bool MayWait(absl::Span<const std::byte> request) const;
  ssize_t Send(int device, struct iovec* parts, int count);
  void CompleteInitReply(uint32_t offered, struct iovec* parts, int count);
  bool PrepareUring(uint32_t offered, const fuse_init_out& reply);
  bool MountQuietly();
  void WriteBack();
  void CloseFiles();

  Operations& operations_;
  Tree& tree_;
  const Options options_;
  Passthrough passthrough_;
  Events events_;
  fuse_session* session_ = nullptr;
  std::unique_ptr<PageDropper> dropper_;
  std::unique_ptr<RequestLoop> loop_;
  std::unique_ptr<UringLoop> uring_;  // set while INIT is answered
  std::atomic<bool> direct_is_coherent_{false};
  std::atomic<bool> ready_{false};
  std::atomic<bool> leaving_{false};
  std::atomic<int> changes_under_way_{0};

  absl::Mutex mutex_;
  absl::flat_hash_set<OpenFile*> files_ ABSL_GUARDED_BY(mutex_);
};

Session& SessionOf(fuse_req_t request) {
  return *static_cast<Session*>(fuse_req_userdata(request));
}

Operations& OperationsOf(fuse_req_t request) { return SessionOf(request).operations(); }

OpenFile* FileOf(const fuse_file_info* info) {
  return info == nullptr ? nullptr : reinterpret_cast<OpenFile*>(info->fh);
}

// Keeps a file for longer than the kernel may.
class FileUse {
 public:
  explicit FileUse(OpenFile* file) : file_(file) { file_->AddUser(); }
  ~FileUse() {
    if (file_->DropUser()) delete file_;
  }
  FileUse(const FileUse&) = delete;
  FileUse& operator=(const FileUse&) = delete;
  OpenFile* operator->() const { return file_; }

 private:
  OpenFile* const file_;
};

// The one place where a Status becomes an errno.
void Refuse(fuse_req_t request, const absl::Status& status) {
  const int number = core::ErrnoOf(status);
  fuse_reply_err(request, number == 0 ? EIO : number);
}

void ReplyStatus(fuse_req_t request, const absl::Status& status) {
  if (status.ok())
    fuse_reply_err(request, 0);
  else
    Refuse(request, status);
}

fuse_entry_param EntryParam(const Operations::Entry& entry) {
  fuse_entry_param param = {};
  param.ino = entry.stat.st_ino;
  param.attr = entry.stat;
  param.attr_timeout = kConstantTimeout;
  // Of the others the next look-up tells whether they are there, and their sub-directories.
  param.entry_timeout = entry.lasts ? kConstantTimeout : kNoTimeout;
  return param;
}

class FuseWaker final : public PollWaker {
 public:
  explicit FuseWaker(fuse_pollhandle* handle) : handle_(handle) {}
  ~FuseWaker() override { fuse_pollhandle_destroy(handle_); }
  void Wake() override { fuse_lowlevel_notify_poll(handle_); }

 private:
  fuse_pollhandle* const handle_;
};

// --- One function per request. ---

void OnInit(void* session, fuse_conn_info* connection) {
  static_cast<Session*>(session)->Initialize(*connection);
}

void OnLookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const auto entry = OperationsOf(request).Lookup(parent, name);
  if (!entry.ok()) return Refuse(request, entry.status());
  const fuse_entry_param param = EntryParam(*entry);
  fuse_reply_entry(request, &param);
}

void OnGetAttr(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  const auto entry = OperationsOf(request).GetAttributes(ino, FileOf(info));
  if (!entry.ok()) return Refuse(request, entry.status());
  fuse_reply_attr(request, &entry->stat, kConstantTimeout);
}

void OnSetAttr(fuse_req_t request, fuse_ino_t ino, struct stat* wanted, int which,
               fuse_file_info* info) {
  Operations::Change change;
  if (which & FUSE_SET_ATTR_MODE) change.mode = wanted->st_mode & 07777;
  if (which & FUSE_SET_ATTR_UID) change.uid = wanted->st_uid;
  if (which & FUSE_SET_ATTR_GID) change.gid = wanted->st_gid;
  change.size = (which & FUSE_SET_ATTR_SIZE) != 0;
  const auto entry = OperationsOf(request).SetAttributes(ino, FileOf(info), change);
  if (!entry.ok()) return Refuse(request, entry.status());
  fuse_reply_attr(request, &entry->stat, kConstantTimeout);
}

void OnReadLink(fuse_req_t request, fuse_ino_t ino) {
  const auto target = OperationsOf(request).ReadLink(ino);
  if (!target.ok()) return Refuse(request, target.status());
  fuse_reply_readlink(request, target->c_str());
}

// Everything that changes a data file's bytes goes through its pages or has them dropped, so they
// stay good from one open to the next.
uint32_t OrdinaryOpenFlags(const Session& session, const OpenFile& file, bool pages_stale) {
  if (file.node().kind == NodeKind::kAttribute) return FOPEN_DIRECT_IO;
  const uint32_t keep = file.keeps_pages() && !pages_stale ? FOPEN_KEEP_CACHE : 0;
  if (file.caching() == OpenFile::Caching::kPages || !session.direct_is_coherent()) return keep;
  return keep | FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
}

// The last field: headers older than Linux 6.9 call it padding, newer ones backing_id.
void SetBacking(fuse_open_out& reply, int32_t backing) {
  static_assert(sizeof reply == offsetof(fuse_open_out, open_flags) + 2 * sizeof backing);
  char* const last = reinterpret_cast<char*>(&reply) + sizeof reply - sizeof backing;
  std::memcpy(last, &backing, sizeof backing);
}

// By hand: libfuse 3.14 has names neither for parallel direct writes nor for passthrough.
fuse_open_out OpenReply(const Session& session, const OpenFile& file, const Passthrough::Way& way) {
  fuse_open_out reply = {};
  switch (way.kind) {
    case Passthrough::Way::Kind::kOrdinary:
      reply.open_flags = OrdinaryOpenFlags(session, file, way.pages_stale);
      return reply;
    case Passthrough::Way::Kind::kPassthrough:
      reply.open_flags = kOpenPassthrough;
      break;
    case Passthrough::Way::Kind::kUncached:
      reply.open_flags = kOpenPassthrough | FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
      break;
  }
  SetBacking(reply, way.backing);
  return reply;
}

void OnOpen(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  Session& session = SessionOf(request);
  auto file = session.operations().Open(ino, info->flags);
  if (!file.ok()) return Refuse(request, file.status());
  fuse_open_out reply = OpenReply(session, **file, session.passthrough().Admit(**file));
  reply.fh = session.Keep(*std::move(file));
  // The open was interrupted: no release will come.
  if (fuse_reply_buf(request, reinterpret_cast<const char*>(&reply), sizeof reply) == -ENOENT)
    session.Release(reply.fh);
}

void OnCreate(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t,
              fuse_file_info* info) {
  Session& session = SessionOf(request);
  const Session::Change change(session);
  auto created = session.operations().Create(parent, name, info->flags & ~(O_CREAT | O_EXCL));
  if (!created.ok()) return Refuse(request, created.status());
  const fuse_entry_param param = EntryParam(created->entry);
  info->direct_io = created->file->caching() == OpenFile::Caching::kNone;
  info->fh = session.Keep(std::move(created->file));
  if (fuse_reply_create(request, &param, info) == -ENOENT) session.Release(info->fh);
}

void OnRelease(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  SessionOf(request).Release(info->fh);
  fuse_reply_err(request, 0);
}

// Room for what is copied before it is sent: the kernel's own where it gave some, else one for each
// worker. Long answers are, always: of each page that they are sent from the kernel takes hold, and
// that of a media's pages, scattered and long out of the cache, costs more than the copy.
OpenFile::Scratch Scratch(size_t size) {
  if (const absl::Span<std::byte> room = UringLoop::Room(); !room.empty())
    return {.room = room, .copies = true};
  if (size >= kCopied) {
    thread_local const HugeBuffer large(kMaxTransfer + OpenFile::kScratchSlack);
    return {.room = large.bytes(), .copies = true};
  }
  // At a page's start: of one page more the kernel would have to take hold.
  struct alignas(4096) Page {
    std::byte bytes[4096];
  };
  constexpr size_t kPages = (kCopied + OpenFile::kScratchSlack) / sizeof(Page);
  thread_local const std::unique_ptr<Page[]> small(new Page[kPages]);
  return {.room = {small[0].bytes, kPages * sizeof(Page)}};
}

void OnRead(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
  const FileUse file(reinterpret_cast<OpenFile*>(info->fh));  // never without one: it was opened
  size_t lost = 0;
  size = std::min(size, kMaxTransfer);
  const absl::Status status = file->Read(
      static_cast<uint64_t>(offset), size, Scratch(size), [&](absl::Span<const std::byte> bytes) {
        reply_lost = false;
        fuse_reply_buf(request, reinterpret_cast<const char*>(bytes.data()), bytes.size());
        lost = reply_lost ? bytes.size() : 0;
      });
  if (lost != 0) file->Undelivered(static_cast<uint64_t>(offset), lost);
  if (!status.ok()) Refuse(request, status);
}

void OnWrite(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
             fuse_file_info* info) {
  OpenFile& file = *FileOf(info);
  std::optional<Session::Change> change;
  if (file.node().kind == NodeKind::kAttribute) change.emplace(SessionOf(request));
  const auto written =
      file.Write(static_cast<uint64_t>(offset), {reinterpret_cast<const std::byte*>(data), size});
  if (file.node().kind == NodeKind::kAttribute) SessionOf(request).AwaitDroppedPages();
  if (!written.ok()) return Refuse(request, written.status());
  fuse_reply_write(request, *written);
}

void OnFsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info* info) {
  ReplyStatus(request, FileOf(info)->Sync());
}

void OnFallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                 fuse_file_info* info) {
  const auto interrupted = [&] { return fuse_req_interrupted(request) != 0; };
  ReplyStatus(request, FileOf(info)->Allocate(mode, static_cast<uint64_t>(offset),
                                              static_cast<uint64_t>(length), interrupted));
}

void OnPoll(fuse_req_t request, fuse_ino_t, fuse_file_info* info, fuse_pollhandle* handle) {
  std::unique_ptr<PollWaker> waker;
  if (handle != nullptr) waker = std::make_unique<FuseWaker>(handle);
  fuse_reply_poll(request, FileOf(info)->Poll(std::move(waker)));
}

// Bytes that an entry takes in the kernel's buffer.
size_t PackedSize(const DirectoryEntry& entry) {
  return (FUSE_NAME_OFFSET + entry.name.size() + 7) / 8 * 8;
}

// How many of the entries, from the first on, fit in `size` bytes without parting those of one
// offset: reading goes on at an offset, so a parted pair would lose or repeat one.
size_t CountThatFit(const std::vector<DirectoryEntry>& entries, size_t size) {
  size_t fit = 0, used = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    used += PackedSize(entries[i]);
    if (used > size) break;
    if (i + 1 == entries.size() || entries[i + 1].offset != entries[i].offset) fit = i + 1;
  }
  return fit;
}

void OnReadDir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  const auto entries =
      OperationsOf(request).ReadDirectory(ino, static_cast<uint64_t>(offset), size);
  if (!entries.ok()) return Refuse(request, entries.status());
  const size_t fit = CountThatFit(*entries, size);
  if (fit == 0 && !entries->empty()) return Refuse(request, absl::InvalidArgumentError("buffer"));
  std::vector<char> buffer(size);
  size_t used = 0;
  for (size_t i = 0; i < fit; ++i) {
    const DirectoryEntry& entry = (*entries)[i];
    struct stat stat = {};
    stat.st_ino = entry.ino;
    stat.st_mode = entry.kind == NodeKind::kDirectory ? S_IFDIR
                   : entry.kind == NodeKind::kLink    ? S_IFLNK
                                                      : S_IFREG;
    used += fuse_add_direntry(request, buffer.data() + used, buffer.size() - used,
                              entry.name.c_str(), &stat, static_cast<off_t>(entry.next_offset));
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void OnStatFs(fuse_req_t request, fuse_ino_t) {
  const struct statvfs answer = OperationsOf(request).FileSystem();
  fuse_reply_statfs(request, &answer);
}

void Forbid(fuse_req_t request) { fuse_reply_err(request, core::ErrnoOf(Operations::Forbidden())); }

fuse_lowlevel_ops Table() {
  fuse_lowlevel_ops table = {};
  table.init = OnInit;
  table.lookup = OnLookup;
  table.getattr = OnGetAttr;
  table.setattr = OnSetAttr;
  table.readlink = OnReadLink;
  table.open = OnOpen;
  table.create = OnCreate;
  table.release = OnRelease;
  table.read = OnRead;
  table.write = OnWrite;
  table.fsync = OnFsync;
  table.fallocate = OnFallocate;
  table.poll = OnPoll;
  table.readdir = OnReadDir;
  table.statfs = OnStatFs;
  table.mkdir = [](fuse_req_t request, fuse_ino_t, const char*, mode_t) { Forbid(request); };
  table.mknod = [](fuse_req_t request, fuse_ino_t, const char*, mode_t mode, dev_t) {
    // Where sysfs cannot create files at all, the kernel says so for regular ones.
    if (S_ISREG(mode)) return (void)fuse_reply_err(request, EACCES);
    Forbid(request);
  };
  table.unlink = table.rmdir = [](fuse_req_t request, fuse_ino_t, const char*) { Forbid(request); };
  table.symlink = [](fuse_req_t request, const char*, fuse_ino_t, const char*) { Forbid(request); };
  table.link = [](fuse_req_t request, fuse_ino_t, fuse_ino_t, const char*) { Forbid(request); };
  table.rename = [](fuse_req_t request, fuse_ino_t, const char*, fuse_ino_t, const char*,
                    unsigned) { Forbid(request); };
  // Left out, and so answered with ENOSYS once and never asked again: flush, getxattr and its
  // family (which would precede every write), lseek, copy_file_range, locks (local ones serve).
  return table;
}

// `said` is libfuse's word; why the device cannot be opened says more.
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

// --- The session's own. ---

// libfuse may run fusermount3, which says on its standard error why it refuses, and which stays
// with -o auto_unmount: it must not keep the streams that this program was started with.
bool Session::MountQuietly() {
  BorrowedStreams streams;
  const bool mounted = fuse_session_mount(session_, options_.mountpoint.c_str()) == 0;
  const std::string said = streams.Return();
  if (!mounted) fuse_log(FUSE_LOG_ERR, "%s", said.c_str());
  return mounted;
}

bool IsInit(absl::Span<const std::byte> request) {
  fuse_in_header header;
  if (request.size() < sizeof header) return false;
  std::memcpy(&header, request.data(), sizeof header);
  return header.opcode == FUSE_INIT;
}

uint32_t OfferedFlags2(absl::Span<const std::byte> request) {
  fuse_init_in init = {};
  request.remove_prefix(sizeof(fuse_in_header));
  std::memcpy(&init, request.data(), std::min(sizeof init, request.size()));
  return (init.flags & FUSE_INIT_EXT) != 0 ? init.flags2 : 0;
}

absl::Status Session::Make() {
  fuse_set_log_func(TakeChatter);
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "nvdimmfs");
  for (const std::string& option : options_.fuse_options) {
    const std::string escaped = absl::StrReplaceAll(option, {{"\\", "\\\\"}, {",", "\\,"}});
    fuse_opt_add_arg(&arguments, absl::StrCat("-o", escaped).c_str());
  }
  if (options_.debug) fuse_opt_add_arg(&arguments, "-odebug");
  const fuse_lowlevel_ops table = Table();
  CollectChatter();
  session_ = fuse_session_new(&arguments, &table, sizeof table, this);
  fuse_opt_free_args(&arguments);
  const bool mounted = session_ != nullptr && MountQuietly();
  const std::string said = CollectedChatter();
  if (!mounted) return MountRefusal(options_.mountpoint, said);
  const fuse_custom_io io = {
      .writev =
          [](int device, struct iovec* parts, int count, void* session) {
            return static_cast<Session*>(session)->Send(device, parts, count);
          },
      .read = [](int device, void* to, size_t size, void*) { return read(device, to, size); },
      .splice_receive = nullptr,
      .splice_send = nullptr,
  };
  fuse_session_custom_io(session_, &io, fuse_session_fd(session_));
  dropper_ = std::make_unique<PageDropper>([this](Ino ino) {
    if (!leaving_) fuse_lowlevel_notify_inval_inode(session_, ino, 0, 0);
  });
  tree_.set_data_removed([dropper = dropper_.get()](Ino ino) { dropper->Drop(ino); });
  return absl::OkStatus();
}

Session::~Session() {
  if (session_ == nullptr) return;
  Unmount();
  fuse_session_destroy(session_);
}

// The file that a read or write is for.
template <typename Request>
const OpenFile* FileOfRequest(absl::Span<const std::byte> request) {
  Request in;
  if (request.size() < sizeof(fuse_in_header) + sizeof in) return nullptr;
  std::memcpy(&in, request.data() + sizeof(fuse_in_header), sizeof in);
  return reinterpret_cast<const OpenFile*>(in.fh);
}

// Flushes wait for a device, attributes for the configuration lock while something is being
// changed. Reads and writes of data are memory copies, and names are in the tree.
bool Session::MayWait(absl::Span<const std::byte> request) const {
  fuse_in_header header;
  if (request.size() < sizeof header) return true;
  std::memcpy(&header, request.data(), sizeof header);
  const OpenFile* file = nullptr;
  switch (header.opcode) {
    case FUSE_LOOKUP:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_GETATTR:
    case FUSE_READLINK:
    case FUSE_STATFS:
    case FUSE_OPEN:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
    case FUSE_RELEASEDIR:
      return false;
    case FUSE_RELEASE:
      file = FileOfRequest<fuse_release_in>(request);
      return file == nullptr || file->node().kind != NodeKind::kAttribute;
    case FUSE_READ:
      file = FileOfRequest<fuse_read_in>(request);
      if (file != nullptr && file->is_shown()) return changes_under_way_ > 0;
      break;
    case FUSE_WRITE:
      file = FileOfRequest<fuse_write_in>(request);
      break;
  }
  return file == nullptr || !file->is_quick();
}

// Who waits for the answer, a thread or else a file; 0 where nobody does.
uint32_t RequesterOf(absl::Span<const std::byte> request) {
  fuse_in_header header;
  if (request.size() < sizeof header) return 0;
  std::memcpy(&header, request.data(), sizeof header);
  switch (header.opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return 0;
    case FUSE_WRITE:
      // Through the page cache the kernel writes to a file for one thread at a time: two that take
      // turns there are as one.
      if (const OpenFile* file = FileOfRequest<fuse_write_in>(request);
          file != nullptr && file->caching() == OpenFile::Caching::kPages)
        return kRequesterIsFile | static_cast<uint32_t>(header.nodeid);
      return header.pid;
    default:
      return header.pid;
  }
}

void Session::Start(Events events) {
  events_ = std::move(events);
  loop_ = std::make_unique<RequestLoop>(
      fuse_session_fd(session_),
      RequestLoop::Options{
          .threads = options_.threads,
          .buffer_size = kRequestBuffer,
          .spins = options_.spins,
          .may_wait = [this](absl::Span<const std::byte> request) { return MayWait(request); },
          .requester = RequesterOf},
      [this](absl::Span<std::byte> request) { Handle(request); },
      [this] {
        if (events_.on_unmount) events_.on_unmount();
      });
  loop_->Start();
}

void Session::Unmount() {
  if (dropper_ == nullptr || leaving_.exchange(true))
    return;  // never mounted, or unmounted already
  tree_.set_data_removed(nullptr);
  if (loop_ != nullptr) WriteBack();
  dropper_->AwaitIdle(kDropPatience);
  // The workers hold descriptors of their own and answer until nothing uses the mount any more.
  fuse_session_unmount(session_);
  loop_.reset();
  uring_.reset();
  dropper_.reset();
  CloseFiles();
}

// Pages dirtied through mappings come back as writes.
void Session::WriteBack() {
  const int top = open(options_.mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return;
  struct statfs what = {};
  if (fstatfs(top, &what) == 0 && what.f_type == FUSE_SUPER_MAGIC) syncfs(top);
  close(top);
}

void Session::CloseFiles() {
  absl::flat_hash_set<OpenFile*> files;
  {
    absl::MutexLock lock(&mutex_);
    files.swap(files_);
  }
  for (OpenFile* file : files) {
    passthrough_.Released(*file);
    delete file;
  }
}

uint64_t Session::Keep(std::unique_ptr<OpenFile> file) {
  absl::MutexLock lock(&mutex_);
  files_.insert(file.get());
  return reinterpret_cast<uint64_t>(file.release());
}

void Session::Release(uint64_t handle) {
  auto* file = reinterpret_cast<OpenFile*>(handle);
  if (passthrough_.Released(*file)) dropper_->Drop(file->node().ino);
  {
    absl::MutexLock lock(&mutex_);
    files_.erase(file);
  }
  if (file->DropUser()) delete file;
}

void Session::Initialize(fuse_conn_info& connection) {
  // Sizes never change, and nobody else writes: the kernel need not suspect its pages at every
  // read, and O_TRUNC is a setattr that changes nothing instead of an open that empties the file in
  // its eyes.
  connection.want &= ~(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC |
                       FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                       FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
  connection.want |= connection.capable &
                     (FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS);
  connection.max_write = kMaxTransfer;
  connection.max_background = kBackgroundRequests;
  connection.congestion_threshold = kBackgroundRequests * 3 / 4;
}

void Session::Handle(absl::Span<std::byte> request) {
  const bool first = !ready_.load(std::memory_order_relaxed) && IsInit(request);
  if (first) offered_flags2 = OfferedFlags2(request);
  fuse_buf buffer = {};
  buffer.mem = request.data();
  buffer.size = request.size();
  fuse_session_process_buf(session_, &buffer);
  if (!first) return;
  offered_flags2.reset();
  if (uring_ != nullptr) uring_->Start();
  ready_ = true;
  if (events_.on_ready) events_.on_ready();
}

ssize_t Session::Send(int device, struct iovec* parts, int count) {
  if (const std::optional<ssize_t> taken = UringLoop::Answer(parts, count)) return *taken;
  if (const int current = RequestLoop::CurrentDevice(); current >= 0) device = current;
  if (offered_flags2) CompleteInitReply(*offered_flags2, parts, count);
  const ssize_t sent = writev(device, parts, count);
  if (sent >= 0 || errno != EFAULT) return sent;
  reply_lost = true;
  // Bytes that were sent straight from the media's mapping are not there any more (its file was
  // truncated, its disk failed). The request still wants its answer.
  fuse_out_header header;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  header.len = sizeof header;
  header.error = -EIO;
  return write(device, &header, sizeof header) < 0 ? -1 : 0;
}

void Session::CompleteInitReply(uint32_t offered, struct iovec* parts, int count) {
  if (count != 2 || parts[1].iov_len < sizeof(fuse_init_out)) return;
  auto* reply = static_cast<fuse_init_out*>(parts[1].iov_base);
  uint32_t taken = 0;
  if ((offered & kDirectIoAllowMmap) != 0) {
    taken |= kDirectIoAllowMmap;
    direct_is_coherent_ = true;
  }
  if ((offered & kPassthrough) != 0 && passthrough_.wanted()) {
    taken |= kPassthrough;
    reply->unused[0] = kStackDepth;  // max_stack_depth
    passthrough_.Enable(fuse_session_fd(session_));
  }
  if (options_.uring && PrepareUring(offered, *reply)) taken |= kOverIoUring;
  if (taken == 0) return;
  reply->flags |= FUSE_INIT_EXT;
  reply->flags2 |= taken;
}

bool Session::PrepareUring(uint32_t offered, const fuse_init_out& reply) {
  if ((offered & kOverIoUring) == 0) {
    core::Log(core::LogLevel::kNotice, "uring.not_offered",
              "-o uring: the kernel does not offer FUSE over io_uring; Linux 6.14 and later do "
              "once root writes Y to /sys/module/fuse/parameters/enable_uring");
    return false;
  }
  // The kernel wants room for the longest that it may ask for.
  const size_t pages = size_t{reply.max_pages} * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto loop = UringLoop::Create(
      fuse_session_fd(session_),
      UringLoop::Options{
          .helpers = options_.threads > 1 ? options_.threads : 0,
          .payload = std::max({size_t{reply.max_write}, pages, size_t{FUSE_MIN_READ_BUFFER}}),
          .slack = OpenFile::kScratchSlack,
          .may_wait = [this](absl::Span<const std::byte> request) { return MayWait(request); }},
      [this](absl::Span<std::byte> request) { Handle(request); });
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
