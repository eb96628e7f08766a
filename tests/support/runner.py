# SPDX-License-Identifier: Apache-2.0
"""Runs the test cases of the calling module and reports each of them to Bazel.

Bazel would otherwise see one test per file; tools/test counts and lists cases. Use at a module's end:

    if __name__ == "__main__":
        runner.main()

With arguments, runs only the cases whose name contains one of them.
"""

import os
import sys
import time
import unittest
from xml.sax.saxutils import quoteattr


class _Result(unittest.TextTestResult):
    """A text result that also records (case, seconds, kind, detail) of every case."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.cases = []
        self._started = 0.0
        self._broken_subtests = []

    def startTest(self, test):
        self._started = time.monotonic()
        self._broken_subtests = []
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._record(test, "passed", "")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._record(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._record(test, "failure", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._record(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._broken_subtests.append(f"{subtest}: {self._exc_info_to_string(err, test)}")

    def stopTest(self, test):
        # A case with a broken subtest never reaches addSuccess.
        if self._broken_subtests:
            self._record(test, "failure", "\n".join(self._broken_subtests))
        super().stopTest(test)

    def _record(self, test, kind, detail):
        self.cases.append((str(test), time.monotonic() - self._started, kind, detail))


def _write_xml(path, suite_name, cases):
    failures = sum(kind == "failure" for _, _, kind, _ in cases)
    skipped = sum(kind == "skipped" for _, _, kind, _ in cases)
    with open(path, "w", encoding="utf-8", errors="replace") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        out.write(
            f'<testsuite name={quoteattr(suite_name)} tests="{len(cases)}"'
            f' failures="{failures}" skipped="{skipped}">\n'
        )
        for name, seconds, kind, detail in cases:
            out.write(f'<testcase name={quoteattr(name)} time="{seconds:.3f}">')
            if kind != "passed":
                printable = "".join(c if c in "\n\t" or c >= " " else "?" for c in detail)
                out.write(f"<{kind} message={quoteattr(printable)}/>")
            out.write("</testcase>\n")
        out.write("</testsuite>\n</testsuites>\n")


def main():
    module = sys.modules["__main__"]
    loader = unittest.TestLoader()
    if sys.argv[1:]:
        loader.testNamePatterns = [f"*{word}*" for word in sys.argv[1:]]
    suite = loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2, resultclass=_Result, stream=sys.stdout).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        name = os.environ.get("TEST_TARGET", os.path.basename(sys.argv[0]))
        _write_xml(os.environ["XML_OUTPUT_FILE"], name, result.cases)
    sys.exit(0 if result.wasSuccessful() and result.cases else 1)
