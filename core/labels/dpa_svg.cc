// SPDX-License-Identifier: Apache-2.0
#include "core/labels/dpa_svg.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "core/base/utf8.h"

namespace nvdimmfs::core {
namespace {

// In pixels.
constexpr int kWidth = 1000;
constexpr int kMargin = 20;
constexpr int kBarWidth = kWidth - 2 * kMargin;
constexpr int kBarHeight = 44;
constexpr int kLine = 18;
constexpr int kCharacter = 8;  // at most, in the font below

constexpr absl::string_view kColours[] = {
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948",
    "#b07aa1", "#ff9da7", "#9c755f", "#8cd17d", "#86bcb6", "#d37295",
};

std::string Xml(absl::string_view text) {
  return absl::StrReplaceAll(
      EscapeSentence(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&apos;"}});
}

std::string Size(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; unit + 1 < std::size(kUnits) && bytes != 0 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return absl::StrCat(bytes, " ", kUnits[unit]);
}

std::string InWords(const DpaPart& part) {
  return absl::StrCat(part.what, ", ", Size(part.dpa.size));
}

class Picture {
 public:
  void Add(const DpaBar& bar) {
    y_ += kLine;
    Text(kMargin, bar.title, "font-weight=\"bold\" ");
    y_ += 8;
    for (const DpaPart& part : bar.parts) Box(bar, part);
    y_ += kBarHeight + 4;
    for (const DpaPart& part : bar.parts) Legend(part);
    y_ += kLine;
  }

  std::string Finish() const {
    const int height = y_ + kMargin;
    return absl::StrFormat(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
        "%d\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n%s</svg>\n",
        kWidth, height, kWidth, height, kWidth, height, body_);
  }

 private:
  absl::string_view Colour(const DpaPart& part) {
    if (part.use == DpaUse::kFree) return "#ffffff";
    if (part.use == DpaUse::kLabelless) return "#d8d8d8";
    if (part.use == DpaUse::kMissing) return "#888888";
    const auto [known, added] = colours_.emplace(part.owner, colours_.size());
    return kColours[known->second % std::size(kColours)];
  }

  // Text with its baseline on the current line.
  void Text(double x, absl::string_view text, absl::string_view style = "") {
    absl::StrAppendFormat(&body_, "<text %sx=\"%.2f\" y=\"%d\">%s</text>\n", style, x, y_,
                          Xml(text));
  }

  void Box(const DpaBar& bar, const DpaPart& part) {
    const double scale = kBarWidth / static_cast<double>(std::max<uint64_t>(1, bar.dpa.size));
    const double x = kMargin + static_cast<double>(part.dpa.start - bar.dpa.start) * scale;
    const double width = static_cast<double>(part.dpa.size) * scale;
    absl::StrAppendFormat(&body_,
                          "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" "
                          "stroke=\"#333333\"><title>%s</title></rect>\n",
                          x, y_, width, kBarHeight, Colour(part), Xml(InWords(part)));
    const std::string words = InWords(part);
    if (static_cast<double>(words.size() * kCharacter) > width) return;
    y_ += kBarHeight / 2 + 5;
    Text(x + 4, words);
    y_ -= kBarHeight / 2 + 5;
  }

  void Legend(const DpaPart& part) {
    y_ += kLine;
    absl::StrAppendFormat(&body_,
                          "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\" "
                          "stroke=\"#333333\"/>\n",
                          kMargin, y_ - 11, Colour(part));
    Text(kMargin + kLine,
         absl::StrFormat("0x%012x-0x%012x  %s", part.dpa.start, part.dpa.end() - 1, InWords(part)));
  }

  int y_ = kMargin;
  std::string body_;
  std::map<std::string, size_t> colours_;  // of owners, in the order of their first parts
};

}  // namespace

std::string DrawDpaSvg(const std::vector<DpaBar>& bars) {
  Picture picture;
  for (const DpaBar& bar : bars) picture.Add(bar);
  return picture.Finish();
}

}  // namespace nvdimmfs::core
