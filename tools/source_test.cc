#include "tools/source.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

absl::Status Opened(const std::string& text, const OptionList& options = {}) {
  return OpenSource({.text = text, .options = options}).status();
}

TEST(SourceTest, OptionsFollowTheNameAfterCommas) {
  const auto [name, options] = SplitSource("vm.img,label_size=256K,force,,x=a=b");
  EXPECT_EQ(name, "vm.img");
  EXPECT_EQ(options, (OptionList{{"label_size", "256K"}, {"force", ""}, {"x", "a=b"}}));
}

TEST(SourceTest, AnUnknownSchemeIsRefusedWithTheKnownForms) {
  const absl::Status status = Opened("tape:/dev/st0");
  EXPECT_EQ(core::ErrnoOf(status), EOPNOTSUPP);
  EXPECT_EQ(core::ReasonOf(status), "source.kind");
  for (const SourceKind& kind : SourceKinds())
    EXPECT_NE(status.message().find(kind.form), absl::string_view::npos) << status;
}

TEST(SourceTest, APathWithAColonIsAPath) {
  EXPECT_EQ(core::ErrnoOf(Opened("./tape:x")), ENOENT);
  EXPECT_EQ(core::ErrnoOf(Opened("/no/such:x")), ENOENT);
}

TEST(SourceTest, EachKindRefusesAnUnknownOptionAndNamesItsOwn) {
  for (const SourceKind& kind : SourceKinds()) {
    const absl::Status status = Opened(absl::StrCat(kind.scheme, "nothing,colour=red"));
    EXPECT_EQ(core::ReasonOf(status), "source.option") << kind.form;
    for (const absl::string_view option : kind.options)
      EXPECT_NE(status.message().find(option), absl::string_view::npos) << status;
  }
}

TEST(SourceTest, NothingAfterTheSchemeIsRefused) {
  for (const SourceKind& kind : SourceKinds())
    if (!kind.scheme.empty()) {
      EXPECT_EQ(core::ReasonOf(Opened(std::string(kind.scheme))), "source.kind") << kind.form;
    }
}

TEST(SourceTest, AnAbsoluteNameKeepsItsScheme) {
  for (const SourceKind& kind : SourceKinds()) {
    const std::string name = AbsoluteSource(absl::StrCat(kind.scheme, "dir/file"));
    EXPECT_EQ(name.rfind(std::string(kind.scheme), 0), 0u) << name;
    EXPECT_EQ(name[kind.scheme.size()] == '/', kind.names_a_file) << name;
  }
}

}  // namespace
}  // namespace nvdimmfs::tools
