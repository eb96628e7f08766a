// SPDX-License-Identifier: Apache-2.0
// libndctl is not loaded at start, but at the first call, which gets its answer.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

extern "C" {
struct ndctl_ctx;
struct ndctl_bus;
int ndctl_new(ndctl_ctx** context);
ndctl_ctx* ndctl_unref(ndctl_ctx* context);
ndctl_bus* ndctl_bus_get_first(ndctl_ctx* context);
ndctl_bus* ndctl_bus_get_next(ndctl_bus* bus);
const char* ndctl_bus_get_provider(ndctl_bus* bus);
}

namespace {

bool IsLoaded() {
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  return text.find("libndctl") != std::string::npos;
}

TEST(LazyNdctl, IsLoadedByItsFirstUse) {
  EXPECT_FALSE(IsLoaded());
  ndctl_ctx* context = nullptr;
  ASSERT_EQ(ndctl_new(&context), 0);
  EXPECT_TRUE(IsLoaded());
  ASSERT_NE(context, nullptr);
  // As many as this machine has, which may be none.
  for (ndctl_bus* bus = ndctl_bus_get_first(context); bus != nullptr; bus = ndctl_bus_get_next(bus))
    EXPECT_NE(ndctl_bus_get_provider(bus), nullptr);
  EXPECT_EQ(ndctl_unref(context), nullptr);
}

}  // namespace
