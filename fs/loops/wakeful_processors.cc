// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/wakeful_processors.h"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <limits>

#include "absl/memory/memory.h"
#include "fs/loops/processors.h"

namespace nvdimmfs::fs {
namespace {

// Microseconds. The request holds while the descriptor is open.
constexpr int32_t kNone = 0;
constexpr int32_t kAny = std::numeric_limits<int32_t>::max();

bool CanIdleAwake(const std::string& shallowest) {
  std::string name;
  std::getline(std::ifstream(shallowest), name);
  return name == "POLL";
}

bool Ask(int request, int32_t latency) {
  return write(request, &latency, sizeof latency) == sizeof latency;
}

}  // namespace

std::unique_ptr<WakefulProcessors> WakefulProcessors::Create(const Paths& paths) {
  if (CountProcessors() < 2 || get_nprocs() > kMostProcessors || !CanIdleAwake(paths.shallowest))
    return nullptr;
  const int request = open(paths.request.c_str(), O_WRONLY | O_CLOEXEC);
  if (request < 0) return nullptr;
  auto processors = absl::WrapUnique(new WakefulProcessors(request));
  if (!Ask(request, kAny)) return nullptr;
  return processors;
}

WakefulProcessors::~WakefulProcessors() { close(request_); }

void WakefulProcessors::Change(bool hold) {
  absl::MutexLock lock(&mutex_);
  if (held() == hold || !Ask(request_, hold ? kNone : kAny)) return;
  held_.store(hold, std::memory_order_relaxed);
}

}  // namespace nvdimmfs::fs
