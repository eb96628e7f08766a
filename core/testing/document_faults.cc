// SPDX-License-Identifier: Apache-2.0
#include "core/testing/document_faults.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nvdimmfs::core {
namespace {

constexpr int kMostLevels = 64;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsAlpha(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

// The length of the UTF-8 character at the start of `text` and its code; 0 if it is malformed. By
// the table of RFC 3629, section 4.
size_t Utf8Length(absl::string_view text, uint32_t& code) {
  const auto at = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const auto tail = [&](size_t i) { return at(i) >= 0x80 && at(i) <= 0xbf; };
  const uint32_t first = at(0);
  code = first;
  if (first <= 0x7f) return 1;
  if (first >= 0xc2 && first <= 0xdf && tail(1)) {
    code = (first - 0xc0) * 0x40 + (at(1) - 0x80);
    return 2;
  }
  if (first >= 0xe0 && first <= 0xef && tail(1) && tail(2)) {
    code = (first - 0xe0) * 0x1000 + (at(1) - 0x80) * 0x40 + (at(2) - 0x80);
    return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4 && tail(1) && tail(2) && tail(3)) {
    code =
        (first - 0xf0) * 0x40000 + (at(1) - 0x80) * 0x1000 + (at(2) - 0x80) * 0x40 + (at(3) - 0x80);
    return code < 0x10000 || code > 0x10ffff ? 0 : 4;
  }
  return 0;
}

bool ControlsText(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff || (code & 0xfffe) == 0xfffe;
}

// A text, how far it is read, and the first fault.
class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  char next() { return at_end() ? '\0' : text_[at_++]; }
  bool Skip(absl::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  // Characters for which `wanted` holds.
  template <typename Wanted>
  absl::string_view While(Wanted wanted) {
    const size_t start = at_;
    while (!at_end() && wanted(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  // Always false.
  bool Fail(absl::string_view what) {
    if (fault_.empty()) fault_ = absl::StrCat("at ", at_, ": ", what);
    return false;
  }
  bool Expect(absl::string_view word) {
    return Skip(word) || Fail(absl::StrCat("expected ", word));
  }
  const std::string& fault() const { return fault_; }

 private:
  const absl::string_view text_;
  size_t at_ = 0;
  std::string fault_;
};

class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : in_(text) {}

  std::string Fault() {
    if (Value(0)) {
      Blanks();
      if (!in_.at_end()) in_.Fail("something follows the value");
    }
    return in_.fault();
  }

 private:
  void Blanks() {
    in_.While([](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
  }

  bool Value(int level) {
    if (level > kMostLevels) return in_.Fail("too deep");
    Blanks();
    if (in_.Skip("{")) return Members(level);
    if (in_.Skip("[")) return Elements(level);
    if (in_.Skip("true") || in_.Skip("false") || in_.Skip("null")) return true;
    std::string unused;
    return in_.peek() == '"' ? String(unused) : Number();
  }

  bool Members(int level) {
    std::set<std::string> names;
    Blanks();
    if (in_.Skip("}")) return true;
    do {
      Blanks();
      std::string name;
      if (!String(name)) return false;
      if (!names.insert(name).second) return in_.Fail(absl::StrCat("a second member ", name));
      Blanks();
      if (!in_.Expect(":") || !Value(level + 1)) return false;
      Blanks();
    } while (in_.Skip(","));
    return in_.Expect("}");
  }

  bool Elements(int level) {
    Blanks();
    if (in_.Skip("]")) return true;
    do {
      if (!Value(level + 1)) return false;
      Blanks();
    } while (in_.Skip(","));
    return in_.Expect("]");
  }

  // Keeps escapes as they are written, which is enough to tell names apart that this program
  // writes.
  bool String(std::string& text) {
    if (!in_.Expect("\"")) return false;
    while (!in_.at_end()) {
      const char c = in_.next();
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return in_.Fail("a control character in a string");
      text += c;
      if (c == '\\' && !AfterBackslash(text)) return false;
    }
    return in_.Fail("a string without an end");
  }

  bool AfterBackslash(std::string& text) {
    const char c = in_.next();
    text += c;
    if (c != 'u')
      return (c != '\0' && absl::string_view("\"\\/bfnrt").find(c) != absl::string_view::npos) ||
             in_.Fail("an unknown escape");
    const int first = FourDigits();
    if (first < 0) return false;
    absl::StrAppend(&text, first, ";");
    if (first >= 0xdc00 && first <= 0xdfff) return in_.Fail("an unpaired surrogate");
    if (first < 0xd800 || first > 0xdbff) return true;
    if (!in_.Expect("\\u")) return false;
    const int second = FourDigits();
    if (second < 0) return false;
    absl::StrAppend(&text, second, ";");
    return (second >= 0xdc00 && second <= 0xdfff) || in_.Fail("an unpaired surrogate");
  }

  int FourDigits() {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = in_.next();
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c)))
        return in_.Fail("not a hexadecimal digit") ? 0 : -1;
      value = value * 16 + (IsDigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
    }
    return value;
  }

  bool Number() {
    in_.Skip("-");
    const absl::string_view whole = in_.While(IsDigit);
    if (whole.empty()) return in_.Fail("expected a value");
    if (whole.size() > 1 && whole[0] == '0') return in_.Fail("a number that begins with 0");
    if (in_.Skip(".") && in_.While(IsDigit).empty()) return in_.Fail("a fraction without digits");
    if (in_.Skip("e") || in_.Skip("E")) {
      if (!in_.Skip("+")) in_.Skip("-");
      if (in_.While(IsDigit).empty()) return in_.Fail("an exponent without digits");
    }
    return true;
  }

  Reader in_;
};

class XmlReader {
 public:
  explicit XmlReader(absl::string_view text) : in_(text) {}

  std::string Fault() {
    if (in_.Expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") && in_.Expect("<") && Root()) {
      Blanks();
      if (!in_.at_end()) in_.Fail("something follows the root element");
    }
    return in_.fault();
  }

 private:
  static bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  absl::string_view Blanks() { return in_.While(IsBlank); }

  // After its "<". Without recursion: depth costs a name.
  bool Root() {
    std::vector<std::string> open;
    if (!StartTag(open)) return false;
    while (!open.empty()) {
      if (in_.at_end()) return in_.Fail("elements without an end");
      if (in_.Skip("</")) {
        if (!in_.Expect(open.back())) return false;
        Blanks();
        if (!in_.Expect(">")) return false;
        open.pop_back();
      } else if (in_.Skip("<")) {
        if (!StartTag(open)) return false;
      } else if (!Character('<')) {
        return false;
      }
    }
    return true;
  }

  std::string Name() {
    std::string name;
    if (IsAlpha(in_.peek()) || in_.peek() == '_')
      name = std::string(in_.While([](char c) {
        return IsAlpha(c) || IsDigit(c) || c == '_' || c == '-' || c == '.' || c == ':';
      }));
    if (name.empty()) in_.Fail("expected a name");
    return name;
  }

  bool StartTag(std::vector<std::string>& open) {
    const std::string name = Name();
    if (name.empty()) return false;
    std::set<std::string> attributes;
    for (;;) {
      const bool blank = !Blanks().empty();
      if (in_.Skip("/>")) return true;
      if (in_.Skip(">")) {
        open.push_back(name);
        return true;
      }
      if (!blank) return in_.Fail("expected a blank or >");
      const std::string attribute = Name();
      if (attribute.empty()) return false;
      if (!attributes.insert(attribute).second)
        return in_.Fail(absl::StrCat("a second attribute ", attribute));
      if (!in_.Expect("=\"")) return false;
      while (!in_.at_end() && in_.peek() != '"') {
        if (in_.peek() == '<') return in_.Fail("< in an attribute");
        if (!Character('"')) return false;
      }
      if (!in_.Expect("\"")) return false;
    }
  }

  // One character of text or of an attribute's value; `stop` is handled by the caller.
  bool Character(char stop) {
    if (in_.peek() == stop) return in_.Fail("not text");
    if (in_.Skip("]]>")) return in_.Fail("]]> in text");
    if (!in_.Skip("&")) {
      in_.next();
      return true;
    }
    for (const char* entity : {"amp;", "lt;", "gt;", "quot;", "apos;"})
      if (in_.Skip(entity)) return true;
    return in_.Fail("& that begins no predefined entity");
  }

  Reader in_;
};

class MetricsReader {
 public:
  std::string Fault(absl::string_view document) {
    std::vector<absl::string_view> lines = absl::StrSplit(document, '\n');
    if (lines.size() < 2 || !lines.back().empty() || lines[lines.size() - 2] != "# EOF")
      return "does not end with # EOF and a line feed";
    lines.resize(lines.size() - 2);
    for (const absl::string_view line : lines)
      if (std::string fault = Line(line); !fault.empty())
        return absl::StrCat("line \"", line, "\": ", fault);
    return "";
  }

 private:
  static bool IsName(char c) { return IsAlpha(c) || IsDigit(c) || c == '_'; }

  std::string Line(absl::string_view line) {
    Reader in(line);
    if (in.Skip("# TYPE ")) {
      family_ = std::string(in.While(IsName));
      if (family_.empty() || !families_.insert(family_).second) in.Fail("a family twice");
      if (in.Expect(" gauge") && !in.at_end()) in.Fail("something follows the type");
      has_help_ = false;
    } else if (in.Skip("# HELP ")) {
      if (in.While(IsName) != family_ || has_help_) in.Fail("not the help of the family");
      in.Expect(" ");
      has_help_ = true;
    } else {
      Sample(in);
    }
    return in.fault();
  }

  bool Sample(Reader& in) {
    std::string labels;
    if (in.While(IsName) != family_ || !has_help_) return in.Fail("a value outside its family");
    if (in.Skip("{") && !Labels(in, labels)) return false;
    if (!samples_.insert(absl::StrCat(family_, labels)).second) return in.Fail("a value twice");
    if (!in.Expect(" ")) return false;
    if (in.While(IsDigit).empty()) return in.Fail("expected a number");
    return in.at_end() || in.Fail("something follows the value");
  }

  static bool Labels(Reader& in, std::string& labels) {
    std::set<std::string> keys;
    do {
      const std::string key(in.While(IsName));
      if (key.empty() || IsDigit(key[0]) || !keys.insert(key).second)
        return in.Fail("expected a new label");
      if (!in.Expect("=\"")) return false;
      absl::StrAppend(&labels, key, "=\"");
      while (!in.at_end() && in.peek() != '"') {
        const char c = in.next();
        labels += c;
        if (c != '\\') continue;
        const char escaped = in.next();
        if (escaped != '\\' && escaped != '"' && escaped != 'n')
          return in.Fail("an unknown escape");
        labels += escaped;
      }
      labels += '"';
      if (!in.Expect("\"")) return false;
    } while (in.Skip(","));
    return in.Expect("}");
  }

  std::string family_;
  bool has_help_ = false;
  std::set<std::string> families_, samples_;
};

}  // namespace

std::string TerminalFault(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    uint32_t code = 0;
    const size_t length = Utf8Length(text.substr(at), code);
    if (length == 0) return absl::StrCat("at ", at, ": not UTF-8");
    if (code != '\n' && ControlsText(code))
      return absl::StrCat("at ", at, ": U+", absl::Hex(code, absl::kZeroPad4));
    at += length;
  }
  return "";
}

std::string JsonFault(absl::string_view document) {
  std::string fault = TerminalFault(document);
  return fault.empty() ? JsonReader(document).Fault() : fault;
}

std::string XmlFault(absl::string_view document) {
  std::string fault = TerminalFault(document);
  return fault.empty() ? XmlReader(document).Fault() : fault;
}

std::string MetricsFault(absl::string_view document) {
  std::string fault = TerminalFault(document);
  return fault.empty() ? MetricsReader().Fault(document) : fault;
}

}  // namespace nvdimmfs::core
