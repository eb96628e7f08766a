# SPDX-License-Identifier: Apache-2.0
"""Bugs that are seeded into copies of //btt, one at a time, each with the tests that must catch it.

Per line: name, file of btt/, the text that is there exactly once, the text instead, and GoogleTest's
filter of the tests of which at least one has to fail.
"""

_IO = "arena_io.cc"
_OPEN = "arena_open.cc"
_FORMAT = "formatter.cc"
_HOLES = "arena_holes.cc"
_INFO = "info_block.cc"
_LANES = "lanes.cc"
_REPAIR = "repair.cc"
_SHARDS = "shards.cc"
_WEIGH = "weigh.cc"

_ONE_WRITE = "*ASectorIsOldOrNew/4096"
_OVERLAPPING = "*OverlappingWritersLeaveEachSectorOldOrNew"

MUTATIONS = [
    # The order of a write.
    ("no_drain_between_data_and_flog", _IO, "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n  RETURN_IF_ERROR(ns_->Drain());", "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));", _ONE_WRITE),
    ("no_drain_between_flog_and_map", _IO, "  if (status.ok()) status = ns_->Drain();\n  if (status.ok()) status = SwitchMap", "  if (status.ok()) status = SwitchMap", "*SuccessiveWrites*"),
    ("no_drain_after_the_map", _IO, "  if (status.ok()) status = ns_->Drain();\n  if (!status.ok()) return Freeze", "  if (!status.ok()) return Freeze", "*ThroughTwoLanes*"),
    ("second_half_of_the_flog_before_the_first", _IO, "  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n", "  RETURN_IF_ERROR(LogSecondHalves(batch));\n  RETURN_IF_ERROR(LogFirstHalves(premap, batch));\n", _ONE_WRITE),
    ("map_before_flog", _IO, "  absl::Status status = LogSecondHalves(batch);", "  absl::Status status = SwitchMap(premap, batch);\n  (void)ns_->Drain();\n  if (status.ok()) status = LogSecondHalves(batch);", "*SuccessiveWrites*"),
    ("data_stored_but_not_pushed", _IO, "  return ns_->WriteThrough(geometry_.BlockAt(lane.free_block), sector);", "  return ns_->Write(geometry_.BlockAt(lane.free_block), sector);", _ONE_WRITE),
    ("map_stored_but_not_pushed", _IO, "ns_->StoreThrough32(geometry_.MapAt(sector), entry)", "ns_->Store32(geometry_.MapAt(sector), entry)", "*SuccessiveWrites*:*ModelOfGenerations*"),
    ("error_flag_not_logged", _IO, "(batch[i].old.error() ? kMapE : 0)", "0", "*AWriteOverALostSector*"),
    ("arena_not_frozen_after_a_metadata_error", _IO, "frozen_.exchange(true, std::memory_order_acq_rel)", "frozen_.load(std::memory_order_acquire)", "*AFailedStoreOfMetadata*"),

    # Lanes.
    ("sequence_stands_still", _IO, "    lane.seq = NextSeq(lane.seq);\n", "", "*FirstWriteOfALane*"),
    ("always_the_same_slot", _IO, "    lane.position ^= 1;\n", "", "*FirstWriteOfALane*"),
    ("lane_keeps_its_old_block", _IO, "    lane.free_block = pending.old.block();\n", "", "*FirstWriteOfALane*:*AReaderWhoseBlock*"),
    ("lane_given_out_twice", _LANES, "!held.load(std::memory_order_relaxed) && !held.exchange(true, std::memory_order_acquire)", "!held.load(std::memory_order_relaxed)", "LanesTest.*"),
    ("retired_lane_given_out_again", _LANES, "void LanePool::Retire(uint32_t) {\n", "void LanePool::Retire(uint32_t lane) {\n  lanes_[lane].held = false;\n", "LanesTest.*"),
    ("bad_free_block_not_noticed", _IO, "  const bool bad = lane->free_block_is_bad ||\n                   ns_->IsPoisoned(geometry_.BlockAt(lane->free_block), geometry_.internal_lbasize);", "  const bool bad = lane->free_block_is_bad;", "*WritesGoAround*"),

    # Readers concurrent with writers.
    ("generation_not_bumped", _IO, "shards_.Of(sector).Bump();", "(void)0;", "*AReaderWhoseBlock*"),
    ("generation_not_looked_at", _IO, "if (shard.generation.load(std::memory_order_relaxed) != generation) continue;", "(void)generation;", "*AReaderWhoseBlock*"),
    ("generation_of_the_last_line_alone", _IO, "if (line_ends || i + 1 == batch.size())", "(void)line_ends;\n    if (i + 1 == batch.size())", "*AReaderOfAnySectorOfABatch*"),
    ("generation_bumped_before_the_entry", _IO, "    RETURN_IF_ERROR(ns_->StoreThrough32(geometry_.MapAt(sector), entry));\n", "    shards_.Of(sector).Bump();\n    RETURN_IF_ERROR(ns_->StoreThrough32(geometry_.MapAt(sector), entry));\n    continue;\n", "*TheCounterMovesAfterTheEntry"),
    ("generation_not_looked_at_past_the_media", _IO, "  return shard.generation.load(std::memory_order_relaxed) == (generation & ~Shard::kInPlace);", "  return generation != ~uint64_t{0};", "*AReaderPastTheMedia*"),
    ("poison_not_heeded_past_the_media", _IO, "  if (!view_.usable()) return false;", "  if (view_.base == nullptr) return false;", "*BadRangesAreTheSectors*"),
    ("block_outside_the_arena_read_past_the_media", _IO, "entry.error() || entry.block() >= geometry_.internal_nlba) return false;", "entry.error()) return false;", "*MapEntriesOutside*"),
    ("long_read_takes_what_it_has", _IO, "    if (!ReadDirect(premap, 0, sector, next)) RETURN_IF_ERROR(ReadThroughMedia(premap, 0, sector));\n", "    (void)ReadDirect(premap, 0, sector, next);\n", "*ALongReadMixes*"),
    ("reader_never_takes_the_lock", _IO, "kOptimisticReads = 8", "kOptimisticReads = 1000000", "*AReaderThatIsAlwaysOvertaken*"),

    # Locks.
    ("part_written_without_the_lock", _IO, "    ShardLocks locks(shards_, premap, 1);\n", "", "*PartsWrittenAtOnce*"),
    ("batch_written_without_the_locks", _IO, "    ShardLocks locks(shards_, premap, static_cast<uint32_t>(batch.size()));\n", "", _OVERLAPPING),
    ("only_the_first_shard_of_a_batch_locked", _SHARDS, "line <= last_line", "line <= first_line", "*ShardLocks*"),
    ("shard_lock_not_waited_for", _SHARDS, "  while (state_.exchange(kAwaited", "  if (state_.exchange(kAwaited", "*ShardLocks*"),

    # Batches.
    ("batch_goes_on_past_an_unusable_entry", _IO, "    batch = batch.first(i);\n", "", "*ABatchEndsBefore*"),
    ("unusable_entry_taken_for_good", _IO, "if (entry.ok() && entry->block() < geometry_.internal_nlba) {", "if (entry.ok()) {", "*MapEntriesOutside*"),

    # Discards.
    ("discard_forgets_the_block", _IO, "MapEntry::Zero(entry.block())", "MapEntry::Zero(0)", "*DiscardSetsZ*"),
    ("discard_not_durable", _IO, "return ns_->Persist(geometry_.MapAt(premap), uint64_t{count} * sizeof(uint32_t));", "return absl::OkStatus();", "*ADiscardedSectorIsOldOrZeros"),

    ("hole_made_without_looking_again", _HOLES, "if (!entry.ok() || entry->error() || entry->block() != owner.block) return false;", "(void)entry;", "*BlocksChangedHands*"),
    ("hole_made_without_the_locks", _HOLES, "  const InPlaceLocks locks(shards_, shards);\n", "", "HoleRaceTest.*"),
    ("readers_not_told_of_a_hole", _SHARDS, "    table_.shards_[i].generation.fetch_add(Shard::kInPlace, std::memory_order_relaxed);\n", "    table_.shards_[i].generation.fetch_add(Shard::kInPlace * 2, std::memory_order_relaxed);\n", "HoleRaceTest.*"),
    ("reader_does_not_mind_a_hole_in_the_making", _IO, " == (generation & ~Shard::kInPlace);", " == generation;", "HoleRaceTest.*"),
    ("hole_of_a_part_of_a_page", _HOLES, "  return run - run % per_hole;", "  return run;", "*ADiscardedPage*:*PagesOfDiscarded*:*ModelOfDiscards*"),

    # Recovery.
    ("recovery_rolls_nothing_forward", _OPEN, "  if (entry->block() != record.old_block) return absl::OkStatus();", "  return absl::OkStatus();", "*RecoveryDoesWhatTheKernelDoes"),
    ("recovery_overwrites_later_writes", _OPEN, "  if (entry->block() != record.old_block) return absl::OkStatus();", "", "*ModelOfGenerations*"),
    ("recovery_takes_the_older_slot", "flog.cc", "return NextSeq(seq0) == seq1 ? 1 : 0;", "return NextSeq(seq0) == seq1 ? 0 : 1;", "Flog*"),
    ("recovery_leaves_the_lane_on_the_older_block", _OPEN, "state.free_block = record.old_block;", "state.free_block = record.new_block;", _ONE_WRITE),
    ("recovery_goes_on_at_the_same_slot", _OPEN, "state.position = record.newer ^ 1;", "state.position = record.newer;", "*SuccessiveWrites*:*ModelOfGenerations*"),
    ("recovery_in_a_read_only_opening", _OPEN, "  return frozen_ ? absl::OkStatus() : RollForward(lane, record);", "  return RollForward(lane, record);", "*ReadOnlyOpeningStoresNothing"),

    # What media are believed.
    ("flog_range_unchecked", "flog_reader.cc", "if (record.lba < arena.external_nlba && record.old_block", "if (record.old_block", "*LogsWithoutSense*"),
    ("nfree_unchecked", _INFO, "if (info.nfree < kLanes)", "if (info.nfree < 1)", "*InfoBlock*:*ParseArena*"),

    # Formatting.
    ("info_block_before_the_flog", _FORMAT, "  RETURN_IF_ERROR(ns.Drain());\n  RETURN_IF_ERROR(ns.Flush());  // holes", "  // holes", "*FormattingABlank*"),
    ("old_copies_left_while_formatting", _FORMAT, "    RETURN_IF_ERROR(StoreClearing(ns, arena.Info2At(), BytesOf(blank)));\n", "", "*FormattingOver*"),
    ("holes_not_flushed", _FORMAT, "  RETURN_IF_ERROR(ns.Flush());  // holes are the file system's\n", "", "*FormattingOver*"),

    # Checking and repairing.
    ("repair_without_the_flag", _REPAIR, "    RETURN_IF_ERROR(SetFlags(link, link.info.flags | kInfoFlagError));\n", "", "*ARepairThatWasCut*TwoOutOfRange"),
    ("repair_keeps_no_copy", _REPAIR, "    if (ns_.Read(at, absl::MakeSpan(before)).ok()) RETURN_IF_ERROR(save_(at, before));\n", "", "*IsMendedAndWhatWasOverwritten*InfoBlock*"),
    ("lane_keeps_a_sectors_block", _WEIGH, "      if (owned) plan_lanes_.push_back(lane);\n", "", "*SectorOnAFreeBlock*"),
    ("copy_not_made", _REPAIR, "    RETURN_IF_ERROR(ns_.WriteThrough(at, bytes));\n    RETURN_IF_ERROR(ns_.Drain());\n    return true;", "    return true;", "*SharedBlock*"),
    ("damaged_flog_believed", _WEIGH, "    if (!trusts_flog_) return home;\n", "", "*OldRecordInADamagedFlog"),
    ("old_record_believed", _WEIGH, "      if (!MapEntry(claim.raw, claim.premap).initial())\n        named", "      if (!MapEntry(claim.raw, claim.premap).initial() && !MoveHome(claim))\n        named", "*AndAnOldRecord"),
    ("discard_forgotten", _WEIGH, "MapEntry(was.raw, was.premap).zero() ? ", "false ? ", "*DiscardedAndOutOfRange*"),
    ("damaged_arena_written_to", _OPEN, "  if (survey.ok() && !survey->contradictory()) return;", "  if (survey.ok()) return;", "*TwoLanesOnOneBlock*"),
]
