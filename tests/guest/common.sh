# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by mkguest and runguest: where the guest kernel is kept. Sourced, not run.
# shellcheck disable=SC2034  # mkguest and runguest use it
guest_cache=${NVDIMMFS_CACHE:-/var/tmp/nvdimmfs-guest}
# Which kernel the guest runs, as the uname of its suite says it: 6.1, 6.12, 7.3.
guest_kernel=${GUEST_KERNEL:-6.1}
guest_kernel_place=$guest_cache/kernel-$guest_kernel

# Exit status of both scripts where this machine cannot boot a guest at all: a reason to skip.
cannot() {
  printf 'cannot boot a guest: %s\n' "$*" >&2
  exit 77
}
