// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/foreign_namespaces.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/folder.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

// Below a tree's mount point.
constexpr char kByUuid[] = "/dev/by-uuid/";
constexpr char kByName[] = "/dev/by-name/";

}  // namespace

bool ForeignNamespaces::MayHaveChanged(const std::string& volume, absl::Time deadline) const {
  const std::optional<Volume> known = table_.Find(volume);
  // Paths that exist if nothing has changed (known volume), or if something has (unknown volume).
  std::vector<std::pair<Source*, std::string>> asked;
  if (known) {
    if (!known->is_idle() || known->source == nullptr) return false;
    if (known->ns.node.empty()) return true;
    asked = {{known->source, kByUuid + known->record.uuid}};
  } else {
    for (const auto& source : sources_)
      asked.emplace_back(source.get(), kByName + LabelName(volume));
  }
  for (const auto& [source, path] : asked) {
    // Has, below, would wait for a hung server without a limit.
    if (source->Ping(deadline) != Source::Answer::kServing) continue;
    if (source->tree().Has(path) != known.has_value()) return true;
  }
  return false;
}

void ForeignNamespaces::LookAtSources() {
  for (const auto& source : sources_) {
    const auto listed = posix::ReadFolder(source->tree().mountpoint() + kByUuid);
    if (!listed.ok()) continue;
    const std::set<std::string> names(listed->begin(), listed->end());
    Changes changes = ChangesOf(*source, names);
    // An info block has a uuid of its own, which leads to the same node.
    const bool is_new =
        std::any_of(changes.added.begin(), changes.added.end(), [&](const std::string& name) {
          return changes.known_nodes.count(source->tree().NodeOf(name)) == 0;
        });
    if (is_new && !LookAtAll(*source, changes.missing)) continue;
    ForgetVanished(*source, changes.missing);
    seen_[source.get()] = names;
  }
}

ForeignNamespaces::Changes ForeignNamespaces::ChangesOf(const Source& source,
                                                        const std::set<std::string>& names) {
  Changes changes;
  const std::set<std::string>& seen = seen_[&source];
  for (const std::string& name : names)
    if (seen.count(name) == 0 && !own_.Has(name)) changes.added.push_back(name);
  table_.ForEach([&](const Volume& volume) {
    if (volume.source != &source) return;
    changes.known_nodes.insert(volume.ns.node);
    const std::string& uuid = volume.record.uuid;
    const bool was_there = seen.count(uuid) > 0 || volume.ns.node.empty();
    if (volume.is_idle() && was_there && names.count(uuid) == 0)
      changes.missing[uuid] = volume.ns.device;
  });
  // After the volumes: a removal adds to these before it takes the volume away.
  for (const Reclaimer::Leaving& leaving : reclaimer_.All())
    if (leaving.source == &source) changes.known_nodes.insert(leaving.ns.node);
  return changes;
}

// Adds volumes for other programs' namespaces, and to `missing` the volumes without a namespace.
// False: the source does not answer.
bool ForeignNamespaces::LookAtAll(Source& source, std::map<std::string, std::string>& missing) {
  std::map<std::string, std::string> before;  // volumes that the look must find
  table_.ForEach([&](const Volume& volume) {
    if (volume.source == &source && volume.is_idle()) before[volume.record.uuid] = volume.ns.device;
  });
  const auto namespaces = source.tree().Namespaces();
  if (!namespaces.ok()) return false;
  std::set<std::string> known;
  table_.ForEach([&](const Volume& volume) { known.insert(volume.record.uuid); });
  for (const DeviceTree::Namespace& ns : *namespaces) {
    before.erase(ns.uuid);
    // Own ones after the volumes: a removal adds to these before it takes the volume away.
    if (!ns.label_name.empty() && known.count(ns.uuid) == 0 && !own_.Has(ns.uuid))
      found_.AddForeign(source, ns);
  }
  missing.merge(before);
  return true;
}

// The candidates were not seen; they may have been enabled or disabled meanwhile.
void ForeignNamespaces::ForgetVanished(Source& source,
                                       const std::map<std::string, std::string>& candidates) {
  for (const auto& [uuid, device] : candidates) {
    if (core::ErrnoOf(source.tree().Find(uuid, device).status()) != ENODEV) continue;
    std::string name;
    table_.ForEach([&, &wanted = uuid](const Volume& volume) {
      if (volume.record.uuid == wanted) name = volume.record.name;
    });
    absl::StatusOr<ClaimedVolume> volume =
        table_.Claim(name, "being forgotten", absl::InfinitePast());
    if (!volume.ok() || volume->record().uuid != uuid) continue;
    volume->ForgetWhenReleased();
    own_.Drop(uuid);
    core::Log(core::LogLevel::kNotice, "volumes.recovery",
              absl::StrCat("volume ", name, ": forgotten: another program destroyed its namespace ",
                           "with uuid ", uuid));
    core::LogRefusal(core::LogLevel::kWarning, journal_.Drop(uuid));
  }
}

}  // namespace nvdimmfs::volumes
