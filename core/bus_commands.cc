#include "core/bus_commands.h"

#include <cerrno>

#include "core/bus.h"
#include "core/command_call.h"
#include "core/status.h"

namespace nvdimmfs::core {
namespace {

// A bus whose firmware has no function: it takes CALL and knows none.
CommandMasks MasksOf(const Bus& bus) {
  return {.who = bus.name(), .families = bus.has_nfit() ? 1u : 0u};
}

}  // namespace

absl::StatusOr<int> RunBusCommand(Device& device, const Command& command) {
  const Bus& bus = static_cast<const Bus&>(*device.parent());
  const CommandMasks masks = MasksOf(bus);
  if (command.nr != kCallCommand) return CheckCommand(masks, command, 0);
  return ParseCall(masks, command).status();
}

}  // namespace nvdimmfs::core
