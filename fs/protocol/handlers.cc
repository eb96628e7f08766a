// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/handlers.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/status.h"
#include "fs/files/open_file.h"
#include "fs/files/operations.h"
#include "fs/protocol/directory_reply.h"
#include "fs/protocol/open_reply.h"
#include "fs/protocol/request_bytes.h"
#include "fs/protocol/request_context.h"
#include "fs/protocol/scratch.h"
#include "fs/protocol/served_mount.h"
#include "fs/protocol/wire.h"

namespace nvdimmfs::fs {
namespace {

constexpr double kConstantTimeout = 86400, kNoTimeout = 0.0;  // seconds

ServedMount& MountOf(fuse_req_t request) {
  return *static_cast<ServedMount*>(fuse_req_userdata(request));
}

Operations& OperationsOf(fuse_req_t request) { return MountOf(request).operations(); }

OpenFile* FileOf(const fuse_file_info* info) {
  return info == nullptr ? nullptr : FileOfHandle(info->fh);
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
  // For all others, the next look-up checks whether they exist and how many sub-directories they
  // have.
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

void OnOpen(fuse_req_t request, fuse_ino_t ino, fuse_file_info* info) {
  ServedMount& mount = MountOf(request);
  auto file = mount.operations().Open(ino, info->flags);
  if (!file.ok()) return Refuse(request, file.status());
  fuse_open_out reply =
      OpenReply(**file, mount.passthrough().Admit(**file), mount.direct_is_coherent());
  reply.fh = mount.Keep(*std::move(file));
  // The open was interrupted: no release will come.
  if (fuse_reply_buf(request, reinterpret_cast<const char*>(&reply), sizeof reply) == -ENOENT)
    mount.Release(reply.fh);
}

void OnCreate(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t,
              fuse_file_info* info) {
  ServedMount& mount = MountOf(request);
  const ServedMount::Change change(mount);
  auto created = mount.operations().Create(parent, name, info->flags & ~(O_CREAT | O_EXCL));
  if (!created.ok()) return Refuse(request, created.status());
  const fuse_entry_param param = EntryParam(created->entry);
  info->direct_io = created->file->caching() == OpenFile::Caching::kNone;
  info->fh = mount.Keep(std::move(created->file));
  if (fuse_reply_create(request, &param, info) == -ENOENT) mount.Release(info->fh);
}

void OnRelease(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  MountOf(request).Release(info->fh);
  fuse_reply_err(request, 0);
}

void OnRead(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
  const RequestContext& context = *RequestContext::Current();
  const FileUse file(FileOf(info));  // never null: it was opened
  size_t lost = 0;
  size = std::min(size, kMaxTransfer);
  const absl::Status status = file->Read(
      static_cast<uint64_t>(offset), size, ScratchFor(context, size),
      [&](absl::Span<const std::byte> bytes) {
        fuse_reply_buf(request, reinterpret_cast<const char*>(bytes.data()), bytes.size());
        lost = context.reply_lost() ? bytes.size() : 0;
      });
  if (lost != 0) file->Undelivered(static_cast<uint64_t>(offset), lost);
  if (!status.ok()) Refuse(request, status);
}

void OnWrite(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
             fuse_file_info* info) {
  OpenFile& file = *FileOf(info);
  std::optional<ServedMount::Change> change;
  if (file.node().kind == NodeKind::kAttribute) change.emplace(MountOf(request));
  const auto written =
      file.Write(static_cast<uint64_t>(offset), {reinterpret_cast<const std::byte*>(data), size});
  if (file.node().kind == NodeKind::kAttribute) MountOf(request).AwaitDroppedPages();
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

void OnReadDir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*) {
  const auto entries =
      OperationsOf(request).ReadDirectory(ino, static_cast<uint64_t>(offset), size);
  if (!entries.ok()) return Refuse(request, entries.status());
  const auto reply = DirectoryReply(request, *entries, size);
  if (!reply.ok()) return Refuse(request, reply.status());
  fuse_reply_buf(request, reply->data(), reply->size());
}

void OnStatFs(fuse_req_t request, fuse_ino_t) {
  const struct statvfs answer = OperationsOf(request).FileSystem();
  fuse_reply_statfs(request, &answer);
}

void Forbid(fuse_req_t request) { fuse_reply_err(request, core::ErrnoOf(Operations::Forbidden())); }

}  // namespace

fuse_lowlevel_ops Handlers() {
  fuse_lowlevel_ops table = {};
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
    // sysfs cannot create files: for regular files the kernel returns EACCES.
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

}  // namespace nvdimmfs::fs
