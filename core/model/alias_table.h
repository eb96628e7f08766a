// SPDX-License-Identifier: Apache-2.0
// Which file has which further name, in dev/by-name, say. Several files may claim one: the first of
// them keeps it for as long as it exists; when it goes, the next takes over. So a program that
// opens the alias again finds the same file as before, and an alias exists as long as any file
// claims it.
//
// Used under the Engine's configuration lock.
#ifndef NVDIMMFS_CORE_MODEL_ALIAS_TABLE_H_
#define NVDIMMFS_CORE_MODEL_ALIAS_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class AliasTable {
 public:
  // What becomes of an alias.
  enum class Outcome {
    kStays,  // as it was
    kMoves,  // it leads to Owner() from now on
    kGoes,
  };

  // `target` wants the alias, too. kMoves where it is the first to. A second claim by one target
  // counts as none.
  Outcome Claim(absl::string_view alias, absl::string_view target);
  // `target` wants it no longer.
  Outcome Release(absl::string_view alias, absl::string_view target);

  // Nothing if no file claims the alias.
  std::optional<std::string> Owner(absl::string_view alias) const;

 private:
  // In the order in which they came; never empty.
  absl::flat_hash_map<std::string, std::vector<std::string>> claimants_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ALIAS_TABLE_H_
