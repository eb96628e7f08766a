// Volumes: what a predecessor left, and what a server left that died.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "backends/posix/descriptor.h"
#include "backends/posix/file.h"
#include "backends/posix/folder.h"
#include "core/base/input.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/file_system.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/volume_name.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;
using posix::Descriptor;

// A predecessor that was killed is not gone before its last system call is.
constexpr absl::Duration kPredecessor = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(20);
// How long a server that somebody before us was starting may take to appear.
constexpr absl::Duration kAppearance = absl::Seconds(4);
// Between two attempts to serve a source.
constexpr absl::Duration kRetry = absl::Seconds(5);
// Work on files of a dead server fails soon.
constexpr absl::Duration kWork = absl::Seconds(10);
// Between two looks whether servers answer, and how long they may take.
constexpr absl::Duration kPing = absl::Seconds(1);
// How long a look at the namespaces may take that began before one of them was freed.
constexpr absl::Duration kRemembered = absl::Hours(1);

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && chmod(path.c_str(), 0700) == 0) return absl::OkStatus();
  const int number = error ? error.value() : errno;
  return core::Refusal(number, "volumes.root", absl::StrCat("make ", path, ": ", strerror(number)));
}

absl::StatusOr<Descriptor> LockRoot(const std::string& root) {
  Descriptor lock(open((root + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const absl::Time end = absl::Now() + kPredecessor;
  while (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || absl::Now() > end)
      return core::Refusal(EBUSY, "volumes.root",
                           absl::StrCat(root, " belongs to another nvdimmfs-volumes that runs"));
    absl::SleepFor(kPause);
  }
  if (!lock)
    return core::Refusal(errno, "volumes.root",
                         absl::StrCat("open ", root, "/lock: ", strerror(errno)));
  return lock;
}

std::string BootId() {
  const auto id = posix::ReadFile("/proc/sys/kernel/random/boot_id");
  return id.ok() ? std::string(core::Trim(*id)) : "";
}

std::set<std::string> NamesIn(const std::string& directory) {
  const auto names = posix::ReadFolder(directory).value_or(std::vector<std::string>());
  return {names.begin(), names.end()};
}

void Note(const std::string& sentence) {
  core::Log(core::LogLevel::kNotice, "volumes.recovery", sentence);
}

// Below a tree's mount point.
constexpr char kByUuid[] = "/dev/by-uuid/";
constexpr char kByName[] = "/dev/by-name/";

constexpr char kTriedAgain[] = "; this is tried again";

// The volume whose place has, or is, `place`.
std::string NameAt(const std::string& place, const std::string& volumes) {
  const std::string below = place.substr(std::min(place.size(), volumes.size() + 1));
  return below.substr(0, below.find('/'));
}

std::string Unserved(const std::string& source, absl::string_view why) {
  return absl::StrCat("source ", source, " cannot be served: ", why);
}

}  // namespace

Volumes::Volumes(const Config& config, int lock)
    : config_(config),
      lock_(lock),
      boot_id_(BootId()),
      journal_(config.root + "/journal"),
      looking_([this] { LookForNew(); }) {
  for (const std::string& text : config.sources) {
    auto source = std::make_unique<Source>(text, config.root + "/sources");
    const bool is_twice = std::any_of(sources_.begin(), sources_.end(), [&](const auto& other) {
      return other->path() == source->path();
    });
    if (!is_twice) sources_.push_back(std::move(source));
  }
}

absl::StatusOr<std::unique_ptr<Volumes>> Volumes::Open(const Config& config) {
  for (const char* below : {"", "/journal", "/sources", "/volumes"})
    RETURN_IF_ERROR(MakeDirectory(config.root + below));
  ASSIGN_OR_RETURN(Descriptor lock, LockRoot(config.root));
  auto volumes = absl::WrapUnique(new Volumes(config, lock.Release()));
  RETURN_IF_ERROR(volumes->Recover());
  return volumes;
}

absl::Status Volumes::Recover() {
  ASSIGN_OR_RETURN(Journal::Content journal, journal_.Load());
  for (const std::string& complaint : journal.complaints) Note(complaint);
  for (Record& record : journal.records) {
    // Whoever had it mounted went with the machine. (The file says so by its boot's id.)
    if (record.boot_id == boot_id_) continue;
    record.mount_ids.clear();
    record.seen_in_use = false;
  }
  CleanMounts(journal.records);
  Found found;
  absl::Status refused;
  const absl::Time patience = absl::Now() + kAppearance;
  for (const auto& source : sources_) {
    absl::StatusOr<Found> its = Serve(*source, patience);
    refused.Update(its.status());
    if (its.ok()) found.merge(*its);
  }
  if (next_try_.size() == sources_.size()) return refused;
  for (const auto& [source, next] : next_try_)
    Note(Unserved(source->path(), source->trouble()) + kTriedAgain);
  {
    absl::MutexLock lock(&mutex_);
    for (const Record& record : journal.records)
      if (!record.adopted) own_.insert(record.uuid);
  }
  for (const Record& record : journal.records) RETURN_IF_ERROR(RecoverRecord(record, found));
  LookForNew();
  Log(LogLevel::kInfo, "volumes.recovery",
      absl::StrCat("started with ", sources_.size(), " sources and ", found.size(), " namespaces"));
  return absl::OkStatus();
}

absl::StatusOr<Volumes::Found> Volumes::Serve(Source& source, absl::Time patience) {
  absl::Status status = source.Serve(patience);
  Found found;
  if (status.ok()) {
    const auto all = source.tree().Namespaces();
    status = all.status();
    if (all.ok())
      for (const DeviceTree::Namespace& ns : *all) found[ns.uuid] = {&source, ns};
  }
  if (status.ok()) {
    next_try_.erase(&source);
    return found;
  }
  next_try_[&source] = absl::Now() + kRetry;
  return core::Refusal(core::ErrnoOf(status), core::ReasonOf(status),
                       Unserved(source.path(), status.message()));
}

// What was being made goes; what is mounted for nobody goes unless somebody uses it all the same.
void Volumes::CleanMounts(const std::vector<Record>& records) {
  std::set<std::string> ready;
  for (const Record& record : records)
    if (record.state == RecordState::kReady) ready.insert(record.name);
  for (const std::string& name : NamesIn(config_.root + "/volumes"))
    if (ready.count(name) == 0)
      if (const absl::Status status = Detach(PlaceOf(name)); !status.ok())
        Note(std::string(status.message()));
}

// It is mounted although no mount id says so: unmounted at once, or when it is used no more.
void Volumes::AdoptMount(const VolumePtr& volume) {
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
  }
  const std::string place = PlaceOf(seen.record.name);
  struct stat stat = {};
  if (lstat(place.c_str(), &stat) != 0 && errno == ENOENT) return;
  absl::Status status;
  if (seen.ns.node.empty() || !IsAttached(AttachmentOf(seen))) {
    status = Detach(place);
  } else {
    status = LetGo(volume, absl::ZeroDuration());
    if (core::ErrnoOf(status) == EBUSY) {
      absl::MutexLock lock(&mutex_);
      volume->mountpoint = place;
    }
  }
  if (!status.ok()) Note(std::string(status.message()));
}

absl::Status Volumes::RecoverRecord(const Record& record, const Found& found) {
  if (record.state == RecordState::kRemoved) return journal_.Drop(record.uuid);
  const auto at = found.find(record.uuid);
  if (at == found.end()) return RecoverLost(record);
  const auto& [source, ns] = at->second;
  switch (record.state) {
    case RecordState::kCreating:
      RETURN_IF_ERROR(source->tree().Destroy(ns));
      Note(absl::StrCat("volume ", record.name, " was half made and is undone"));
      return journal_.Drop(record.uuid);
    case RecordState::kFormatting:
      Note(absl::StrCat("volume ", record.name, " was half made; its content is made again"));
      Refill(AddVolume(*source, record, ns));
      break;
    case RecordState::kReady: {
      const VolumePtr volume = AddVolume(*source, record, ns);
      if (record.mount_ids.empty()) {
        AdoptMount(volume);
        break;
      }
      if (const absl::Status status = AttachVolume(volume); !status.ok())
        Note(absl::StrCat(record.name, " was mounted and cannot be again: ", status.message()));
      break;
    }
    case RecordState::kRemoving: {
      auto leaving = std::make_shared<Leaving>();
      *leaving = {.record = record, .source = source, .ns = ns};
      {
        absl::MutexLock lock(&mutex_);
        leaving_.push_back(leaving);
      }
      StartFreeing(leaving);
      break;
    }
    case RecordState::kRemoved:
      break;
  }
  return absl::OkStatus();
}

Source* Volumes::SourceOf(const Record& record) {
  for (const auto& source : sources_)
    if (source->path() == record.source) return source.get();
  return nullptr;
}

// Its namespace is not there.
absl::Status Volumes::RecoverLost(const Record& record) {
  Source* const source = SourceOf(record);
  if (source == nullptr || next_try_.count(source) > 0) {
    // Its image is not given this time, or given by another name, or cannot be opened.
    const bool is_volume =
        record.state == RecordState::kReady || record.state == RecordState::kFormatting;
    if (source == nullptr || !is_volume) {
      postponed_.push_back(record);
    } else {
      const VolumePtr volume = AddVolume(*source, record, {});
      absl::MutexLock lock(&mutex_);
      volume->error = Unserved(source->path(), source->trouble());
    }
    return absl::OkStatus();
  }
  Note(absl::StrCat("volume ", record.name, " (", StateName(record.state),
                    "): its namespace is gone, and so is its record"));
  return journal_.Drop(record.uuid);
}

// A source came late: what waited for it.
absl::Status Volumes::RecoverPostponed(const Found& found) {
  for (const Record& record : std::exchange(postponed_, {}))
    RETURN_IF_ERROR(RecoverRecord(record, found));
  return absl::OkStatus();
}

// The volume's namespace, as its source shows it now. Refused with ENXIO, "volume.disabled".
absl::Status Volumes::Show(const VolumePtr& volume, const DeviceTree::Namespace& ns) {
  const Record record = RecordOf(*volume);
  std::string fstype;
  if (!ns.node.empty())
    fstype = record.adopted ? FindFileSystem(volume->source->tree().NodePath(ns))
             : record.options.has_file_system() ? record.options.fstype
                                                : "";
  absl::MutexLock lock(&mutex_);
  volume->ns = ns;
  volume->fstype = fstype;
  if (!ns.node.empty()) return absl::OkStatus();
  return core::Refusal(ENXIO, "volume.disabled",
                       absl::StrCat(ns.device, " is disabled, or is not a block device"));
}

Volumes::VolumePtr Volumes::AddVolume(Source& source, const Record& record,
                                      const DeviceTree::Namespace& ns) {
  auto volume = std::make_shared<Volume>();
  volume->record = record;
  volume->source = &source;
  volume->error = std::string(Show(volume, ns).message());
  absl::MutexLock lock(&mutex_);
  if (!volumes_.emplace(record.name, volume).second &&
      noted_.insert(source.path() + record.uuid).second)
    Note(absl::StrCat(source.path(), ", ", ns.device, ": there is a volume ", record.name,
                      " already; this one is left alone"));
  return volume;
}

// A namespace that the journal does not know: made by somebody else, or the journal was lost.
void Volumes::AddForeign(Source& source, const DeviceTree::Namespace& ns) {
  Record record{.uuid = ns.uuid,
                .name = ns.label_name,
                .source = source.path(),
                .state = RecordState::kReady,
                .adopted = true};
  record.options.size = ns.size;
  record.options.mode = ns.mode == "safe"     ? VolumeMode::kSector
                        : ns.mode == "memory" ? VolumeMode::kFsdax
                                              : VolumeMode::kRaw;
  // What no volume can be called, or no file, stays a namespace.
  if (ns.mode == "dax" || !CheckLabelName(ns.label_name).ok()) return;
  AddVolume(source, record, ns);
}

void Volumes::Refill(const VolumePtr& volume) {
  {
    absl::MutexLock lock(&mutex_);
    volume->doing = "being formatted";
    volume->is_being_made = true;
  }
  const auto work = [this, volume] {
    absl::Status status = Fill(volume);
    if (!GoOn(volume).ok()) status = Unmake(volume);
    {
      absl::MutexLock lock(&mutex_);
      volume->is_being_made = false;
      volume->error = std::string(status.message());
      if (volume->is_cancelled && volume->source == nullptr) volumes_.erase(volume->record.name);
    }
    core::LogRefusal(LogLevel::kError, status);
    Unclaim(volume);
  };
  if (!Spawn(work)) work();
}

// All namespaces are asked for only where one is there that was not made here, or one of ours is
// missing: a look costs a listing of names.
void Volumes::LookForNew() {
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
    absl::MutexLock lock(&mutex_);
    seen_[source.get()] = names;
  }
}

Volumes::Changes Volumes::ChangesOf(const Source& source, const std::set<std::string>& names) {
  Changes changes;
  absl::MutexLock lock(&mutex_);
  const std::set<std::string>& seen = seen_[&source];
  for (const std::string& name : names)
    if (seen.count(name) == 0 && own_.count(name) == 0) changes.added.push_back(name);
  for (const auto& [name, volume] : volumes_) {
    if (volume->source != &source) continue;
    changes.known_nodes.insert(volume->ns.node);
    const std::string& uuid = volume->record.uuid;
    const bool was_there = seen.count(uuid) > 0 || volume->ns.node.empty();
    if (volume->doing.empty() && was_there && names.count(uuid) == 0)
      changes.missing[uuid] = volume->ns.device;
  }
  for (const LeavingPtr& leaving : leaving_)
    if (leaving->source == &source) changes.known_nodes.insert(leaving->ns.node);
  return changes;
}

// Makes volumes of the namespaces of others, and adds to `missing` what is not there. False: the
// source does not tell.
bool Volumes::LookAtAll(Source& source, std::map<std::string, std::string>& missing) {
  std::map<std::string, std::string> before;  // volumes that the look must find
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, volume] : volumes_)
      if (volume->source == &source && volume->doing.empty())
        before[volume->record.uuid] = volume->ns.device;
  }
  const auto namespaces = source.tree().Namespaces();
  if (!namespaces.ok()) return false;
  std::set<std::string> known;
  {
    absl::MutexLock lock(&mutex_);
    known = own_;
    for (const auto& [name, volume] : volumes_) known.insert(volume->record.uuid);
    for (const LeavingPtr& leaving : leaving_) known.insert(leaving->record.uuid);
  }
  for (const DeviceTree::Namespace& ns : *namespaces) {
    before.erase(ns.uuid);
    if (!ns.label_name.empty() && known.count(ns.uuid) == 0) AddForeign(source, ns);
  }
  missing.merge(before);
  return true;
}

// Whether `name` must be looked for: it may be a namespace that somebody else made, or destroyed.
bool Volumes::MayHaveChanged(const std::string& name, absl::Time deadline) {
  std::vector<std::pair<Source*, std::string>> asked;  // what is there if nothing changed, or if so
  bool is_known = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = volumes_.find(name);
    is_known = found != volumes_.end();
    if (is_known && !found->second->doing.empty()) return false;
    if (is_known && found->second->source == nullptr) return false;
    if (is_known && found->second->ns.node.empty()) return true;
    if (is_known) asked = {{found->second->source, kByUuid + found->second->record.uuid}};
  }
  if (!is_known)
    for (const auto& source : sources_) asked.emplace_back(source.get(), kByName + LabelName(name));
  for (const auto& [source, path] : asked) {
    // It must not be waited for longer than the caller waits.
    if (source->Ping(deadline) != Source::Answer::kServing) continue;
    if (source->tree().Has(path) != is_known) return true;
  }
  return false;
}

// Namespaces that somebody destroyed by hand. The candidates were not seen; that may have been
// while they moved.
void Volumes::ForgetVanished(Source& source, const std::map<std::string, std::string>& candidates) {
  for (const auto& candidate : candidates) {
    const std::string& uuid = candidate.first;
    if (core::ErrnoOf(source.tree().Find(uuid, candidate.second).status()) != ENODEV) continue;
    std::string name;
    {
      absl::MutexLock lock(&mutex_);
      const auto at = std::find_if(volumes_.begin(), volumes_.end(), [&](const auto& entry) {
        return entry.second->record.uuid == uuid && entry.second->doing.empty();
      });
      if (at == volumes_.end()) continue;
      name = at->first;
      volumes_.erase(at);
      own_.erase(uuid);
    }
    Note(absl::StrCat("volume ", name, ": somebody destroyed its namespace, uuid ", uuid));
    core::LogRefusal(LogLevel::kWarning, journal_.Drop(uuid));
  }
}

void Volumes::PruneFreed() {
  absl::MutexLock lock(&mutex_);
  for (auto at = freed_.begin(); at != freed_.end();) {
    const bool is_old = at->second + kRemembered < absl::Now();
    if (is_old) own_.erase(at->first);
    at = is_old ? freed_.erase(at) : std::next(at);
  }
}

absl::Duration Volumes::Watch() {
  if (next_ping_ <= absl::Now()) {
    for (const auto& source : sources_) WatchSource(*source);
    std::vector<LeavingPtr> waiting;
    {
      absl::MutexLock lock(&mutex_);
      for (const LeavingPtr& leaving : leaving_)
        if (!leaving->working) waiting.push_back(leaving);
    }
    for (const LeavingPtr& leaving : waiting) StartFreeing(leaving);
    PruneFreed();
    next_ping_ = absl::Now() + kPing;
  }
  return std::clamp(WatchUses(), absl::ZeroDuration(), next_ping_ - absl::Now());
}

void Volumes::WatchSource(Source& source) {
  const auto next = next_try_.find(&source);
  if (next != next_try_.end()) {
    if (next->second < absl::Now()) Revive(source);
    return;
  }
  switch (source.Ping(absl::Now() + kPing)) {
    case Source::Answer::kServing:
      if (late_.erase(&source) > 0)
        Note(absl::StrCat("the server of ", source.path(), " answers again"));
      return;
    case Source::Answer::kLate:
      if (late_.insert(&source).second)
        Log(LogLevel::kWarning, "source.late",
            absl::StrCat("the server of ", source.path(), " does not answer"));
      return;
    case Source::Answer::kGone:
      break;
  }
  {
    absl::MutexLock lock(&mutex_);
    ++deaths_[&source];
  }
  Revive(source);
}

// Containers that had something of it open keep dead mounts, which answer EIO or ENOTCONN; started
// again they get what is mounted here.
void Volumes::Revive(Source& source) {
  std::vector<std::string> names;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, volume] : volumes_)
      if (volume->source == &source) names.push_back(name);
  }
  const bool is_first = next_try_.count(&source) == 0;
  const std::string trouble = source.trouble();
  if (is_first)
    Log(LogLevel::kError, "source.gone",
        absl::StrCat("the server of ", source.path(),
                     " is gone; starting another; volumes: ", absl::StrJoin(names, ", ")));
  std::vector<VolumePtr> claimed;
  for (const std::string& name : names)
    if (const auto volume = Claim(name, "being recovered", absl::Now() + kWork); volume.ok())
      claimed.push_back(*volume);
  std::map<std::string, std::vector<MountedThing>> dead;  // by the volume's name
  const std::string places = config_.root + "/volumes";
  for (const MountEntry& entry : MountTable())
    if (IsWithin(entry.place, places)) dead[NameAt(entry.place, places)].push_back(ThingOf(entry));
  for (const VolumePtr& volume : claimed) {
    const std::string name = RecordOf(*volume).name;
    core::LogRefusal(LogLevel::kWarning, UnmountTree(PlaceOf(name)));
    absl::MutexLock lock(&mutex_);
    volume->dead.insert(volume->dead.end(), dead[name].begin(), dead[name].end());
  }
  // Whoever else has it open was told to let go when there was patience.
  const auto found = Serve(source, absl::Now() + (is_first ? kAppearance : absl::ZeroDuration()));
  for (const VolumePtr& volume : claimed) Restore(volume, found);
  if (!found.ok()) {
    if (source.trouble() != trouble) Note(absl::StrCat(found.status().message(), kTriedAgain));
    return;
  }
  Note(absl::StrCat("source ", source.path(), " is served ", is_first ? "again" : "now"));
  if (const absl::Status status = RecoverPostponed(*found); !status.ok())
    Note(std::string(status.message()));
}

// Its source is served again, or is not. The volume is claimed.
void Volumes::Restore(const VolumePtr& volume, const absl::StatusOr<Found>& found) {
  const Record record = RecordOf(*volume);
  absl::Status status = found.status();
  if (found.ok()) {
    const auto at = found->find(record.uuid);
    if (at == found->end())
      status = core::Refusal(ENODEV, "volume.lost",
                             absl::StrCat("its namespace, uuid ", record.uuid, ", is gone"));
    else
      status = Show(volume, at->second.second);
  }
  {
    absl::MutexLock lock(&mutex_);
    volume->mountpoint.clear();
    volume->error = std::string(status.message());
  }
  if (status.ok() && record.state == RecordState::kFormatting) {
    Refill(volume);
    return;
  }
  if (status.ok() && !record.mount_ids.empty())
    if (const absl::Status attached = AttachVolume(volume); !attached.ok())
      Note(absl::StrCat(record.name, " cannot be mounted again: ", attached.message()));
  Unclaim(volume);
}

}  // namespace nvdimmfs::volumes
