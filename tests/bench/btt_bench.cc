// SPDX-License-Identifier: Apache-2.0
// The BTT against libpmemblk, in one process, on files of one size on one tmpfs, with the same
// block sizes, threads and random blocks; and against two floors: what the media alone costs, with
// no translation at all.
//
//   btt_bench [--dir /dev/shm] [--mib 512] [--ms 400] [--rounds 3] [--clock wall|cpu]
//             [--peer on|off] [--mode dax|cache|both] [--size 4096|512] [--only write|read]
//             [--request 1048576]
//
// With --request: requests of many sectors instead, at random places, compared with one copy of the
// same size.
//
// Two modes, a process for each, since both libraries read their environment when they are loaded:
//   dax    both are told that the file is persistent memory: stores past the cache and fences
//   cache  our media sees a file in the page cache, as image files are on tmpfs and ext4: a drained
//          store survives the process. libpmemblk still believes in persistent memory; it would
//          call msync otherwise, and a system call is not what is compared.
// Each figure is the best round; rounds of the two alternate.
#include <fcntl.h>
#include <libpmemblk.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "backends/pmem2_media.h"
#include "btt/btt.h"
#include "btt/geometry.h"
#include "core/base/endian.h"

namespace {

using Clock = std::chrono::steady_clock;
using nvdimmfs::backends::Pmem2Media;
using nvdimmfs::btt::Btt;

struct Flags {
  std::string dir = "/dev/shm";
  uint64_t mib = 512;
  int ms = 400;
  int rounds = 3;
  bool cpu_clock = false;
  bool peer = true;
  std::string mode = "both";
  std::string only;    // "" is both directions
  size_t size = 0;     // 0 is both sizes
  size_t request = 0;  // bytes; 0 is one block
};

// One random block operation; the buffer is the thread's.
using Operation = std::function<bool(uint64_t block, std::byte* buffer)>;

struct Random {
  uint64_t state;
  uint64_t operator()() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
};

uint64_t ThreadCpuNs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

// Nanoseconds of one operation on one of `threads` threads.
double NsPerOp(const Operation& operation, uint64_t blocks, size_t block_size, int threads,
               const Flags& flags) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> total{0}, cpu_ns{0};
  std::vector<std::thread> workers;
  const auto start = Clock::now();
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      std::vector<std::byte> storage(block_size + 4096, std::byte{static_cast<uint8_t>(t + 1)});
      auto* buffer = reinterpret_cast<std::byte*>(
          (reinterpret_cast<uintptr_t>(storage.data()) + 4095) / 4096 * 4096);
      Random random{static_cast<uint64_t>(t) * 7919 + 88172645463325252ull};
      uint64_t done = 0;
      const uint64_t cpu_start = ThreadCpuNs();
      while (!stop.load(std::memory_order_relaxed))
        for (int i = 0; i < 64; ++i, ++done)
          if (!operation(random() % blocks, buffer)) std::abort();
      total += done;
      cpu_ns += ThreadCpuNs() - cpu_start;
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(flags.ms));
  stop = true;
  for (auto& worker : workers) worker.join();
  const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
  if (flags.cpu_clock) return static_cast<double>(cpu_ns) / static_cast<double>(total.load());
  return elapsed.count() * threads / static_cast<double>(total.load());
}

std::shared_ptr<Pmem2Media> MapFile(const std::string& path, uint64_t bytes) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0) return nullptr;
  auto media = Pmem2Media::Map(fd, {.offset = 0, .length = bytes, .name = path});
  close(fd);
  if (!media.ok()) std::fprintf(stderr, "%s\n", std::string(media.status().message()).c_str());
  return media.ok() ? *media : nullptr;
}

// Every block once, so that no page is missing and no map entry initial.
bool Fill(const Operation& write, uint64_t blocks, size_t block_size) {
  std::vector<std::byte> buffer(block_size, std::byte{0x5a});
  for (uint64_t block = 0; block < blocks; ++block)
    if (!write(block, buffer.data())) return false;
  return true;
}

struct Contender {
  Operation read, write;
};

// Requests of many blocks compared with one copy of the same size, to or from a media of its own
// (`other`); rounds alternate. The BTT's blocks lie in the order of its sectors at first, and at
// random after `shuffle`.
void CompareRequests(const Flags& flags, Btt& btt, Pmem2Media& other, uint64_t blocks,
                     size_t block_size, const Operation& shuffle) {
  const size_t request = flags.request;
  const uint64_t requests = blocks * block_size / request;
  const struct {
    const char* verb;
    Operation ours, floor;
  } rows[] = {
      {"write",
       [&](uint64_t i, std::byte* buffer) {
         return btt.Write(i * request, absl::MakeConstSpan(buffer, request)).ok();
       },
       [&](uint64_t i, std::byte* buffer) {
         return other.WriteThrough(i * request, absl::MakeConstSpan(buffer, request)).ok() &&
                other.Drain().ok();
       }},
      {"read",
       [&](uint64_t i, std::byte* buffer) {
         return btt.Read(i * request, absl::MakeSpan(buffer, request)).ok();
       },
       [&](uint64_t i, std::byte* buffer) {
         return other.Read(i * request, absl::MakeSpan(buffer, request)).ok();
       }}};
  for (const char* order : {"in order", "shuffled"}) {
    for (const auto& row : rows) {
      if (!flags.only.empty() && flags.only != row.verb) continue;
      double ours = 1e18, floor = 1e18;
      for (int round = 0; round < flags.rounds; ++round) {
        ours = std::min(ours, NsPerOp(row.ours, requests, request, 1, flags));
        floor = std::min(floor, NsPerOp(row.floor, requests, request, 1, flags));
      }
      std::printf("btt %-5s %zu B of %zu B, blocks %s: %.1f us, a copy %.1f us, ratio %.2f\n",
                  row.verb, request, block_size, order, ours / 1000, floor / 1000, ours / floor);
    }
    NsPerOp(shuffle, blocks, block_size, 1, flags);
  }
}

int Compare(const Flags& flags, size_t block_size) {
  const uint64_t bytes = flags.mib << 20;
  const std::string ours_path = flags.dir + "/nvdimmfs_bench." + std::to_string(getpid());
  const std::string theirs_path = flags.dir + "/pmemblk_bench." + std::to_string(getpid());

  PMEMblkpool* pool = pmemblk_create(theirs_path.c_str(), block_size, bytes, 0600);
  auto media = MapFile(ours_path, bytes);
  unlink(ours_path.c_str());
  unlink(theirs_path.c_str());
  if (pool == nullptr || media == nullptr) {
    std::fprintf(stderr, "cannot make the files in %s\n", flags.dir.c_str());
    return 1;
  }
  auto opened = Btt::OpenOrFormat(media,
                                  {.uuid = nvdimmfs::core::Uuid::Random(),
                                   .external_lbasize = static_cast<uint32_t>(block_size)},
                                  false);
  if (!opened.ok()) return 1;
  Btt& btt = **opened;
  const uint64_t blocks = std::min<uint64_t>(pmemblk_nblock(pool), btt.size() / block_size);

  const Contender ours{
      [&](uint64_t block, std::byte* buffer) {
        return btt.Read(block * block_size, absl::MakeSpan(buffer, block_size)).ok();
      },
      [&](uint64_t block, std::byte* buffer) {
        return btt.Write(block * block_size, absl::MakeConstSpan(buffer, block_size)).ok();
      }};
  const Contender theirs{[&](uint64_t block, std::byte* buffer) {
                           return pmemblk_read(pool, buffer, static_cast<long long>(block)) == 0;
                         },
                         [&](uint64_t block, std::byte* buffer) {
                           return pmemblk_write(pool, buffer, static_cast<long long>(block)) == 0;
                         }};
  const auto store = [&](uint64_t block, std::byte* buffer) {
    return media->WriteThrough((block + 2) * block_size, absl::MakeConstSpan(buffer, block_size))
        .ok();
  };
  const Operation floor_read = [&](uint64_t block, std::byte* buffer) {
    return media->Read(block * block_size, absl::MakeSpan(buffer, block_size)).ok();
  };
  // What no BTT can do without: a map entry, and the copy that it leads to. No bounds, no readers
  // next to writers, no poison, no lost pages.
  const nvdimmfs::btt::ArenaGeometry arena = btt.arenas()[0]->geometry();
  const std::byte* mapping = media->mapping();
  const Operation floor_lookup = [&, arena, mapping](uint64_t block, std::byte* buffer) {
    const std::byte* entry = mapping + arena.MapAt(static_cast<uint32_t>(block));
    const uint32_t postmap = nvdimmfs::core::LoadLe<uint32_t>(entry) & 0x3fffffff;
    std::memcpy(buffer, mapping + arena.BlockAt(postmap), block_size);
    return true;
  };
  const Operation floor_write = [&](uint64_t block, std::byte* buffer) {
    return store(block, buffer) && media->Drain().ok() && media->Drain().ok() &&
           media->Drain().ok();
  };
  // The stores of the BTT, and none of its work.
  const Operation floor_commit = [&](uint64_t block, std::byte* buffer) {
    return store(block, buffer) && media->StoreThrough64(0, block).ok() && media->Drain().ok() &&
           media->StoreThrough64(8, block).ok() && media->Drain().ok() &&
           media->StoreThrough32(64 + block % 128 * 4, 1).ok() && media->Drain().ok();
  };
  if (!Fill(ours.write, blocks, block_size) || !Fill(theirs.write, blocks, block_size)) return 1;

  if (flags.request != 0) {
    auto other = MapFile(ours_path, bytes);
    unlink(ours_path.c_str());
    if (other != nullptr) CompareRequests(flags, btt, *other, blocks, block_size, ours.write);
    pmemblk_close(pool);
    return other == nullptr;
  }
  for (const bool write : {true, false}) {
    if (!flags.only.empty() && flags.only != (write ? "write" : "read")) continue;
    for (const int threads : {1, 2}) {
      double best_ours = 1e18, best_theirs = 1e18;
      for (int round = 0; round < flags.rounds; ++round) {
        best_ours = std::min(
            best_ours, NsPerOp(write ? ours.write : ours.read, blocks, block_size, threads, flags));
        if (flags.peer)
          best_theirs = std::min(best_theirs, NsPerOp(write ? theirs.write : theirs.read, blocks,
                                                      block_size, threads, flags));
      }
      std::printf("btt %-5s %4zu B %d thread%s  nvdimmfs %6.0f ns", write ? "write" : "read",
                  block_size, threads, threads == 1 ? " " : "s", best_ours);
      if (flags.peer)
        std::printf("  libpmemblk %6.0f ns  ratio %.2f", best_theirs, best_theirs / best_ours);
      std::printf("\n");
    }
  }
  // Last: they write over the BTT.
  opened->reset();
  struct Floor {
    const char* direction;
    const Operation& operation;
    const char* what;
  };
  for (const Floor& floor :
       {Floor{"read", floor_read, "copy from the mapping"},
        Floor{"read", floor_lookup, "a map entry, and the copy that it leads to"},
        Floor{"write", floor_write, "copy to the media, three drains"},
        Floor{"write", floor_commit, "the same, and a word of eight bytes or four before each"}}) {
    if (!flags.only.empty() && flags.only != floor.direction) continue;
    double best = 1e18;
    for (int round = 0; round < flags.rounds; ++round)
      best = std::min(best, NsPerOp(floor.operation, blocks - 4, block_size, 1, flags));
    std::printf("floor %-5s %4zu B 1 thread   %7.0f ns  (%s)\n", floor.direction, block_size, best,
                floor.what);
  }
  pmemblk_close(pool);
  return 0;
}

Flags Parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--dir")
      flags.dir = argv[i + 1];
    else if (name == "--mib")
      flags.mib = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--ms")
      flags.ms = std::atoi(argv[i + 1]);
    else if (name == "--clock")
      flags.cpu_clock = std::strcmp(argv[i + 1], "cpu") == 0;
    else if (name == "--peer")
      flags.peer = std::strcmp(argv[i + 1], "off") != 0;
    else if (name == "--mode")
      flags.mode = argv[i + 1];
    else if (name == "--only")
      flags.only = argv[i + 1];
    else if (name == "--size")
      flags.size = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--request")
      flags.request = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--rounds")
      flags.rounds = std::atoi(argv[i + 1]);
  }
  return flags;
}

constexpr char kModeVariable[] = "BTT_BENCH_MODE";

// Starts this program again with the environment of `mode`; its exit status.
int RunMode(const char* mode, char** argv) {
  const pid_t child = fork();
  if (child == 0) {
    setenv(kModeVariable, mode, 1);
    setenv("PMEM_IS_PMEM_FORCE", "1", 1);
    if (std::strcmp(mode, "dax") == 0)
      setenv("PMEM2_FORCE_GRANULARITY", "CACHE_LINE", 1);
    else
      unsetenv("PMEM2_FORCE_GRANULARITY");
    execv("/proc/self/exe", argv);
    std::perror("start again");
    _exit(1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status;
}

int RunAllModes(const Flags& flags, char** argv) {
  for (const char* mode : {"dax", "cache"})
    if (flags.mode == "both" || flags.mode == mode)
      if (RunMode(mode, argv) != 0) return 1;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Flags flags = Parse(argc, argv);
  const char* mode = std::getenv(kModeVariable);
  if (mode == nullptr) return RunAllModes(flags, argv);
  std::printf("--- %s\n", std::strcmp(mode, "dax") == 0 ? "as on DAX (mode dax)"
                                                        : "as in the page cache (mode cache)");
  for (const size_t block_size : {size_t{4096}, size_t{512}})
    if (flags.size == 0 || flags.size == block_size)
      if (const int failed = Compare(flags, block_size)) return failed;
  return 0;
}
