#include "core/data_node.h"

#include <thread>

namespace nvdimmfs::core {
namespace {

size_t StripeOfThread(size_t stripes) {
  static std::atomic<size_t> next{0};
  thread_local const size_t mine = next.fetch_add(1);
  return mine % stripes;
}

}  // namespace

std::atomic<uint32_t>* DataNode::Enter() {
  std::atomic<uint32_t>& counter = under_way_[StripeOfThread(under_way_.size())].value;
  // Count first, look second; Close does it the other way round, so one of the two sees the other.
  counter.fetch_add(1, std::memory_order_seq_cst);
  if (!closed_.load(std::memory_order_seq_cst)) return &counter;
  counter.fetch_sub(1, std::memory_order_release);
  return nullptr;
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

void DataNode::Close() {
  closed_.store(true, std::memory_order_seq_cst);
  for (const Counter& counter : under_way_)
    while (counter.value.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

}  // namespace nvdimmfs::core
