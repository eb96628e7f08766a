// SPDX-License-Identifier: Apache-2.0
#include "core/base/open_metrics.h"

#include <gtest/gtest.h>

namespace nvdimmfs::core {
namespace {

TEST(OpenMetricsTest, WritesFamiliesAndValues) {
  OpenMetrics metrics("nd_");
  metrics.Family("size_bytes", "Size.");
  metrics.Value({{"region", "region0"}, {"bus", "ndbus0"}}, UINT64_MAX);
  metrics.Family("leaving", "How many.");
  metrics.Value({}, 0);
  EXPECT_EQ(metrics.Finish(),
            "# TYPE nd_size_bytes gauge\n"
            "# HELP nd_size_bytes Size.\n"
            "nd_size_bytes{region=\"region0\",bus=\"ndbus0\"} 18446744073709551615\n"
            "# TYPE nd_leaving gauge\n"
            "# HELP nd_leaving How many.\n"
            "nd_leaving 0\n"
            "# EOF\n");
}

TEST(OpenMetricsTest, CountersEndWithTotal) {
  OpenMetrics metrics("nd_");
  metrics.CounterFamily("events", "Events.");
  metrics.Value({{"event", "flush.failed"}}, 3);
  metrics.Family("size", "Size.");
  metrics.Value({}, 1);
  EXPECT_EQ(metrics.Finish(),
            "# TYPE nd_events counter\n"
            "# HELP nd_events Events.\n"
            "nd_events_total{event=\"flush.failed\"} 3\n"
            "# TYPE nd_size gauge\n"
            "# HELP nd_size Size.\n"
            "nd_size 1\n"
            "# EOF\n");
}

TEST(OpenMetricsTest, LabelsCannotBreakTheText) {
  OpenMetrics metrics("");
  metrics.Family("x", "X.");
  metrics.Value({{"name", "a\"} 1\nb\\\xff"}}, 1);
  EXPECT_NE(metrics.Finish().find("x{name=\"a\\\"} 1\\\\x0ab\\\\x5c\\\\xff\"} 1\n"),
            std::string::npos)
      << metrics.Finish();
}

}  // namespace
}  // namespace nvdimmfs::core
