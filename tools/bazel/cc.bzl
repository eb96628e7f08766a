# SPDX-License-Identifier: Apache-2.0
"""Bazel's C++ rules, with the headers that nearly every file includes compiled ahead of time.

A file must not lean on that: it includes what it uses, and tools/lint compiles each header by itself without it.
"""

load("@debian//:installed.bzl", "CLANG_COPTS")

# What the compiler needs to be told on this system. gcc would collect garbage among the precompiled headers, which takes a
# sixth of a file's time, so it does not start before it uses 1 GB.
COMPILER_COPTS = select({
    "//tools/bazel:clang": CLANG_COPTS,
    "//conditions:default": ["--param=ggc-min-heapsize=1000000"],
})

# The sanitizers compile everything with -O1 (.bazelrc).
CONTROL_PATH_COPTS = select({
    "//tools/bazel:optimised_alike": [],
    "//conditions:default": ["-O1"],
})

# A test is compiled once for every time that it runs: optimisation pays only if the test itself computes for long.
TEST_COPTS = ["-O0"]

# The options that include a header compiled ahead, which must be compiled with the same -O as the including file.
def _include(which):
    return ["-include", "$(BINDIR)/tools/bazel/{}/prelude.h".format(which)]

def _headers(which):
    return ["//tools/bazel:" + which + "_headers"]

def _prelude(which, copts = []):
    return struct(copts = COMPILER_COPTS + copts + _include(which), deps = _headers(which))

_LIBRARY = _prelude("library_prelude")
_CONTROL_LIBRARY = struct(
    copts = COMPILER_COPTS + CONTROL_PATH_COPTS + select({
        "//tools/bazel:optimised_alike": _include("library_prelude"),
        "//conditions:default": _include("control_prelude"),
    }),
    deps = select({
        "//tools/bazel:optimised_alike": _headers("library_prelude"),
        "//conditions:default": _headers("control_prelude"),
    }),
)
_TEST = _prelude("test_prelude", TEST_COPTS)
_COMPUTING_TEST = _prelude("computing_test_prelude")

def _is_cplusplus(srcs):
    return type(srcs) != "list" or any([src.endswith(".cc") or src.startswith(":") for src in srcs])

# `copts` of a target come last: they win over an -O of this file.
def _compile(rule, prelude, srcs, copts, deps, kwargs):
    if not _is_cplusplus(srcs):
        prelude = struct(copts = [], deps = [])
    rule(srcs = srcs, copts = prelude.copts + copts, deps = deps + prelude.deps, **kwargs)

# Most of the code is optimised fully only in a release: it compiles in three quarters of the time with -O1.
def cc_library(srcs = [], copts = [], deps = [], **kwargs):
    _compile(native.cc_library, _CONTROL_LIBRARY, srcs, copts, deps, kwargs)

def cc_binary(srcs = [], copts = [], deps = [], **kwargs):
    _compile(native.cc_binary, _CONTROL_LIBRARY, srcs, copts, deps, kwargs)

# A package that a read or write of a namespace runs through loads these as cc_library and cc_binary: they are optimised
# in every build.
def data_path_cc_library(srcs = [], copts = [], deps = [], **kwargs):
    _compile(native.cc_library, _LIBRARY, srcs, copts, deps, kwargs)

def data_path_cc_binary(srcs = [], copts = [], deps = [], **kwargs):
    _compile(native.cc_binary, _LIBRARY, srcs, copts, deps, kwargs)

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
        copts = prelude.copts + copts,
        deps = deps + prelude.deps,
        **kwargs
    )
