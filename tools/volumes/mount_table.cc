// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/mount_table.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "backends/posix/file.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr absl::Duration kPause = absl::Milliseconds(20);
// Fields before the optional ones: id, parent, device, root, place, options.
constexpr size_t kFixedFields = 6;
constexpr size_t kLongestTable = 256 << 20;

// The kernel writes blanks, newlines and backslashes as three octal digits.
std::string Unescaped(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] != '\\' || i + 3 >= text.size() || !is_octal(i + 1) || !is_octal(i + 2) ||
        !is_octal(i + 3)) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
    i += 3;
  }
  return plain;
}

std::optional<dev_t> ParseDevice(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  unsigned major_number, minor_number;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &major_number) ||
      !absl::SimpleAtoi(parts[1], &minor_number))
    return std::nullopt;
  return makedev(major_number, minor_number);
}

// The third field.
std::optional<dev_t> DeviceIn(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 3));
  return fields.size() == 4 ? ParseDevice(fields[2]) : std::nullopt;
}

// The places of all mounts at `place` and below, the latest first.
std::vector<std::string> PlacesWithin(const std::string& place) {
  std::vector<std::string> places;
  for (const MountEntry& entry : MountTable())
    if (IsWithin(entry.place, place)) places.push_back(entry.place);
  std::reverse(places.begin(), places.end());
  return places;
}

// Whether nothing is mounted at `place` any more. A mount that is not busy has no mounts below it,
// so the table need not be read.
bool UnmountAtOnce(const std::string& place) {
  while (umount2(place.c_str(), UMOUNT_NOFOLLOW) == 0) {
  }
  return errno == EINVAL || errno == ENOENT;
}

// The final errno of umount(2); 0 if nothing is mounted there any more.
int UnmountUntil(const std::string& place, absl::Time end) {
  while (umount2(place.c_str(), UMOUNT_NOFOLLOW) != 0) {
    const int error = errno;
    if (error == EINVAL || error == ENOENT) return 0;
    if (error != EBUSY || absl::Now() >= end) return error;
    absl::SleepFor(kPause);
  }
  return 0;
}

absl::Status Failed(const std::string& place, int error) {
  return core::Refusal(error, error == EBUSY ? "volume.busy_mount" : "volume.unmount",
                       absl::StrCat("unmount ", place, ": ", strerror(error)));
}

}  // namespace

bool IsWithin(absl::string_view path, absl::string_view top) {
  return absl::StartsWith(path, top) && (path.size() == top.size() || path[top.size()] == '/');
}

std::optional<MountEntry> ParseMountLine(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  const auto dash =
      std::find(fields.begin() + std::min(kFixedFields, fields.size()), fields.end(), "-");
  if (fields.end() - dash < 3) return std::nullopt;
  const auto device = ParseDevice(fields[2]);
  if (!device) return std::nullopt;
  return MountEntry{.device = *device,
                    .root = Unescaped(fields[3]),
                    .place = Unescaped(fields[4]),
                    .type = std::string(dash[1]),
                    .source = Unescaped(dash[2])};
}

std::vector<MountEntry> MountTable(const std::string& path) {
  return MountTable(path, [](dev_t) { return true; });
}

std::vector<MountEntry> MountTable(const std::string& path,
                                   absl::FunctionRef<bool(dev_t)> is_wanted) {
  std::vector<MountEntry> table;
  const std::string text = posix::ReadFile(path, kLongestTable).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const auto device = DeviceIn(line);
    if (!device || !is_wanted(*device)) continue;
    if (auto entry = ParseMountLine(line)) table.push_back(*std::move(entry));
  }
  return table;
}

std::optional<dev_t> DeviceAt(const std::string& place) {
  struct statx is = {};
  if (statx(AT_FDCWD, place.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
            STATX_TYPE, &is) != 0 ||
      (is.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
    return std::nullopt;
  return makedev(is.stx_dev_major, is.stx_dev_minor);
}

std::optional<MountEntry> MountAt(const std::string& place) {
  std::optional<MountEntry> found;
  for (MountEntry& entry : MountTable())
    if (entry.place == place) found = std::move(entry);
  return found;
}

absl::Status UnmountTree(const std::string& place) {
  absl::Status first;
  if (UnmountAtOnce(place)) return first;
  for (const std::string& one : PlacesWithin(place)) {
    const int error = UnmountUntil(one, absl::Now() + kPatience);
    if (error == 0 || umount2(one.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno != EINVAL && errno != ENOENT) first.Update(Failed(one, errno));
  }
  return first;
}

absl::Status UnmountIdle(const std::string& place, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  if (UnmountAtOnce(place)) return absl::OkStatus();
  for (const std::string& one : PlacesWithin(place))
    if (const int error = UnmountUntil(one, end); error != 0) return Failed(one, error);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::volumes
