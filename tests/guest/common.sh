# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by mkguest, mkndctl and runguest: the cache of kernels and tools, and the download of packages from
# other suites of Debian's archive. Sourced, not run.
# shellcheck disable=SC2034  # used by the scripts that source it
guest_cache=${NVDIMMFS_CACHE:-/var/tmp/nvdimmfs-guest}
# The guest's kernel, as in the uname of its suite: 6.1, 6.12, 7.3.
guest_kernel=${GUEST_KERNEL:-6.1}
guest_kernel_place=$guest_cache/kernel-$guest_kernel

# Exit status of the scripts if this machine lacks something they need: a reason to skip.
cannot() {
  printf '%s: %s\n' "${cannot_what:-cannot boot a guest}" "$*" >&2
  exit 77
}

# Runs apt-get or apt-cache with separate lists for a suite; this machine's own sources stay unchanged.
apt_of_suite() { # DIRECTORY COMMAND ARGUMENT...
  local place=$1 command=$2
  shift 2
  timeout 300 "$command" -q -o Dir::Etc::SourceList="$place/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$place/state" -o Dir::State::Status="$place/status" -o Dir::Cache="$place/cache" \
    -o Acquire::Languages=none "$@"
}

# Sets suite_place to a fresh directory in the cache; `apt_of_suite $suite_place/apt` has the suite's lists.
open_suite() { # SUITE
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' "Origin: Debian" 2>/dev/null |
    grep -v -e security -e backports | head -n 1) || true
  [ -n "$mirror" ] || cannot "apt knows no Debian archive (apt-get update?)"
  suite_place=$(mktemp -d "$guest_cache/fetch.XXXXXX")
  # apt's unprivileged user must be able to write there; otherwise it warns.
  chmod 755 "$suite_place"
  mkdir -p "$suite_place"/apt/{state/lists/partial,cache/archives/partial}
  : >"$suite_place/apt/status"
  printf 'deb %s %s main\n' "$mirror" "$1" >"$suite_place/apt/sources.list"
  apt_of_suite "$suite_place/apt" apt-get update >"$suite_place/apt.log" 2>&1 || fetch_failed "apt-get update of $1"
}

# Ends the script: the last line of suite_place's apt.log says why.
fetch_failed() { # WHAT
  local why
  why=$(tail -n 1 "$suite_place/apt.log")
  rm -rf "$suite_place"
  cannot "$1: $why"
}
