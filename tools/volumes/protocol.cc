#include "tools/volumes/protocol.h"

#include <cerrno>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using Json = nlohmann::ordered_json;

struct Call {
  std::string name;
  std::string id;
  OptionMap options;
};

// Some clients send numbers and booleans as such.
std::string Text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump();
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? "" : Text(*found);
}

absl::StatusOr<Call> ParseCall(const std::string& body) {
  Call call;
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return call;
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_null()) return call;
  if (!json.is_object())
    return core::Refusal(EINVAL, "protocol.json", "the request's body is no JSON object");
  call.name = TextOf(json, "Name");
  call.id = TextOf(json, "ID");
  const auto options = json.find("Opts");
  if (options == json.end() || options->is_null()) return call;
  if (!options->is_object())
    return core::Refusal(EINVAL, "protocol.json", "Opts is no JSON object");
  for (const auto& [key, value] : options->items()) call.options[key] = Text(value);
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
  return Json::object();
}

Answered WithMountpoint(const absl::StatusOr<std::string>& path) {
  if (!path.ok()) return path.status();
  return Json{{"Mountpoint", *path}};
}

struct Verb {
  const char* path;
  Answered (*run)(VolumeDriver&, const Call&);
};

constexpr Verb kVerbs[] = {
    {"/Plugin.Activate",
     [](VolumeDriver&, const Call&) -> Answered { return Json{{"Implements", {"VolumeDriver"}}}; }},
    {"/VolumeDriver.Create",
     [](VolumeDriver& driver, const Call& call) {
       return Done(driver.Create(call.name, call.options));
     }},
    {"/VolumeDriver.Remove",
     [](VolumeDriver& driver, const Call& call) { return Done(driver.Remove(call.name)); }},
    {"/VolumeDriver.Mount",
     [](VolumeDriver& driver, const Call& call) {
       return WithMountpoint(driver.Mount(call.name, call.id));
     }},
    {"/VolumeDriver.Unmount",
     [](VolumeDriver& driver, const Call& call) {
       return Done(driver.Unmount(call.name, call.id));
     }},
    {"/VolumeDriver.Path",
     [](VolumeDriver& driver, const Call& call) {
       return WithMountpoint(driver.Path(call.name));
     }},
    {"/VolumeDriver.Get",
     [](VolumeDriver& driver, const Call& call) -> Answered {
       ASSIGN_OR_RETURN(const VolumeView view, driver.Get(call.name));
       return Json{{"Volume", Describe(view)}};
     }},
    {"/VolumeDriver.List",
     [](VolumeDriver& driver, const Call&) -> Answered {
       Json volumes = Json::array();
       for (const VolumeView& view : driver.List()) volumes.push_back(Describe(view));
       return Json{{"Volumes", std::move(volumes)}};
     }},
    {"/VolumeDriver.Capabilities",
     [](VolumeDriver&, const Call&) -> Answered {
       return Json{{"Capabilities", {{"Scope", "local"}}}};
     }},
};

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Reply Refuse(int status, const absl::Status& why) {
  const std::string reason = core::ReasonOf(why);
  return {status, Dump({{"Err", absl::StrCat(why.message(), " [",
                                             core::ErrnoName(core::ErrnoOf(why)),
                                             reason.empty() ? "" : ", ", reason, "]")}})};
}

}  // namespace

std::string NotServed(int status) {
  return Refuse(status, core::Refusal(EINVAL, "protocol.http",
                                      absl::StrCat("HTTP status ", status,
                                                   ": calls are POST requests with a JSON object, "
                                                   "1 MiB at most; GET /metrics is served, too")))
      .body;
}

Reply Answer(VolumeDriver& driver, const std::string& path, const std::string& body) {
  for (const Verb& verb : kVerbs) {
    if (path != verb.path) continue;
    const absl::StatusOr<Call> call = ParseCall(body);
    if (!call.ok()) return Refuse(400, call.status());
    Answered answer = verb.run(driver, *call);
    if (!answer.ok()) return Refuse(500, answer.status());
    (*answer)["Err"] = "";
    return {200, Dump(*answer)};
  }
  std::string list;
  for (const Verb& verb : kVerbs) absl::StrAppend(&list, list.empty() ? "" : ", ", verb.path);
  return Refuse(404, core::Refusal(ENOSYS, "protocol.call",
                                   absl::StrCat("no such call; there are: ", list)));
}

}  // namespace nvdimmfs::volumes
