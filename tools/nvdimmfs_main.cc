// nvdimmfs: parts the command line into its forms.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/synchronization/mutex.h"
#include "tools/commands.h"
#include "tools/log/program_log.h"

namespace {

struct Form {
  const char* name;
  int (*run)(const nvdimmfs::tools::Arguments&);
};

constexpr Form kForms[] = {
    {"create", nvdimmfs::tools::CreateCommand},
    {"list", nvdimmfs::tools::ListCommand},
    {"check", nvdimmfs::tools::CheckCommand},
    {"init-labels", nvdimmfs::tools::InitLabelsCommand},
    {"map", nvdimmfs::tools::MapCommand},
    {"move-labels", nvdimmfs::tools::MoveLabelsCommand},
    {"shell", nvdimmfs::tools::ShellCommand},
};

// A program that is started with a standard stream closed must not open an image in its place.
void OpenStandardStreams() {
  for (const int stream : {0, 1, 2})
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != stream) _exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
  const nvdimmfs::tools::ProgramLog log("nvdimmfs");
  // Debian's Abseil looks for cycles at each lock, under one lock for all threads: for the tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  for (const Form& form : kForms)
    if (argc > 1 && std::strcmp(argv[1], form.name) == 0)
      return form.run(nvdimmfs::tools::Arguments(argv + 2, argv + argc));
  return nvdimmfs::tools::MountCommand(
      nvdimmfs::tools::Arguments(argv + (argc > 0 ? 1 : 0), argv + argc));
}
