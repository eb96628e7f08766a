// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/confinement.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "backends/posix/folder.h"
#include "core/base/status.h"
#include "tools/hardening/capability_set.h"
#include "tools/hardening/every_thread.h"
#include "tools/hardening/landlock_rules.h"
#include "tools/hardening/seccomp_filter.h"
#include "tools/hardening/syscall_table.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NVDIMMFS_HAS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NVDIMMFS_HAS_SANITIZER 1
#endif

namespace nvdimmfs::hardening {
namespace {

#ifdef NVDIMMFS_HAS_SANITIZER
// It runs threads that no signal reaches, and stops the process by ptrace(2) to look for leaks.
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

struct Profile {
  uint32_t users;      // whose system calls, of CallUser
  CapabilitySet kept;  // of those that the process has
};

// Opening a file of another user for reading, without changing its access time, and looking who
// else has it open (AskByLease, FindFileUsers).
constexpr CapabilitySet kLookRights =
    Bit(CAP_DAC_READ_SEARCH) | Bit(CAP_FOWNER) | Bit(CAP_LEASE) | Bit(CAP_SYS_PTRACE);
// Physical memory, configuration of PCI functions, the kernel's disks.
constexpr CapabilitySet kDeviceRights =
    Bit(CAP_DAC_OVERRIDE) | Bit(CAP_FOWNER) | Bit(CAP_SYS_ADMIN) | Bit(CAP_SYS_RAWIO);

constexpr Profile kLookProfile = {kLook, kLookRights};
constexpr Profile kStoreProfile = {kStore, kLookRights | Bit(CAP_DAC_OVERRIDE)};
constexpr Profile kOpenedProfile = {kLook, 0};
constexpr Profile kOpenedStoreProfile = {kStore, 0};
// Unmounts, lends files to the kernel, and opens the mount's top, whose mode the user chooses.
constexpr Profile kKeeperProfile = {kKeep, Bit(CAP_SYS_ADMIN) | Bit(CAP_DAC_READ_SEARCH)};
// CAP_DAC_OVERRIDE is added if a file that it may open again belongs to another user.
constexpr Profile kMountProfile = {kServe, 0};
// In addition, for a source that drives a device.
constexpr Profile kDeviceAddition = {kDevice, kDeviceRights};

Profile WithDevice(Profile profile, bool device) {
  if (!device) return profile;
  return {profile.users | kDeviceAddition.users, profile.kept | kDeviceAddition.kept};
}

// What each thread gives up. Static, because a thread may be late.
struct ThreadPart {
  CapabilitySet kept = 0;
  const LandlockRules* rules = nullptr;
};
ThreadPart thread_part;

int GiveUp(void* argument) {
  const auto& part = *static_cast<const ThreadPart*>(argument);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (part.rules != nullptr)
    if (const int error = part.rules->Apply(); error != 0) return error;
  return KeepCapabilities(part.kept);
}

// `rules` may be null. Returns 0 or an errno.
int Confine(const Profile& profile, std::optional<LandlockRules> rules) {
  // Never destroyed, for the same reason.
  static std::optional<LandlockRules> kept_rules[2];
  std::optional<LandlockRules>& place = kept_rules[kept_rules[0].has_value() ? 1 : 0];
  place = std::move(rules);
  thread_part = {.kept = profile.kept, .rules = place && place->made() ? &*place : nullptr};
  if (const int error = OnEveryThread(GiveUp, &thread_part); error != 0) return error;
  return HasSeccomp() ? Install(MakeFilter(profile.users, getpid())) : 0;
}

// Whether this user, without capabilities, has the rights (r 4, w 2, x 1).
bool Admits(const struct stat& file, mode_t rights) {
  const int shift = file.st_uid == geteuid() ? 6 : file.st_gid == getegid() ? 3 : 0;
  return ((file.st_mode >> shift) & rights) == rights;
}

bool AdmitsBelow(const std::filesystem::path& folder) {
  struct stat status;
  for (std::filesystem::path at = folder;; at = at.parent_path()) {
    if (stat(at.c_str(), &status) == 0 && !Admits(status, X_OK)) return false;
    if (at == at.parent_path()) return true;
  }
}

// Whether what is open, and the folders, can only be opened again with CAP_DAC_OVERRIDE.
bool NeedsOverride(const std::vector<std::string>& folders) {
  struct stat status;
  for (const std::string& folder : folders)
    if (!AdmitsBelow(folder) ||
        (stat(folder.c_str(), &status) == 0 && !Admits(status, R_OK | W_OK | X_OK)))
      return true;
  for (const std::string& name :
       posix::ReadFolder("/proc/self/fd").value_or(std::vector<std::string>())) {
    int descriptor;
    if (!absl::SimpleAtoi(name, &descriptor) || fstat(descriptor, &status) != 0 ||
        !(S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)))
      continue;
    const bool reads = (fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY;
    if (!Admits(status, reads ? R_OK : R_OK | W_OK)) return true;
    std::error_code error;
    const std::filesystem::path path =
        std::filesystem::read_symlink("/proc/self/fd/" + name, error);
    if (!error && path.is_absolute() && !AdmitsBelow(path.parent_path())) return true;
  }
  return false;
}

std::vector<std::string> Missing() {
  std::vector<std::string> missing;
  if (kHasSanitizer) missing.emplace_back("a build without sanitizers");
  if (!HasSeccomp()) missing.emplace_back("filters of system calls (CONFIG_SECCOMP_FILTER)");
  if (LandlockVersion() == 0)
    missing.emplace_back("Landlock (CONFIG_SECURITY_LANDLOCK, and lsm= of the command line)");
  return missing;
}

// The log's time zone, what the C library and Abseil ask about the machine, and processes' names.
void AllowCommonFiles(LandlockRules& rules) {
  for (const char* path : {"/proc", "/sys", "/etc/localtime", "/usr/share/zoneinfo"})
    rules.Allow(path, PathRight::kRead);
  rules.Allow("/dev/null", PathRight::kWrite);
  rules.AllowOpenFiles();
}

std::string NamesOf(CapabilitySet kept) {
  constexpr std::pair<int, absl::string_view> kNames[] = {
      {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
      {CAP_FOWNER, "CAP_FOWNER"},
      {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
      {CAP_SYS_RAWIO, "CAP_SYS_RAWIO"},
  };
  std::vector<absl::string_view> names;
  for (const auto& [capability, name] : kNames)
    if ((kept & Bit(capability)) != 0) names.push_back(name);
  return names.empty() ? "none" : absl::StrJoin(names, " ");
}

// Forms are confined on request.
bool AreFormsConfined() {
  const char* const wanted = std::getenv("NVDIMMFS_HARDEN");
  return CanConfine() && wanted != nullptr && std::strcmp(wanted, "on") == 0;
}

}  // namespace

bool CanConfine() {
  const char* const wanted = std::getenv("NVDIMMFS_HARDEN");
  return !kHasSanitizer && (wanted == nullptr || std::strcmp(wanted, "off") != 0);
}

absl::Status CheckKernel() {
  const std::vector<std::string> missing = Missing();
  if (missing.empty()) return absl::OkStatus();
  return core::Refusal(EOPNOTSUPP, "harden.kernel",
                       absl::StrCat("harden=strict needs ", absl::StrJoin(missing, " and "),
                                    ", which is missing; harden=auto does without"));
}

absl::StatusOr<std::string> ConfineMount(const MountNeeds& needs) {
  Profile profile = WithDevice(kMountProfile, needs.device);
  if (needs.uring) profile.users |= kUring;
  if (NeedsOverride(needs.folders)) profile.kept |= Bit(CAP_DAC_OVERRIDE);
  LandlockRules rules;
  AllowCommonFiles(rules);
  for (const std::string& folder : needs.folders) rules.Allow(folder, PathRight::kReplace);
  if (needs.device) {
    rules.Allow("/", PathRight::kRead);  // libndctl and what it reads
    rules.Allow("/sys", PathRight::kWrite);
    rules.Allow("/dev", PathRight::kWrite);
  }
  // Asked first: a confined process cannot ask.
  const std::vector<std::string> missing = Missing();
  const bool has_filter = HasSeccomp();
  const int landlock = LandlockVersion();
  const int error = Confine(profile, std::move(rules));
  if (error != 0)
    return core::Refusal(error, "harden.failed",
                         absl::StrCat("confining the daemon failed: ", strerror(error)));
  return absl::StrCat("confined: capabilities ", NamesOf(OwnCapabilities()), ", no new privileges",
                      has_filter ? ", system calls filtered" : "",
                      landlock > 0 ? absl::StrCat(", Landlock ", landlock) : "",
                      missing.empty() ? "" : "; the kernel lacks ",
                      absl::StrJoin(missing, " and "));
}

void ConfineKeeper() {
  if (!kHasSanitizer) Confine(kKeeperProfile, std::nullopt);
}

void ConfineForm(const FormNeeds& needs) {
  if (AreFormsConfined())
    Confine(WithDevice(needs.store ? kStoreProfile : kLookProfile, needs.device), std::nullopt);
}

void ConfineOpenedForm(const FormNeeds& needs, const std::string& output) {
  if (!AreFormsConfined() || needs.device) return;
  LandlockRules rules;
  AllowCommonFiles(rules);
  if (!output.empty()) {
    rules.Allow(output, PathRight::kWrite);
    rules.Allow(posix::FolderOf(output), PathRight::kReplace);
  }
  Confine(needs.store ? kOpenedStoreProfile : kOpenedProfile, std::move(rules));
}

}  // namespace nvdimmfs::hardening
