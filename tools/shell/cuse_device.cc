// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/cuse_device.h"

#include <cuse_lowlevel.h>
#include <poll.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {
namespace {

// The most that the kernel copies of a caller's buffer in one direction: 32 pages.
constexpr uint64_t kMostCarried = 128u << 10;

class Device final : public CuseDevice {
 public:
  explicit Device(Opener opener) : opener_(std::move(opener)) {}
  ~Device() override {
    if (session_ != nullptr) fuse_session_destroy(session_);
    free(buffer_.mem);
  }

  absl::Status Start(int cuse, const std::string& name, dev_t number);
  int descriptor() const override { return fuse_session_fd(session_); }
  bool Serve() override;

  absl::StatusOr<std::unique_ptr<CuseFile>> Open(int flags) const { return opener_(flags); }

 private:
  const Opener opener_;
  fuse_session* session_ = nullptr;
  fuse_buf buffer_ = {};
};

CuseFile& FileOf(const fuse_file_info* info) { return *reinterpret_cast<CuseFile*>(info->fh); }

void OnOpen(fuse_req_t request, fuse_file_info* info) {
  auto file = static_cast<Device*>(fuse_req_userdata(request))->Open(info->flags);
  if (!file.ok()) return (void)fuse_reply_err(request, core::ErrnoOf(file.status()));
  info->fh = reinterpret_cast<uintptr_t>(file->get());
  // An interrupted caller never closes the file.
  if (fuse_reply_open(request, info) == 0) file->release();
}

void OnRelease(fuse_req_t request, fuse_file_info* info) {
  delete &FileOf(info);
  fuse_reply_err(request, 0);
}

// The whole buffer from the memory of the caller; nothing on failure, with errno set.
using Copy = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                         unsigned long);
bool CopyAll(Copy copy, fuse_req_t request, void* theirs, std::vector<std::byte>& ours) {
  const iovec here = {ours.data(), ours.size()}, there = {theirs, ours.size()};
  const ssize_t copied = copy(fuse_req_ctx(request)->pid, &here, 1, &there, 1, 0);
  if (copied >= 0) errno = EFAULT;
  return copied == static_cast<ssize_t>(ours.size());
}

void ReplyResult(fuse_req_t request, int result, absl::Span<const std::byte> out) {
  if (result < 0) out = {};
  fuse_reply_ioctl(request, result, out.data(), out.size());
}

void RunLong(fuse_req_t request, unsigned number, void* argument, CuseFile& file, uint64_t length) {
  std::vector<std::byte> buffer;
  while (length > buffer.size() && length <= CuseDevice::kLongest) {
    buffer.resize(length);
    if (!CopyAll(process_vm_readv, request, argument, buffer))
      return ReplyResult(request, -errno, {});
    length = file.LengthOf(number, buffer);
  }
  if (length > CuseDevice::kLongest) buffer.clear();
  if (length < buffer.size()) buffer.resize(length);  // the caller's other threads write to it
  int result = file.Ioctl(number, absl::MakeSpan(buffer), length);
  if (result >= 0 && !CopyAll(process_vm_writev, request, argument, buffer)) result = -errno;
  ReplyResult(request, result, {});
}

void OnIoctl(fuse_req_t request, int command, void* argument, fuse_file_info* info, unsigned,
             const void* in, size_t in_size, size_t) {
  CuseFile& file = FileOf(info);
  const auto number = static_cast<unsigned>(command);
  const absl::Span<const std::byte> known(static_cast<const std::byte*>(in), in_size);
  const uint64_t length = file.LengthOf(number, known);
  if (length > kMostCarried) return RunLong(request, number, argument, file, length);
  if (length > known.size()) {
    const iovec whole = {argument, length};
    return (void)fuse_reply_ioctl_retry(request, &whole, 1, &whole, 1);
  }
  std::vector<std::byte> buffer(known.begin(), known.begin() + static_cast<ptrdiff_t>(length));
  const int result = file.Ioctl(number, absl::MakeSpan(buffer), length);
  ReplyResult(request, result, buffer);
}

// Like the kernel's devices, which support neither.
void OnRead(fuse_req_t request, size_t, off_t, fuse_file_info*) { fuse_reply_err(request, EINVAL); }
void OnWrite(fuse_req_t request, const char*, size_t, off_t, fuse_file_info*) {
  fuse_reply_err(request, EINVAL);
}

cuse_lowlevel_ops Table() {
  cuse_lowlevel_ops table = {};
  table.open = OnOpen;
  table.release = OnRelease;
  table.ioctl = OnIoctl;
  table.read = OnRead;
  table.write = OnWrite;
  // Without poll the file is always ready, as in the kernel.
  return table;
}

absl::Status Device::Start(int cuse, const std::string& name, dev_t number) {
  const std::string entry = absl::StrCat("DEVNAME=", name);
  const char* entries[] = {entry.c_str()};
  const cuse_info info = {.dev_major = major(number),
                          .dev_minor = minor(number),
                          .dev_info_argc = 1,
                          .dev_info_argv = entries,
                          .flags = CUSE_UNRESTRICTED_IOCTL};
  std::string program = "nvdimmfs";
  char* arguments[] = {program.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const cuse_lowlevel_ops table = Table();
  session_ = cuse_lowlevel_new(&args, &info, &table, this);
  fuse_opt_free_args(&args);
  const fuse_custom_io io = {
      .writev = [](int device, iovec* parts, int count,
                   void*) { return writev(device, parts, count); },
      .read = [](int device, void* to, size_t size, void*) { return read(device, to, size); },
      .splice_receive = nullptr,
      .splice_send = nullptr,
  };
  if (session_ == nullptr || fuse_session_custom_io(session_, &io, cuse) != 0) {
    close(cuse);
    return core::Refusal(EIO, "cuse.failed", absl::StrCat("create character device ", name));
  }
  // The first request asks for the device's properties; the kernel creates it during the answer, or
  // closes the connection.
  pollfd end = {cuse, POLLIN, 0};
  if (Serve() && poll(&end, 1, 0) >= 0 && (end.revents & POLLERR) == 0) return absl::OkStatus();
  return core::Refusal(
      EBUSY, "cuse.taken",
      absl::StrCat("create character device ", name, ": its name or number is in use"));
}

bool Device::Serve() {
  const int received = fuse_session_receive_buf(session_, &buffer_);
  if (received == -EINTR || received == -EAGAIN) return true;
  if (received <= 0) return false;
  fuse_session_process_buf(session_, &buffer_);
  return fuse_session_exited(session_) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CuseDevice>> CuseDevice::Make(int cuse, const std::string& name,
                                                             dev_t number, Opener opener) {
  auto device = std::make_unique<Device>(std::move(opener));
  RETURN_IF_ERROR(device->Start(cuse, name, number));
  return device;
}

}  // namespace nvdimmfs::tools
