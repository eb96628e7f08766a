// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/protocol.h"

#include <cerrno>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/json_text.h"

namespace nvdimmfs::volumes {
namespace {

using core::Json;

struct Call {
  std::string name;
  std::string id;
  OptionMap options;
};

absl::Status NotJson(absl::string_view why) { return core::Refusal(EINVAL, "protocol.json", why); }

// Some clients send JSON numbers and booleans.
absl::StatusOr<std::string> TextOf(const Json& value, absl::string_view key) {
  if (const std::string* text = value.text()) return *text;
  if (value.is_null()) return std::string();
  if (value.is_object() || value.is_array()) return NotJson(absl::StrCat(key, " must be a string"));
  return value.Line();
}

absl::StatusOr<std::string> FieldOf(const Json& object, const char* key) {
  const Json* const found = object.Find(key);
  return found == nullptr ? std::string() : TextOf(*found, key);
}

absl::StatusOr<Call> ParseCall(const std::string& body) {
  Call call;
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return call;
  ASSIGN_OR_RETURN(const Json json, ParseJson(body));
  if (json.is_null()) return call;
  if (!json.is_object()) return NotJson("the request's body must be a JSON object");
  ASSIGN_OR_RETURN(call.name, FieldOf(json, "Name"));
  ASSIGN_OR_RETURN(call.id, FieldOf(json, "ID"));
  const Json* const options = json.Find("Opts");
  if (options == nullptr || options->is_null()) return call;
  if (!options->is_object()) return NotJson("Opts must be a JSON object");
  for (const auto& [key, value] : options->object()) {
    ASSIGN_OR_RETURN(call.options[key], TextOf(value, "each option's value"));
  }
  return call;
}

Json Describe(const VolumeView& view) {
  Json json = {{"Name", view.name}, {"Mountpoint", view.mountpoint}};
  if (view.created != 0)
    json["CreatedAt"] = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(view.created),
                                         absl::UTCTimeZone());
  if (!view.status.is_null()) json["Status"] = view.status;
  return json;
}

using Answered = absl::StatusOr<Json>;

Answered Done(const absl::Status& status) {
  if (!status.ok()) return status;
  return Json::EmptyObject();
}

Answered WithMountpoint(const absl::StatusOr<std::string>& path) {
  if (!path.ok()) return path.status();
  return Json{{"Mountpoint", *path}};
}

struct Verb {
  const char* path;
  // Not logged: engines ask for volumes before they create them.
  bool is_question;
  Answered (*run)(VolumeDriver&, const Call&);
};

constexpr Verb kVerbs[] = {
    {"/Plugin.Activate", true,
     [](VolumeDriver&, const Call&) -> Answered {
       return Json{{"Implements", Json::ArrayOf(std::vector{"VolumeDriver"})}};
     }},
    {"/VolumeDriver.Create", false,
     [](VolumeDriver& driver, const Call& call) {
       return Done(driver.Create(call.name, call.options));
     }},
    {"/VolumeDriver.Remove", false,
     [](VolumeDriver& driver, const Call& call) { return Done(driver.Remove(call.name)); }},
    {"/VolumeDriver.Mount", false,
     [](VolumeDriver& driver, const Call& call) {
       return WithMountpoint(driver.Mount(call.name, call.id));
     }},
    {"/VolumeDriver.Unmount", false,
     [](VolumeDriver& driver, const Call& call) {
       return Done(driver.Unmount(call.name, call.id));
     }},
    {"/VolumeDriver.Path", true,
     [](VolumeDriver& driver, const Call& call) { return WithMountpoint(driver.Path(call.name)); }},
    {"/VolumeDriver.Get", true,
     [](VolumeDriver& driver, const Call& call) -> Answered {
       ASSIGN_OR_RETURN(const VolumeView view, driver.Get(call.name));
       return Json{{"Volume", Describe(view)}};
     }},
    {"/VolumeDriver.List", true,
     [](VolumeDriver& driver, const Call&) -> Answered {
       Json volumes = Json::EmptyArray();
       for (const VolumeView& view : driver.List()) volumes.push_back(Describe(view));
       return Json{{"Volumes", std::move(volumes)}};
     }},
    {"/VolumeDriver.Capabilities", true,
     [](VolumeDriver&, const Call&) -> Answered {
       return Json{{"Capabilities", Json{{"Scope", "local"}}}};
     }},
    // Not part of the protocol: `nvdimmfs-volumes release`.
    {kReleaseCall, false,
     [](VolumeDriver& driver, const Call& call) { return Done(driver.Release(call.name)); }},
};

std::string Dump(const Json& json) { return json.Line() + "\n"; }

Reply Refuse(int status, const absl::Status& why) {
  const std::string reason = core::ReasonOf(why);
  return {
      .status = status,
      .body = Dump({{"Err", absl::StrCat(why.message(), " [", core::ErrnoName(core::ErrnoOf(why)),
                                         reason.empty() ? "" : ", ", reason, "]")}})};
}

}  // namespace

std::string NotServed(int status, absl::string_view why) {
  return Refuse(status, core::Refusal(EINVAL, "protocol.http",
                                      absl::StrCat("HTTP status ", status, ": ", why)))
      .body;
}

Reply Answer(VolumeDriver& driver, const std::string& path, const std::string& body) {
  for (const Verb& verb : kVerbs) {
    if (path != verb.path) continue;
    const absl::StatusOr<Call> call = ParseCall(body);
    if (!call.ok()) return Refuse(400, call.status());
    Answered answer = verb.run(driver, *call);
    if (!answer.ok()) {
      if (!verb.is_question)
        core::LogRefusal(core::LogLevel::kWarning, core::Annotate(answer.status(), path));
      return Refuse(500, answer.status());
    }
    (*answer)["Err"] = "";
    return {.status = 200, .body = Dump(*answer)};
  }
  std::string list;
  for (const Verb& verb : kVerbs) absl::StrAppend(&list, list.empty() ? "" : ", ", verb.path);
  return Refuse(404, core::Refusal(ENOSYS, "protocol.call",
                                   absl::StrCat("no such call; known calls: ", list)));
}

}  // namespace nvdimmfs::volumes
