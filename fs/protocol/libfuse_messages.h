// SPDX-License-Identifier: Apache-2.0
// What libfuse says: part of our refusal while a mount is made, and lines of the log later.
#ifndef NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_
#define NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_

#include <string>

namespace nvdimmfs::fs {

// From its making on libfuse's messages come here; they are collected while one exists, and logged
// otherwise. Thread rules: one at a time in the process; messages come from any thread.
class LibfuseMessages {
 public:
  LibfuseMessages();
  ~LibfuseMessages();
  LibfuseMessages(const LibfuseMessages&) = delete;
  LibfuseMessages& operator=(const LibfuseMessages&) = delete;

  // Adds another program's words to them.
  void Add(const std::string& said);
  // What was said, one message after the other, separated by "; ".
  std::string Collected() const;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_
