# SPDX-License-Identifier: Apache-2.0
"""Libraries of a package whose files the compiler reads as one.

Most of the time of a file goes into the headers that its neighbours include, too: the 19 files of core/nd compile in
an eighth of the time this way. Targets stay as fine as they are drawn, and each names its dependencies: only the object
file is common. A BUILD file loads `cc_library` from here and ends with `joined_library()`.
"""

load("//tools/bazel:cc.bzl", "data_path_cc_library", cc_library_of = "cc_library")

def _interface(label):
    """The headers of a target of this package, without its object file; targets of others as they are."""
    if label.startswith(":"):
        return label + ".interface"
    return label

def _is_joined(srcs, kwargs):
    if kwargs.get("testonly") or kwargs.get("alwayslink"):
        return False
    return any([src.endswith(".cc") for src in srcs]) and not any([src.startswith(":") for src in srcs])

def cc_library(name, srcs = [], hdrs = [], textual_hdrs = [], copts = [], deps = [], apart = False, **kwargs):
    """Bazel's cc_library, compiled by joined_library().

    Test code, generated code, and what needs an option of its own is compiled by itself.

    Args:
      name: as Bazel's
      srcs: as Bazel's
      hdrs: as Bazel's
      textual_hdrs: as Bazel's
      copts: as Bazel's
      deps: as Bazel's
      apart: its object file is linked only into what depends on this target; a file with main() must be
      **kwargs: as Bazel's
    """
    if apart or copts or not _is_joined(srcs, kwargs):
        cc_library_of(name = name, srcs = srcs, hdrs = hdrs, copts = copts, textual_hdrs = textual_hdrs, deps = deps, **kwargs)
        if srcs:
            native.alias(
                name = name + ".interface",
                testonly = kwargs.get("testonly"),
                actual = name,
                visibility = ["//visibility:private"],
            )
        else:
            _interface_library(name, hdrs, textual_hdrs, deps, kwargs.get("testonly"))
        return
    _interface_library(name, hdrs, textual_hdrs, deps)
    native.filegroup(name = name + ".sources", srcs = srcs, visibility = ["//visibility:private"])
    native.cc_library(name = name, deps = [":joined", _interface(":" + name)], **kwargs)

def _interface_library(name, hdrs, textual_hdrs, deps, testonly = False):
    native.cc_library(
        name = name + ".interface",
        testonly = testonly,
        hdrs = hdrs,
        textual_hdrs = textual_hdrs,
        visibility = ["//visibility:private"],
        deps = [_interface(dep) for dep in deps],
    )

def joined_library(apart = [], data_path = False):
    """Compiles the files of the libraries above, as one.

    Args:
      apart: files that are compiled by themselves, because they name a function or a type as another file does
      data_path: whether a read or write of a namespace runs through the package
    """
    rules = native.existing_rules()
    names = sorted([name[:-len(".sources")] for name in rules if name.endswith(".sources")])
    files = [file[1:] for name in names for file in rules[name + ".sources"]["srcs"]]
    joined = [file for file in files if file.endswith(".cc") and file not in apart]
    package = native.package_name()
    native.genrule(
        name = "joined_source",
        outs = ["joined.cc"],
        cmd = "printf '#include \"%s\"\\n' {} >$@".format(" ".join([package + "/" + file for file in joined])),
        visibility = ["//visibility:private"],
    )
    compiled_library = data_path_cc_library if data_path else cc_library_of
    compiled_library(
        name = "joined",
        srcs = ["joined.cc"] + [file for file in files if file not in joined],
        textual_hdrs = joined,
        visibility = ["//visibility:private"],
        deps = [":" + name + ".interface" for name in names],
    )
