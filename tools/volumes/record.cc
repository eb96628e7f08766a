// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/record.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "core/base/input.h"
#include "core/base/json.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "tools/volumes/json_text.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

using core::Json;

constexpr int kVersion = 1;

struct StateWord {
  RecordState state;
  const char* word;
};
constexpr StateWord kStates[] = {{RecordState::kCreating, "creating"},
                                 {RecordState::kFormatting, "formatting"},
                                 {RecordState::kReady, "ready"},
                                 {RecordState::kRemoving, "removing"},
                                 {RecordState::kRemoved, "removed"}};

absl::Status Bad(absl::string_view why) { return core::Refusal(EINVAL, "journal.record", why); }

// Reads the members of a record. Keeps the first refusal; what is read after it has no meaning.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  const absl::Status& status() const { return status_; }

  std::string Text(absl::string_view key) { return TextOf(key, At(key)); }
  int64_t Number(absl::string_view key) { return Checked(key, At(key).integer()); }
  bool Flag(absl::string_view key) { return Checked(key, At(key).boolean()); }
  bool Flag(absl::string_view key, bool fallback) {
    return json_.Find(key) == nullptr ? fallback : Flag(key);
  }
  std::set<std::string> Texts(absl::string_view key) {
    std::set<std::string> texts;
    if (!At(key).is_array()) Refuse(key);
    for (const Json& text : At(key).array()) texts.insert(TextOf(key, text));
    return texts;
  }
  OptionMap Options(absl::string_view key) {
    OptionMap options;
    if (!At(key).is_object()) Refuse(key);
    for (const Json::Member& option : At(key).object())
      options[option.key] = TextOf(key, option.value);
    return options;
  }

 private:
  const Json& At(absl::string_view key) const {
    static const Json& none = *new Json();
    const Json* const found = json_.Find(key);
    return found == nullptr ? none : *found;
  }
  void Refuse(absl::string_view key) {
    status_.Update(Bad(absl::StrCat("\"", key, "\" is missing or has the wrong type")));
  }
  template <typename T>
  T Checked(absl::string_view key, const std::optional<T>& value) {
    if (!value) Refuse(key);
    return value.value_or(T());
  }
  std::string TextOf(absl::string_view key, const Json& value) {
    if (value.text() == nullptr) Refuse(key);
    return value.text() == nullptr ? "" : *value.text();
  }

  const Json& json_;
  absl::Status status_;
};

absl::StatusOr<Record> FromJson(const Json& json) {
  if (!json.is_object()) return Bad("not an object");
  Reader reader(json);
  if (reader.Number("version") != kVersion) {
    RETURN_IF_ERROR(reader.status());
    return Bad("unknown version of a record");
  }
  Record record{.uuid = reader.Text("uuid"),
                .name = reader.Text("name"),
                .source = reader.Text("source"),
                .adopted = reader.Flag("adopted"),
                .changed = reader.Number("changed"),
                .boot_id = reader.Text("boot_id"),
                .mount_ids = reader.Texts("mount_ids"),
                .seen_in_use = reader.Flag("seen_in_use", false)};
  const std::string word = reader.Text("state");
  const OptionMap options = reader.Options("options");
  RETURN_IF_ERROR(reader.status());
  const auto* const state =
      std::find_if(std::begin(kStates), std::end(kStates),
                   [&](const StateWord& known) { return word == known.word; });
  if (state == std::end(kStates)) return Bad(absl::StrCat("unknown state \"", word, "\""));
  record.state = state->state;
  ASSIGN_OR_RETURN(record.options, ParseVolumeOptions(options));
  const auto uuid = core::Uuid::Parse(record.uuid);
  if (!uuid || uuid->ToString() != record.uuid) return Bad("malformed uuid");
  RETURN_IF_ERROR(record.adopted ? CheckLabelName(record.name) : CheckName(record.name));
  return record;
}

}  // namespace

std::string BootId() {
  const auto id = posix::ReadFile("/proc/sys/kernel/random/boot_id");
  return id.ok() ? std::string(core::Trim(*id)) : "";
}

const char* StateName(RecordState state) {
  for (const StateWord& word : kStates)
    if (word.state == state) return word.word;
  return "?";
}

std::string ToJson(const Record& record) {
  const Json json = {{"adopted", record.adopted},
                     {"boot_id", record.boot_id},
                     {"changed", record.changed},
                     {"mount_ids", Json::ArrayOf(record.mount_ids)},
                     {"name", record.name},
                     {"options", Json::ObjectOf(ToMap(record.options))},
                     {"seen_in_use", record.seen_in_use},
                     {"source", record.source},
                     {"state", StateName(record.state)},
                     {"uuid", record.uuid},
                     {"version", kVersion}};
  return json.Indented() + "\n";
}

absl::StatusOr<Record> RecordFromJson(absl::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  return FromJson(json);
}

}  // namespace nvdimmfs::volumes
