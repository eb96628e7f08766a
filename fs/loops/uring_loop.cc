// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/uring_loop.h"

#include <linux/fuse.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/synchronization/blocking_counter.h"
#include "core/base/status.h"
#include "fs/loops/io_flusher.h"
#include "fs/loops/monotonic.h"
#include "fs/loops/placement.h"
#include "fs/loops/processors.h"
#include "fs/loops/uring_ring.h"

namespace nvdimmfs::fs {
namespace {

// Requests of one CPU that may be in flight at once; others wait in the kernel.
constexpr int kEntries = 16;
// After this many bytes, answers are no longer held back to be sent together.
constexpr size_t kBatch = 128 * 1024;
constexpr char kProcessors[] = "/sys/devices/system/cpu/possible";

}  // namespace

// A thread and its own state.
struct UringLoop::Server {
  int processor = 0;
  bool stays = false;  // on that CPU, unless another is better
  std::unique_ptr<UringRing> ring;
  std::vector<UringEntry*> entries;
  size_t live = 0;  // entries that may still receive a request
  Placement placement;
  QuickWatch::Probe probe;
  int64_t now = 0;    // when it last turned to its requests or answered one, nanoseconds
  size_t unsaid = 0;  // bytes moved but not yet reported to the kernel
  std::thread thread;

  absl::Mutex mutex;
  std::vector<UringEntry*> returned ABSL_GUARDED_BY(mutex);  // by helpers, answered
};

UringLoop::UringLoop(const Options& options, RequestHandler handler)
    : options_(options), handler_(std::move(handler)), processors_(OurProcessors()) {}

absl::StatusOr<std::unique_ptr<UringLoop>> UringLoop::Create(int device, const Options& options,
                                                             RequestHandler handler) {
  // The kernel waits until each of its queues has an entry, so their number must be exact.
  if (access(kProcessors, R_OK) != 0) return core::Refusal(errno, "uring.setup", kProcessors);
  auto loop = absl::WrapUnique(new UringLoop(options, std::move(handler)));
  RETURN_IF_ERROR(loop->AddServers(device, get_nprocs_conf()));
  return loop;
}

absl::Status UringLoop::AddServers(int device, int queues) {
  std::vector<Server*> server_of(static_cast<size_t>(queues), nullptr);
  for (int queue = 0; queue < queues; ++queue) {
    const bool own = options_.helpers > 0 && CPU_ISSET(static_cast<unsigned>(queue), &processors_);
    if (!own && !(servers_.empty() && queue == queues - 1)) continue;
    auto server = std::make_unique<Server>();
    server->processor = queue;
    server->stays = own && CPU_COUNT(&processors_) > 1;
    server_of[static_cast<size_t>(queue)] = server.get();
    servers_.push_back(std::move(server));
  }
  for (size_t queue = 0; queue < server_of.size(); ++queue) {
    // Queues of CPUs that this process cannot use, or that are offline, are distributed over the
    // servers.
    Server* const server =
        server_of[queue] != nullptr ? server_of[queue] : servers_[queue % servers_.size()].get();
    for (int i = 0; i < kEntries; ++i) {
      auto entry =
          UringEntry::Create(static_cast<uint16_t>(queue), options_.payload, options_.slack);
      if (entry == nullptr) return core::Refusal(ENOMEM, "uring.setup", "memory for requests");
      server->entries.push_back(entry.get());
      entries_.push_back(std::move(entry));
    }
  }
  for (const auto& server : servers_) {
    ASSIGN_OR_RETURN(server->ring,
                     UringRing::Create(device, static_cast<unsigned>(server->entries.size())));
  }
  return absl::OkStatus();
}

UringLoop::~UringLoop() { Stop(); }

void UringLoop::Start() {
  absl::BlockingCounter begun(static_cast<int>(servers_.size()) + options_.helpers);
  const auto begin = [&begun] {
    BecomeIoFlusher();
    begun.DecrementCount();
  };
  for (const auto& server : servers_)
    server->thread = std::thread([this, &server, &begin] {
      begin();
      Serve(*server);
    });
  for (int i = 0; i < options_.helpers; ++i)
    helpers_.emplace_back([this, &begin] {
      begin();
      Help();
    });
  // The caller may give up the capability that this needs.
  begun.Wait();
}

void UringLoop::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    job_there_.SignalAll();
  }
  // Join the helpers first: the servers send their last answers.
  for (std::thread& helper : helpers_) helper.join();
  helpers_.clear();
  stopping_ = true;
  for (const auto& server : servers_) {
    if (!server->thread.joinable()) continue;
    server->ring->Knock();
    server->thread.join();
  }
}

void UringLoop::Serve(Server& server) {
  Place(server);
  server.ring->Adopt();
  for (UringEntry* entry : server.entries) server.ring->Register(*entry);
  server.live = server.entries.size();
  while (!stopping_ && server.live > 0 && server.ring->Wait()) ServeWhatCame(server);
  CommitReturned(server);
  server.ring->Submit();
}

void UringLoop::ServeWhatCame(Server& server) {
  server.now = MonotonicNow();
  server.unsaid = 0;
  int came = 0;
  for (UringRing::Event event; server.ring->Next(event);) {
    if (event.entry == nullptr) {
      CommitReturned(server);
      continue;
    }
    if (event.error != 0) {  // the end of the mount, or the kernel did not need the entry
      --server.live;
      continue;
    }
    ++came;
    Take(server, *event.entry);
  }
  if (server.stays && server.placement.Answered(came, server.now)) Place(server);
}

// Moves the calling thread to the CPU where it serves best.
void UringLoop::Place(const Server& server) const {
  cpu_set_t processors = processors_;
  if (server.stays && !server.placement.elsewhere()) {
    CPU_ZERO(&processors);
    CPU_SET(static_cast<unsigned>(server.processor), &processors);
  } else if (server.stays) {
    CPU_CLR(static_cast<unsigned>(server.processor), &processors);
  }
  sched_setaffinity(0, sizeof processors, &processors);
}

void UringLoop::Take(Server& server, UringEntry& entry) {
  const absl::Span<std::byte> request = entry.Request();
  if (request.empty()) {
    entry.Refuse(EIO);
    return Commit(server, entry);
  }
  const bool alone = options_.helpers == 0;
  if (!alone && (!watch_.AreQuick(server.now) || MayWait(request)))
    return GiveToHelpers({&server, &entry, request});
  watch_.Begin(server.probe);
  Handle(entry, request);
  const int64_t end = MonotonicNow();
  watch_.End(server.probe, server.now, end);
  server.now = end;
  server.unsaid += request.size();
  Commit(server, entry);
}

bool UringLoop::MayWait(absl::Span<const std::byte> request) const {
  return options_.may_wait == nullptr || options_.may_wait(request);
}

void UringLoop::Handle(UringEntry& entry, absl::Span<std::byte> request) {
  handler_(request, entry);
  // The requester must not wait for ever.
  if (!entry.answered()) entry.Refuse(EIO);
}

void UringLoop::Commit(Server& server, UringEntry& entry) {
  server.ring->Commit(entry);
  server.unsaid += entry.header().entry.payload_size;
  if (server.unsaid < kBatch) return;
  server.ring->Submit();
  server.unsaid = 0;
}

void UringLoop::CommitReturned(Server& server) {
  std::vector<UringEntry*> returned;
  {
    absl::MutexLock lock(&server.mutex);
    returned.swap(server.returned);
  }
  for (UringEntry* entry : returned) Commit(server, *entry);
}

void UringLoop::GiveToHelpers(const Job& job) {
  absl::MutexLock lock(&mutex_);
  jobs_.push_back(job);
  job_there_.Signal();
}

std::optional<UringLoop::Job> UringLoop::NextJob() {
  absl::MutexLock lock(&mutex_);
  while (jobs_.empty() && !over_) job_there_.Wait(&mutex_);
  if (over_) return std::nullopt;
  const Job job = jobs_.front();
  jobs_.pop_front();
  return job;
}

void UringLoop::Help() {
  while (const std::optional<Job> job = NextJob()) {
    Handle(*job->entry, job->request);
    {
      absl::MutexLock lock(&job->server->mutex);
      job->server->returned.push_back(job->entry);
    }
    job->server->ring->Knock();
  }
}

}  // namespace nvdimmfs::fs
