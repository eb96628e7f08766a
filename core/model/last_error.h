// Why something was refused last, and when: the content of x/last_error.
#ifndef NVDIMMFS_CORE_MODEL_LAST_ERROR_H_
#define NVDIMMFS_CORE_MODEL_LAST_ERROR_H_

#include <atomic>
#include <cstdint>
#include <string>

namespace nvdimmfs::core {

struct LastError {
  uint64_t number = 0;  // the later one has the larger; 0: nothing was refused
  std::string sentence;

  LastError LaterOf(LastError other) const { return other.number > number ? other : *this; }
};

// Any thread.
inline uint64_t NextErrorNumber() {
  static constinit std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_LAST_ERROR_H_
