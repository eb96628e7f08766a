#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the test cases of `bazel test` runs.

    test_report.py PROBLEMS EVENTS.json[@ROOT]...

ROOT is the root directory that the run was in, if any.
PROBLEMS is a file with a line `failed TEXT` or `skipped TEXT` for each step outside of Bazel; each counts as a case.
Reads Bazel's build events (--build_event_json_file) and the test.xml of each test in them. Lists what
failed and what was skipped, with reasons; then what the crash laboratory counted, the counts of each run and the system
that it ran on, and the kernels and tools that tests ran with; and ends with the line `N passed, N failed, N skipped`.
Exit 0 only if at least one case passed and none failed.
"""

import glob
import json
import os
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def events_of(path):
    """The events of a file; an interrupted build leaves a partial last line, which is ignored."""
    events = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                try:
                    events.append(json.loads(line))
                except ValueError:
                    pass
    return events


def xml_of(result, root):
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            return root + urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
    return None


def case_name(case):
    words = [case.get("classname"), case.get("name")]
    return ".".join(word for word in words if word)


def cases_of_xml(path):
    """[(case, kind, reason)] of a test.xml written by GoogleTest, the Python runner or Bazel itself."""
    cases = []
    for case in ElementTree.parse(path).iter("testcase"):
        broken = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if broken is not None:
            cases.append((case_name(case), "failed", broken.get("message", "")))
        elif skipped is not None:
            cases.append((case_name(case), "skipped", skipped.get("message", "")))
        elif case.get("status") != "notrun":
            cases.append((case_name(case), "passed", ""))
    return cases


LAB = "crash lab: "


def labs_of_xml(path):
    """What core/testing/crash_lab.h counted in a test.xml: {area: {"states": 12, ...}}."""
    labs = {}
    for item in ElementTree.parse(path).iter("property"):
        if item.get("name", "").startswith(LAB):
            counts = labs.setdefault(item.get("name")[len(LAB) :], {})
            for count in item.get("value").split(", "):
                name, number = count.split(" ")
                counts[name] = counts.get(name, 0) + int(number)
    return labs


def cases_of_test(target, result, root):
    """The cases of one test target; at least one failed if the target did."""
    status = result.get("status", "NO_STATUS")
    path = xml_of(result, root)
    try:
        cases = cases_of_xml(path) if path and os.path.exists(path) else []
    except ElementTree.ParseError as error:
        cases = [(target, "failed", f"its test.xml: {error}")]
    failed = any(kind == "failed" for _, kind, _ in cases)
    if status not in ("PASSED", "FLAKY") and not failed:
        cases.append((target, "failed", f"the test as a whole: {status}"))
    if not cases:
        cases.append((target, "failed", "ran no case"))
    return cases


def cases_of_run(argument):
    """[(label of the case, kind, reason)] of one bazel test."""
    path, _, root = argument.partition("@")
    run = os.path.basename(path).removesuffix(".json")
    found = []
    events = events_of(path)
    if not events:
        return [(run, "failed", "bazel said nothing")]
    for event in events:
        identity = event.get("id", {})
        if "testResult" in identity:
            target = identity["testResult"]["label"]
            for case, kind, reason in cases_of_test(target, event.get("testResult", {}), root):
                found.append((f"{run}: {target}: {case}", kind, reason))
        elif "targetCompleted" in identity:
            target = identity["targetCompleted"]["label"]
            if not event.get("completed", {}).get("success"):
                # Tests that ran and failed have their own events; this one did not build.
                if "completed" not in event or "failureDetail" in event["completed"]:
                    found.append((f"{run}: {target}", "failed", "did not build"))
        elif "aborted" in event and "pattern" in identity:
            pattern = " ".join(identity["pattern"]["pattern"])
            found.append((f"{run}: {pattern}", "failed", event["aborted"].get("description", "aborted")))
    return found


def labs_of_run(argument):
    """The labs of all tests of one bazel test, as labs_of_xml has them."""
    path, _, root = argument.partition("@")
    labs = {}
    for event in events_of(path):
        report = xml_of(event.get("testResult", {}), root) if "testResult" in event.get("id", {}) else None
        if not report or not os.path.exists(report):
            continue
        try:
            found = labs_of_xml(report)
        except ElementTree.ParseError:
            continue  # cases_of_test reports it
        for area, counts in found.items():
            sums = labs.setdefault(area, {})
            for name, number in counts.items():
                sums[name] = sums.get(name, 0) + number
    return labs


def print_labs(labs):
    if not labs:
        return
    names = ["operations", "cuts", "fences", "states", "bugs", "caught", "harmless"]
    print("\n| crash laboratory | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for area, counts in sorted(labs.items()):
        print(f"| {area} | " + " | ".join(str(counts.get(name, 0)) for name in names) + " |")
    total = [str(sum(counts.get(name, 0) for counts in labs.values())) for name in names]
    print("| all | " + " | ".join(total) + " |")


def first_lines(text, count):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return "\n      ".join(lines[-count:])


def system_of(root):
    """PRETTY_NAME of the system in a root directory."""
    with open(root + "/etc/os-release", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("PRETTY_NAME="):
                return line.split("=", 1)[1].strip().strip('"')
    return "unknown"


def print_table(runs):
    """One row for each [(argument, cases)] of runs, as README.md has them."""
    print("\n| run | system | passed | failed | skipped |\n|---|---|---|---|---|")
    for argument, cases in runs:
        path, _, root = argument.partition("@")
        kinds = [kind for _, kind, _ in cases]
        counts = " | ".join(str(kinds.count(kind)) for kind in ("passed", "failed", "skipped"))
        print(f"| {os.path.basename(path).removesuffix('.json')} | {system_of(root)} | {counts} |")
    print()


def first_line_of(command):
    """The first line that a program prints; "" if there is no such program."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout.splitlines() or [""])[0].strip()


def print_tools():
    """What the tests ran on and with, as far as it is there. Kernels and tools of guests are those in the cache."""
    cache = os.environ.get("NVDIMMFS_CACHE", "/var/tmp/nvdimmfs-guest")
    kernels = [os.path.basename(path).removeprefix("vmlinuz-") for path in glob.glob(f"{cache}/kernel-*/boot/vmlinuz-*")]
    unpacked = [os.path.basename(path).removeprefix("ndctl-") for path in glob.glob(f"{cache}/ndctl-*[0-9]")]
    rows = {
        "kernel of the mounts": os.uname().release,
        "kernels of guests": ", ".join(sorted(kernels)),
        "ndctl and daxctl": ", ".join([first_line_of(["ndctl", "--version"]), *sorted(unpacked)]),
        "QEMU": first_line_of(["qemu-system-x86_64", "--version"]),
        "podman": first_line_of(["podman", "--version"]),
        "docker": first_line_of(["docker", "--version"]),
        "gcc": first_line_of(["gcc", "--version"]),
    }
    print("| tested with | version |\n|---|---|")
    for name, version in rows.items():
        print(f"| {name} | {version or 'not here'} |")
    print()


def main():
    runs = [(argument, cases_of_run(argument)) for argument in sys.argv[2:]]
    cases = [case for _, found in runs for case in found]
    with open(sys.argv[1], encoding="utf-8") as problems:
        cases += [("tools/test", *line.split(" ", 1)) for line in problems]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for name, kind, reason in cases:
        count[kind] += 1
        if kind != "passed":
            print(f"{kind}: {name}\n      {first_lines(reason, 3 if kind == 'failed' else 1)}")
    # Those of the first run: the others repeat it with another compiler.
    print_labs(labs_of_run(sys.argv[2]))
    print_table(runs)
    print_tools()
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
