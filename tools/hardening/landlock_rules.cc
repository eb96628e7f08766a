// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/landlock_rules.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "backends/posix/folder.h"

namespace nvdimmfs::hardening {
namespace {

// Newer than the headers of Linux 6.1.
constexpr uint64_t kTruncate = uint64_t{1} << 14;     // version 3
constexpr uint64_t kIoctlDevice = uint64_t{1} << 15;  // version 5
constexpr uint64_t kTcp = 3;                          // bind and connect, version 4
constexpr uint64_t kAbroad = 3;                       // abstract sockets and signals, version 6
struct Attributes {
  uint64_t files = 0;
  uint64_t network = 0;
  uint64_t scopes = 0;
};

constexpr uint64_t kReadRights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriteRights =
    kReadRights | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlDevice;
constexpr uint64_t kReplaceRights =
    kWriteRights | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
// All that a rule for something other than a directory may have.
constexpr uint64_t kFileRights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                 LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlDevice;

uint64_t KnownRights(int version) {
  constexpr uint64_t kFirst = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;
  uint64_t known = kFirst;
  if (version >= 2) known |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) known |= kTruncate;
  if (version >= 5) known |= kIoctlDevice;
  return known;
}

uint64_t RightsOf(PathRight right) {
  switch (right) {
    case PathRight::kRead:
      return kReadRights | kIoctlDevice;
    case PathRight::kWrite:
      return kWriteRights;
    case PathRight::kReplace:
      return kReplaceRights;
  }
  return 0;
}

}  // namespace

int LandlockVersion() {
  const long version =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

LandlockRules::LandlockRules() {
  const int version = LandlockVersion();
  if (version == 0) return;
  Attributes attributes;
  attributes.files = KnownRights(version);
  size_t size = sizeof attributes.files;
  if (version >= 4) {
    attributes.network = kTcp;
    size = 2 * sizeof(uint64_t);
  }
  if (version >= 6) {
    attributes.scopes = kAbroad;
    size = sizeof attributes;
  }
  rules_ = posix::Descriptor(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
}

void LandlockRules::Allow(const std::string& path, PathRight right) {
  AllowDescriptor(posix::Descriptor(open(path.c_str(), O_PATH | O_CLOEXEC)).get(), right);
}

void LandlockRules::AllowDescriptor(int descriptor, PathRight right) {
  struct stat status;
  if (!made() || descriptor < 0 || fstat(descriptor, &status) != 0) return;
  uint64_t rights = RightsOf(right) & KnownRights(LandlockVersion());
  if (!S_ISDIR(status.st_mode)) rights &= kFileRights;
  const landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = descriptor};
  syscall(SYS_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

void LandlockRules::AllowOpenFiles() {
  for (const std::string& name :
       posix::ReadFolder("/proc/self/fd").value_or(std::vector<std::string>())) {
    int descriptor;
    struct stat status;
    if (!absl::SimpleAtoi(name, &descriptor) || fstat(descriptor, &status) != 0) continue;
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode)) continue;
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0) continue;
    AllowDescriptor(descriptor,
                    (flags & O_ACCMODE) == O_RDONLY ? PathRight::kRead : PathRight::kWrite);
  }
}

int LandlockRules::Apply() const {
  return syscall(SYS_landlock_restrict_self, rules_.get(), 0) == 0 ? 0 : errno;
}

}  // namespace nvdimmfs::hardening
