// SPDX-License-Identifier: Apache-2.0
#include "core/listing/device_view.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/input.h"
#include "core/model/engine.h"
#include "core/model/name_hash.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kNdctlBuffer = 1024;

struct ListedChoice {
  uint64_t value;
  bool current;
};

std::vector<ListedChoice> ParseChoices(absl::string_view text) {
  std::vector<ListedChoice> choices;
  std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  if (!words.empty()) words.pop_back();
  for (absl::string_view word : words) {
    const bool current = absl::ConsumePrefix(&word, "[") && absl::ConsumeSuffix(&word, "]");
    uint64_t value;
    if (absl::SimpleAtoi(word, &value)) choices.push_back({value, current});
  }
  return choices;
}

}  // namespace

std::optional<std::string> DeviceView::Text(absl::string_view attribute) const {
  for (const Attribute& candidate : device_->attributes()) {
    if (candidate.name != attribute || device_->engine().ModeOf(*device_, candidate) == 0) continue;
    if (candidate.show == nullptr) return std::nullopt;
    absl::StatusOr<std::string> text = candidate.show(*device_);
    if (!text.ok() || text->size() >= kNdctlBuffer) return std::nullopt;
    if (!text->empty() && text->back() == '\n') text->pop_back();
    return *std::move(text);
  }
  return std::nullopt;
}

std::optional<uint64_t> DeviceView::Number(absl::string_view attribute) const {
  const std::optional<std::string> text = Text(attribute);
  if (!text) return std::nullopt;
  const absl::StatusOr<uint64_t> number = ParseUnsigned(*text);
  return number.ok() ? std::optional<uint64_t>(*number) : std::nullopt;
}

std::optional<int64_t> DeviceView::Node(absl::string_view attribute) const {
  const std::optional<std::string> text = Text(attribute);
  if (!text) return std::nullopt;
  const absl::StatusOr<int64_t> number = ParseSigned(*text);
  return number.ok() ? std::optional<int64_t>(*number) : std::nullopt;
}

std::vector<uint64_t> DeviceView::Choices(absl::string_view attribute) const {
  std::vector<uint64_t> values;
  for (const ListedChoice& choice : ParseChoices(Text(attribute).value_or("")))
    values.push_back(choice.value);
  return values;
}

std::optional<uint64_t> DeviceView::Choice(absl::string_view attribute) const {
  for (const ListedChoice& choice : ParseChoices(Text(attribute).value_or("")))
    if (choice.current) return choice.value;
  return std::nullopt;
}

std::vector<DeviceView> DeviceView::Children(const DeviceKind& kind) const {
  std::vector<DeviceView> found;
  for (const auto& child : device_->children())
    if (child->kind() == kind) found.emplace_back(*child);
  SortAsNdctl(found);
  return found;
}

std::optional<DeviceView> DeviceView::Child(const DeviceKind& kind) const {
  const std::vector<DeviceView> found = Children(kind);
  return found.empty() ? std::nullopt : std::optional<DeviceView>(found.front());
}

void SortAsNdctl(std::vector<DeviceView>& views) {
  std::stable_sort(views.begin(), views.end(), [](const DeviceView& a, const DeviceView& b) {
    return NameHash(a.name()) > NameHash(b.name());
  });
}

}  // namespace nvdimmfs::core
