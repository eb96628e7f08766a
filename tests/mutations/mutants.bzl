# SPDX-License-Identifier: Apache-2.0
"""Turns the list of mutations into a program and a test each."""

load("//tests/mutations:mutations.bzl", "MUTATIONS")
load("//tools/bazel:cc.bzl", "cc_binary")

def _shell_word(text):
    return "'" + text.replace("'", "'\\''").replace("$", "$$") + "'"

def mutants(tests, deps):
    """Declares a test for each mutation.

    Args:
      tests: libraries with the tests, always linked.
      deps: what the mutated sources need.
    """
    for name, source, before, after, caught_by in MUTATIONS:
        label = "//btt:" + source
        native.genrule(
            name = name + "_source",
            srcs = [label],
            outs = [name + ".cc"],
            cmd = "python3 $(location mutate.py) $(location {}) {} {} >$@".format(
                label,
                _shell_word(before),
                _shell_word(after),
            ),
            tools = ["mutate.py"],
        )

        # The object with the mutation comes before the library without it, so the linker does not take it
        # from the library.
        cc_binary(
            name = name,
            srcs = [name + ".cc"],
            copts = ["-Wno-unused"],
            linkopts = ["-Wl,--strip-debug"],
            deps = tests + deps,
        )
        native.sh_test(
            name = name + "_test",
            size = "small",
            srcs = ["mutant_test.sh"],
            args = [
                "$(location {})".format(name),
                "$(location {}.cc)".format(name),
                _shell_word(caught_by),
            ],
            data = [name, name + ".cc"],
        )
