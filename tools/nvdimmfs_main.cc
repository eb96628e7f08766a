// SPDX-License-Identifier: Apache-2.0
// nvdimmfs: finds the form that the command line asks for.
#include <fcntl.h>
#include <unistd.h>

#include <iterator>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/crash/crash_command.h"
#include "tools/form_help.h"
#include "tools/lock_order/lock_order.h"
#include "tools/log/program_log.h"
#include "tools/shell/preload_library.h"

namespace {

using nvdimmfs::tools::Arguments;

struct Form {
  const char* name;
  int (*run)(const Arguments&);
};

int Mount(const Arguments& arguments) { return nvdimmfs::tools::MountCommand(arguments); }

constexpr Form kForms[] = {
    {"mount", Mount},
    {"create", nvdimmfs::tools::CreateCommand},
    {"list", nvdimmfs::tools::ListCommand},
    {"check", nvdimmfs::tools::CheckCommand},
    {"crash", nvdimmfs::tools::CrashCommand},
    {"init-labels", nvdimmfs::tools::InitLabelsCommand},
    {"map", nvdimmfs::tools::MapCommand},
    {"move-labels", nvdimmfs::tools::MoveLabelsCommand},
    {"shell", nvdimmfs::tools::ShellCommand},
};

const Form* FindForm(const std::string& name) {
  for (const Form& form : kForms)
    if (name == form.name) return &form;
  return nullptr;
}

std::vector<std::string> FormNames() {
  std::vector<std::string> names;
  for (const Form& form : kForms) names.emplace_back(form.name);
  return names;
}

// nvdimmfs help [FORM|REASON]
int Help(const Arguments& arguments) {
  if (arguments.empty() || arguments[0] == "help") return nvdimmfs::tools::HelpOnForms(FormNames());
  if (const auto code = nvdimmfs::tools::HelpOnReason(arguments[0])) return *code;
  const Form* form = FindForm(arguments[0]);
  return form == nullptr ? nvdimmfs::tools::UnknownForm(arguments[0], FormNames())
                         : form->run({"--help"});
}

// If a standard stream is closed at start, an image must not be opened in its place.
void OpenStandardStreams() {
  for (const int stream : {0, 1, 2})
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != stream) _exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardStreams();
  const nvdimmfs::tools::ProgramLog log("nvdimmfs");
  nvdimmfs::tools::ChooseLockOrderChecks();
  const Arguments arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (arguments.empty()) return nvdimmfs::tools::MountCommand(arguments);
  const std::string& first = arguments[0];
  const Arguments rest(std::next(arguments.begin()), arguments.end());
  if (const Form* form = FindForm(first)) return form->run(rest);
  if (first == "help") return Help(rest);
  if (first == nvdimmfs::tools::kOnlyStart && rest.empty()) return nvdimmfs::tools::kDone;
  if (nvdimmfs::tools::IsBareWord(first)) return nvdimmfs::tools::UnknownForm(first, FormNames());
  return nvdimmfs::tools::MountCommand(arguments);
}
