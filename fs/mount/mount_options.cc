// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_options.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/nearest_word.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

using Flag = bool MountOptions::*;

constexpr std::pair<absl::string_view, Flag> kFlags[] = {
    {"ro", &MountOptions::read_only},
    {"commands", &MountOptions::commands},
    {"nospin", &MountOptions::no_spin},
    {"uring", &MountOptions::uring},
    {"allow_other", &MountOptions::allow_other},
    {"debug", &MountOptions::debug},
};

// Options for the kernel or fusermount3, passed on by libfuse.
constexpr absl::string_view kFuseOptions[] = {
    "suid", "nosuid",  "dev",     "nodev",      "exec",         "noexec",
    "sync", "dirsync", "noatime", "nodiratime", "auto_unmount", "allow_root",
};

constexpr core::OptionHelp kHelp[] = {
    {"ro", "", "write nothing, not even a recovery; the region shows `read_only` 1"},
    {"commands", "", "with `ro`: `x/ioctl` can be opened, for commands that only read"},
    {"passthrough", "auto|off|writes",
     "whether the kernel may read, or write, the image without the daemon where one raw namespace "
     "is the whole file"},
    {"nospin", "",
     "never busy-poll between requests; let idle CPUs sleep. Fewer requests per second from one "
     "program, less CPU time"},
    {"uring", "",
     "receive requests by FUSE over io_uring where the kernel offers it. More requests per second "
     "at a queue depth above one, and no busy-polling"},
    {"log", "auto|stderr|syslog", "where messages go once the mount works"},
    {"harden", "auto|off|strict",
     "what the daemon gives up once the mount works: capabilities, new privileges, system calls "
     "and "
     "files that it does not need; `strict` mounts only where the kernel can take all of them "
     "away"},
    {"uid", "N", "the owner of every node"},
    {"gid", "N", "the group of every node"},
    {"umask", "OCTAL", "permission bits that no node has, unless chmod(1) gives them"},
    {"allow_other", "",
     "users other than the mounting one have access, as the permission bits allow"},
    {"allow_root", "", "root has access, too"},
    {"auto_unmount", "", "`fusermount3` unmounts when the daemon is killed"},
    {"fsname", "TEXT", "the source that mount(8) lists"},
    {"debug", "", "print every request; stay in the foreground"},
};

// Options only for mount(8), systemd or booting, and those that always apply here.
constexpr absl::string_view kIgnored[] = {
    "rw",
    "defaults",
    "async",
    "auto",
    "noauto",
    "user",
    "nouser",
    "users",
    "nousers",
    "owner",
    "noowner",
    "group",
    "nogroup",
    "_netdev",
    "nofail",
    "atime",
    "diratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "lazytime",
    "nolazytime",
    "silent",
    "loud",
    "mand",
    "nomand",
    "default_permissions",
    "remount",
};
constexpr absl::string_view kIgnoredPrefixes[] = {"x-", "X-", "comment=", "user=", "subtype="};

constexpr std::pair<absl::string_view, LogTo> kLogs[] = {
    {"auto", LogTo::kAuto},
    {"stderr", LogTo::kTerminal},
    {"syslog", LogTo::kSystem},
};

constexpr std::pair<absl::string_view, Harden> kHardens[] = {
    {"auto", Harden::kAuto},
    {"off", Harden::kOff},
    {"strict", Harden::kStrict},
};

constexpr std::pair<absl::string_view, Passthrough::Policy> kPassthrough[] = {
    {"auto", Passthrough::Policy::kSafe},
    {"off", Passthrough::Policy::kOff},
    {"writes", Passthrough::Policy::kWrites},
};

// Whether it is one of our options with a value.
bool TakesValue(absl::string_view name) {
  return std::any_of(std::begin(kHelp), std::end(kHelp), [&](const core::OptionHelp& option) {
    return option.name == name && !option.value.empty();
  });
}

template <typename Range>
bool Contains(const Range& range, absl::string_view word) {
  return std::find(std::begin(range), std::end(range), word) != std::end(range);
}

// Splits at commas; a backslash makes the next character an ordinary one.
std::vector<std::string> Split(absl::string_view text) {
  std::vector<std::string> options(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size())
      options.back() += text[++i];
    else if (text[i] == ',')
      options.emplace_back();
    else
      options.back() += text[i];
  }
  return options;
}

absl::Status BadValue(absl::string_view option, absl::string_view wants) {
  return core::Refusal(EINVAL, "option.value", absl::StrCat("-o ", option, ": needs ", wants));
}

absl::Status Unknown(absl::string_view option, absl::Span<const absl::string_view> source_options) {
  std::vector<std::string> known;
  for (const auto& [name, flag] : kFlags) known.emplace_back(name);
  for (const core::OptionHelp& option : kHelp)
    if (!option.value.empty()) known.push_back(absl::StrCat(option.name, "="));
  for (const absl::string_view name : source_options) known.emplace_back(name);
  for (const absl::string_view name : kFuseOptions) known.emplace_back(name);
  std::vector<std::string> names = known;  // without "="
  for (std::string& name : names) name = name.substr(0, name.find('='));
  return core::Refusal(EINVAL, "option.unknown",
                       absl::StrCat("-o ", option, ": unknown; known are ",
                                    absl::StrJoin(known, ", "), " and those of mount(8)",
                                    core::DidYouMean(option.substr(0, option.find('=')), names)));
}

std::optional<uint32_t> ParseNumber(const std::string& text, int base) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text.c_str(), &end, base);
  // The highest number is not a user: to the kernel it means "no change".
  if (errno != 0 || *end != '\0' || value >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(value);
}

absl::Status SetValue(const std::string& name, const std::string& value, MountOptions& mount) {
  if (name == "fsname") {
    mount.source_name = value;
    return absl::OkStatus();
  }
  if (name == "passthrough") {
    for (const auto& [word, policy] : kPassthrough)
      if (value == word) {
        mount.passthrough = policy;
        return absl::OkStatus();
      }
    return BadValue(name, "auto, off or writes");
  }
  if (name == "log") {
    for (const auto& [word, log] : kLogs)
      if (value == word) {
        mount.log = log;
        return absl::OkStatus();
      }
    return BadValue(name, "auto, stderr or syslog");
  }
  if (name == "harden") {
    for (const auto& [word, harden] : kHardens)
      if (value == word) {
        mount.harden = harden;
        return absl::OkStatus();
      }
    return BadValue(name, "auto, off or strict");
  }
  const std::optional<uint32_t> number = ParseNumber(value, name == "umask" ? 8 : 10);
  if (name == "umask") {
    if (!number || *number > 0777) return BadValue(name, "an octal mode up to 777");
    mount.umask = *number;
    return absl::OkStatus();
  }
  if (!number) return BadValue(name, "a number");
  (name == "uid" ? mount.uid : mount.gid) = *number;
  return absl::OkStatus();
}

absl::Status Apply(const std::string& option, absl::Span<const absl::string_view> source_options,
                   ParsedOptions& parsed) {
  const size_t equals = option.find('=');
  const std::string name = option.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  if (Contains(source_options, name)) {
    parsed.source.emplace_back(name, value);
    return absl::OkStatus();
  }
  for (const auto& [word, flag] : kFlags)
    if (option == word) {
      parsed.mount.*flag = true;
      return absl::OkStatus();
    }
  if (option == "rw") parsed.mount.read_only = false;
  if (Contains(kFuseOptions, option)) {
    parsed.mount.fuse_options.push_back(option);
    return absl::OkStatus();
  }
  if (TakesValue(name)) {
    if (equals == std::string::npos) return BadValue(name, "a value");
    return SetValue(name, value, parsed.mount);
  }
  const auto starts = [&](absl::string_view prefix) { return absl::StartsWith(option, prefix); };
  if (option.empty() || Contains(kIgnored, option) ||
      std::any_of(std::begin(kIgnoredPrefixes), std::end(kIgnoredPrefixes), starts))
    return absl::OkStatus();
  return Unknown(option, source_options);
}

}  // namespace

absl::Span<const core::OptionHelp> MountOptionHelp() { return kHelp; }

absl::StatusOr<ParsedOptions> ParseOptions(absl::string_view text,
                                           absl::Span<const absl::string_view> source_options) {
  ParsedOptions parsed;
  for (const std::string& option : Split(text))
    RETURN_IF_ERROR(Apply(option, source_options, parsed));
  return parsed;
}

}  // namespace nvdimmfs::fs
