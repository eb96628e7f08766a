// SPDX-License-Identifier: Apache-2.0
// One function per request of the kernel: names and inode numbers in, values or a Status out. No
// FUSE header; fs/protocol/handlers.cc translates.
//
// Permissions: the kernel checks mode, owner and group (the mount has default_permissions). What it
// lets root do but sysfs does not is refused here. What sysfs refuses to everybody (mkdir, unlink,
// ...) is refused with the errno of sysfs.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_FS_FILES_OPERATIONS_H_
#define NVDIMMFS_FS_FILES_OPERATIONS_H_

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fs/files/model.h"
#include "fs/files/open_data_files.h"
#include "fs/files/open_file.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

class Operations {
 public:
  struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t umask = 0;  // permission bits that no node has
  };
  // What a setattr requests; times are accepted and ignored.
  struct Change {
    std::optional<mode_t> mode;
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    bool size = false;
  };
  // A node as the kernel needs it. Changes during the life of the node are reported in the reply to
  // a setattr, or (the number of sub-directories) at the next lookup.
  struct Entry {
    struct stat stat = {};
    bool lasts = false;  // NodeView::lasts
  };
  struct Created {
    Entry entry;
    std::unique_ptr<OpenFile> file;
  };

  // Both must outlive this. `read_only`: everything that would write is refused with EROFS, except
  // for command files; a kernel's read-only mount would not even open these.
  Operations(Tree& tree, Model& model, const Owner& owner, bool read_only = false);

  absl::StatusOr<Entry> Lookup(Ino directory, absl::string_view name) const;
  // `file`, if the request has one, answers for a node that has left the tree. May be null.
  absl::StatusOr<Entry> GetAttributes(Ino ino, const OpenFile* file) const;
  // Size changes succeed and change nothing. A node keeps a new mode or owner while it lives, as in
  // sysfs and /dev.
  absl::StatusOr<Entry> SetAttributes(Ino ino, const OpenFile* file, const Change& change);
  absl::StatusOr<std::string> ReadLink(Ino ino) const;

  absl::StatusOr<std::unique_ptr<OpenFile>> Open(Ino ino, int flags);
  // open(2) with O_CREAT of a name that does not exist.
  absl::StatusOr<Created> Create(Ino directory, absl::string_view name, int flags);

  // Entries from `offset` on, with "." and ".."; entries of one offset come together. Enough to
  // fill `bytes` of a FUSE directory buffer; none at the end.
  absl::StatusOr<std::vector<DirectoryEntry>> ReadDirectory(Ino ino, uint64_t offset,
                                                            size_t bytes) const;

  struct statvfs FileSystem() const;

  // mkdir, unlink, rename, link, symlink, mknod.
  static absl::Status Forbidden();

 private:
  absl::Status CheckWritable() const;
  Entry EntryOf(const NodeView& node) const;
  absl::Status CheckIsAttributeDirectory(const NodeView& node) const;

  Tree& tree_;
  Model& model_;
  const Owner owner_;
  const bool read_only_;
  const struct timespec mounted_at_;
  OpenDataFiles data_files_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_OPERATIONS_H_
