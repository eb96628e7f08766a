// SPDX-License-Identifier: Apache-2.0
// libfuse's messages: part of the refusal while a mount is made, and lines of the log later.
#ifndef NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_
#define NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_

#include <string>

namespace nvdimmfs::fs {

// Collects libfuse's messages while it exists; after the first one was made, they are otherwise
// logged. Thread rules: one at a time in the process; messages come from any thread.
class LibfuseMessages {
 public:
  LibfuseMessages();
  ~LibfuseMessages();
  LibfuseMessages(const LibfuseMessages&) = delete;
  LibfuseMessages& operator=(const LibfuseMessages&) = delete;

  // Adds the output of another program to them.
  void Add(const std::string& said);
  // The messages so far, separated by "; ".
  std::string Collected() const;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_LIBFUSE_MESSAGES_H_
