// SPDX-License-Identifier: Apache-2.0
#include "fs/files/operations.h"

#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/name_hash.h"
#include "fs/files/attribute_file.h"
#include "fs/files/command_file.h"
#include "fs/files/data_file.h"

namespace nvdimmfs::fs {
namespace {

constexpr uint32_t kPage = 4096;
constexpr size_t kSmallestEntry = 24 + 8;  // bytes that a name takes in a FUSE directory buffer
constexpr uint64_t kDotOffset = 0, kDotDotOffset = 1;

struct timespec Now() {
  struct timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

absl::Status NoSuch(absl::string_view what) {
  return core::Refusal(ENOENT, "tree.none", absl::StrCat(what, ": no such file or directory"));
}

absl::Status NoSuchNode(Ino ino) { return NoSuch(absl::StrCat("node ", ino)); }

mode_t TypeOf(NodeKind kind) {
  switch (kind) {
    case NodeKind::kDirectory:
      return S_IFDIR;
    case NodeKind::kLink:
      return S_IFLNK;
    case NodeKind::kAttribute:
    case NodeKind::kData:
      return S_IFREG;
  }
  return S_IFREG;
}

}  // namespace

Operations::Operations(Tree& tree, Model& model, const Owner& owner, bool read_only)
    : tree_(tree), model_(model), owner_(owner), read_only_(read_only), mounted_at_(Now()) {}

absl::Status Operations::CheckWritable() const {
  if (!read_only_) return absl::OkStatus();
  return core::Refusal(EROFS, "tree.read_only", "the source was opened read-only");
}

Operations::Entry Operations::EntryOf(const NodeView& node) const {
  Entry entry;
  struct stat& stat = entry.stat;
  entry.lasts = node.lasts;
  stat.st_ino = node.ino;
  stat.st_mode = TypeOf(node.kind) | node.mode;
  if (node.kind != NodeKind::kLink) stat.st_mode &= ~(owner_.umask & 07777);
  stat.st_nlink = node.kind == NodeKind::kDirectory ? 2 + node.subdirectories : 1;
  stat.st_uid = owner_.uid;
  stat.st_gid = owner_.gid;
  stat.st_blksize = kPage;
  if (node.kind == NodeKind::kAttribute) stat.st_size = kAttributePage;
  if (node.kind == NodeKind::kData) {
    stat.st_size = static_cast<off_t>(node.data->size());
    stat.st_blocks = static_cast<blkcnt_t>(node.data->size() / 512);
    stat.st_blksize = node.data->block_size();
  }
  if (node.access.mode) stat.st_mode = TypeOf(node.kind) | *node.access.mode;
  stat.st_uid = node.access.uid.value_or(stat.st_uid);
  stat.st_gid = node.access.gid.value_or(stat.st_gid);
  stat.st_atim = stat.st_mtim = stat.st_ctim = mounted_at_;
  return entry;
}

absl::StatusOr<Operations::Entry> Operations::Lookup(Ino directory, absl::string_view name) const {
  const std::optional<NodeView> node = tree_.Lookup(directory, name);
  if (!node) return NoSuch(name);
  return EntryOf(*node);
}

absl::StatusOr<Operations::Entry> Operations::GetAttributes(Ino ino, const OpenFile* file) const {
  if (const std::optional<NodeView> node = tree_.Find(ino)) return EntryOf(*node);
  if (file == nullptr) return NoSuchNode(ino);
  return EntryOf(file->node());
}

absl::StatusOr<Operations::Entry> Operations::SetAttributes(Ino ino, const OpenFile* file,
                                                            const Change& change) {
  if (change.mode || change.uid || change.gid || change.size) RETURN_IF_ERROR(CheckWritable());
  // A node that is gone cannot be opened, so its access does not matter.
  tree_.SetAccess(ino, {.mode = change.mode, .uid = change.uid, .gid = change.gid});
  return GetAttributes(ino, file);
}

absl::StatusOr<std::string> Operations::ReadLink(Ino ino) const {
  const std::optional<NodeView> node = tree_.Find(ino);
  if (!node) return NoSuchNode(ino);
  if (node->kind != NodeKind::kLink)
    return core::Refusal(EINVAL, "tree.not_a_link", "not a symbolic link");
  return node->target;
}

absl::StatusOr<std::unique_ptr<OpenFile>> Operations::Open(Ino ino, int flags) {
  const std::optional<NodeView> node = tree_.Find(ino);
  if (!node) return NoSuchNode(ino);
  const bool is_command = node->kind == NodeKind::kAttribute && node->attribute->command != nullptr;
  const bool keeps_source =
      node->kind == NodeKind::kAttribute && (is_command || node->attribute->shows_only);
  if ((flags & O_ACCMODE) != O_RDONLY && !keeps_source) RETURN_IF_ERROR(CheckWritable());
  switch (node->kind) {
    case NodeKind::kAttribute:
      if (is_command) return CommandFile::Make(*node, model_);
      return AttributeFile::Open(*node, flags, {model_, tree_.changes(), data_files_});
    case NodeKind::kData:
      return DataFile::Open(*node, flags, data_files_);
    case NodeKind::kDirectory:
      return core::Refusal(EISDIR, "tree.directory", "is a directory");
    case NodeKind::kLink:
      break;
  }
  return core::Refusal(ELOOP, "tree.link", "is a symbolic link");
}

absl::Status Operations::CheckIsAttributeDirectory(const NodeView& node) const {
  if (node.kind == NodeKind::kDirectory && node.device != nullptr) return absl::OkStatus();
  return core::Refusal(EACCES, "tree.create", "files cannot be created here");
}

absl::StatusOr<Operations::Created> Operations::Create(Ino directory, absl::string_view name,
                                                       int flags) {
  RETURN_IF_ERROR(CheckWritable());
  const std::optional<NodeView> parent = tree_.Find(directory);
  const std::optional<std::string> path = tree_.PathOf(directory);
  if (!parent || !path) return NoSuchNode(directory);
  RETURN_IF_ERROR(CheckIsAttributeDirectory(*parent));
  RETURN_IF_ERROR(model_.CreateAttribute(*parent->device, name));
  // The device may have been replaced by one of the same name: look again from the top.
  const std::optional<NodeView> made = tree_.FindPath(absl::StrCat(*path, "/", name));
  if (!made) return NoSuch(name);
  ASSIGN_OR_RETURN(std::unique_ptr<OpenFile> file, Open(made->ino, flags));
  return Created{EntryOf(*made), std::move(file)};
}

absl::StatusOr<std::vector<DirectoryEntry>> Operations::ReadDirectory(Ino ino, uint64_t offset,
                                                                      size_t bytes) const {
  const std::optional<Ino> parent = tree_.ParentOf(ino);
  std::optional<std::vector<DirectoryEntry>> listed =
      tree_.List(ino, std::max<uint64_t>(offset, core::kFirstOffset), bytes / kSmallestEntry + 1);
  if (!parent || !listed) return NoSuchNode(ino);
  std::vector<DirectoryEntry> entries;
  const uint64_t first = listed->empty() ? core::kEndOffset : listed->front().offset;
  if (offset <= kDotOffset)
    entries.push_back({".", ino, NodeKind::kDirectory, kDotOffset, kDotDotOffset});
  if (offset <= kDotDotOffset)
    entries.push_back({"..", *parent, NodeKind::kDirectory, kDotDotOffset, first});
  std::move(listed->begin(), listed->end(), std::back_inserter(entries));
  return entries;
}

struct statvfs Operations::FileSystem() const {
  struct statvfs answer = {};
  answer.f_bsize = answer.f_frsize = kPage;
  // All bytes of a disk exist, whatever they contain: nothing fills up.
  answer.f_blocks = answer.f_bfree = answer.f_bavail = tree_.data_bytes() / kPage;
  answer.f_files = answer.f_ffree = answer.f_favail = tree_.node_count();
  answer.f_namemax = 255;
  return answer;
}

absl::Status Operations::Forbidden() {
  return core::Refusal(EPERM, "tree.fixed", "the tree is made by its devices");
}

}  // namespace nvdimmfs::fs
