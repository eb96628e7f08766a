// SPDX-License-Identifier: Apache-2.0
// nvdimmfs-volumes [--root DIR] [--socket PATH] [--default-size SIZE] [--adopt] SOURCE...
// nvdimmfs-volumes release [--socket PATH] VOLUME...
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "backends/posix/descriptor.h"
#include "core/base/input.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/lock_order/lock_order.h"
#include "tools/log/program_log.h"
#include "tools/version/version.h"
#include "tools/volumes/capabilities.h"
#include "tools/volumes/http_server.h"
#include "tools/volumes/plugin_socket.h"
#include "tools/volumes/release_command.h"
#include "tools/volumes/source.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

struct Wanted {
  Volumes::Config config;
  std::string root = "/var/lib/nvdimmfs-volumes";
  std::string socket = kDefaultSocket;
  std::string default_size;
};

// A descriptor for the signals that end the plugin; they are blocked in all threads from here on.
Descriptor EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Descriptor(signalfd(-1, &signals, SFD_CLOEXEC));
}

absl::Status Run(Wanted wanted) {
  RETURN_IF_ERROR(KeepNeededCapabilities());
  std::error_code error;
  wanted.config.root = std::filesystem::absolute(wanted.root, error).lexically_normal().string();
  if (!wanted.default_size.empty()) {
    ASSIGN_OR_RETURN(wanted.config.default_size, core::ParseSize(wanted.default_size));
  }
  ASSIGN_OR_RETURN(Descriptor socket, TakePassedSocket());
  const bool own_socket = !socket;
  const Descriptor end = EndSignals();
  ASSIGN_OR_RETURN(std::unique_ptr<Volumes> opened, Volumes::Open(wanted.config));
  // Never destroyed: destruction would wait for threads that wait for hung servers.
  static Volumes* const volumes = opened.release();
  if (own_socket) {
    ASSIGN_OR_RETURN(socket, MakeSocket(wanted.socket));
  }
  HttpServer server(*volumes);
  std::thread serving([&] { server.Run(std::move(socket)); });
  pollfd ended = {end.get(), POLLIN, 0};
  while (true) {
    const absl::Duration pause = volumes->Watch();
    if (poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(pause)) + 1) > 0) break;
  }
  server.Stop();
  serving.join();
  if (own_socket) unlink(wanted.socket.c_str());
  volumes->Close();
  return absl::OkStatus();
}

int Main(const tools::Arguments& arguments) {
  tools::CommandLine line(
      "Container volumes on persistent memory: a volume plugin for podman and docker.\n"
      "`nvdimmfs-volumes release VOLUME` unmounts what a killed engine left mounted. See "
      "nvdimmfs-volumes(8).",
      "nvdimmfs-volumes");
  Wanted wanted;
  line.Add("--root", wanted.root, "state and mount points", {.show_default = true});
  line.Add("--socket", wanted.socket, "socket for engines; ignored if systemd passes one",
           {.show_default = true});
  line.Add("--default-size", wanted.default_size, "size of volumes that are created without size=");
  line.AddFlag("--adopt", wanted.config.adopt,
               "allow removal of namespaces that this plugin did not create");
  line.AddVersion("-V,--version", [] { return tools::VersionText("nvdimmfs-volumes"); });
  line.Add("SOURCE", wanted.config.sources,
           "image or topology files, as nvdimmfs takes them, with options after a comma",
           {.required = true});
  if (const auto code = line.Parse(arguments)) return *code;
  const tools::ProgramLog log("nvdimmfs-volumes");
  const absl::Status status = Run(std::move(wanted));
  if (status.ok()) return tools::kDone;
  core::LogRefusal(core::LogLevel::kError, status);
  return tools::kRefused;
}

}  // namespace
}  // namespace nvdimmfs::volumes

int main(int argc, char** argv) {
  nvdimmfs::tools::ChooseLockOrderChecks();
  if (argc > 1 && std::strcmp(argv[1], nvdimmfs::volumes::kServe) == 0)
    return nvdimmfs::tools::MountCommand(nvdimmfs::tools::Arguments(argv + 2, argv + argc),
                                         /*ready=*/nullptr, nvdimmfs::volumes::kServeBusy);
  if (argc > 1 && std::strcmp(argv[1], nvdimmfs::volumes::kReleaseCommand) == 0)
    return nvdimmfs::volumes::RunReleaseCommand(nvdimmfs::tools::Arguments(argv + 2, argv + argc));
  return nvdimmfs::volumes::Main(nvdimmfs::tools::Arguments(argv + (argc > 0), argv + argc));
}
