// SPDX-License-Identifier: Apache-2.0
#include "fs/files/command_file.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "fs/files/command_wire.h"

namespace nvdimmfs::fs {
namespace {

using Request = nvdimmfs_command_request;
using Reply = nvdimmfs_command_reply;

constexpr size_t kMostCallers = 64;

uint32_t CallerOf(uint64_t offset) {
  return static_cast<uint32_t>(offset >> NVDIMMFS_COMMAND_SHIFT);
}
uint64_t PlaceOf(uint64_t offset) { return offset & ((1ull << NVDIMMFS_COMMAND_SHIFT) - 1); }

absl::Status NoRequest() {
  return core::Refusal(EINVAL, "command.request",
                       "not a control command: programs write them, and only ioctl(2)'s");
}

Request HeaderOf(const std::string& request) {
  Request header;
  std::memcpy(&header, request.data(), sizeof header);
  return header;
}

// Bytes of the whole request.
size_t LengthOf(const Request& header) {
  return sizeof header + (header.length > NVDIMMFS_COMMAND_LIMIT ? 0 : header.length);
}

bool IsWhole(const std::string& request) {
  return request.size() >= sizeof(Request) && request.size() == LengthOf(HeaderOf(request));
}

absl::Status Check(const std::string& request) {
  if (request.size() < sizeof(Request)) return NoRequest();
  const Request header = HeaderOf(request);
  if (header.magic != NVDIMMFS_COMMAND_MAGIC || request.size() > LengthOf(header))
    return NoRequest();
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<OpenFile> CommandFile::Make(const NodeView& node, Model& model) {
  return absl::WrapUnique(new CommandFile(node, model));
}

absl::StatusOr<size_t> CommandFile::Write(uint64_t offset, absl::Span<const std::byte> data) {
  const uint32_t caller = CallerOf(offset);
  std::string request;
  {
    absl::MutexLock lock(&mutex_);
    if (!exchanges_.contains(caller) && exchanges_.size() >= kMostCallers)
      return core::Refusal(EAGAIN, "command.callers", "too many commands at once on one open file");
    Exchange& exchange = exchanges_[caller];
    exchange.reply = nullptr;
    if (PlaceOf(offset) == 0) exchange.request.clear();
    const bool in_order = PlaceOf(offset) == exchange.request.size();
    if (in_order) exchange.request.append(reinterpret_cast<const char*>(data.data()), data.size());
    const absl::Status status = in_order ? Check(exchange.request) : NoRequest();
    if (!status.ok()) {
      exchanges_.erase(caller);
      return status;
    }
    if (!IsWhole(exchange.request)) return data.size();
    request = std::exchange(exchange.request, {});
  }
  auto reply = std::make_shared<const std::string>(Run(std::move(request)));
  absl::MutexLock lock(&mutex_);
  exchanges_[caller].reply = std::move(reply);
  return data.size();
}

std::string CommandFile::Run(std::string request) {
  const Request header = HeaderOf(request);
  const core::Command command = {
      .nr = header.nr,
      .may_write = header.may_write != 0,
      .length = header.length,
      .buffer = absl::MakeSpan(reinterpret_cast<std::byte*>(request.data()) + sizeof header,
                               request.size() - sizeof header)};
  const absl::StatusOr<int> result = model_.RunCommand(*node().device, *node().attribute, command);
  const Reply reply = {
      .result = result.ok() ? *result : -core::ErrnoOf(result.status()),
      .length = static_cast<uint32_t>(command.buffer.size()),
  };
  // The head of a reply is shorter than a request's.
  static_assert(sizeof reply < sizeof header);
  request.erase(0, sizeof header - sizeof reply);
  std::memcpy(request.data(), &reply, sizeof reply);
  return request;
}

absl::Status CommandFile::Read(uint64_t offset, size_t size, const Scratch&, Deliver deliver) {
  std::shared_ptr<const std::string> reply;
  const uint64_t place = PlaceOf(offset);
  {
    absl::MutexLock lock(&mutex_);
    const auto found = exchanges_.find(CallerOf(offset));
    if (found == exchanges_.end() || found->second.reply == nullptr)
      return core::Refusal(EINVAL, "command.reply", "no command was written: no reply waits");
    reply = found->second.reply;
    if (place + size >= reply->size()) exchanges_.erase(found);
  }
  const absl::Span<const std::byte> bytes(reinterpret_cast<const std::byte*>(reply->data()),
                                          reply->size());
  deliver(bytes.subspan(std::min<uint64_t>(place, bytes.size()), size));
  return absl::OkStatus();
}

absl::Status CommandFile::Allocate(int, uint64_t, uint64_t, absl::FunctionRef<bool()>) {
  return core::Refusal(EOPNOTSUPP, "command.allocate", "a command file has no space to allocate");
}

unsigned CommandFile::Poll(std::unique_ptr<PollWaker>) { return POLLIN | POLLOUT; }

}  // namespace nvdimmfs::fs
