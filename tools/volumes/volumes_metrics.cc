// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volumes_metrics.h"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "core/base/open_metrics.h"
#include "tools/volumes/mount_users.h"

namespace nvdimmfs::volumes {
namespace {

// A scraper does not wait for a server that hangs.
constexpr absl::Duration kPatience = absl::Seconds(2);

}  // namespace

std::string MeasureVolumes(const StateDirectory& directory, const Sources& sources,
                           const VolumeTable& table, const Reclaimer& reclaimer,
                           const SourceKeeper& keeper) {
  const std::vector<Volume> volumes = table.All();
  const std::vector<Reclaimer::Leaving> leaving = reclaimer.All();
  core::OpenMetrics text("nvdimmfs_volumes_");
  const absl::Time deadline = absl::Now() + kPatience;
  std::set<const Source*> up;
  for (const auto& source : sources)
    if (source->Ping(deadline) == Source::Answer::kServing) up.insert(source.get());
  const auto of_volumes = [&](absl::string_view name, absl::string_view help, auto value) {
    text.Family(name, help);
    for (const Volume& volume : volumes)
      text.Value({{"volume", volume.record.name}}, value(volume));
  };
  of_volumes("volume_size_bytes", "Size of the volume's namespace in its region.",
             [](const Volume& v) { return v.ns.size; });
  of_volumes("volume_capacity_bytes",
             "Bytes of the volume's data file, or of the device below its file system.",
             [](const Volume& v) { return v.ns.capacity; });
  of_volumes("volume_mounts", "Mount ids that hold the volume.",
             [](const Volume& v) { return v.record.mount_ids.size(); });
  of_volumes("volume_failed", "1 if the volume is unusable.",
             [](const Volume& v) { return v.error.empty() ? 0 : 1; });
  of_volumes("volume_busy", "1 while the plugin works on the volume.",
             [](const Volume& v) { return v.doing.empty() ? 0 : 1; });
  of_volumes("volume_up", "1 while the server of the volume's source answers.",
             [&](const Volume& v) { return up.count(v.source) > 0 ? 1 : 0; });
  std::vector<MountedThing> dead;
  for (const Volume& volume : volumes)
    dead.insert(dead.end(), volume.dead.begin(), volume.dead.end());
  const UserIndex index(FindMountUsers(dead, directory.volumes()));
  of_volumes("volume_dead_mounts",
             "Mounts of a server that died, in containers that must be restarted.",
             [&](const Volume& v) { return index.Of(v.dead).size(); });
  text.Family("leaving", "Removed volumes that are still being erased.");
  text.Value({}, leaving.size());
  text.Family("leaving_bytes",
              "Size of the namespaces of removed volumes that are still being erased.");
  uint64_t bytes = 0;
  for (const Reclaimer::Leaving& one : leaving) bytes += one.ns.size;
  text.Value({}, bytes);
  text.Family("source_up", "1 while the server of the source answers.");
  for (const auto& source : sources)
    text.Value({{"source", source->path()}}, up.count(source.get()));
  text.Family("source_deaths", "Servers of the source that died since the plugin started.");
  for (const auto& source : sources)
    text.Value({{"source", source->path()}}, keeper.CountDeaths(*source));
  text.Family("source_trouble",
              "1 if the source cannot be served, with the reason as label `why`.");
  for (const auto& source : sources)
    if (const std::string why = source->trouble(); !why.empty())
      text.Value({{"source", source->path()}, {"why", why}}, 1);
  std::map<const Source*, std::vector<DeviceTree::Region>> regions;
  for (const auto& source : sources)
    if (up.count(source.get()) > 0) regions[source.get()] = source->Regions(deadline);
  const auto of_regions = [&](absl::string_view name, absl::string_view help, auto value) {
    text.Family(name, help);
    for (const auto& source : sources) {
      for (const DeviceTree::Region& region : regions[source.get()])
        text.Value({{"source", source->path()}, {"region", region.device}}, value(region));
    }
  };
  using Region = DeviceTree::Region;
  of_regions("region_size_bytes", "Size of the region.", [](const Region& r) { return r.size; });
  of_regions("region_available_bytes", "Free bytes of the region.",
             [](const Region& r) { return r.available; });
  of_regions("region_bad_sectors", "Bad 512-byte sectors of the region.",
             [](const Region& r) { return r.bad_sectors; });
  return text.Finish();
}

}  // namespace nvdimmfs::volumes
