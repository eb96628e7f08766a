// SPDX-License-Identifier: Apache-2.0
// The regular file behind a Media, lent to a kernel that reads or writes it without this process.
//
// While a loan lives, its Media refuses injected errors (they would not be visible through the
// file). Thread rules: any thread.
#ifndef NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_
#define NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_

namespace nvdimmfs::core {

class FileLoan {
 public:
  virtual ~FileLoan() = default;

  // Byte n of the file is byte n of the Media, and the file ends where the Media ends.
  virtual int descriptor() const = 0;
  // Whether the file cannot grow (memfd's seals). Otherwise a write past its end extends it.
  virtual bool is_sealed() const = 0;
  // Cuts off what was written past the end; true if there was anything.
  virtual bool Trim() = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_FILE_LOAN_H_
