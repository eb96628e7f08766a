// SPDX-License-Identifier: Apache-2.0
// A file or device whose namespaces are volumes, and the process that serves its device tree.
//
// That process outlives this one: it holds the image's lock, and containers use its files. The next
// plugin finds it by its mount.
// Thread rules: any thread; Serve from one at a time.
#ifndef NVDIMMFS_TOOLS_VOLUMES_SOURCE_H_
#define NVDIMMFS_TOOLS_VOLUMES_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "backends/sources/source.h"
#include "tools/volumes/device_tree.h"
#include "tools/volumes/threads.h"

namespace nvdimmfs::volumes {

class Source {
 public:
  // `text` as on the command line of nvdimmfs: a name with options after a comma. The tree is
  // mounted below `directory`.
  Source(const std::string& text, const std::string& directory)
      : Source(backends::Source(text), directory) {}

  const std::string& path() const { return path_; }  // absolute
  std::string name() const;                          // the last part of the path
  DeviceTree& tree() { return tree_; }

  // Serves the source unless it is served. If another plugin, mount or guest has the image open, it
  // may be about to end: tries again until `patience`. Refused with the server's sentence,
  // "source.serve".
  absl::Status Serve(absl::Time patience);
  // Why the last Serve was refused; "": it was not.
  std::string trouble() const;
  // The sentence for a source that is not served.
  std::string Unserved(absl::string_view why) const;
  enum class Answer {
    kServing,
    kGone,  // there is no server
    kLate,  // there is one, but it does not answer
  };
  // Whether the server answers by `deadline`. Any number of threads may ask.
  Answer Ping(absl::Time deadline);
  // Its regions; empty if the server does not answer by `deadline`.
  std::vector<DeviceTree::Region> Regions(absl::Time deadline);
  // Unmounts the tree; the server ends once it has written everything back.
  absl::Status Stop();

 private:
  Source(const backends::Source& source, const std::string& directory);

  // What a thread that asks a server stores, possibly after this object is gone.
  struct Told {
    explicit Told(const std::string& mountpoint) : tree(mountpoint) {}
    DeviceTree tree;
    absl::Mutex mutex;
    bool is_served ABSL_GUARDED_BY(mutex) = false;
    std::vector<DeviceTree::Region> regions ABSL_GUARDED_BY(mutex);
  };

  absl::Status ServeUnlessServed(absl::Time patience);

  const std::string path_;
  const std::string text_;  // for a server that runs elsewhere: with the absolute path
  mutable absl::Mutex mutex_;
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  DeviceTree tree_;
  const std::shared_ptr<Told> told_;
  SharedWork ping_;
  SharedWork regions_;
};

using Sources = std::vector<std::unique_ptr<Source>>;
// One for each path that `texts` name; of several with one path, the first.
Sources MakeSources(const std::vector<std::string>& texts, const std::string& directory);

// The hidden command that runs the server: `serve`, followed by nvdimmfs's arguments for a mount.
inline constexpr char kServe[] = "serve";
// Its exit code if another process has the source open; sysexits.h calls it EX_TEMPFAIL.
inline constexpr int kServeBusy = 75;

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_SOURCE_H_
