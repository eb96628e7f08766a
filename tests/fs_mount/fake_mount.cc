// SPDX-License-Identifier: Apache-2.0
// Mounts the fake tree: fake_mount [-f] [-s] [-o OPTIONS] BYTES MOUNTPOINT.
// What the tests of a mount's life start, and a bench of the data path without any device model.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "fs/mount/daemon.h"
#include "fs/mount/serve.h"
#include "fs/testing/fake_tree.h"

namespace nvdimmfs::tests {
namespace {

int Usage() {
  fputs("usage: fake_mount [-f] [-s] [-o OPTIONS] BYTES MOUNTPOINT\n", stderr);
  return 2;
}

int Fail(const absl::Status& status) {
  fprintf(stderr, "fake_mount: %s\n", std::string(status.message()).c_str());
  return 1;
}

class ToStderr : public core::LogSink {
 public:
  void Write(core::LogLevel level, absl::string_view id, absl::string_view sentence) override {
    if (level > core::LogLevel::kNotice) return;
    fprintf(stderr, "fake_mount: note: %s [%s]\n", std::string(sentence).c_str(),
            std::string(id).c_str());
  }
};

int Main(int argc, char** argv) {
  static ToStderr log;
  core::SetLogSink(&log);
  bool foreground = false, single = false;
  std::string options;
  for (int option; (option = getopt(argc, argv, "fso:")) != -1;) {
    if (option == 'f')
      foreground = true;
    else if (option == 's')
      single = true;
    else if (option == 'o')
      options = optarg;
    else
      return Usage();
  }
  uint64_t size = 0;
  if (argc - optind != 2 || !absl::SimpleAtoi(argv[optind], &size)) return Usage();
  auto parsed = fs::ParseOptions(options, {});
  if (!parsed.ok()) return Fail(parsed.status());
  parsed->mount.source_name = argv[optind];
  parsed->mount.mountpoint = argv[optind + 1];
  parsed->mount.single_thread = single;
  auto daemon = foreground ? fs::Daemon::Foreground() : fs::Daemon::Fork();
  if (!daemon.ok()) return Fail(daemon.status());
  fs::FakeTree fake(size);
  const absl::Status status =
      fs::ServeModel(fake.model(), fake.tree(), parsed->mount,
                     [&](const absl::Status& ready) { daemon->Report(ready); });
  return status.ok() ? 0 : foreground ? Fail(status) : 1;
}

}  // namespace
}  // namespace nvdimmfs::tests

int main(int argc, char** argv) { return nvdimmfs::tests::Main(argc, argv); }
