#include "core/device.h"

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/driver.h"
#include "core/status.h"
#include "core/uuid.h"

namespace nvdimmfs::core {
namespace {

constexpr std::array<absl::string_view, 8> kActions = {"add",    "remove",  "change", "move",
                                                       "online", "offline", "bind",   "unbind"};

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\0'; }

}  // namespace

std::string NdDevice::uevent() const {
  std::string text;
  if (!devtype().empty()) absl::StrAppend(&text, "DEVTYPE=", devtype(), "\n");
  if (driver() != nullptr) absl::StrAppend(&text, "DRIVER=", driver()->name(), "\n");
  absl::StrAppend(&text, "MODALIAS=", modalias(), "\n");
  return text;
}

std::vector<DeviceLink> NdDevice::links() const {
  return {{absl::StrCat(path(), "/subsystem"), "bus/nd"},
          {absl::StrCat("bus/nd/devices/", name()), path()}};
}

absl::StatusOr<std::string> ShowModalias(Device& device) {
  return absl::StrCat(static_cast<NdDevice&>(device).modalias(), "\n");
}

absl::StatusOr<std::string> ShowDevtype(Device& device) {
  return absl::StrCat(static_cast<NdDevice&>(device).devtype(), "\n");
}

absl::StatusOr<std::string> ShowUevent(Device& device) { return device.uevent(); }

absl::Status StoreUevent(Device& device, absl::string_view text) {
  for (const absl::string_view action : kActions) {
    if (text.substr(0, action.size()) != action) continue;
    absl::string_view rest = text.substr(action.size());
    if (rest.empty() || rest == "\n") return absl::OkStatus();
    if (!IsSpace(rest[0])) continue;
    rest.remove_prefix(1);
    if (Uuid::Parse(rest).has_value() && (rest.size() == 36 || IsSpace(rest[36])))
      return absl::OkStatus();
  }
  return Refusal(EINVAL, "uevent.action",
                 absl::StrCat("uevent of ", device.name(),
                              ": not an action; write add, remove, change, move, online, offline, "
                              "bind or unbind"));
}

absl::StatusOr<std::string> ShowLastError(Device& device) {
  return device.last_error().empty() ? std::string() : absl::StrCat(device.last_error(), "\n");
}

}  // namespace nvdimmfs::core
