// Whether one program at a time asks something of the mount, or several do.
//
// Requests that are already there right after an answer, again and again, mean several: nobody who
// waited for that answer can have asked again so soon. A long run of requests of which no two were
// in work together, and none was found waiting, means one.
//
// Thread rules: any thread; Looked by one at a time.
#ifndef NVDIMMFS_FS_CROWD_H_
#define NVDIMMFS_FS_CROWD_H_

#include <atomic>

namespace nvdimmfs::fs {

class Crowd {
 public:
  bool several() const { return several_.load(std::memory_order_relaxed); }

  // The lone worker looked for a request right after an answer. True when this makes it several.
  bool Looked(bool was_there) {
    const int queued = queued_.load(std::memory_order_relaxed);
    const int next = was_there ? queued + 2 : queued > 0 ? queued - 1 : 0;
    queued_.store(next < kQueued ? next : 0, std::memory_order_relaxed);
    if (next < kQueued) return false;
    alone_.store(0, std::memory_order_relaxed);
    several_.store(true, std::memory_order_relaxed);
    return true;
  }

  // One of several looked, after an answer, and a request was there.
  void Queued() { alone_.store(0, std::memory_order_relaxed); }

  // Around each request.
  void Begin() {
    if (in_work_.fetch_add(1, std::memory_order_relaxed) > 0)
      alone_.store(0, std::memory_order_relaxed);
  }
  void End() {
    in_work_.fetch_sub(1, std::memory_order_relaxed);
    if (several() && alone_.fetch_add(1, std::memory_order_relaxed) >= kAlone)
      several_.store(false, std::memory_order_relaxed);
  }

 private:
  static constexpr int kQueued = 64, kAlone = 512;
  std::atomic<int> queued_{0};
  std::atomic<bool> several_{false};
  std::atomic<int> in_work_{0};
  std::atomic<int> alone_{0};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_CROWD_H_
