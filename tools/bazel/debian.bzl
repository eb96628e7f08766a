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

def _debian_impl(context):
    asked = context.execute(["pkg-config", "--libs", "--static"] + _ABSL_PACKAGES)
    if asked.return_code != 0:
        fail("pkg-config does not know Abseil; run tools/install-deps: " + asked.stderr)
    libraries = {flag: None for flag in asked.stdout.replace("\n", " ").split(" ") if flag.startswith("-labsl_")}
    has_pmemblk = context.execute(["pkg-config", "--exists", "libpmemblk"]).return_code == 0
    context.file("BUILD", "")
    context.file("installed.bzl", "\n".join([
        "ABSL_LIBS = " + repr(libraries.keys()),
        "HAS_PMEMBLK = " + repr(has_pmemblk),
        "",
    ]))

# Asked again whenever a Bazel server starts: packages may have been upgraded.
debian = repository_rule(
    implementation = _debian_impl,
    local = True,
)
