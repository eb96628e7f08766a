// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/record.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "tools/volumes/json_text.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

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

absl::StatusOr<Record> FromJson(const nlohmann::ordered_json& json) {
  if (json.at("version") != kVersion) return Bad("unknown version of a record");
  Record record;
  record.uuid = json.at("uuid");
  record.name = json.at("name");
  record.source = json.at("source");
  const std::string word = json.at("state");
  bool known = false;
  for (const StateWord& state : kStates)
    if (word == state.word) {
      record.state = state.state;
      known = true;
    }
  if (!known) return Bad(absl::StrCat("unknown state \"", word, "\""));
  ASSIGN_OR_RETURN(record.options, ParseVolumeOptions(json.at("options").get<OptionMap>()));
  record.adopted = json.at("adopted");
  record.changed = json.at("changed");
  record.boot_id = json.at("boot_id");
  record.mount_ids = json.at("mount_ids").get<std::set<std::string>>();
  record.seen_in_use = json.value("seen_in_use", false);
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
  return nlohmann::json{{"version", kVersion},
                        {"uuid", record.uuid},
                        {"name", record.name},
                        {"source", record.source},
                        {"state", StateName(record.state)},
                        {"options", ToMap(record.options)},
                        {"adopted", record.adopted},
                        {"changed", record.changed},
                        {"boot_id", record.boot_id},
                        {"mount_ids", record.mount_ids},
                        {"seen_in_use", record.seen_in_use}}
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

absl::StatusOr<Record> RecordFromJson(absl::string_view text) {
  ASSIGN_OR_RETURN(const nlohmann::ordered_json json, ParseJson(text));
  // The JSON library throws; no exception leaves this function.
  try {
    return FromJson(json);
  } catch (const nlohmann::json::exception& error) {
    return Bad(error.what());
  }
}

}  // namespace nvdimmfs::volumes
