// SPDX-License-Identifier: Apache-2.0
// What configuration costs inside the program, without FUSE: opening an image with N namespaces,
// and one creation and one deletion beside N others. The yardstick of opening is the least that any
// program does: reading and summing the N labels, from the same mapping, in the same rounds.
//
//   scale_bench FOLDER [COUNT...]
//
// FOLDER should be on tmpfs. Prints a table of medians, in microseconds of CPU: of opening the file
// and finding its label area (open), of validating the area (labels), of the device model (model:
// from the opened file to all devices enabled), of the same with the tree of names (tree), of
// making that tree's nodes, which a mount does once it is ready (nodes), and of x/create and
// x/destroy with the look-up after each.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "backends/image_backend.h"
#include "backends/image_create.h"
#include "btt/btt_layer.h"
#include "core/base/fletcher64.h"
#include "core/labels/label_area.h"
#include "core/sources/bus_source.h"
#include "core/system/system.h"
#include "fs/tree/tree.h"

namespace nvdimmfs {
namespace {

constexpr uint64_t kMiB = 1 << 20, kNamespace = 16 * kMiB;  // bytes
constexpr int kRounds = 7, kAtOnce = 8;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "scale_bench: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

template <typename T>
T Get(absl::StatusOr<T> result) {
  Check(result.status());
  return *std::move(result);
}

double CpuMicroseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double Microseconds(const std::function<void()>& work) {
  const double start = CpuMicroseconds();
  work();
  return CpuMicroseconds() - start;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

core::DimmSource Open(const std::string& path) { return Get(backends::OpenImage(path, 0, {})); }

core::BusSource BusOf(core::DimmSource dimm) {
  std::vector<core::DimmSource> dimms;
  dimms.push_back(std::move(dimm));
  return core::QemuBus(std::move(dimms));
}

// Writes one line to an attribute of the region.
void Store(core::System& system, absl::string_view attribute, const std::string& line) {
  const std::shared_ptr<core::Device> region = system.Find("region0");
  for (const core::Attribute& each : region->attributes())
    if (each.name == attribute) return Check(system.Store(*region, each, line));
  std::abort();
}

std::string LastCreated(core::System& system) {
  const std::shared_ptr<core::Device> region = system.Find("region0");
  for (const core::Attribute& each : region->attributes())
    if (each.name == "x/create") return Get(system.Show(*region, each));
  std::abort();
}

// Reads and sums every label that is in use, straight from the media.
double ReadLabels(const core::DimmSource& dimm, const core::LabelArea& area) {
  std::vector<std::byte> label(area.label_size());
  uint64_t sum = 0;
  const double time = Microseconds([&] {
    for (const core::StoredLabel& stored : area.labels()) {
      Check(dimm.labels->Read(area.slot_offset(stored.slot), absl::MakeSpan(label)));
      sum += core::Fletcher64(label, core::kNoChecksumField);
    }
  });
  if (sum == 0 && !area.labels().empty()) std::abort();
  return time;
}

constexpr char kLine[] = "size=16M mode=raw\n";

std::string MakeImage(const std::string& folder, int count) {
  const std::string path = absl::StrCat(folder, "/scale_bench.", getpid(), ".img");
  // Some slots stay free, and what the index blocks take is less than 4 KiB for each 8192.
  const uint64_t slots = static_cast<uint64_t>(count) + 64;
  const uint64_t label_size =
      std::max<uint64_t>(512 * 1024, (slots * 256 * 5 / 4 / 4096 + 4) * 4096);
  Get(backends::CreateImage({.path = path,
                             .size = (static_cast<uint64_t>(count) + 2 * kAtOnce) * kNamespace,
                             .label_size = label_size}));
  core::DimmSource dimm = Get(backends::OpenImage(path, 0, {.label_size = label_size}));
  Check(Get(core::LabelArea::Open(dimm.labels)).Initialise(core::LabelV1_2()));
  btt::BttLayer layer;
  core::System system(layer, nullptr);
  Check(system.AddBus(BusOf(std::move(dimm))));
  for (int i = 0; i < count; ++i) Store(system, "x/create", kLine);
  return path;
}

void Measure(const std::string& folder, int count) {
  const std::string path = MakeImage(folder, count);
  std::vector<double> read, open, labels, model, tree, making, create, destroy;
  for (int round = 0; round < kRounds; ++round) {
    btt::BttLayer layer;
    {
      core::DimmSource dimm;
      open.push_back(Microseconds([&] { dimm = Open(path); }));
      std::unique_ptr<core::LabelArea> area;
      labels.push_back(Microseconds([&] {
        area = std::make_unique<core::LabelArea>(Get(core::LabelArea::Open(dimm.labels)));
      }));
      read.push_back(ReadLabels(dimm, *area));
    }
    {
      core::BusSource bus = BusOf(Open(path));
      core::System system(layer, nullptr);
      model.push_back(Microseconds([&] { Check(system.AddBus(std::move(bus))); }));
    }
    core::BusSource bus = BusOf(Open(path));
    fs::Tree nodes;
    core::System system(layer, &nodes);
    tree.push_back(Microseconds([&] { Check(system.AddBus(std::move(bus))); }));
    making.push_back(Microseconds([&] { nodes.MakeNodes(); }));
    std::vector<std::string> made;
    for (int i = 0; i < kAtOnce; ++i) {
      create.push_back(Microseconds([&] {
        Store(system, "x/create", kLine);
        nodes.MakeNodes();
      }));
      made.push_back(LastCreated(system));
    }
    for (const std::string& name : made)
      destroy.push_back(Microseconds([&] { Store(system, "x/destroy", name); }));
  }
  std::printf("| %d | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f | %.0f | %.0f | %.0f |\n", count,
              Median(read), Median(open), Median(labels), Median(model), Median(tree),
              Median(tree) / std::max(1.0, 2 * Median(read)), Median(making), Median(create),
              Median(destroy));
  std::fflush(stdout);
  unlink(path.c_str());
}

}  // namespace
}  // namespace nvdimmfs

int main(int argc, char** argv) {
  // As the program has it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (argc < 2) {
    std::fprintf(stderr, "usage: scale_bench FOLDER [COUNT...]\n");
    return 2;
  }
  std::vector<int> counts;
  for (int i = 2; i < argc; ++i) counts.push_back(std::atoi(argv[i]));
  if (counts.empty()) counts = {1, 10, 100, 1000, 8000};
  std::puts(
      "| namespaces | read labels | open | labels | model | tree | tree / 2 reads | nodes | create "
      "| destroy |");
  std::puts("|---|---|---|---|---|---|---|---|---|---|");
  for (const int count : counts) nvdimmfs::Measure(argv[1], count);
  return 0;
}
