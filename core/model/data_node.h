// SPDX-License-Identifier: Apache-2.0
// A file below dev/: the bytes that a device exposes.
//
// Thread rules: any thread, no lock. An I/O holds an Access for as long as it touches the media.
// Close refuses new ones and waits for those in flight, so no I/O reaches the media of an unbound
// device.
#ifndef NVDIMMFS_CORE_MODEL_DATA_NODE_H_
#define NVDIMMFS_CORE_MODEL_DATA_NODE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/media/file_loan.h"
#include "core/media/media.h"
#include "core/model/io_counts.h"
#include "core/model/last_error.h"

namespace nvdimmfs::core {

class DataNode {
 public:
  struct Options {
    std::string name;             // the file's name below dev/
    uint16_t mode = 0600;         // permission bits
    uint32_t block_size = 512;    // bytes: the logical block size (st_blksize)
    bool atomic_sectors = false;  // a write is durable, sector by sector, when it returns
    bool read_only = false;
  };
  DataNode(std::shared_ptr<Media> media, Options options)
      : media_(std::move(media)), options_(std::move(options)), read_only_(options_.read_only) {}
  ~DataNode() { delete[] stripes_.load(); }

  const std::string& name() const { return options_.name; }
  uint16_t mode() const { return options_.mode; }
  uint32_t block_size() const { return options_.block_size; }
  bool atomic_sectors() const { return options_.atomic_sectors; }
  uint64_t size() const { return media_->size(); }  // bytes: the capacity
  bool read_only() const { return read_only_.load(std::memory_order_relaxed); }
  void set_read_only(bool value) { read_only_.store(value, std::memory_order_relaxed); }
  // Use it only within an Access. Flush does not need one: it stores nothing, and may take long.
  Media& media() const { return *media_; }

  // An I/O was refused. The sentence is for x/last_error. The thread that shows it holds the
  // configuration lock; the data path never takes that lock.
  void NoteRefusal(const absl::Status& status) ABSL_LOCKS_EXCLUDED(error_mutex_);
  LastError last_error() const ABSL_LOCKS_EXCLUDED(error_mutex_);

  // Open files. x/destroy checks the number; nothing waits for it.
  void AddHolder() { holders_.fetch_add(1); }
  void DropHolder() { holders_.fetch_sub(1); }
  int holders() const { return holders_.load(); }

  // The I/O since the node exists, except what bypasses this process (LendFile).
  IoCounts counts() const;

 private:
  // Each thread uses one of several stripes, so that readers do not share a cache line.
  struct alignas(64) Stripe {
    std::atomic<uint32_t> under_way{0};
    std::array<std::atomic<uint64_t>, kIoKinds> times{}, bytes{};
  };

 public:
  // One I/O in flight. Test it before use: it is false once the node is closed.
  class Access {
   public:
    explicit Access(DataNode& node) : stripe_(node.Enter()) {}
    ~Access() {
      if (stripe_ != nullptr) stripe_->under_way.fetch_sub(1, std::memory_order_release);
    }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
    explicit operator bool() const { return stripe_ != nullptr; }

    // Adds to the node's counts.
    void Count(IoKind kind, uint64_t bytes = 0) const {
      stripe_->times[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
      if (bytes != 0)
        stripe_->bytes[static_cast<size_t>(kind)].fetch_add(bytes, std::memory_order_relaxed);
    }

   private:
    Stripe* const stripe_;
  };

  // The file behind the node, for reading or writing it directly; null if there is none, or lending
  // has stopped. A borrower cannot be stopped, so the node must not be closed while a loan is out.
  std::shared_ptr<FileLoan> LendFile();
  bool on_loan() const;
  // Refuses loans from now on. Returns false and changes nothing while one is out.
  bool StopLending();

  // Refuses I/O from now on and returns when none is in flight. Long operations (discards) take an
  // Access per piece, so this waits for one piece at most.
  void Close();
  bool closed() const { return closed_.load(); }

 private:
  static constexpr size_t kStripes = 16;

  Stripe* Enter();
  Stripe* MakeStripes();

  const std::shared_ptr<Media> media_;
  const Options options_;
  std::atomic<bool> read_only_;
  std::atomic<bool> closed_{false};
  std::atomic<int> holders_{0};
  mutable absl::Mutex error_mutex_;  // no other lock is taken under it
  LastError last_error_ ABSL_GUARDED_BY(error_mutex_);
  mutable absl::Mutex lending_mutex_;
  std::weak_ptr<FileLoan> loan_ ABSL_GUARDED_BY(lending_mutex_);
  bool lends_ ABSL_GUARDED_BY(lending_mutex_) = true;
  // kStripes of them, allocated by the first I/O: most nodes are never read.
  std::atomic<Stripe*> stripes_{nullptr};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DATA_NODE_H_
