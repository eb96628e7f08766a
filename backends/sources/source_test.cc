// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/source.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

absl::Status Opened(const std::string& text, const OptionList& options = {}) {
  Source source(text);
  source.PutDefaults(options);
  return source.Open().status();
}

TEST(SourceTest, OptionsFollowTheNameAfterCommas) {
  const Source source("vm.img,label_size=256K,force,,x=a=b");
  EXPECT_EQ(source.text(), "vm.img,label_size=256K,force,,x=a=b");
  EXPECT_EQ(source.name(), "vm.img");
  EXPECT_EQ(source.options(), (OptionList{{"label_size", "256K"}, {"force", ""}, {"x", "a=b"}}));
  EXPECT_FALSE(source.read_only());
}

TEST(SourceTest, DefaultsComeFirst) {
  Source source("vm.img,slot=1");
  source.PutDefaults({{"slot", "2"}, {"ro", ""}});
  EXPECT_EQ(source.options(), (OptionList{{"slot", "2"}, {"ro", ""}, {"slot", "1"}}));
  EXPECT_TRUE(source.read_only());
}

// A name that was taken apart is not taken apart again.
TEST(SourceTest, AFolderMayHaveACommaAndAColon) {
  const std::filesystem::path before = std::filesystem::current_path();
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "ram:1,slot=9";
  std::filesystem::create_directory(folder);
  std::filesystem::current_path(folder);
  Source source("vm.img,slot=1");
  source.MakeAbsolute();
  std::filesystem::current_path(before);
  std::filesystem::remove(folder);
  EXPECT_EQ(source.name(), (folder / "vm.img").string());
  EXPECT_EQ(source.options(), (OptionList{{"slot", "1"}}));
  EXPECT_EQ(core::ErrnoOf(source.Open().status()), ENOENT);
}

TEST(SourceTest, AFileIsWhatItsWholeNameSays) {
  const std::string file = testing::TempDir() + "a,ro";
  std::ofstream(file) << "x";
  const Source source(file);
  std::filesystem::remove(file);
  EXPECT_EQ(source.name(), file);
  EXPECT_TRUE(source.options().empty());
}

TEST(SourceTest, APresetMayBeAModule) {
  EXPECT_TRUE(Source("preset:nfit_test").is_module());
  EXPECT_FALSE(Source("preset:demo").is_module());
  EXPECT_FALSE(Source("nfit_test").is_module());
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

TEST(SourceTest, EachKindTakesTheKernelThatIsMirrored) {
  for (const SourceKind& kind : SourceKinds()) {
    const absl::Status status = Opened(absl::StrCat(kind.scheme, "nothing,kernel=5.0"));
    EXPECT_EQ(core::ReasonOf(status), "source.option") << kind.form;
    EXPECT_NE(status.message().find("6.1, 6.12 or 7.3"), absl::string_view::npos) << status;
  }
  const auto kernel_of = [](const std::string& text, const OptionList& defaults) {
    Source source(text);
    source.PutDefaults(defaults);
    const auto buses = source.Open();
    EXPECT_TRUE(buses.ok()) << buses.status();
    return core::KernelName(buses->front().kernel);
  };
  EXPECT_EQ(kernel_of("ram:32M", {}), core::KernelName(core::kDefaultKernel));
  EXPECT_EQ(kernel_of("ram:32M", {{"kernel", "6.12"}}), "6.12");
  EXPECT_EQ(kernel_of("ram:32M,kernel=7.3", {{"kernel", "6.12"}}), "7.3");
}

TEST(SourceTest, RamIsMemoryOfASizeOrAFile) {
  EXPECT_TRUE(Source("ram:32M").Open().ok());
  EXPECT_EQ(core::ReasonOf(Opened("ram:32M,address=4G")), "source.option");
  EXPECT_EQ(core::ReasonOf(Opened("ram:/nowhere/range")), "image.open");
  EXPECT_EQ(core::ReasonOf(Opened("ram:/nowhere/range,address=high")), "source.option");
  Source size("ram:32M");
  size.MakeAbsolute();
  EXPECT_EQ(size.name(), "ram:32M");
}

TEST(SourceTest, NothingAfterTheSchemeIsRefused) {
  for (const SourceKind& kind : SourceKinds())
    if (!kind.scheme.empty()) {
      EXPECT_EQ(core::ReasonOf(Opened(std::string(kind.scheme))), "source.name") << kind.form;
    }
}

TEST(SourceTest, AnAbsoluteNameKeepsItsScheme) {
  for (const SourceKind& kind : SourceKinds()) {
    Source source(absl::StrCat(kind.scheme, "dir/file"));
    source.MakeAbsolute();
    const std::string name = source.name();
    EXPECT_EQ(name.rfind(std::string(kind.scheme), 0), 0u) << name;
    EXPECT_EQ(name[kind.scheme.size()] == '/', kind.names_a_file("dir/file")) << name;
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
