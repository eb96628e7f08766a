// SPDX-License-Identifier: Apache-2.0
// libndctl for libpmem2, loaded when it is first asked for.
//
// libpmem2's archive uses it to flush a device-dax node, and for little else. Linked as a shared
// library, it would load seven more libraries (libkmod, libudev, libcrypto ...) at every start and
// take half of the start-up time. The symbols that the archive needs are defined here and forward
// to it.
#include <dlfcn.h>

#include <cerrno>
#include <cstdint>

namespace {

// All arguments and results of these functions are integers and pointers, at most six. They are
// passed in registers, and a function ignores arguments that it does not have.
using Function = uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

// The result of ndctl_new if the library is missing; libpmem2 then refuses, and calls no other
// function.
uint64_t Missing(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
  return static_cast<uint64_t>(int64_t{-ENOSYS});
}

Function Find(const char* name) {
  // Never unloaded: libpmem2 caches its symbols. libdaxctl comes with it.
  static void* const library = dlopen("libndctl.so.6", RTLD_NOW | RTLD_LOCAL);
  void* const found = library == nullptr ? nullptr : dlsym(library, name);
  return found == nullptr ? &Missing : reinterpret_cast<Function>(found);
}

}  // namespace

#define FORWARD(name)                                                           \
  extern "C" __attribute__((visibility("hidden"))) uint64_t name(               \
      uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { \
    static const Function function = Find(#name);                               \
    return function(a, b, c, d, e, f);                                          \
  }

FORWARD(daxctl_dev_get_devname)
FORWARD(daxctl_dev_get_first)
FORWARD(daxctl_dev_get_next)
FORWARD(ndctl_btt_get_block_device)
FORWARD(ndctl_bus_cmd_new_ars_cap)
FORWARD(ndctl_bus_cmd_new_clear_error)
FORWARD(ndctl_bus_get_first)
FORWARD(ndctl_bus_get_next)
FORWARD(ndctl_bus_get_provider)
FORWARD(ndctl_cmd_ars_cap_get_range)
FORWARD(ndctl_cmd_clear_error_get_cleared)
FORWARD(ndctl_cmd_submit)
FORWARD(ndctl_cmd_unref)
FORWARD(ndctl_dax_get_align)
FORWARD(ndctl_dax_get_daxctl_region)
FORWARD(ndctl_dax_get_resource)
FORWARD(ndctl_dax_get_size)
FORWARD(ndctl_dimm_get_dirty_shutdown)
FORWARD(ndctl_dimm_get_unique_id)
FORWARD(ndctl_namespace_get_block_device)
FORWARD(ndctl_namespace_get_btt)
FORWARD(ndctl_namespace_get_dax)
FORWARD(ndctl_namespace_get_first)
FORWARD(ndctl_namespace_get_first_badblock)
FORWARD(ndctl_namespace_get_mode)
FORWARD(ndctl_namespace_get_next)
FORWARD(ndctl_namespace_get_next_badblock)
FORWARD(ndctl_namespace_get_pfn)
FORWARD(ndctl_namespace_get_resource)
FORWARD(ndctl_namespace_get_size)
FORWARD(ndctl_new)
FORWARD(ndctl_pfn_get_block_device)
FORWARD(ndctl_pfn_get_resource)
FORWARD(ndctl_pfn_get_size)
FORWARD(ndctl_region_get_bus)
FORWARD(ndctl_region_get_first)
FORWARD(ndctl_region_get_first_badblock)
FORWARD(ndctl_region_get_first_dimm)
FORWARD(ndctl_region_get_id)
FORWARD(ndctl_region_get_next)
FORWARD(ndctl_region_get_next_badblock)
FORWARD(ndctl_region_get_next_dimm)
FORWARD(ndctl_region_get_numa_node)
FORWARD(ndctl_region_get_resource)
FORWARD(ndctl_unref)
