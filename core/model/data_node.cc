// SPDX-License-Identifier: Apache-2.0
#include "core/model/data_node.h"

#include <memory>
#include <thread>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

size_t NumberOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t mine = next.fetch_add(1);
  return mine;
}

}  // namespace

DataNode::Stripe* DataNode::MakeStripes() {
  auto made = std::make_unique<Stripe[]>(kStripes);
  Stripe* there = nullptr;
  return stripes_.compare_exchange_strong(there, made.get(), std::memory_order_seq_cst)
             ? made.release()
             : there;
}

DataNode::Stripe* DataNode::Enter() {
  Stripe* stripes = stripes_.load(std::memory_order_acquire);
  if (ABSL_PREDICT_FALSE(stripes == nullptr)) stripes = MakeStripes();
  Stripe& stripe = stripes[NumberOfThread() % kStripes];
  // First count, then check; Close does it in the opposite order, so at least one of the two sees
  // the other.
  stripe.under_way.fetch_add(1, std::memory_order_seq_cst);
  if (!closed_.load(std::memory_order_seq_cst)) return &stripe;
  stripe.under_way.fetch_sub(1, std::memory_order_release);
  return nullptr;
}

IoCounts DataNode::counts() const {
  IoCounts sum;
  const Stripe* stripes = stripes_.load(std::memory_order_acquire);
  if (stripes == nullptr) return sum;
  for (const Stripe& stripe : absl::MakeSpan(stripes, kStripes))
    for (size_t kind = 0; kind < kIoKinds; ++kind) {
      sum.counts[kind].times += stripe.times[kind].load(std::memory_order_relaxed);
      sum.counts[kind].bytes += stripe.bytes[kind].load(std::memory_order_relaxed);
    }
  return sum;
}

std::shared_ptr<FileLoan> DataNode::LendFile() {
  absl::MutexLock lock(&lending_mutex_);
  if (!lends_ || closed()) return nullptr;
  std::shared_ptr<FileLoan> loan = media_->LendFile();
  loan_ = loan;
  return loan;
}

bool DataNode::on_loan() const {
  absl::MutexLock lock(&lending_mutex_);
  return !loan_.expired();
}

bool DataNode::StopLending() {
  absl::MutexLock lock(&lending_mutex_);
  if (!loan_.expired()) return false;
  lends_ = false;
  return true;
}

void DataNode::NoteRefusal(const absl::Status& status) {
  absl::MutexLock lock(&error_mutex_);
  last_error_ = LastError::OfRefusal(status);
}

LastError DataNode::last_error() const {
  absl::MutexLock lock(&error_mutex_);
  return last_error_;
}

void DataNode::Close() {
  closed_.store(true, std::memory_order_seq_cst);
  const Stripe* stripes = stripes_.load(std::memory_order_seq_cst);
  if (stripes == nullptr)
    return;  // no I/O yet; one that allocates them now checks closed_ afterwards
  for (const Stripe& stripe : absl::MakeSpan(stripes, kStripes))
    while (stripe.under_way.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

}  // namespace nvdimmfs::core
