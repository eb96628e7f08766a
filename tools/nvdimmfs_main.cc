// nvdimmfs: parts the command line into its forms.
#include <cstring>
#include <string>

#include "absl/synchronization/mutex.h"
#include "tools/commands.h"

namespace {

struct Form {
  const char* name;
  int (*run)(const nvdimmfs::tools::Arguments&);
};

constexpr Form kForms[] = {
    {"create", nvdimmfs::tools::CreateCommand},
    {"list", nvdimmfs::tools::ListCommand},
    {"check", nvdimmfs::tools::CheckCommand},
    {"map", nvdimmfs::tools::MapCommand},
    {"shell", nvdimmfs::tools::ShellCommand},
};

}  // namespace

int main(int argc, char** argv) {
  // Debian's Abseil looks for cycles at each lock, under one lock for all threads: for the tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  for (const Form& form : kForms)
    if (argc > 1 && std::strcmp(argv[1], form.name) == 0)
      return form.run(nvdimmfs::tools::Arguments(argv + 2, argv + argc));
  return nvdimmfs::tools::MountCommand(
      nvdimmfs::tools::Arguments(argv + (argc > 0 ? 1 : 0), argv + argc));
}
