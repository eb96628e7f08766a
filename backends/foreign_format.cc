// SPDX-License-Identifier: Apache-2.0
#include "backends/foreign_format.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

struct Format {
  absl::string_view what;
  size_t offset;
  absl::string_view magic;
  absl::string_view command;  // IN and OUT stand for the files
};

constexpr absl::string_view kQemuImg = "qemu-img convert -O raw IN OUT";

constexpr Format kFormats[] = {
    {"a qcow or qcow2 image", 0, "QFI\xfb", kQemuImg},
    {"a QED image", 0, absl::string_view("QED\0", 4), kQemuImg},
    {"a VMDK image", 0, "KDMV", kQemuImg},
    {"a VMDK image", 0, "COWD", kQemuImg},
    {"a VMDK descriptor", 0, "# Disk DescriptorFile", kQemuImg},
    {"a VHDX image", 0, "vhdxfile", kQemuImg},
    {"a VHD image", 0, "conectix", kQemuImg},
    {"a VDI image", 64, "\x7f\x10\xda\xbe", kQemuImg},
    {"a Parallels image", 0, "WithoutFreeSpace", kQemuImg},
    {"a Parallels image", 0, "WithouFreSpacExt", kQemuImg},
    {"a Bochs image", 0, "Bochs Virtual HD Image", kQemuImg},
    {"an Android sparse image", 0, "\x3a\xff\x26\xed", "simg2img IN OUT"},
    {"compressed by xz", 0,
     absl::string_view("\xfd"
                       "7zXZ\0",
                       6),
     "xz -dc IN >OUT"},
    {"compressed by lzma", 0, absl::string_view("\x5d\0\0", 3), "xz -dc --format=lzma IN >OUT"},
    {"compressed by gzip", 0, "\x1f\x8b\x08", "gzip -dc IN >OUT"},
    {"compressed by compress", 0, "\x1f\x9d", "gzip -dc IN >OUT"},
    {"compressed by zstd", 0, "\x28\xb5\x2f\xfd", "zstd -dc IN >OUT"},
    {"compressed by bzip2", 0, "BZh", "bzip2 -dc IN >OUT"},
    {"compressed by lz4", 0, "\x04\x22\x4d\x18", "lz4 -dc IN >OUT"},
    {"compressed by lz4", 0, "\x02\x21\x4c\x18", "lz4 -dc IN >OUT"},
    {"compressed by lzip", 0, "LZIP", "lzip -dc IN >OUT"},
    {"compressed by lzop", 0, "\x89LZO", "lzop -dc IN >OUT"},
    {"a zip archive", 0, "PK\x03\x04", "unzip -p IN >OUT"},
    {"a 7z archive", 0, "7z\xbc\xaf\x27\x1c", "7z x -so IN >OUT"},
};

using Head = std::array<char, 128>;

// Two or three characters are weak evidence: the following bytes must match as well.
bool IsWhole(const Format& format, const Head& head) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(head[i]); };
  if (format.magic == "BZh")
    return head[3] >= '1' && head[3] <= '9' &&
           (absl::string_view(&head[4], 6) == "1AY&SY" ||
            absl::string_view(&head[4], 6) == "\x17\x72\x45\x38\x50\x90");
  if (format.what == "compressed by compress")
    return (byte(2) & 0x60) == 0 && (byte(2) & 0x1f) >= 9;
  // The dictionary size is a power of two, and the data size is known or all ones.
  if (format.what == "compressed by lzma")
    return (byte(3) & (byte(3) - 1)) == 0 && byte(4) <= 0x0f &&
           (byte(12) == 0xff || (byte(12) == 0 && byte(11) == 0)) && (byte(3) | byte(4)) != 0;
  return true;
}

// "vm.img" for "vm.qcow2"; never the name of the file itself.
std::string OutputFor(const std::string& path) {
  const size_t slash = path.rfind('/') + 1;  // 0 if there is none
  const size_t dot = path.rfind('.');
  const std::string stem = dot != std::string::npos && dot > slash ? path.substr(0, dot) : path;
  return absl::EndsWith(stem, ".img") ? stem : stem + ".img";
}

absl::Status Refuse(const Format& format, const std::string& path) {
  const std::string output = OutputFor(path);
  return core::Refusal(
      EINVAL, "image.format",
      absl::StrCat("open ", path, ": it is ", format.what,
                   ", whose bytes are not those of the DIMM. Make an image of it: ",
                   absl::StrReplaceAll(
                       format.command,
                       {{"IN", core::ShellWord(path)},
                        {"OUT", core::ShellWord(output == path ? output + ".raw" : output)}}),
                   "; where the DIMM itself begins with these bytes, say format=raw"));
}

}  // namespace

absl::Status CheckFormat(int fd, const std::string& path) {
  Head head{};
  if (pread(fd, head.data(), head.size(), 0) <= 0) return absl::OkStatus();
  const absl::string_view bytes(head.data(), head.size());
  for (const Format& format : kFormats)
    if (absl::StartsWith(bytes.substr(format.offset), format.magic) && IsWhole(format, head))
      return Refuse(format, path);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::backends
