// SPDX-License-Identifier: Apache-2.0
#include "core/model/data_faults.h"

#include <cerrno>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/base/range.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

struct Table {
  absl::Mutex mutex;
  std::map<const DataNode*, std::shared_ptr<FaultMedia>> faults ABSL_GUARDED_BY(mutex);
};

Table& TheTable() {
  static Table& table = *new Table;  // outlives every thread
  return table;
}

absl::Status Refuse(int error, const DataNode& node, absl::string_view reason,
                    absl::string_view why) {
  return Refusal(error, reason, absl::StrCat("faults of ", node.name(), ": ", why));
}

absl::Status Check(const DataNode& node, const FaultRules& rules) {
  for (const FaultRule& rule : rules.rules) {
    if (rule.range && !Fits(rule.range->start, rule.range->size, node.size()))
      return Refuse(EINVAL, node, "faults.range",
                    absl::StrCat(rule.range->size, " bytes at ", rule.range->start,
                                 " reach past its end at ", node.size()));
    if (rule.kind == FaultKind::kTorn && node.atomic_sectors())
      return Refuse(EINVAL, node, "faults.atomic",
                    "its sectors never tear; torn= is for a namespace in raw mode");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SetFaults(DataNode& node, FaultRules rules) {
  RETURN_IF_ERROR(Check(node, rules));
  if (!rules.rules.empty() && !node.StopLending())
    return Refuse(EBUSY, node, "data.on_loan",
                  "a program has the file open by kernel passthrough, which would not see them; "
                  "close it first, or mount with -o passthrough=off");
  for (const FaultRule& rule : rules.rules)
    if (rule.kind == FaultKind::kPoison) RETURN_IF_ERROR(node.media().InjectPoison(*rule.range));
  absl::MutexLock lock(&TheTable().mutex);
  if (rules.rules.empty() && TheTable().faults.count(&node) == 0) return absl::OkStatus();
  std::shared_ptr<FaultMedia>& faults = TheTable().faults[&node];
  if (faults == nullptr) {
    faults = std::make_shared<FaultMedia>(node.media(), absl::StrCat("dev/", node.name()),
                                          [&node] { return node.closed(); });
    nodes_with_faults.fetch_add(1, std::memory_order_relaxed);
  }
  faults->SetRules(std::move(rules));
  return absl::OkStatus();
}

std::shared_ptr<FaultMedia> FaultsOf(const DataNode& node) {
  absl::MutexLock lock(&TheTable().mutex);
  const auto found = TheTable().faults.find(&node);
  return found == TheTable().faults.end() ? nullptr : found->second;
}

void ForgetFaults(const DataNode& node) {
  absl::MutexLock lock(&TheTable().mutex);
  if (TheTable().faults.erase(&node) != 0)
    nodes_with_faults.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace nvdimmfs::core
