#!/usr/bin/env python3
"""Seeds bugs into a copy of the tree, one at a time, and demands that some test of //btt catches each.

    btt/mutations.py [--output-base DIR] [NAME...]

Slow (a build and a test run per mutation), so not part of the tests. Exit 1 if a mutation survives.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = [
    "//btt:flog_test", "//btt:info_block_test", "//btt:btt_test", "//btt:btt_stress_test",
    "//btt:btt_crash_test", "//btt:check_test",
]
IO, OPEN, FMT, LANES = "btt/arena_io.cc", "btt/arena_open.cc", "btt/formatter.cc", "btt/lanes.cc"

# name: (file, what is there, what is there instead)
MUTATIONS = {
    "no drain between data and flog": (
        IO, "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n  RETURN_IF_ERROR(ns_->Drain());",
        "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));"),
    "no drain between flog and map": (
        IO, "  if (status.ok()) status = ns_->Drain();\n  if (status.ok()) status = SwitchMap",
        "  if (status.ok()) status = SwitchMap"),
    "no drain after the map": (
        IO, "  if (status.ok()) status = ns_->Drain();\n  if (!status.ok()) return Freeze",
        "  if (!status.ok()) return Freeze"),
    "second half of the flog before the first": (
        IO, "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n",
        "  RETURN_IF_ERROR(LogSecondHalves(batch));\n  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n"),
    "map before flog": (
        IO, "  absl::Status status = LogSecondHalves(batch);",
        "  absl::Status status = SwitchMap(premap, batch);\n  (void)ns_->Drain();\n"
        "  if (status.ok()) status = LogSecondHalves(batch);"),
    "sequence stands still": (IO, "    lane.seq = NextSeq(lane.seq);\n", ""),
    "always the same slot": (IO, "    lane.position ^= 1;\n", ""),
    "lane keeps its old block": (
        IO, "    lane.free_block = pending.old.block();\n", ""),
    "generation not bumped": (
        IO, "shards_.Of(sector).Bump();", "(void)0;"),
    "generation not looked at": (
        IO, "if (shard.generation.load(std::memory_order_relaxed) != generation) continue;",
        "(void)generation;"),
    "part written without the lock": (
        IO, "    ShardLocks locks(shards_, premap, 1);\n", ""),
    "batch written without the locks": (
        IO, "    ShardLocks locks(shards_, premap, static_cast<uint32_t>(batch.size()));\n", ""),
    "discard forgets the block": (
        IO, "MapEntry::Zero(entry.block())", "MapEntry::Zero(0)"),
    "discard not durable": (
        IO, "return ns_->Persist(geometry_.MapAt(premap), uint64_t{count} * sizeof(uint32_t));",
        "return absl::OkStatus();"),
    "error flag not logged": (IO, "(batch[i].old.error() ? kMapE : 0)", "0"),
    "lane given out twice": (
        LANES, "!held.load(std::memory_order_relaxed) && !held.exchange(true, std::memory_order_acquire)",
        "!held.load(std::memory_order_relaxed)"),
    "recovery rolls nothing forward": (
        OPEN, "  if (entry->block() != record.old_block) return absl::OkStatus();",
        "  return absl::OkStatus();"),
    "recovery overwrites later writes": (
        OPEN, "  if (entry->block() != record.old_block) return absl::OkStatus();", ""),
    "recovery takes the older slot": (
        "btt/flog.cc", "return NextSeq(seq0) == seq1 ? 1 : 0;", "return NextSeq(seq0) == seq1 ? 0 : 1;"),
    "recovery leaves the lane on the older block": (
        OPEN, "state.free_block = record.old_block;", "state.free_block = record.new_block;"),
    "info block before the flog": (
        FMT, "  RETURN_IF_ERROR(ns.Drain());\n  RETURN_IF_ERROR(ns.Flush());  // holes", "  // holes"),
    "old copies left while formatting": (
        FMT, "    RETURN_IF_ERROR(StoreClearing(ns, arena.Info2At(), BytesOf(blank)));\n", ""),
    "holes not flushed": (
        FMT, "  RETURN_IF_ERROR(ns.Flush());  // holes are the file system's\n", ""),
    "nfree unchecked": (
        "btt/info_block.cc", "if (info.nfree < kLanes)", "if (info.nfree < 1)"),
    "lane reset in one go": (
        "btt/repair.cc", "    RETURN_IF_ERROR(ns_.StoreThrough64(at + 8, kNonsense));\n    RETURN_IF_ERROR(ns_.Drain());\n    const", "    const"),
}


def run(tree, output_base):
    command = ["bazel", f"--output_base={output_base}", "test", "--symlink_prefix=/",
               "--notest_keep_going", "--test_output=summary", "--test_timeout=200", *TESTS]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    failed = [line.split()[0] for line in done.stdout.splitlines() + done.stderr.splitlines()
              if "FAILED" in line and line.startswith("//") or "TIMEOUT" in line and line.startswith("//")]
    built = done.returncode in (0, 3)
    return built, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output-base")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    base = pathlib.Path(tempfile.mkdtemp(prefix="btt_mutations."))
    output_base = arguments.output_base or base / "bazel"
    survivors = 0
    try:
        tree = base / "tree"
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "bazel-*"))
        for name in arguments.names or MUTATIONS:
            path, before, after = MUTATIONS[name]
            source = tree / path
            text = source.read_text()
            if text.count(before) != 1:
                print(f"STALE     {name}: {path} has {text.count(before)} such places", flush=True)
                survivors += 1
                continue
            source.write_text(text.replace(before, after))
            built, failed = run(tree, output_base)
            source.write_text(text)
            verdict = "caught" if built and failed else "SURVIVED" if built else "UNBUILT"
            survivors += verdict != "caught"
            print(f"{verdict:9} {name}: {' '.join(failed[:1])}", flush=True)
        return 1 if survivors else 0
    finally:
        subprocess.run(["bazel", f"--output_base={output_base}", "shutdown"], cwd=base / "tree",
                       capture_output=True, check=False)
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
