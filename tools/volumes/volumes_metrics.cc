// Volumes: what there is to measure, as OpenMetrics.
#include "absl/time/clock.h"
#include "core/base/open_metrics.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

// A scraper does not wait for a server that hangs.
constexpr absl::Duration kPatience = absl::Seconds(2);

}  // namespace

std::string Volumes::Metrics() {
  std::vector<Volume> volumes;
  std::vector<Leaving> leaving;
  std::map<const Source*, uint64_t> deaths;
  {
    absl::MutexLock lock(&mutex_);
    deaths = deaths_;
    for (const auto& [name, volume] : volumes_) volumes.push_back(*volume);
    for (const LeavingPtr& one : leaving_) leaving.push_back(*one);
  }
  core::OpenMetrics text("nvdimmfs_volumes_");
  const absl::Time deadline = absl::Now() + kPatience;
  std::set<const Source*> up;
  for (const auto& source : sources_)
    if (source->Ping(deadline) == Source::Answer::kServing) up.insert(source.get());
  const auto of_volumes = [&](absl::string_view name, absl::string_view help, auto value) {
    text.Family(name, help);
    for (const Volume& volume : volumes)
      text.Value({{"volume", volume.record.name}}, value(volume));
  };
  of_volumes("volume_size_bytes", "What the volume's namespace takes of its region.",
             [](const Volume& v) { return v.ns.size; });
  of_volumes("volume_capacity_bytes",
             "Bytes of the volume's data file, or of the device below its file system.",
             [](const Volume& v) { return v.ns.capacity; });
  of_volumes("volume_mounts", "Mount ids that have the volume.",
             [](const Volume& v) { return v.record.mount_ids.size(); });
  of_volumes("volume_failed", "1 where the volume cannot be used.",
             [](const Volume& v) { return v.error.empty() ? 0 : 1; });
  of_volumes("volume_busy", "1 while the volume is being worked on.",
             [](const Volume& v) { return v.doing.empty() ? 0 : 1; });
  of_volumes("volume_up", "1 while the server of the volume's source answers.",
             [&](const Volume& v) { return up.count(v.source) > 0 ? 1 : 0; });
  std::vector<MountedThing> dead;
  for (const Volume& volume : volumes)
    dead.insert(dead.end(), volume.dead.begin(), volume.dead.end());
  const UserIndex index(FindMountUsers(dead, config_.root + "/volumes"));
  of_volumes("volume_dead_mounts",
             "Mounts in containers of what a server that died had served; restart these.",
             [&](const Volume& v) { return index.Of(v.dead).size(); });
  text.Family("leaving", "Removed volumes whose bytes are still being erased.");
  text.Value({}, leaving.size());
  text.Family("leaving_bytes", "Size of their namespaces.");
  uint64_t bytes = 0;
  for (const Leaving& one : leaving) bytes += one.ns.size;
  text.Value({}, bytes);
  text.Family("source_up", "1 while the server of the source answers.");
  for (const auto& source : sources_)
    text.Value({{"source", source->path()}}, up.count(source.get()));
  text.Family("source_deaths", "How many servers of the source died since the plugin started.");
  for (const auto& source : sources_)
    text.Value({{"source", source->path()}}, deaths[source.get()]);
  text.Family("source_trouble", "1 where the source cannot be served; its label `why` says why.");
  for (const auto& source : sources_)
    if (const std::string why = source->trouble(); !why.empty())
      text.Value({{"source", source->path()}, {"why", why}}, 1);
  std::map<const Source*, std::vector<DeviceTree::Region>> regions;
  for (const auto& source : sources_)
    if (up.count(source.get()) > 0) regions[source.get()] = source->Regions(deadline);
  const auto of_regions = [&](absl::string_view name, absl::string_view help, auto value) {
    text.Family(name, help);
    for (const auto& source : sources_) {
      for (const DeviceTree::Region& region : regions[source.get()])
        text.Value({{"source", source->path()}, {"region", region.device}}, value(region));
    }
  };
  using Region = DeviceTree::Region;
  of_regions("region_size_bytes", "Size of the region.", [](const Region& r) { return r.size; });
  of_regions("region_available_bytes", "What is free in it.",
             [](const Region& r) { return r.available; });
  of_regions("region_bad_sectors", "Bad sectors of 512 bytes in it.",
             [](const Region& r) { return r.bad_sectors; });
  return text.Finish();
}

}  // namespace nvdimmfs::volumes
