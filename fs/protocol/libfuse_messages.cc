// SPDX-License-Identifier: Apache-2.0
#include "fs/protocol/libfuse_messages.h"

#include <fuse_lowlevel.h>

#include <cstdarg>
#include <cstdio>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "core/base/log.h"

namespace nvdimmfs::fs {
namespace {

// libfuse has one message function per process, without a user pointer.
struct Collection {
  absl::Mutex mutex;
  bool collecting ABSL_GUARDED_BY(mutex) = false;
  std::string text ABSL_GUARDED_BY(mutex);
};

Collection& TheCollection() {
  static Collection* const collection = new Collection;
  return *collection;
}

void Collect(bool collecting) {
  Collection& collection = TheCollection();
  absl::MutexLock lock(&collection.mutex);
  collection.collecting = collecting;
  collection.text.clear();
}

void Take(enum fuse_log_level level, const char* format, va_list arguments) {
  char line[512];
  vsnprintf(line, sizeof line, format, arguments);
  Collection& collection = TheCollection();
  absl::MutexLock lock(&collection.mutex);
  if (collection.collecting) {
    collection.text += line;
    return;
  }
  // With -o debug, each request is a line.
  core::Log(level == FUSE_LOG_DEBUG ? core::LogLevel::kDebug : core::LogLevel::kWarning, "fuse",
            absl::StripTrailingAsciiWhitespace(line));
}

}  // namespace

LibfuseMessages::LibfuseMessages() {
  fuse_set_log_func(Take);
  Collect(true);
}

LibfuseMessages::~LibfuseMessages() { Collect(false); }

void LibfuseMessages::Add(const std::string& said) { fuse_log(FUSE_LOG_ERR, "%s", said.c_str()); }

std::string LibfuseMessages::Collected() const {
  Collection& collection = TheCollection();
  absl::MutexLock lock(&collection.mutex);
  std::string text = collection.text;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return absl::StrReplaceAll(text, {{"\n", "; "}});
}

}  // namespace nvdimmfs::fs
