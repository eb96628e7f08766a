// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/source.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "tools/volumes/command.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/short_hash.h"

namespace nvdimmfs::volumes {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(50);

std::string AbsolutePath(backends::Source source) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(source.name(), error);
  if (!error) return real.string();
  source.MakeAbsolute();
  return source.name();
}

std::string WithOptions(std::string path, const backends::OptionList& options) {
  for (const auto& [key, value] : options)
    absl::StrAppend(&path, ",", key, value.empty() ? "" : "=", value);
  return path;
}

// A directory name that identifies the source and is unique.
std::string DirectoryName(const std::string& path) {
  std::string name;
  for (const char c : path.substr(path.rfind('/') + 1).substr(0, 64))
    name += absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ? c : '_';
  return absl::StrCat("s-", name, "-", ShortHash(path));
}

// Why a server ended, without program and path, which the caller adds in its own words.
std::string Sentence(const CommandResult& result, const std::string& path) {
  absl::string_view said = result.said;
  const std::string of = absl::StrCat("nvdimmfs: mount ", path, ": ");
  if (const size_t at = said.find(of); at != absl::string_view::npos)
    said.remove_prefix(at + of.size());
  if (result.signal_number != 0)
    return absl::StrCat("the server was killed by signal ", result.signal_number,
                        said.empty() ? "" : ": ", said);
  if (said.empty()) return absl::StrCat("the server exited with status ", result.exit_status);
  return std::string(said);
}

// The path of this program, so that processes have its name; unless an update removed the file.
std::string ThisProgram() {
  constexpr char kLink[] = "/proc/self/exe";
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink(kLink, error);
  return !error && std::filesystem::exists(path, error) ? path.string() : kLink;
}

// Asks for what the kernel does not cache: it may still know names and modes of a dead server.
bool IsServed(const std::string& mountpoint) {
  struct statfs answer = {};
  return statfs(absl::StrCat(mountpoint, "/bus/nd/devices").c_str(), &answer) == 0 &&
         answer.f_type == FUSE_SUPER_MAGIC;
}

}  // namespace

Source::Source(const backends::Source& source, const std::string& directory)
    : path_(AbsolutePath(source)),
      text_(WithOptions(path_, source.options())),
      tree_(absl::StrCat(directory, "/", DirectoryName(path_))),
      told_(std::make_shared<Told>(tree_.mountpoint())),
      ping_([told = told_] {
        const bool is_served = IsServed(told->tree.mountpoint());
        absl::MutexLock lock(&told->mutex);
        told->is_served = is_served;
      }),
      regions_([told = told_] {
        auto regions = told->tree.Regions().value_or(std::vector<DeviceTree::Region>());
        absl::MutexLock lock(&told->mutex);
        told->regions = std::move(regions);
      }) {}

Source::Answer Source::Ping(absl::Time deadline) {
  if (!ping_.Run(deadline)) return Answer::kLate;
  absl::MutexLock lock(&told_->mutex);
  return told_->is_served ? Answer::kServing : Answer::kGone;
}

std::vector<DeviceTree::Region> Source::Regions(absl::Time deadline) {
  if (!regions_.Run(deadline)) return {};
  absl::MutexLock lock(&told_->mutex);
  return told_->regions;
}

std::string Source::name() const { return path_.substr(path_.rfind('/') + 1); }

absl::Status Source::Serve(absl::Time patience) {
  const absl::Status status = ServeUnlessServed(patience);
  absl::MutexLock lock(&mutex_);
  trouble_ = std::string(status.message());
  return status;
}

std::string Source::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

absl::Status Source::ServeUnlessServed(absl::Time patience) {
  const std::string& place = tree_.mountpoint();
  while (true) {
    if (IsServed(place)) return absl::OkStatus();
    RETURN_IF_ERROR(UnmountTree(place));  // of a server that died
    if (mkdir(place.c_str(), 0700) != 0 && errno != EEXIST)
      return core::Refusal(errno, "source.serve",
                           absl::StrCat("make ", place, ": ", strerror(errno)));
    const auto result = ResultOfCommand(
        {ThisProgram(), kServe, "-o", "allow_other,nosuid,nodev", text_, place}, Fate::kOutlivesUs);
    if (!result.ok())
      return core::Refusal(core::ErrnoOf(result.status()), "source.serve",
                           result.status().message());
    if (result->exit_status == 0) return absl::OkStatus();
    // A killed predecessor's server may still be starting, or a killed server still be ending.
    if (result->exit_status != kServeBusy || absl::Now() > patience)
      return core::Refusal(EIO, "source.serve", Sentence(*result, path_));
    absl::SleepFor(kPause);
  }
}

std::string Source::Unserved(absl::string_view why) const {
  return absl::StrCat("cannot serve source ", path_, ": ", why);
}

absl::Status Source::Stop() {
  RETURN_IF_ERROR(UnmountTree(tree_.mountpoint()));
  rmdir(tree_.mountpoint().c_str());
  return absl::OkStatus();
}

Sources MakeSources(const std::vector<std::string>& texts, const std::string& directory) {
  Sources sources;
  for (const std::string& text : texts) {
    auto source = std::make_unique<Source>(text, directory);
    const bool is_known = std::any_of(sources.begin(), sources.end(), [&](const auto& other) {
      return other->path() == source->path();
    });
    if (!is_known) sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace nvdimmfs::volumes
