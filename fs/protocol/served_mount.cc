// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/served_mount.h"

#include "absl/time/time.h"
#include "fs/protocol/request_bytes.h"

namespace nvdimmfs::fs {
namespace {

constexpr absl::Duration kDropPatience = absl::Milliseconds(100);

}  // namespace

ServedMount::~ServedMount() {
  StopDropping();
  CloseFiles();
}

void ServedMount::CloseFiles() {
  absl::flat_hash_set<OpenFile*> files;
  {
    absl::MutexLock lock(&mutex_);
    files.swap(files_);
  }
  for (OpenFile* file : files) {
    passthrough_.Released(*file);
    delete file;
  }
}

uint64_t ServedMount::Keep(std::unique_ptr<OpenFile> file) {
  absl::MutexLock lock(&mutex_);
  files_.insert(file.get());
  return HandleOf(file.release());
}

void ServedMount::Release(uint64_t handle) {
  OpenFile* const file = FileOfHandle(handle);
  if (passthrough_.Released(*file)) DropPages(file->node().ino);
  {
    absl::MutexLock lock(&mutex_);
    files_.erase(file);
  }
  if (file->DropUser()) delete file;
}

void ServedMount::AwaitDroppedPages() { dropper_->AwaitIdle(kDropPatience); }

}  // namespace nvdimmfs::fs
