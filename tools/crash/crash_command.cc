// SPDX-License-Identifier: Apache-2.0
// nvdimmfs crash SOURCE [--namespace NAME] [--cuts N | --every] [--seed S] [--check CHECKER]
//                -- COMMAND ARGUMENT...
#include "tools/crash/crash_command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "backends/image_lock.h"
#include "backends/image_watch.h"
#include "backends/posix/descriptor.h"
#include "backends/sources/source.h"
#include "core/base/status.h"
#include "core/media/seeded_choice.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/crash/crash_mount.h"
#include "tools/crash/crash_report.h"
#include "tools/crash/image_checker.h"
#include "tools/crash/image_copy.h"
#include "tools/crash/torn_images.h"
#include "tools/output.h"
#include "tools/shell/child.h"

namespace nvdimmfs::tools {
namespace {

constexpr size_t kExamples = 8;  // words that the report names

struct Wishes {
  std::string source, name, checker, keep;
  std::vector<std::string> command;
  uint32_t cuts = 100, seed = 1, seeds = 4;
  bool every = false, rerun = false, json = false;
};

constexpr int kEndSignals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

volatile sig_atomic_t end_signal = 0;  // the last of them that came

// While it lives, an end signal ends the form between two steps, so that the copies are removed and
// nothing stays mounted.
class EndSignals {
 public:
  EndSignals() {
    for (size_t i = 0; i < std::size(kEndSignals); ++i)
      sigaction(kEndSignals[i], nullptr, &before_[i]);
    sigaction(SIGPIPE, nullptr, &pipe_before_);
    Catch();
  }
  ~EndSignals() {
    for (size_t i = 0; i < std::size(kEndSignals); ++i)
      sigaction(kEndSignals[i], &before_[i], nullptr);
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // RunCommand leaves them ignored, as fits a process that ends next; the checker, and the next
  // command, would inherit that.
  void Catch() const {
    struct sigaction action = {};
    action.sa_handler = [](int number) { end_signal = number; };
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < std::size(kEndSignals); ++i)  // nohup: what is ignored stays so
      sigaction(kEndSignals[i], before_[i].sa_handler == SIG_IGN ? &before_[i] : &action, nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
  }

  static absl::Status Check() {
    if (end_signal == 0) return absl::OkStatus();
    return core::Refusal(EINTR, "crash.interrupted",
                         absl::StrCat("ended by signal ", static_cast<int>(end_signal)));
  }

 private:
  struct sigaction before_[std::size(kEndSignals)];
  struct sigaction pipe_before_;
};

// A directory for the copies, removed at the end.
class WorkFolder {
 public:
  WorkFolder() {
    std::error_code error;
    const std::filesystem::path place = std::filesystem::temp_directory_path(error);
    path_ = (error ? std::filesystem::path("/tmp") : place) / "nvdimmfs-crash.XXXXXX";
    if (mkdtemp(path_.data()) == nullptr || mkdir(At("mnt").c_str(), 0700) != 0) {
      failed_ = errno;
    }
  }
  ~WorkFolder() {
    std::error_code unused;
    // A directory that is still mounted stays.
    std::filesystem::remove(At("mnt"), unused);
    for (const auto& entry : std::filesystem::directory_iterator(path_, unused))
      std::filesystem::remove(entry.path(), unused);
    std::filesystem::remove(path_, unused);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  std::string At(absl::string_view name) const { return absl::StrCat(path_, "/", name); }
  absl::Status status() const {
    if (failed_ == 0) return absl::OkStatus();
    return core::Refusal(failed_, "crash.copy",
                         absl::StrCat("make a directory for copies, ", path_, ": ",
                                      strerror(failed_), "; TMPDIR names another place"));
  }

 private:
  std::string path_;
  int failed_ = 0;
};

// The source, and how to open copies of it: with the same options, in other files.
class Original {
 public:
  static absl::StatusOr<Original> Open(const std::string& text) {
    const backends::Source source(text);
    Original original;
    original.image_ = source.name();
    struct stat file = {};
    const bool there = stat(original.image_.c_str(), &file) == 0;
    if (there && (!(S_ISREG(file.st_mode) || S_ISBLK(file.st_mode)) ||
                  absl::EndsWith(original.image_, ".toml")))
      return NotAnImage(text);
    if (!there)
      return core::Refusal(errno, "crash.source",
                           absl::StrCat("crash ", text, ": ", strerror(errno),
                                        "; SOURCE is an image file or a block device"));
    bool force = false;
    for (const auto& [key, value] : source.options()) {
      force = force || key == "force";
      if (key == "ro" || absl::StartsWith(key, "crash_")) return NotAnImage(text);
      if (key == "labels")
        original.labels_ = value;
      else
        absl::StrAppend(&original.options_, ",", key, value.empty() ? "" : "=", value);
    }
    // A VM, or a mount, that changes the image would make its copies images of no moment.
    if (!force) {
      RETURN_IF_ERROR(original.Hold(original.image_));
      if (!original.labels_.empty()) RETURN_IF_ERROR(original.Hold(original.labels_));
    }
    return original;
  }

  // A copy in files that begin with `base`.
  absl::Status CopyTo(const std::string& base) const {
    RETURN_IF_ERROR(CopyImage(image_, base));
    return labels_.empty() ? absl::OkStatus() : CopyImage(labels_, base + ".labels");
  }
  // The SOURCE of such a copy.
  std::string TextOf(const std::string& base) const {
    return absl::StrCat(base, options_,
                        labels_.empty() ? "" : absl::StrCat(",labels=", base, ".labels"));
  }
  // Copies one such copy to another.
  absl::Status Copy(const std::string& from, const std::string& to) const {
    RETURN_IF_ERROR(CopyImage(from, to));
    return labels_.empty() ? absl::OkStatus() : CopyImage(from + ".labels", to + ".labels");
  }

 private:
  static absl::Status NotAnImage(const std::string& text) {
    return core::Refusal(EINVAL, "crash.source",
                         absl::StrCat("crash ", text,
                                      ": SOURCE is one image file or block device, of which copies "
                                      "are made; not a topology, a scheme such as ram:, ro, or an "
                                      "option crash_..."));
  }

  // Refused as LockImage while another process may change the file.
  absl::Status Hold(const std::string& path) {
    posix::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
      return core::Refusal(errno, "crash.source",
                           absl::StrCat("crash: open ", path, ": ", strerror(errno)));
    RETURN_IF_ERROR(backends::LockImage(file.get(), path, /*read_only=*/true));
    held_.push_back(std::move(file));
    return absl::OkStatus();
  }

  std::string image_, labels_, options_;
  std::vector<posix::Descriptor> held_;
};

class Laboratory {
 public:
  Laboratory(const Wishes& wishes, const WorkFolder& folder, const Original& original,
             const EndSignals& signals)
      : wishes_(wishes), folder_(folder), original_(original), signals_(signals) {
    report_.source = wishes.source;
    checker_ = {.command = wishes.checker,
                .name = wishes.name,
                .mountpoint = folder.At("mnt"),
                .log = folder.At("check.log")};
  }

  // Refused if no image was checked; else the report says why it has not all of them.
  absl::StatusOr<CrashReport> Run() {
    RETURN_IF_ERROR(Record());
    Choose();
    report_.rerun = wishes_.rerun;
    absl::Status done = wishes_.rerun ? RunAgain() : Repeat();
    if (core::ErrnoOf(done) == E2BIG) {  // the log
      Note("the command stores too much to be recorded; it runs again for each cut");
      report_.rerun = true;
      report_.cuts.clear();
      done = RunAgain();
    }
    if (report_.cuts.empty()) RETURN_IF_ERROR(done);
    report_.stopped = std::move(done);
    return std::move(report_);
  }

 private:
  // Runs the command on a mount of a copy; {} in it stands for the data file.
  absl::StatusOr<int> RunOn(const CrashMount& mount) const {
    ASSIGN_OR_RETURN(const std::string file, mount.FileOf(wishes_.name));
    std::vector<std::string> command = wishes_.command;
    for (std::string& word : command) word = absl::StrReplaceAll(word, {{"{}", file}});
    setenv("NVDIMMFS_FILE", file.c_str(), 1);
    setenv("NVDIMMFS_TREE", folder_.At("mnt").c_str(), 1);
    const int code = RunCommand(command, [] {});
    signals_.Catch();
    // ^C reaches the command, and not this process, while it runs.
    for (const int number : kEndSignals)
      if (code == 128 + number) end_signal = number;
    RETURN_IF_ERROR(EndSignals::Check());
    return code;
  }

  absl::Status Record() {
    const std::string image = folder_.At("recorded");
    RETURN_IF_ERROR(original_.CopyTo(image));
    RETURN_IF_ERROR(EndSignals::Check());
    const std::string log = wishes_.rerun ? "" : absl::StrCat(",crash_log=", folder_.At("stores"));
    ASSIGN_OR_RETURN(CrashMount mount,
                     CrashMount::Start(original_.TextOf(image), absl::StrCat(",crash_after=0", log),
                                       folder_.At("mnt"), folder_.At("mount.log")));
    ASSIGN_OR_RETURN(const FenceState before, mount.Fences());
    ASSIGN_OR_RETURN(const int code, RunOn(mount));
    ASSIGN_OR_RETURN(const FenceState after, mount.Fences());
    report_.first = before.fences + 1;
    report_.last = after.fences;
    if (const int ended = mount.End(); ended != 0)
      return core::Refusal(EIO, "crash.mount", absl::StrCat("the mount ended with ", ended));
    if (code == 0) return absl::OkStatus();
    return core::Refusal(
        EIO, "crash.command",
        absl::StrCat("the command's exit code is ", code, " without any power cut; it must be 0"));
  }

  // The fences of the command, and the next one, for what was not durable at its end.
  void Choose() {
    std::vector<uint64_t> all;
    for (uint64_t fence = report_.first; fence <= report_.last + 1; ++fence) all.push_back(fence);
    if (!wishes_.every && all.size() > wishes_.cuts) {
      const core::SeededChoice choice(wishes_.seed);
      for (size_t i = 0; i < wishes_.cuts; ++i)
        std::swap(all[i], all[i + choice.Number(0, i) % (all.size() - i)]);
      all.resize(wishes_.cuts);
    }
    fences_.insert(all.begin(), all.end());
  }

  absl::Status Repeat() {
    const std::string image = folder_.At("repeated");
    RETURN_IF_ERROR(original_.CopyTo(image));
    return RepeatLog(original_.TextOf(image), folder_.At("stores"),
                     [&](uint64_t fence, const core::PowerSupply& supply) {
                       return fences_.contains(fence) ? CutAt(fence, supply, image)
                                                      : absl::OkStatus();
                     });
  }

  absl::Status CutAt(uint64_t fence, const core::PowerSupply& supply, const std::string& image) {
    std::vector<std::vector<TornWord>> seen;
    for (uint32_t i = 0; i < wishes_.seeds; ++i) {
      RETURN_IF_ERROR(EndSignals::Check());
      CutImage cut{.fence = fence, .seed = uint64_t{wishes_.seed} + i};
      const TornWords words = Tear(supply, cut.seed);
      if (std::find(seen.begin(), seen.end(), words.lost) != seen.end()) continue;
      const std::string torn = folder_.At("torn");
      RETURN_IF_ERROR(original_.Copy(image, torn));
      RETURN_IF_ERROR(PutWords(original_.TextOf(torn), words.lost));
      cut.undurable = words.undurable;
      cut.lost = words.lost.size();
      cut.examples.assign(
          words.lost.begin(),
          words.lost.begin() + static_cast<ptrdiff_t>(std::min(words.lost.size(), kExamples)));
      seen.push_back(words.lost);
      RETURN_IF_ERROR(Judge(torn, std::move(cut)));
    }
    return absl::OkStatus();
  }

  absl::Status RunAgain() {
    for (const uint64_t fence : fences_)
      for (uint32_t i = 0; i < wishes_.seeds && fence <= report_.last; ++i) {
        RETURN_IF_ERROR(EndSignals::Check());
        CutImage cut{.fence = fence, .seed = uint64_t{wishes_.seed} + i};
        const std::string torn = folder_.At("torn");
        RETURN_IF_ERROR(original_.CopyTo(torn));
        ASSIGN_OR_RETURN(
            CrashMount mount,
            CrashMount::Start(original_.TextOf(torn),
                              absl::StrCat(",crash_after=", fence, ",crash_seed=", cut.seed),
                              folder_.At("mnt"), folder_.At("mount.log")));
        RETURN_IF_ERROR(RunOn(mount).status());  // its exit code may be that of a failed write
        ASSIGN_OR_RETURN(const FenceState state, mount.Fences());
        mount.End();
        cut.lost = state.torn_words;
        if (state.is_cut) RETURN_IF_ERROR(Judge(torn, std::move(cut)));
      }
    if (report_.cuts.empty())
      return core::Refusal(EIO, "crash.fences",
                           "no run of the command came to a fence that was to be cut, so nothing "
                           "was checked");
    return absl::OkStatus();
  }

  absl::Status Judge(const std::string& torn, CutImage cut) {
    // The checker's mount recovers the image, and so changes it.
    const std::string checked = folder_.At("checked");
    RETURN_IF_ERROR(original_.Copy(torn, checked));
    cut.verdict = CheckImage(original_.TextOf(checked), checker_);
    RETURN_IF_ERROR(EndSignals::Check());  // the checker got ^C, too
    absl::Status copied;
    if (!cut.verdict.passed() && !wishes_.keep.empty()) {
      const std::string kept =
          absl::StrCat(wishes_.keep, "/fence-", cut.fence, "-seed-", cut.seed, ".img");
      copied = original_.Copy(torn, kept);
      if (copied.ok()) cut.kept = kept;
    }
    report_.cuts.push_back(std::move(cut));
    return copied;
  }

  const Wishes& wishes_;
  const WorkFolder& folder_;
  const Original& original_;
  const EndSignals& signals_;
  CheckerOptions checker_;
  std::set<uint64_t> fences_;
  CrashReport report_;
};

absl::StatusOr<CrashReport> Explore(const Wishes& wishes) {
  ASSIGN_OR_RETURN(const Original original, Original::Open(wishes.source));
  if (!wishes.keep.empty()) {
    std::error_code error;
    std::filesystem::create_directories(wishes.keep, error);
    if (error)
      return core::Refusal(error.value(), "crash.copy",
                           absl::StrCat("--keep ", wishes.keep, ": ", error.message()));
  }
  const EndSignals signals;
  const WorkFolder folder;
  RETURN_IF_ERROR(folder.status());
  return Laboratory(wishes, folder, original, signals).Run();
}

}  // namespace

// It forks while its copies are open, and no other process knows their names.
int CrashCommand(const Arguments& arguments) {
  backends::ImageWatch::BeginNone();
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  Wishes wishes;
  if (dashes != arguments.end()) wishes.command.assign(dashes + 1, arguments.end());
  constexpr uint32_t kMost = std::numeric_limits<int32_t>::max();
  CommandLine line(
      "Runs COMMAND on a namespace of a copy of SOURCE, and checks what a power cut at each of "
      "its\n"
      "drains and flushes leaves. In COMMAND and CHECKER, {} is the path of the namespace's file,\n"
      "as is $NVDIMMFS_FILE; $NVDIMMFS_TREE is the mount. SOURCE itself is only read.\n"
      "The exit code is 0 if every image passed, and 1 if one failed or the form was refused.",
      "nvdimmfs crash");
  line.set_footer(
      "Form: nvdimmfs crash SOURCE [OPTION...] -- COMMAND ARGUMENT...\n"
      "Example: nvdimmfs crash vm.img --namespace db --check './verify {}' -- ./append {}");
  line.Add("SOURCE", wishes.source, "an image file or block device, with options after a comma",
           {.required = true});
  line.Add("--namespace", wishes.name,
           "the data file: a name below dev/ or dev/by-name; the only one without it");
  line.Add("--check", wishes.checker,
           "run this in a shell for each image, mounted after recovery; exit code 0 passes. "
           "nvdimmfs check without it");
  line.AddUpTo(kMost, "--cuts", wishes.cuts,
               "cut at no more than this many fences, chosen by the seed (100)");
  line.AddFlag("--every", wishes.every, "cut at every fence");
  line.AddUpTo(kMost, "--seed", wishes.seed, "the first seed of the words that arrive (1)");
  line.AddUpTo(kMost, "--seeds", wishes.seeds, "try this many seeds at each fence (4)");
  line.AddFlag("--rerun", wishes.rerun,
               "run COMMAND again for each image, instead of repeating the recorded stores");
  line.Add("--keep", wishes.keep, "keep the images that failed in this directory");
  line.AddFlag("--json", wishes.json, "print the report as JSON, with every image");
  if (const auto code = line.Parse(Arguments(arguments.begin(), dashes))) return *code;
  if (wishes.command.empty())
    return BadUsage("nvdimmfs crash", "the command is missing: -- COMMAND ARGUMENT...");
  if (wishes.cuts == 0 || wishes.seeds == 0)
    return BadUsage("nvdimmfs crash", "--cuts and --seeds need at least 1");

  const auto report = Explore(wishes);
  if (!report.ok()) {
    Complain(InContext("crash", wishes.source, report.status()));
    return kRefused;
  }
  PrintData(wishes.json ? report->JsonText() : report->Text());
  if (!report->stopped.ok()) Complain(InContext("crash", wishes.source, report->stopped));
  return FinishData(report->failed() == 0 && report->stopped.ok() ? kDone : kRefused);
}

}  // namespace nvdimmfs::tools
