// All volumes of this plugin: the protocol's calls, what goes on behind them, and what is put right
// after a crash.
//
// The labels are the truth: a volume is a namespace with a name. The journal has what does not fit
// into a label, and what was under way. Everything is ordered so that whoever finds the state after
// a kill, at any point, knows what to finish or to undo:
//
//   create   record "creating"; namespace, name and all; record "formatting"; content; record
//   "ready" mount    loop device and mounts; the id into the record unmount  the id out of the
//   record; mounts remove   the ids out of the record; mounts; record "removing": from here on
//   there is no such
//            volume; bytes; namespace; the record itself
//
// A source that cannot be served does not hold up the others: its volumes are there and say why
// they cannot be used, and it is tried again.
//
// What is in use is said by the mount tables of all processes (volumes_use.cc), not by the mount
// ids of engines: those are lost when somebody is killed.
//
// Each volume is worked on by one thread at a time, which marks it with what it is `doing`; nothing
// but memory is touched under the lock.
//
// Thread rules: any thread. Lock order: allocation_, then mutex_, then Job, DeviceTree or
// Journal.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/job.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/mount_users.h"
#include "tools/volumes/record.h"
#include "tools/volumes/source.h"
#include "tools/volumes/threads.h"
#include "tools/volumes/volume_driver.h"

namespace nvdimmfs::volumes {

class Volumes final : public VolumeDriver {
 public:
  struct Config {
    std::string root;                  // absolute; made where it is missing
    std::vector<std::string> sources;  // as nvdimmfs takes them
    uint64_t default_size = 0;         // of a volume without size=; 0: refused
    bool adopt = false;  // namespaces that were not made here may be removed like the others
  };

  // Serves the sources, and puts right what a predecessor left. Refused with EBUSY, "volumes.root",
  // where another plugin has the directory; as Source::Serve, where none of them can be served.
  static absl::StatusOr<std::unique_ptr<Volumes>> Open(const Config& config);
  // Waits for what is under way.
  ~Volumes() override;

  absl::Status Create(const std::string& name, const OptionMap& options) override;
  absl::Status Remove(const std::string& name) override;
  absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) override;
  absl::Status Unmount(const std::string& name, const std::string& id) override;
  absl::StatusOr<std::string> Path(const std::string& name) override;
  absl::StatusOr<VolumeView> Get(const std::string& name) override;
  std::vector<VolumeView> List() override;
  absl::Status Release(const std::string& name) override;
  std::string Metrics() override;

  // To be called every second or so: a server that died is replaced, with what was mounted from it;
  // a source that could not be served, and a removal that could not be finished, is tried again;
  // who uses what is looked at. How long to wait until the next time.
  absl::Duration Watch();
  // At a regular end: writes back everything that is mounted, unmounts what nobody uses and ends
  // the servers that nobody needs. What containers have mounted goes on without us.
  void Close();

 private:
  struct Volume {
    Record record;
    Source* source = nullptr;
    DeviceTree::Namespace ns;
    std::string fstype;  // of what is on it; "": a data file
    std::string mountpoint;
    std::string doing;  // "" where nobody works on it
    int progress = -1;  // per cent of that, where it is known
    std::string error;  // why it cannot be used
    bool is_being_made = false;
    bool is_cancelled = false;  // it was removed while it was being made
    // Who had it mounted when the last mount id came, and when that was.
    std::set<std::string> known_users;
    absl::Time changed_use = absl::Now();
    absl::Time next_look = absl::InfinitePast();
    // What was mounted from a server that died: containers may have that still.
    std::vector<MountedThing> dead;

    // Whether WatchUses has something to find out.
    bool NeedsLook() const {
      return record.mount_ids.empty() ? !mountpoint.empty() || !dead.empty()
                                      : !record.seen_in_use || !dead.empty();
    }
  };
  using VolumePtr = std::shared_ptr<Volume>;
  // One that is no volume any more, but whose namespace is still there.
  struct Leaving {
    Record record;
    Source* source = nullptr;
    DeviceTree::Namespace ns;
    int progress = 0;
    bool working = false;
    std::string error;
  };
  using LeavingPtr = std::shared_ptr<Leaving>;
  struct Target {
    Source* source;
    DeviceTree::Region region;
  };

  Volumes(const Config& config, int lock);

  // --- Starting, and starting over (volumes_recovery.cc). ---
  absl::Status Recover();
  void CleanMounts(const std::vector<Record>& records);
  void AdoptMount(const VolumePtr& volume);
  // By uuid.
  using Found = std::map<std::string, std::pair<Source*, DeviceTree::Namespace>>;
  absl::StatusOr<Found> Serve(Source& source, absl::Time patience);
  absl::Status RecoverRecord(const Record& record, const Found& found);
  absl::Status RecoverLost(const Record& record);
  absl::Status RecoverPostponed(const Found& found);
  Source* SourceOf(const Record& record);
  absl::Status Show(const VolumePtr& volume, const DeviceTree::Namespace& ns);
  VolumePtr AddVolume(Source& source, const Record& record, const DeviceTree::Namespace& ns);
  void AddForeign(Source& source, const DeviceTree::Namespace& ns);
  // What the names in a source's dev/by-uuid say that was not so at the last look.
  struct Changes {
    std::vector<std::string> added;              // not ours
    std::map<std::string, std::string> missing;  // of volumes: uuid, device
    std::set<std::string> known_nodes;           // of all volumes of the source
  };
  Changes ChangesOf(const Source& source, const std::set<std::string>& names);
  bool LookAtAll(Source& source, std::map<std::string, std::string>& missing);
  bool MayHaveChanged(const std::string& name, absl::Time deadline);
  void ForgetVanished(Source& source, const std::map<std::string, std::string>& candidates);
  void Refill(const VolumePtr& volume);
  void WatchSource(Source& source);
  void Revive(Source& source);
  void Restore(const VolumePtr& volume, const absl::StatusOr<Found>& found);
  void LookForNew();
  void PruneFreed();

  // --- Work (volumes_work.cc). ---
  absl::Status Make(const VolumePtr& volume, Job& job);
  absl::Status Unmake(const VolumePtr& volume);
  absl::Status GoOn(const VolumePtr& volume);
  absl::StatusOr<std::vector<Target>> Targets(const Record& record);
  absl::Status Allocate(const VolumePtr& volume);
  absl::Status Fill(const VolumePtr& volume);
  Attachment AttachmentOf(const Volume& volume) const;
  absl::Status AttachVolume(const VolumePtr& volume);
  absl::Status Free(const LeavingPtr& leaving);
  void StartFreeing(const LeavingPtr& leaving);

  // --- Use (volumes_use.cc). ---
  // What of the volume somebody may have mounted.
  std::vector<MountedThing> ThingsOf(const Volume& volume) const;
  std::vector<MountUser> UsersOf(const Volume& volume) const;
  // Unmounts it unless somebody uses it: EBUSY, "volume.mounted", after `patience`.
  absl::Status LetGo(const VolumePtr& volume, absl::Duration patience);
  // Whether its mount ids, if there are any, mean nothing any more. Refused likewise.
  absl::Status CheckForgotten(const Volume& volume) const;
  absl::Status ForgetIds(const VolumePtr& volume);
  // Waits until nobody has one of `things`, which are not ours any more, or its node. Refused
  // likewise.
  absl::Status AwaitUnused(const VolumePtr& volume, std::vector<MountedThing> things,
                           absl::Duration patience);
  // Before a new mount id.
  void NoteUsers(const VolumePtr& volume);
  absl::Duration WatchUses();
  void SettleUse(const VolumePtr& volume, const std::vector<MountUser>& users, bool is_dead_gone);

  // --- Calls (volumes.cc). ---
  // Marks the volume as being worked on, waiting for whoever does so now. Refused with ENOENT,
  // "volume.none"; EAGAIN, "volume.busy".
  absl::StatusOr<VolumePtr> Claim(const std::string& name, const std::string& doing,
                                  absl::Time deadline);
  void Unclaim(const VolumePtr& volume);
  // Whoever makes it stops, and undoes what it has made.
  void CancelMaking(const std::string& name);
  absl::Status CheckRemovable(const VolumePtr& volume);
  absl::Status DoRemove(const VolumePtr& volume, Job& job);
  absl::Status Compare(const Volume& volume, const OptionMap& map, const VolumeOptions& options);
  // Runs `work` on a thread of its own; the volume is released after it.
  std::shared_ptr<Job> Start(const VolumePtr& volume, std::function<absl::Status(Job&)> work);
  // False where there is no thread for it.
  bool Spawn(std::function<void()> work);
  std::string PlaceOf(const std::string& name) const;
  Record RecordOf(const Volume& volume);
  absl::Status PutRecord(const VolumePtr& volume, const std::function<void(Record&)>& change);
  nlohmann::ordered_json StatusOf(const Volume& volume, absl::Time deadline);
  static std::string Busy(const Volume& volume);

  const Config config_;
  const int lock_;
  const std::string boot_id_;
  Journal journal_;
  std::vector<std::unique_ptr<Source>> sources_;
  // Of the thread that watches alone.
  std::map<const Source*, absl::Time> next_try_;  // where one could not be served
  absl::Time next_ping_ = absl::InfinitePast();
  std::set<const Source*> late_;   // servers that did not answer
  std::vector<Record> postponed_;  // until the source comes that has their namespace

  absl::Mutex mutex_;
  std::map<std::string, VolumePtr> volumes_ ABSL_GUARDED_BY(mutex_);
  std::vector<LeavingPtr> leaving_ ABSL_GUARDED_BY(mutex_);
  // By uuid: when it was freed. Kept for a while, as a look at the namespaces that began before may
  // still find it.
  std::map<std::string, absl::Time> freed_ ABSL_GUARDED_BY(mutex_);
  std::map<const Source*, std::set<std::string>> seen_ ABSL_GUARDED_BY(mutex_);
  // Uuids of all namespaces that were made or removed here, or by a predecessor: they are nobody
  // else's, however far their making or their removal is when they are looked at.
  std::set<std::string> own_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> noted_ ABSL_GUARDED_BY(mutex_);
  std::map<const Source*, uint64_t> deaths_ ABSL_GUARDED_BY(mutex_);  // of its servers
  int jobs_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Mutex allocation_;  // one at a time looks for room and takes it
  SharedWork looking_;      // for namespaces of others
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUMES_H_
