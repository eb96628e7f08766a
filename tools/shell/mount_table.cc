// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/mount_table.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::tools {

std::vector<MountEntry> ReadMountTable(int file) {
  std::string text;
  char part[4096];
  lseek(file, 0, SEEK_SET);
  for (ssize_t n; (n = read(file, part, sizeof part)) > 0;) text.append(part, n);
  std::vector<MountEntry> entries;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    MountEntry entry;
    std::string parent, number, root, path;
    words >> entry.id >> parent >> number >> root >> path;
    unsigned major_number, minor_number;
    if (sscanf(number.c_str(), "%u:%u", &major_number, &minor_number) != 2) continue;
    entry.device = makedev(major_number, minor_number);
    entry.path = absl::StrReplaceAll(
        path, {{"\\040", " "}, {"\\011", "\t"}, {"\\012", "\n"}, {"\\134", "\\"}});
    entries.push_back(std::move(entry));
  }
  std::reverse(entries.begin(), entries.end());
  return entries;
}

std::vector<MountEntry> ReadMountTable() {
  const posix::Descriptor file(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  return ReadMountTable(file.get());
}

}  // namespace nvdimmfs::tools
