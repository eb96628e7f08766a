// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_options.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/nearest_word.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

struct ModeName {
  const char* name;
  VolumeMode mode;
};
constexpr ModeName kModes[] = {{"fs", VolumeMode::kFs},
                               {"raw", VolumeMode::kRaw},
                               {"sector", VolumeMode::kSector},
                               {"fsdax", VolumeMode::kFsdax}};

// Sectors of a BTT; those without metadata suit a file system.
constexpr uint64_t kSectorSizes[] = {512, 520, 528, 4096, 4104, 4160, 4224};

using Value = const std::string&;

struct Option {
  const char* name;
  const char* values;  // words separated by bars, or a description of the value
  // False: no such value.
  bool (*set)(VolumeOptions&, Value);
};

constexpr size_t kMostSaid = 60;  // of another program's text

bool SetSize(uint64_t& to, Value value) {
  const auto size = core::ParseSize(value);
  if (!size.ok() || *size == 0) return false;
  to = *size;
  return true;
}

bool SetBool(bool& to, Value value) {
  for (const char* yes : {"", "yes", "true", "1", "on"})
    if (value == yes) return to = true;
  for (const char* no : {"no", "false", "0", "off"})
    if (value == no) {
      to = false;
      return true;
    }
  return false;
}

bool SetPermissions(VolumeOptions& options, Value value) {
  if (value.empty() || value.size() > 5 || value.find_first_not_of("01234567") != std::string::npos)
    return false;
  const unsigned long bits = std::stoul(value, nullptr, 8);
  if (bits > 07777) return false;
  options.permissions = static_cast<mode_t>(bits);
  return true;
}

template <typename Id>
bool SetNumber(Id& to, Value value) {
  uint32_t number;
  // The last one means "none" to chown(2).
  if (!absl::SimpleAtoi(value, &number) || number == UINT32_MAX) return false;
  to = number;
  return true;
}

bool SetUser(VolumeOptions& options, Value value) {
  if (SetNumber(options.uid, value)) return true;
  std::array<char, 4096> room;
  passwd entry, *found = nullptr;
  if (getpwnam_r(value.c_str(), &entry, room.data(), room.size(), &found) != 0 || !found)
    return false;
  options.uid = entry.pw_uid;
  return true;
}

bool SetGroup(VolumeOptions& options, Value value) {
  if (SetNumber(options.gid, value)) return true;
  std::array<char, 4096> room;
  group entry, *found = nullptr;
  if (getgrnam_r(value.c_str(), &entry, room.data(), room.size(), &found) != 0 || !found)
    return false;
  options.gid = entry.gr_gid;
  return true;
}

bool SetOwner(VolumeOptions& options, Value value) {
  const std::vector<std::string> parts = absl::StrSplit(value, absl::MaxSplits(':', 1));
  return SetUser(options, parts[0]) && (parts.size() == 1 || SetGroup(options, parts[1]));
}

bool SetMode(VolumeOptions& options, Value value) {
  for (const ModeName& mode : kModes)
    if (value == mode.name) {
      options.mode = mode.mode;
      return true;
    }
  return SetPermissions(options, value);
}

bool SetRegion(VolumeOptions& options, Value value) {
  // The device's name is looked up among the existing ones; it never becomes part of a path.
  options.region = value;
  return !value.empty();
}

constexpr Option kOptions[] = {
    {"size", "BYTES, as 64M, 64MiB or 64MB",
     [](VolumeOptions& o, Value v) { return SetSize(o.size, v); }},
    {"mode", "fs|raw|sector|fsdax", SetMode},
    {"fstype", "ext4|xfs",
     [](VolumeOptions& o, Value v) {
       o.fstype = v;
       return v == "ext4" || v == "xfs";
     }},
    {"on", "sector|raw",
     [](VolumeOptions& o, Value v) {
       o.on_raw = v == "raw";
       return v == "raw" || v == "sector";
     }},
    {"sector_size", "512|520|528|4096|4104|4160|4224",
     [](VolumeOptions& o, Value v) {
       o.sector_size.emplace();
       return SetSize(*o.sector_size, v) &&
              std::count(std::begin(kSectorSizes), std::end(kSectorSizes), *o.sector_size) > 0;
     }},
    {"align", "BYTES, as 2M",
     [](VolumeOptions& o, Value v) {
       o.align.emplace();
       return SetSize(*o.align, v);
     }},
    {"region", "REGION, as region0 or vm.img/region0", SetRegion},
    {"erase", "yes|no", [](VolumeOptions& o, Value v) { return SetBool(o.erase, v); }},
    {"owner", "USER[:GROUP]", SetOwner},
    {"uid", "USER", SetUser},
    {"gid", "GROUP", SetGroup},
    {"perm", "OCTAL", SetPermissions},
    {"ro", "yes|no", [](VolumeOptions& o, Value v) { return SetBool(o.read_only, v); }},
};

absl::Status Bad(absl::string_view why) { return core::Refusal(EINVAL, "volume.option", why); }

std::string Said(absl::string_view text) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, kMostSaid)),
                      text.size() > kMostSaid ? "..." : "");
}

// "did you mean WORD? ", or nothing.
std::string Guess(absl::string_view text, const std::vector<std::string>& words) {
  const std::string word = core::NearestWord(text, words);
  return word.empty() ? "" : absl::StrCat("did you mean ", word, "? ");
}

absl::Status UnknownKey(const std::string& key) {
  std::vector<std::string> names;
  for (const Option& option : kOptions) names.emplace_back(option.name);
  return Bad(absl::StrCat("unknown option \"", Said(key), "\": ", Guess(key, names),
                          "The options are ", absl::StrJoin(names, ", "), ", o"));
}

absl::Status BadValue(const Option& option, const std::string& value) {
  const std::vector<std::string> words = absl::StrSplit(option.values, '|');
  return Bad(absl::StrCat(option.name, "=", Said(value), ": ",
                          words.size() > 1 ? Guess(value, words) : "", option.name, "= takes ",
                          absl::StrReplaceAll(option.values, {{"|", ", "}})));
}

absl::Status Add(const std::pair<std::string, std::string>& pair, OptionMap& map) {
  const auto [at, is_new] = map.insert(pair);
  if (is_new || at->second == pair.second) return absl::OkStatus();
  return Bad(absl::StrCat(Said(pair.first), "= is given twice, as ", Said(at->second), " and ",
                          Said(pair.second), ": leave one out"));
}

// podman repeats these options of o= in capitals.
constexpr const char* kSaidAgain[] = {"SIZE", "UID", "GID"};

// As in docker's own driver: o=size=64m,uid=1000,ro. A word without a value means yes; rw means
// ro=no.
absl::Status Expand(const std::string& line, OptionMap& map) {
  for (const absl::string_view word : absl::StrSplit(line, ',', absl::SkipEmpty())) {
    std::pair<std::string, std::string> pair = absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (word == "rw") pair = {"ro", "no"};
    RETURN_IF_ERROR(Add(pair, map));
  }
  for (const char* word : kSaidAgain)
    if (const auto again = map.extract(word))
      RETURN_IF_ERROR(Add({absl::AsciiStrToLower(word), again.mapped()}, map));
  return absl::OkStatus();
}

absl::Status CheckTogether(const VolumeOptions& options, const OptionMap& map) {
  const auto given = [&](const char* key) { return map.count(key) > 0; };
  const bool octal_mode = given("mode") && !map.at("mode").empty() &&
                          map.at("mode").find_first_not_of("01234567") == std::string::npos;
  if (given("fstype") && !options.has_file_system())
    return Bad("fstype= goes with mode=fs or mode=fsdax only: other modes are a data file");
  if (given("on") && options.mode != VolumeMode::kFs) return Bad("on= goes with mode=fs only");
  if (given("align") && options.mode != VolumeMode::kFsdax)
    return Bad("align= goes with mode=fsdax only");
  if (options.sector_size && *options.sector_size != 512 && *options.sector_size != 4096 &&
      options.mode != VolumeMode::kSector)
    return Bad(absl::StrCat("sector_size=", *options.sector_size, " goes with mode=sector only"));
  if (given("owner") && given("uid"))
    return Bad("owner= and uid= set the same thing: leave one out");
  if (given("gid") && given("owner") && map.at("owner").find(':') != std::string::npos)
    return Bad("owner=USER:GROUP and gid= set the same thing: leave one out");
  if (given("perm") && octal_mode)
    return Bad("mode= in octal and perm= set the same thing: leave one out");
  return absl::OkStatus();
}

}  // namespace

const char* VolumeOptions::namespace_mode() const {
  if (mode == VolumeMode::kFs) return on_raw ? "raw" : "sector";
  for (const ModeName& name : kModes)
    if (name.mode == mode) return name.name;
  return "raw";
}

absl::StatusOr<VolumeOptions> ParseVolumeOptions(const OptionMap& given) {
  VolumeOptions options;
  OptionMap map = given;
  if (const auto line = map.extract("o")) RETURN_IF_ERROR(Expand(line.mapped(), map));
  for (const auto& [key, value] : map) {
    const Option* found =
        std::find_if(std::begin(kOptions), std::end(kOptions),
                     [&key = key](const Option& option) { return key == option.name; });
    if (found == std::end(kOptions)) return UnknownKey(key);
    if (!found->set(options, value)) return BadValue(*found, value);
  }
  RETURN_IF_ERROR(CheckTogether(options, map));
  return options;
}

OptionMap ToMap(const VolumeOptions& options) {
  OptionMap map;
  if (options.size != 0) map["size"] = absl::StrCat(options.size);
  for (const ModeName& mode : kModes)
    if (mode.mode == options.mode) map["mode"] = mode.name;
  if (options.mode == VolumeMode::kFs) map["on"] = options.on_raw ? "raw" : "sector";
  if (options.has_file_system()) map["fstype"] = options.fstype;
  if (options.sector_size) map["sector_size"] = absl::StrCat(*options.sector_size);
  if (options.align) map["align"] = absl::StrCat(*options.align);
  if (!options.region.empty()) map["region"] = options.region;
  map["erase"] = options.erase ? "yes" : "no";
  map["uid"] = absl::StrCat(options.uid);
  map["gid"] = absl::StrCat(options.gid);
  if (options.permissions) map["perm"] = absl::StrFormat("%04o", *options.permissions);
  map["ro"] = options.read_only ? "yes" : "no";
  return map;
}

}  // namespace nvdimmfs::volumes
