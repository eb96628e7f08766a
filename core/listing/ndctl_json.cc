// SPDX-License-Identifier: Apache-2.0
#include "core/listing/ndctl_json.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kHumanFrom = 5000 * 1024;

std::string Quoted(const std::string& text) {
  static constexpr char kNamed[] = "\b\f\n\r\t\"\\/";
  static constexpr char kLetters[] = "bfnrt\"\\/";
  std::string out = "\"";
  for (const char c : text) {
    const char* named = std::find(std::begin(kNamed), std::end(kNamed) - 1, c);
    if (named != std::end(kNamed) - 1)
      absl::StrAppend(&out, "\\", std::string(1, kLetters[named - kNamed]));
    else if (static_cast<unsigned char>(c) < 0x20)
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    else
      out.push_back(c);
  }
  return out + "\"";
}

void Write(const Json& value, const std::string& indent, std::string& out) {
  if (value.empty()) {
    out += value.text() != nullptr ? Quoted(*value.text()) : value.Line();
    return;
  }
  const std::string deeper = indent + "  ";
  const char* before = value.is_object() ? "{\n" : "[\n";
  for (const Json& element : value.array()) {
    absl::StrAppend(&out, before, deeper);
    Write(element, deeper, out);
    before = ",\n";
  }
  for (const Json::Member& member : value.object()) {
    absl::StrAppend(&out, before, deeper, Quoted(member.key), ":");
    Write(member.value, deeper, out);
    before = ",\n";
  }
  absl::StrAppend(&out, "\n", indent, value.is_object() ? "}" : "]");
}

}  // namespace

std::string WriteNdctlJson(const Json& value) {
  std::string out;
  Write(value, "", out);
  return EscapeJson(out);
}

Json NumberFormat::Size(uint64_t bytes) const {
  if (!human_ || bytes < kHumanFrom) return bytes;
  struct Unit {
    char letter;
    double binary, decimal;
  };
  constexpr Unit kMega = {'M', 1ull << 20, 1e6};
  constexpr Unit kGiga = {'G', 1ull << 30, 1e9};
  constexpr Unit kTera = {'T', 1ull << 40, 1e12};
  const Unit& unit = bytes < (2ull << 30) ? kMega : bytes < (2ull << 40) ? kGiga : kTera;
  return absl::StrFormat("%.2f %ciB (%.2f %cB)", bytes / unit.binary, unit.letter,
                         bytes / unit.decimal, unit.letter);
}

Json NumberFormat::Hex(uint64_t value) const {
  if (!human_) return value;
  return value == 0 ? std::string("0") : absl::StrFormat("0x%x", value);
}

Json NumberFormat::Cookie(uint64_t value) const {
  if (!human_) return value;
  return Hex(std::min<uint64_t>(value, std::numeric_limits<int64_t>::max()));
}

}  // namespace nvdimmfs::core
