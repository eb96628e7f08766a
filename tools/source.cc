#include "tools/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "backends/own_mounts.h"
#include "core/base/nearest_word.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "tools/sources/preset_source.h"

namespace nvdimmfs::tools {
namespace {

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// A word of lower-case letters, digits and dashes before a colon.
absl::string_view SchemeOf(absl::string_view name) {
  const size_t colon = name.find(':');
  if (colon == absl::string_view::npos || colon == 0) return "";
  for (const char c : name.substr(0, colon))
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') return "";
  return name.substr(0, colon + 1);
}

// The scheme's kind; that of plain files for a file that exists under the whole name. Null for a
// scheme that there is not.
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
  std::vector<std::string> words = {"ro"};
  for (const absl::string_view option : kind.options) words.emplace_back(option);
  return words;
}

// A mount's directory holds what the source says, but is not the source.
absl::Status CheckNotMountpoint(const std::string& name) {
  std::error_code error;
  if (!std::filesystem::is_directory(name, error)) return absl::OkStatus();
  const std::optional<backends::OwnMount> mount = backends::MountAt(name);
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

absl::Status Take(const SourceKind& kind, const OptionList& options, SourceArguments& arguments) {
  for (const auto& [key, value] : options) {
    if (key == "ro") {
      arguments.read_only = true;
    } else if (std::find(kind.options.begin(), kind.options.end(), key) != kind.options.end()) {
      arguments.options.emplace_back(key, value);
    } else {
      return BadOption(
          key, value,
          absl::StrCat("unknown; ", kind.form, " takes ", absl::StrJoin(Words(kind), ", "),
                       core::DidYouMean(key, Words(kind))));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<absl::string_view> SourceOptions() {
  std::vector<absl::string_view> names;
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

std::pair<std::string, OptionList> SplitSource(const std::string& text) {
  if (Exists(text)) return {text, {}};
  std::vector<std::string> parts = absl::StrSplit(text, ',');
  OptionList options;
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    options.push_back(absl::StrSplit(parts[i], absl::MaxSplits('=', 1)));
  }
  return {parts[0], options};
}

std::string AbsoluteSource(const std::string& name) {
  const SourceKind* kind = KindOf(name);
  if (kind == nullptr || !kind->names_a_file) return name;
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::absolute(name.substr(kind->scheme.size()), error);
  return error ? name : absl::StrCat(kind->scheme, path.string());
}

bool IsModule(const SourceRequest& request) {
  const std::string name = SplitSource(request.text).first;
  const SourceKind* kind = KindOf(name);
  return kind != nullptr && kind->open == OpenPreset && IsModule(name.substr(kind->scheme.size()));
}

absl::StatusOr<std::vector<core::BusSource>> OpenSource(const SourceRequest& request) {
  const auto [name, own_options] = SplitSource(request.text);
  if (name.empty())
    return core::Refusal(EINVAL, "source.empty",
                         "the SOURCE is empty: name an image or another source (is a variable of "
                         "the script unset?)");
  const SourceKind* kind = KindOf(name);
  if (kind == nullptr) return UnknownKind(name);
  if (kind->scheme.empty()) RETURN_IF_ERROR(CheckNotMountpoint(name));
  SourceArguments arguments{.name = name.substr(kind->scheme.size()),
                            .read_only = request.read_only};
  RETURN_IF_ERROR(Take(*kind, request.options, arguments));
  RETURN_IF_ERROR(Take(*kind, own_options, arguments));
  if (arguments.name.empty())
    return core::Refusal(
        EINVAL, "source.kind",
        absl::StrCat("source ", name, ": nothing after the colon; the form is ", kind->form));
  return kind->open(arguments);
}

}  // namespace nvdimmfs::tools
