// SPDX-License-Identifier: Apache-2.0
// library_prelude.h for tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/bazel/library_prelude.h"
