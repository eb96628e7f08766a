// SPDX-License-Identifier: Apache-2.0
// Which file has which additional name, for example in dev/by-name. Several files may claim the
// same name: the first keeps it for as long as it exists; then the next takes over. So a program
// that opens the alias again finds the same file as before, and an alias exists for as long as any
// file claims it.
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
  // What happens to an alias.
  enum class Outcome {
    kStays,  // as it was
    kMoves,  // it leads to Owner() from now on
    kGoes,
  };

  // `target` claims the alias, too. kMoves if it is the first to do so. A repeated claim by the
  // same target has no effect.
  Outcome Claim(absl::string_view alias, absl::string_view target);
  // `target` no longer claims it.
  Outcome Release(absl::string_view alias, absl::string_view target);

  // Nothing if no file claims the alias.
  std::optional<std::string> Owner(absl::string_view alias) const;

 private:
  // In order of arrival; never empty.
  absl::flat_hash_map<std::string, std::vector<std::string>> claimants_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ALIAS_TABLE_H_
