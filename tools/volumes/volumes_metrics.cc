// Volumes: what there is to measure, as OpenMetrics.
#include "core/base/open_metrics.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
std::string Volumes::Metrics() {
  std::vector<Volume> volumes;
  std::vector<Leaving> leaving;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, volume] : volumes_) volumes.push_back(*volume);
    for (const LeavingPtr& one : leaving_) leaving.push_back(*one);
  }
  core::OpenMetrics text("nvdimmfs_volumes_");
  text.Family("volume_size_bytes", "Size of the volume's namespace.");
  for (const Volume& volume : volumes) text.Value({{"volume", volume.record.name}}, volume.ns.size);
  text.Family("volume_mounts", "Mount ids that have the volume.");
  for (const Volume& volume : volumes)
    text.Value({{"volume", volume.record.name}}, volume.record.mount_ids.size());
  text.Family("volume_failed", "1 where the volume cannot be used.");
  for (const Volume& volume : volumes)
    text.Value({{"volume", volume.record.name}}, volume.error.empty() ? 0 : 1);
  text.Family("volume_busy", "1 while the volume is being worked on.");
  for (const Volume& volume : volumes)
    text.Value({{"volume", volume.record.name}}, volume.doing.empty() ? 0 : 1);
  text.Family("leaving", "Removed volumes whose bytes are still being erased.");
  text.Value({}, leaving.size());
  text.Family("leaving_bytes", "Size of their namespaces.");
  uint64_t bytes = 0;
  for (const Leaving& one : leaving) bytes += one.size;
  text.Value({}, bytes);
  text.Family("source_up", "1 while the server of the source answers.");
  for (const auto& source : sources_)
    text.Value({{"source", source->path()}}, source->IsServed() ? 1 : 0);
  text.Family("source_trouble", "1 where the source cannot be served; its label `why` says why.");
  for (const auto& source : sources_)
    if (const std::string why = source->trouble(); !why.empty())
      text.Value({{"source", source->path()}, {"why", why}}, 1);
  const auto of_regions = [&](absl::string_view name, absl::string_view help, auto value) {
    text.Family(name, help);
    for (const auto& source : sources_) {
      const auto regions = source->tree().Regions();
      if (!regions.ok()) continue;
      for (const DeviceTree::Region& region : *regions)
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
