// SPDX-License-Identifier: Apache-2.0
// Namespaces that other programs make or destroy while the plugin runs.
//
// Looking at all namespaces means reading a description of each, so names are compared first: a
// source's dev/by-uuid with what it showed at the last look.
#ifndef NVDIMMFS_TOOLS_VOLUMES_FOREIGN_NAMESPACES_H_
#define NVDIMMFS_TOOLS_VOLUMES_FOREIGN_NAMESPACES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/volumes/found_volumes.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/reclaimer.h"
#include "tools/volumes/source.h"
#include "tools/volumes/threads.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread.
class ForeignNamespaces {
 public:
  ForeignNamespaces(const Sources& sources, Journal& journal, VolumeTable& table,
                    OwnNamespaces& own, const Reclaimer& reclaimer, FoundVolumes& found)
      : sources_(sources),
        journal_(journal),
        table_(table),
        own_(own),
        reclaimer_(reclaimer),
        found_(found),
        looking_([this] { LookAtSources(); }) {}

  // Adds volumes of new namespaces and forgets those whose namespaces are gone. One thread looks at
  // a time, for all callers; a source that does not answer by `deadline` is waited for no longer.
  void Look(absl::Time deadline) { looking_.Run(deadline); }
  // Whether a call about this volume must look first, because another program may have made or
  // destroyed its namespace. Asks for that name alone.
  bool MayHaveChanged(const std::string& volume, absl::Time deadline) const;

 private:
  struct Changes {
    std::vector<std::string> added;              // names in dev/by-uuid, not of our namespaces
    std::map<std::string, std::string> missing;  // of volumes: uuid, device
    std::set<std::string> known_nodes;           // of all volumes of the source
  };

  void LookAtSources();
  Changes ChangesOf(const Source& source, const std::set<std::string>& names);
  bool LookAtAll(Source& source, std::map<std::string, std::string>& missing);
  void ForgetVanished(Source& source, const std::map<std::string, std::string>& candidates);

  const Sources& sources_;
  Journal& journal_;
  VolumeTable& table_;
  OwnNamespaces& own_;
  const Reclaimer& reclaimer_;
  FoundVolumes& found_;
  // Names at the last look. Used by the thread that looks alone.
  std::map<const Source*, std::set<std::string>> seen_;
  SharedWork looking_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_FOREIGN_NAMESPACES_H_
