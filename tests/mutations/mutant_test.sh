#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the tests that should catch a seeded bug, and passes if one of them does.
#
#   mutant_test.sh PROGRAM MUTATED-SOURCE FILTER
#
# A test that hangs or crashes has also caught the bug. Fails if the bug survives, or if the line that it
# should replace no longer exists.
program=$1 source=$2 filter=$3

first=$(head -n 1 "$source")
if [ "$first" != "// MUTATED" ]; then
  echo "$first"
  echo "update the line in tests/mutations/mutations.bzl"
  exit 1
fi
# The report belongs to this test; the cases of the mutated program must not write theirs into it.
unset XML_OUTPUT_FILE
timeout -s KILL 40 "$program" --gtest_filter="$filter" --gtest_brief=1 >"$TEST_TMPDIR/output" 2>&1
status=$?
if [ $status -eq 0 ]; then
  cat "$TEST_TMPDIR/output"
  echo "SURVIVED: no test of $filter noticed"
  exit 1
fi
echo "caught (status $status):"
grep -E '^\[  FAILED  \]|Failure' "$TEST_TMPDIR/output" | sort | uniq -c | sort -rn | head -n 5
