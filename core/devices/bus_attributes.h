// What the attributes of bus/nd, bus/dax and their drivers have in common.
#ifndef NVDIMMFS_CORE_DEVICES_BUS_ATTRIBUTES_H_
#define NVDIMMFS_CORE_DEVICES_BUS_ATTRIBUTES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/devices/device.h"

namespace nvdimmfs::core {

// A bus or a driver has no variables to show; an event of it can be synthesised all the same.
inline constexpr Attribute kUeventTriggerAttribute = {.name = "uevent",
                                                      .mode = 0200,
                                                      .store = StoreUevent,
                                                      .raw_input = true,
                                                      .summary = "an action word"};

// The name written to bind, unbind or drivers_probe: one newline at the end is not part of it.
inline absl::string_view WithoutNewline(absl::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

// Of drivers_autoprobe: everything but a zero in front means yes.
inline bool ParseAutoprobe(absl::string_view text) { return text.empty() || text[0] != '0'; }
inline std::string AutoprobeText(bool autoprobe) { return autoprobe ? "1\n" : "0\n"; }

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_BUS_ATTRIBUTES_H_
