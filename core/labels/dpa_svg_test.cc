// SPDX-License-Identifier: Apache-2.0
#include "core/labels/dpa_svg.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMiB = 1 << 20;

DpaPart Owned(Range dpa, const std::string& owner) {
  return {.dpa = dpa, .use = DpaUse::kNamespace, .what = owner + " raw", .owner = owner};
}

size_t Count(absl::string_view text, absl::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size()))
    ++count;
  return count;
}

// "fill" of the box whose tooltip starts so.
std::string FillOf(const std::string& svg, const std::string& what) {
  const size_t title = svg.find("<title>" + what);
  if (title == std::string::npos) return "none";
  const size_t fill = svg.rfind("fill=\"", title) + 6;
  return svg.substr(fill, svg.find('"', fill) - fill);
}

TEST(DpaSvgTest, DrawsBoxesInProportion) {
  const std::string svg = DrawDpaSvg(
      {{.title = "nmem0: x",
        .dpa = {16 * kMiB, 64 * kMiB},
        .parts = {Owned({16 * kMiB, 16 * kMiB}, "namespace0.0"),
                  {.dpa = {32 * kMiB, 48 * kMiB}, .use = DpaUse::kFree, .what = "free"}}}});
  EXPECT_NE(svg.find("<rect x=\"20.00\" y=\"46\" width=\"240.00\""), svg.npos) << svg;
  EXPECT_NE(svg.find("<rect x=\"260.00\" y=\"46\" width=\"720.00\""), svg.npos) << svg;
  EXPECT_NE(svg.find("<title>namespace0.0 raw, 16 MiB</title>"), svg.npos) << svg;
  EXPECT_NE(svg.find("0x000002000000-0x000004ffffff  free, 48 MiB"), svg.npos) << svg;
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
}

TEST(DpaSvgTest, ANamespaceHasOneColourOnAllDimms) {
  std::vector<DpaBar> bars;
  for (const char* name : {"nmem0", "nmem1"})
    bars.push_back(
        {.title = name,
         .dpa = {0, 2 * kMiB},
         .parts = {Owned({0, kMiB}, absl::StrCat("only", name)), Owned({kMiB, kMiB}, "shared")}});
  const std::string svg = DrawDpaSvg(bars);
  const std::string first = FillOf(svg, "shared");
  EXPECT_EQ(first[0], '#');
  EXPECT_EQ(Count(svg, absl::StrCat("fill=\"", first, "\"")), 4u);  // two boxes, two in legends
  EXPECT_NE(FillOf(svg, "onlynmem0"), first);
  EXPECT_NE(FillOf(svg, "onlynmem0"), FillOf(svg, "onlynmem1"));
}

TEST(DpaSvgTest, NamesCannotBreakTheDocument) {
  const std::string svg =
      DrawDpaSvg({{.title = "</text><script>",
                   .dpa = {0, kMiB},
                   .parts = {Owned({0, kMiB}, absl::StrCat("a\"b'&<c>\x01\xff", "größe"))}}});
  EXPECT_EQ(svg.find("<script"), svg.npos);
  EXPECT_NE(svg.find("a&quot;b&apos;&amp;&lt;c&gt;\\x01\\xffgröße"), svg.npos) << svg;
  EXPECT_EQ(svg.find('\x01'), svg.npos);
}

TEST(DpaSvgTest, IsADocumentWithoutBars) {
  EXPECT_NE(DrawDpaSvg({}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace nvdimmfs::core
