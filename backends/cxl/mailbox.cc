// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/mailbox.h"

#include <linux/cxl_mem.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/cxl/payloads.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::Refusal;

// No kernel lists more; a longer list would just be cut short.
constexpr uint32_t kMostCommands = 256;

std::string NameOf(uint32_t command) {
  if (command < CXL_MEM_COMMAND_ID_MAX) return cxl_command_names[command].name;
  return absl::StrCat("command ", command);
}

class IoctlMailbox final : public Mailbox {
 public:
  IoctlMailbox(posix::Descriptor node, std::string device)
      : node_(std::move(node)), device_(std::move(device)) {}

  absl::StatusOr<std::vector<CommandInfo>> Commands() override;
  absl::StatusOr<std::vector<std::byte>> Send(uint32_t id, absl::Span<const std::byte> in,
                                              size_t out_size) override;

 private:
  const posix::Descriptor node_;
  const std::string device_;
};

absl::StatusOr<std::vector<CommandInfo>> IoctlMailbox::Commands() {
  std::vector<uint64_t> room(
      (sizeof(cxl_mem_query_commands) + kMostCommands * sizeof(cxl_command_info)) / 8);
  auto* query = reinterpret_cast<cxl_mem_query_commands*>(room.data());
  query->n_commands = kMostCommands;
  if (ioctl(node_.get(), CXL_MEM_QUERY_COMMANDS, query) != 0)
    return Refusal(errno, "cxl.command",
                   absl::StrCat("list the commands of ", device_, ": ", strerror(errno)));
  std::vector<CommandInfo> commands;
  for (uint32_t i = 0; i < kMostCommands; ++i) {
    const cxl_command_info& info = query->commands[i];
    if (info.id != 0) commands.push_back({info.id, info.flags, info.size_in, info.size_out});
  }
  return commands;
}

absl::StatusOr<std::vector<std::byte>> IoctlMailbox::Send(uint32_t id,
                                                          absl::Span<const std::byte> in,
                                                          size_t out_size) {
  std::vector<std::byte> out(out_size);
  cxl_send_command send = {};
  send.id = id;
  send.in.size = static_cast<uint32_t>(in.size());
  send.in.payload = reinterpret_cast<uintptr_t>(in.data());
  send.out.size = static_cast<uint32_t>(out.size());
  send.out.payload = reinterpret_cast<uintptr_t>(out.data());
  if (ioctl(node_.get(), CXL_MEM_SEND_COMMAND, &send) != 0) {
    const int error = errno;
    return Refusal(
        error, "cxl.command",
        absl::StrCat(NameOf(id), " of ", device_, ": ", strerror(error),
                     error == ENOTTY ? ". The device, or this kernel, does not offer it" : ""));
  }
  if (send.retval != 0) return DeviceRefusal(send.retval, id, device_);
  if (send.out.size > out.size())
    return Refusal(EIO, "cxl.command",
                   absl::StrCat(NameOf(id), " of ", device_, ": ", send.out.size,
                                " bytes came back where ", out.size(), " fit"));
  out.resize(send.out.size);
  return out;
}

}  // namespace

absl::Status DeviceRefusal(uint32_t return_code, uint32_t command, const std::string& device) {
  for (const ReturnCode& known : kReturnCodes)
    if (known.code == return_code)
      return Refusal(known.error_number, "cxl.device",
                     absl::StrCat(NameOf(command), " of ", device, ": ", known.meaning,
                                  " (return code ", return_code, ")"));
  return Refusal(EIO, "cxl.device",
                 absl::StrCat(NameOf(command), " of ", device, ": return code ", return_code));
}

std::unique_ptr<Mailbox> MakeIoctlMailbox(posix::Descriptor node, const std::string& device) {
  return std::make_unique<IoctlMailbox>(std::move(node), device);
}

}  // namespace nvdimmfs::backends::cxl
