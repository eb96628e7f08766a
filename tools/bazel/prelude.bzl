# SPDX-License-Identifier: Apache-2.0
"""The rule that compiles a header ahead of time."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    # A header from a cache may be newer than what was compiled from it. Bazel knows which belongs to which.
    clang = toolchain.compiler == "clang"
    no_time = ["-Xclang", "-fno-pch-timestamp"] if clang else []
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        use_pic = True,  # as all objects of this workspace are
        quote_include_directories = depset(["."] if ctx.files.also else []),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts + no_time,
    )
    compiler = cc_common.get_tool_for_action(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )

    # The compilers take `X.gch` and `X.pch` for `-include X` where both lie in one folder, so the header is copied.
    header = ctx.actions.declare_file(ctx.label.name + "/prelude.h")
    compiled = ctx.actions.declare_file(
        ctx.label.name + "/prelude.h" + (".pch" if clang else ".gch"),
    )
    ctx.actions.expand_template(template = ctx.file.header, output = header, substitutions = {})
    ctx.actions.run(
        executable = compiler,
        arguments = flags + ["-x", "c++-header", header.path, "-o", compiled.path],
        inputs = depset([header] + ctx.files.also, transitive = [toolchain.all_files]),
        outputs = [compiled],
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
            variables = variables,
        ),
        mnemonic = "CppPrecompile",
        progress_message = "Compiling the headers of " + ctx.label.name + " ahead",
    )
    return [DefaultInfo(files = depset([header, compiled] + ctx.files.also))]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "also": attr.label_list(allow_files = [".h"], doc = "Headers of this workspace that the header includes."),
        "header": attr.label(allow_single_file = [".h"], mandatory = True),
        "copts": attr.string_list(doc = "As the targets have that include it: another -O makes it useless to them."),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
