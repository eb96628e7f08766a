// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "backends/own_mounts.h"
#include "backends/sources/power_options.h"
#include "core/base/kernel.h"
#include "core/base/nearest_word.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr absl::string_view kKernelOption = "kernel";

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// A word of lower-case letters, digits and dashes before a colon.
absl::string_view SchemeOf(absl::string_view name) {
  const size_t colon = name.find(':');
  if (colon == absl::string_view::npos || colon == 0) return "";
  for (const char c : name.substr(0, colon))
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') return "";
  return name.substr(0, colon + 1);
}

// The scheme's kind; that of plain files for a file that exists under the whole name. Null for an
// unknown scheme.
const SourceKind* KindOf(const std::string& name) {
  const absl::string_view scheme = Exists(name) ? "" : SchemeOf(name);
  for (const SourceKind& kind : SourceKinds())
    if (kind.scheme == scheme) return &kind;
  return nullptr;
}

absl::Status UnknownKind(const std::string& name) {
  const auto form = [](std::string* out, const SourceKind& kind) {
    absl::StrAppend(out, kind.form);
  };
  std::vector<std::string> schemes;
  for (const SourceKind& kind : SourceKinds()) schemes.emplace_back(kind.scheme);
  const absl::string_view scheme = SchemeOf(name);
  return core::Refusal(
      EOPNOTSUPP, "source.kind",
      absl::StrCat("source ", name, ": there is no such file, and ", scheme,
                   " is not a kind of source. A SOURCE is one of ",
                   absl::StrJoin(SourceKinds(), ", ", form), core::DidYouMean(scheme, schemes)));
}

std::vector<std::string> Words(const SourceKind& kind) {
  std::vector<std::string> words = {"ro", std::string(kKernelOption)};
  for (const absl::string_view option : kPowerOptions) words.emplace_back(option);
  for (const absl::string_view option : kind.options) words.emplace_back(option);
  return words;
}

// A mount's directory shows the source, but is not the source.
absl::Status CheckNotMountpoint(const std::string& name) {
  std::error_code error;
  if (!std::filesystem::is_directory(name, error)) return absl::OkStatus();
  const std::optional<OwnMount> mount = MountAt(name);
  if (!mount) return absl::OkStatus();
  const std::string& top = mount->mountpoint;
  const std::string word = core::ShellWord(top);
  return core::Refusal(
      EISDIR, "source.mounted",
      absl::StrCat(name, " is ",
                   std::filesystem::equivalent(name, top, error) ? "the mount" : "in the mount",
                   " of ", mount->source, ". What list and map print is there, too: cat ", word,
                   "/ndbus*/x/list.json, cat ", word,
                   "/ndbus*/region*/x/map.txt; ndctl runs in: nvdimmfs shell ", word,
                   "; check takes the source once it is unmounted (umount ", word, ")"));
}

// Takes the options for the opener; `ro`, `kernel` and the power options are handled by the source.
absl::Status Take(const SourceKind& kind, const OptionList& options, OptionList& taken) {
  for (const auto& [key, value] : options) {
    if (key == "ro" || key == kKernelOption || IsPowerOption(key)) continue;
    if (std::find(kind.options.begin(), kind.options.end(), key) == kind.options.end())
      return BadOption(
          key, value,
          absl::StrCat("unknown; ", kind.form, " takes ", absl::StrJoin(Words(kind), ", "),
                       core::DidYouMean(key, Words(kind))));
    taken.emplace_back(key, value);
  }
  return absl::OkStatus();
}

// The kernel chosen by the last option of that name, if there is one.
absl::StatusOr<std::optional<core::Kernel>> ChosenKernel(const OptionList& options) {
  std::optional<core::Kernel> chosen;
  for (const auto& [key, value] : options) {
    if (key != kKernelOption) continue;
    chosen = core::FindKernel(value);
    if (!chosen) return BadOption(key, value, absl::StrCat("needs ", core::kKernelChoices.text()));
  }
  return chosen;
}

}  // namespace

std::vector<absl::string_view> SourceOptions() {
  std::vector<absl::string_view> names = {kKernelOption};
  names.insert(names.end(), std::begin(kPowerOptions), std::end(kPowerOptions));
  for (const SourceKind& kind : SourceKinds())
    for (const absl::string_view option : kind.options)
      if (std::find(names.begin(), names.end(), option) == names.end()) names.push_back(option);
  return names;
}

std::string SourceHelp() {
  std::string help;
  for (const SourceKind& kind : SourceKinds())
    absl::StrAppend(&help, help.empty() ? "" : "; ", kind.form, ": ", kind.summary);
  return help + ". Options follow after commas";
}

Source::Source(std::string text) : text_(std::move(text)) {
  std::string name = text_;
  if (!Exists(text_)) {
    const std::vector<std::string> parts = absl::StrSplit(text_, ',');
    name = parts[0];
    for (size_t i = 1; i < parts.size(); ++i)
      if (!parts[i].empty()) options_.push_back(absl::StrSplit(parts[i], absl::MaxSplits('=', 1)));
  }
  kind_ = KindOf(name);
  argument_ = kind_ == nullptr ? name : name.substr(kind_->scheme.size());
}

std::string Source::name() const {
  return absl::StrCat(kind_ == nullptr ? "" : kind_->scheme, argument_);
}

bool Source::read_only() const {
  return read_only_ || std::any_of(options_.begin(), options_.end(),
                                   [](const auto& option) { return option.first == "ro"; });
}

bool Source::is_module() const {
  return kind_ != nullptr && kind_->is_module != nullptr && kind_->is_module(argument_);
}

bool Source::drives_device() const { return kind_ != nullptr && kind_->drives_device; }

void Source::PutDefaults(const OptionList& options) {
  options_.insert(options_.begin(), options.begin(), options.end());
}

void Source::MakeAbsolute() {
  if (kind_ == nullptr || !kind_->names_a_file(argument_)) return;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(argument_, error);
  if (!error) argument_ = path.string();
}

absl::StatusOr<Buses> Source::Open() const {
  if (name().empty())
    return core::Refusal(EINVAL, "source.empty",
                         "the SOURCE is empty: name an image or another source (is a variable of "
                         "the script unset?)");
  if (kind_ == nullptr) return UnknownKind(argument_);
  if (kind_->scheme.empty()) RETURN_IF_ERROR(CheckNotMountpoint(argument_));
  SourceArguments arguments{.name = argument_, .options = {}, .read_only = read_only()};
  RETURN_IF_ERROR(Take(*kind_, options_, arguments.options));
  if (argument_.empty())
    return core::Refusal(
        EINVAL, "source.name",
        absl::StrCat("source ", name(), ": nothing after the colon; the form is ", kind_->form));
  ASSIGN_OR_RETURN(const std::optional<core::Kernel> kernel, ChosenKernel(options_));
  ASSIGN_OR_RETURN(Buses buses, kind_->open(arguments));
  if (kernel)
    for (core::BusSource& bus : buses) bus.kernel = *kernel;
  RETURN_IF_ERROR(PutOnPower(options_, buses));
  return buses;
}

}  // namespace nvdimmfs::backends
