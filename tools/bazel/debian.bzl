# SPDX-License-Identifier: Apache-2.0
"""What only the system that builds can say of its Debian packages."""

# The Abseil libraries that the code includes. What these need in turn differs from release to release.
_ABSL_PACKAGES = [
    "absl_" + name
    for name in [
        "base",
        "cleanup",
        "flat_hash_map",
        "random_random",
        "status",
        "statusor",
        "str_format",
        "strings",
        "synchronization",
        "time",
    ]
]

# What is linked into the programs, headers alone and start-up objects included: `--version` names it, and packages carry
# its licences. tools/packaging:notices_test compares it with the programs.
_LINKED_PACKAGES = [
    "libabsl-dev",
    "libblkid-dev",
    "libc6-dev",
    "libcap-ng-dev",
    "libcli11-dev",
    "libfdt-dev",
    "libfuse3-dev",
    "libkeyutils-dev",
    "libpmem2-dev",
    "liburing-dev",
    "nettle-dev",
    "nlohmann-json3-dev",
]

# For each: "libfuse3-dev fuse3 3.14.0-4", package, source package and its version. The compiler's packages have
# the C++ runtime.
def _linked(context):
    compiler = context.execute(["g++", "-dumpversion"]).stdout.strip().split(".")[0]
    asked = context.execute(
        ["dpkg-query", "-W", "-f", "${Package} ${source:Package} ${source:Version}\\n"] +
        _LINKED_PACKAGES + ["libgcc-%s-dev" % compiler, "libstdc++-%s-dev" % compiler],
    )
    return [line.split(" ") for line in asked.stdout.strip().split("\n")] if asked.return_code == 0 else []

# What clang is told in addition, by its major version.
def _clang_copts(major):
    copts = []

    # It changed the names of templates that have a condition. gcc, which compiled Abseil's library, has not.
    if major >= 18:
        copts.append("-fclang-abi-compat=17")

    # It wants LOCKS_REQUIRED where an accessor returns a reference to a guarded member; those of the engine assert
    # their lock instead.
    if major >= 19:
        copts.append("-Wno-thread-safety-reference-return")
    return copts

def _debian_impl(context):
    asked = context.execute(["pkg-config", "--libs", "--static"] + _ABSL_PACKAGES)
    if asked.return_code != 0:
        fail("pkg-config does not know Abseil; run tools/install-deps: " + asked.stderr)
    libraries = {flag: None for flag in asked.stdout.replace("\n", " ").split(" ") if flag.startswith("-labsl_")}
    has_pmemblk = context.execute(["pkg-config", "--exists", "libpmemblk"]).return_code == 0
    clang = context.execute(["clang", "-dumpversion"])
    clang_major = int(clang.stdout.split(".")[0]) if clang.return_code == 0 else 0
    linked = _linked(context)
    sources = sorted({source + " " + version: None for _, source, version in linked}.keys())
    context.file("BUILD", "exports_files([\"libraries.txt\", \"packages.txt\"])\n")
    context.file("libraries.txt", "\n".join(sources or ["libraries that are not known: no dpkg here"]) + "\n")
    context.file("packages.txt", "\n".join([package for package, _, _ in linked]) + "\n")
    context.file("installed.bzl", "\n".join([
        "ABSL_LIBS = " + repr(libraries.keys()),
        "HAS_PMEMBLK = " + repr(has_pmemblk),
        "CLANG_COPTS = " + repr(_clang_copts(clang_major)),
        "",
    ]))

# Asked again whenever a Bazel server starts: packages may have been upgraded.
debian = repository_rule(
    implementation = _debian_impl,
    local = True,
)
