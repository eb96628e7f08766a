#include "tools/shell/preload_library.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

// Made from the built library by the rule "preload_bytes".
extern const unsigned char kPreloadLibrary[];
extern const unsigned long kPreloadLibrarySize;

namespace nvdimmfs::tools {

absl::Status PutPreloadLibrary(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  const bool whole = file >= 0 && write(file, kPreloadLibrary, kPreloadLibrarySize) ==
                                      static_cast<ssize_t>(kPreloadLibrarySize);
  const int error = errno;
  if (file >= 0) close(file);
  if (whole) return absl::OkStatus();
  return core::Refusal(error, "shell.preload",
                       absl::StrCat("shell: write ", path, ": ", strerror(error)));
}

void PreloadInto(const std::string& path) {
  const char* before = getenv("LD_PRELOAD");
  const bool more = before != nullptr && *before != '\0';
  setenv("LD_PRELOAD", more ? absl::StrCat(path, ":", before).c_str() : path.c_str(), 1);
}

}  // namespace nvdimmfs::tools
