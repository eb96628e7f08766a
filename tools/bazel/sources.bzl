# SPDX-License-Identifier: Apache-2.0
"""The C and C++ files that programs are made of, for tests that read them."""

SourcesInfo = provider("Source files.", fields = ["files"])

def _collect_impl(_target, ctx):
    own = []
    for attribute in ["srcs", "hdrs", "textual_hdrs"]:
        for file in getattr(ctx.rule.files, attribute, []):
            if file.is_source and file.owner.workspace_name == "":
                own.append(file)
    below = [target[SourcesInfo].files for target in getattr(ctx.rule.attr, "deps", []) if SourcesInfo in target]
    return [SourcesInfo(files = depset(own, transitive = below))]

_collect = aspect(
    implementation = _collect_impl,
    attr_aspects = ["deps"],
)

def _sources_impl(ctx):
    files = depset(transitive = [target[SourcesInfo].files for target in ctx.attr.programs])
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

# All files that the programs need, libraries of this workspace included.
sources_of = rule(
    implementation = _sources_impl,
    attrs = {"programs": attr.label_list(aspects = [_collect])},
)
