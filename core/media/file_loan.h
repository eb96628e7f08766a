// SPDX-License-Identifier: Apache-2.0
// The regular file behind a Media, lent to a kernel that shall read or write it past this process.
//
// For as long as a loan lives its Media takes no injected errors (they could not be seen through
// the file). Thread rules: any thread.
#ifndef NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_
#define NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_

namespace nvdimmfs::core {

class FileLoan {
 public:
  virtual ~FileLoan() = default;

  // Byte n of the file is byte n of the Media, and the file ends where the Media ends.
  virtual int descriptor() const = 0;
  // Whether the file cannot grow (memfd's seals). Else a write behind its end makes it longer.
  virtual bool is_sealed() const = 0;
  // Cuts off what was written behind the end; true where there was something.
  virtual bool Trim() = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_
