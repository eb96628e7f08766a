// SPDX-License-Identifier: Apache-2.0
// All volumes of this plugin: the protocol's calls, carried out.
//
// The labels are the truth: a volume is a namespace with a name. The journal keeps what does not
// fit into a label, and what is under way. After a kill at any point, the state shows what to
// finish or to undo, because everything happens in this order:
//
//   create   record "creating"; namespace with its name; record "formatting"; content;
//            record "ready"
//   mount    loop device and mounts; the id into the record
//   unmount  the id out of the record; mounts
//   remove   the ids out of the record; mounts; record "removing", from which on there is no such
//            volume; bytes; namespace; the record itself
//
// The parts: VolumeTable (which volumes exist, and who works on them), VolumeMaker, VolumeMounts,
// Reclaimer (the steps), Recovery and SourceKeeper (what a kill leaves, of the plugin or of a
// server), ForeignNamespaces (what others do), BackgroundWork (threads).
//
// Thread rules: any thread. Lock order: VolumeMaker's, VolumeTable's, then all others; none of
// these is held while another part's work waits.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/json.h"
#include "tools/volumes/background_work.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/foreign_namespaces.h"
#include "tools/volumes/found_volumes.h"
#include "tools/volumes/job.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/reclaimer.h"
#include "tools/volumes/recovery.h"
#include "tools/volumes/source.h"
#include "tools/volumes/source_keeper.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/volume_driver.h"
#include "tools/volumes/volume_maker.h"
#include "tools/volumes/volume_mounts.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

class Volumes final : public VolumeDriver {
 public:
  struct Config {
    std::string root;                  // absolute; created if it is missing
    std::vector<std::string> sources;  // as nvdimmfs takes them
    uint64_t default_size = 0;         // of a volume without size=, in bytes; 0: refused
    bool adopt = false;  // namespaces that were not made here may be removed like the others
  };

  // Serves the sources, and repairs what a predecessor left. Refused as StateDirectory::Open and
  // SourceKeeper::ServeAll.
  static absl::StatusOr<std::unique_ptr<Volumes>> Open(const Config& config);

  absl::Status Create(const std::string& name, const OptionMap& options) override;
  absl::Status Remove(const std::string& name) override;
  absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) override;
  absl::Status Unmount(const std::string& name, const std::string& id) override;
  absl::StatusOr<std::string> Path(const std::string& name) override;
  absl::StatusOr<VolumeView> Get(const std::string& name) override;
  std::vector<VolumeView> List() override;
  absl::Status Release(const std::string& name) override;
  std::string Metrics() override;

  // Replaces servers that died, tries sources and removals again, looks for users. Returns how long
  // to wait until the next call: a second at most.
  absl::Duration Watch();
  // At a regular end: writes back everything that is mounted, unmounts what is not in use and ends
  // the servers that are not needed. What containers have mounted continues without the plugin.
  void Close();

 private:
  Volumes(const Config& config, StateDirectory directory);

  absl::Status Recover();
  absl::Status Make(ClaimedVolume& volume, Job& job);
  absl::Status CheckRemovable(const Volume& volume) const;
  absl::Status DoRemove(ClaimedVolume& volume, Job& job);
  core::Json StatusOf(const Volume& volume, absl::Time deadline);

  const Config config_;
  const StateDirectory directory_;
  const Sources sources_;
  Journal journal_;
  OwnNamespaces own_;
  VolumeTable table_;
  FoundVolumes found_;
  VolumeMounts mounts_;
  Reclaimer reclaimer_;
  VolumeMaker maker_;
  Recovery recovery_;
  SourceKeeper keeper_;
  ForeignNamespaces foreign_;
  absl::Time next_ping_ = absl::InfinitePast();  // of Watch alone
  BackgroundWork background_;                    // last: its end waits for work on all of the above
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_
