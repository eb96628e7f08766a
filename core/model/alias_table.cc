// SPDX-License-Identifier: Apache-2.0
#include "core/model/alias_table.h"

#include <algorithm>
#include <iterator>

namespace nvdimmfs::core {

AliasTable::Outcome AliasTable::Claim(absl::string_view alias, absl::string_view target) {
  std::vector<std::string>& claimants = claimants_[alias];
  // From the end: a repeated claim comes right after the first.
  if (std::find(claimants.rbegin(), claimants.rend(), target) != claimants.rend())
    return Outcome::kStays;
  claimants.emplace_back(target);
  return claimants.size() == 1 ? Outcome::kMoves : Outcome::kStays;
}

AliasTable::Outcome AliasTable::Release(absl::string_view alias, absl::string_view target) {
  const auto found = claimants_.find(alias);
  if (found == claimants_.end()) return Outcome::kStays;
  std::vector<std::string>& claimants = found->second;
  // From the end: those that go with their parent are there.
  const auto mine = std::find(claimants.rbegin(), claimants.rend(), target);
  if (mine == claimants.rend()) return Outcome::kStays;
  const bool was_owner = std::next(mine) == claimants.rend();
  claimants.erase(std::prev(mine.base()));
  if (claimants.empty()) {
    claimants_.erase(found);
    return Outcome::kGoes;
  }
  return was_owner ? Outcome::kMoves : Outcome::kStays;
}

std::optional<std::string> AliasTable::Owner(absl::string_view alias) const {
  const auto found = claimants_.find(alias);
  if (found == claimants_.end()) return std::nullopt;
  return found->second.front();
}

}  // namespace nvdimmfs::core
