# SPDX-License-Identifier: Apache-2.0
"""Bazel's C++ rules, with the headers that nearly every file includes compiled ahead of time.

A file must not lean on that: it includes what it uses, and tools/lint compiles each header by itself without it.
"""

load("@debian//:installed.bzl", "CLANG_COPTS")

# What the compiler needs to be told on this system.
COMPILER_COPTS = select({
    "//tools/bazel:clang": CLANG_COPTS,
    "//conditions:default": [],
})

def _prelude(which):
    header = "$(BINDIR)/tools/bazel/{}/prelude.h".format(which)
    return struct(copts = COMPILER_COPTS + ["-include", header], deps = ["//tools/bazel:" + which + "_headers"])

_LIBRARY = _prelude("library_prelude")
_TEST = _prelude("test_prelude")
_COMPUTING_TEST = _prelude("computing_test_prelude")

# Half of a test's compile time is optimisation, which pays only where the test itself computes for long. Sanitizers
# are slow enough; .bazelrc says what they compile with.
QUICK_TO_COMPILE = select({
    "//tools/bazel:sanitized": [],
    "//conditions:default": ["-O0"],
})

def _is_cplusplus(srcs):
    return type(srcs) != "list" or any([src.endswith(".cc") or src.startswith(":") for src in srcs])

def cc_library(name, srcs = [], copts = [], deps = [], **kwargs):
    prelude = _LIBRARY if _is_cplusplus(srcs) else struct(copts = [], deps = [])
    native.cc_library(name = name, srcs = srcs, copts = copts + prelude.copts, deps = deps + prelude.deps, **kwargs)

def cc_binary(name, srcs = [], copts = [], deps = [], **kwargs):
    prelude = _LIBRARY if _is_cplusplus(srcs) else struct(copts = [], deps = [])
    native.cc_binary(name = name, srcs = srcs, copts = copts + prelude.copts, deps = deps + prelude.deps, **kwargs)

def cc_test(name, srcs = [], copts = [], deps = [], computes = False, **kwargs):
    """A test of GoogleTest's.

    Args:
      name: of the test
      srcs: its files
      copts: more options of the compiler
      deps: what it tests
      computes: whether the test itself computes for long, and is optimised therefore
      **kwargs: as Bazel's
    """
    prelude = _COMPUTING_TEST if computes else _TEST
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = copts + prelude.copts + ([] if computes else QUICK_TO_COMPILE),
        deps = deps + prelude.deps,
        **kwargs
    )
