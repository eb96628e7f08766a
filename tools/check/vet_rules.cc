// SPDX-License-Identifier: Apache-2.0
#include "tools/check/vet_rules.h"

#include <algorithm>

namespace nvdimmfs::tools {
namespace {

constexpr auto kNote = VetLevel::kNote;
constexpr auto kWarning = VetLevel::kWarning;
constexpr auto kError = VetLevel::kError;

constexpr VetRule kRules[] = {
    {"btt.block.lost", kWarning,
     "kernels do not notice; the blocks are never used again, and may hold data", ""},
    {"btt.flog.padding", kError,
     "kernels from 4.15 on refuse to start the BTT; earlier ones read the wrong slots and lose "
     "writes",
     "BTT flog of two layouts"},
    {"btt.flog.pending", kWarning, "kernels complete the write when they start the BTT", ""},
    {"btt.flog.range", kError,
     "kernels take the lane's free block from it unchecked; each write through the lane then fails "
     "with EIO",
     "BTT flog entry outside the arena"},
    {"btt.flog.seq", kError, "kernels refuse to start the BTT: EINVAL, shown as EIO or ENOMEM",
     "BTT flog with equal sequence numbers"},
    {"btt.flog.shared", kError,
     "kernels do not notice; a write through the lane overwrites another sector's data",
     "BTT block with two owners"},
    {"btt.info.backup", kWarning, "kernels never read the copy; ndctl check-namespace does", ""},
    {"btt.info.chain", kError, "kernels refuse to start the BTT: ENODEV", ""},
    {"btt.info.checksum", kWarning,
     "kernels see no BTT and show the raw bytes; a BTT device configured with the same uuid "
     "formats over it",
     ""},
    {"btt.info.flags", kWarning, "kernels start the arena, and fail every write to it with EIO",
     ""},
    {"btt.info.geometry", kWarning,
     "kernels use the offsets as they are, without comparing them with the namespace's size", ""},
    {"btt.info.layout", kError,
     "kernels use the offsets unchecked: parts that overlap overwrite each other, accesses past "
     "the end fail with EIO",
     "BTT parts outside the arena"},
    {"btt.info.lbasize", kError,
     "kernels do not check it: its difference to the disk's sector size, which may wrap, becomes "
     "the size of each sector's metadata",
     "BTT of an impossible sector size"},
    {"btt.info.nextoff", kError,
     "kernels subtract it from what remains of the namespace, which wraps if it is larger, and "
     "look for an arena there",
     "BTT chain beyond the namespace"},
    {"btt.info.nfree", kError,
     "kernels before the fixes of 2026 index arrays of nfree elements with lane numbers up to 255, "
     "beyond their end; later ones refuse the arena with ENODEV",
     "BTT nfree below lanes"},
    {"btt.info.nlba", kError,
     "kernels allocate and index by these counts without comparing them with each other", ""},
    {"btt.info.none", kWarning, "kernels show the raw bytes of what the label calls a BTT", ""},
    {"btt.info.odd", kWarning, "kernels ignore it, or size their arrays by it", ""},
    {"btt.info.padding", kWarning, "kernels ignore it; it hides bytes from every user", ""},
    {"btt.info.parent", kNote, "kernels ignore the block and show the raw bytes", ""},
    {"btt.info.signature", kWarning, "kernels see no BTT and show the raw bytes", ""},
    {"btt.info.unused", kWarning, "kernels never read or write these bytes", ""},
    {"btt.info.uuid", kWarning, "kernels do not compare the uuids of later arenas", ""},
    {"btt.info.version", kWarning,
     "kernels look for the version that the label calls for, and show the raw bytes", ""},
    {"btt.map.error", kWarning,
     "kernels fail reads of these sectors with EIO until they are written", ""},
    {"btt.map.initial", kError,
     "kernels read the block of the same number, which is another sector's", ""},
    {"btt.map.odd", kWarning,
     "kernels ignore the block number and read the block of the same number", ""},
    {"btt.map.padding", kWarning, "kernels never read it; it hides bytes from every user", ""},
    {"btt.map.range", kError,
     "kernels read what lies there: bytes of another arena, or past the end EIO, and then mark the "
     "entry as bad",
     "BTT map entry outside the arena"},
    {"btt.map.shared", kError,
     "kernels do not notice; writing one sector frees the other's block, which is then overwritten",
     "BTT block with two owners"},
    {"btt.map.zero", kError,
     "kernels fill one sector with zeros and report the whole request as read: the rest of the "
     "caller's buffer is left as it was, and may show old kernel memory",
     "BTT zero sector reads as old memory"},
    {"dpa.overlap", kError,
     "the DIMM's driver fails with EBUSY, and the region comes up without labels: one namespace "
     "over everything",
     "label extents that overlap"},
    {"info.align", kWarning,
     "kernels accept any alignment for fsdax, and refuse devdax with EOPNOTSUPP", ""},
    {"info.checksum", kWarning,
     "kernels see no info block and show the raw bytes; configuring fsdax or devdax writes over it",
     ""},
    {"info.dataoff", kError,
     "kernels use what lies between the info block and the data for page structs: too little "
     "makes enabling fail, and less than nothing wraps to an endless reserve",
     "page structs over the data"},
    {"info.empty", kError, "6.1 creates a disk of no size; later kernels refuse with EOPNOTSUPP",
     "info block that leaves no data"},
    {"info.end_trunc", kWarning, "kernels drop that many bytes from the end unseen", ""},
    {"info.mode", kWarning, "kernels refuse with ENXIO and leave the namespace disabled", ""},
    {"info.npfns", kWarning,
     "kernels log the difference in mode pmem, and in mode ram use the stored number", ""},
    {"info.page_size", kWarning, "kernels with smaller pages refuse with EOPNOTSUPP", ""},
    {"info.page_struct_size", kWarning,
     "kernels whose page structs are larger refuse with EOPNOTSUPP", ""},
    {"info.parent", kNote, "kernels ignore the block and show the raw bytes", ""},
    {"info.reserved", kWarning, "kernels ignore it; it hides bytes from every user", ""},
    {"info.start_pad", kWarning,
     "kernels honour it, but current ones write 0: kernels of different ages disagree on what is "
     "aligned",
     "info block with start padding"},
    {"info.version", kWarning,
     "kernels do not look at the major number, and read later versions as if they were 1.4", ""},
    {"label.abstraction", kWarning,
     "kernels show `<unknown>` in holder_class, refuse every claim with EBUSY, and lose the GUID "
     "when they rewrite the label",
     ""},
    {"label.area.damaged", kWarning,
     "kernels take it for blank: the first label writes new index blocks over it", ""},
    {"label.dpa.wraps", kError,
     "kernels add start and size without a check, and reserve or compare the wrapped end",
     "label extent that wraps"},
    {"label.index.checksum", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.few_slots", kWarning, "kernels use that many slots; the others hide bytes", ""},
    {"label.index.label_offset", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.label_size", kError,
     "kernels before the fix shift by it before they look at the checksum, whatever its value: an "
     "undefined shift",
     "label size as shift"},
    {"label.index.mixed", kWarning,
     "kernels read the labels as those of version 1.2, and write 1.2 over the index", ""},
    {"label.index.my_offset", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.my_size", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.odd", kWarning,
     "kernels ignore it, and write the usual values at the next change", ""},
    {"label.index.other_offset", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.padding", kWarning,
     "kernels ignore it and copy it at every change: it hides bytes", ""},
    {"label.index.seq_equal", kWarning,
     "kernels take the second block; other readers may take the first", "label indexes of one age"},
    {"label.index.sequence", kWarning,
     "kernels reject the block; without a twin the area counts as blank",
     "label index of sequence 0"},
    {"label.index.signature", kWarning, "kernels use the other index block, or none", ""},
    {"label.index.slot_count", kError,
     "kernels before the fix multiply it in 32 bits, accept it when the product wraps, and read "
     "slots and free bits beyond the label area's buffer",
     "label slot overflow"},
    {"label.index.twins", kWarning,
     "kernels use the current block; a crash that damages it changes the number of slots", ""},
    {"label.index.two_sizes", kWarning,
     "kernels take the index for 128-byte labels; other readers may take the other one", ""},
    {"label.index.version", kWarning,
     "kernels read any version as 1.1 or 1.2, and rewrite it as that at the first change", ""},
    {"label.slot.align", kWarning,
     "kernels 4.x ignore the label; later ones make a namespace that pages do not fit", ""},
    {"label.slot.checksum", kWarning,
     "kernels ignore the label; its slot stays in use and its space shows as free", ""},
    {"label.slot.extent", kError,
     "kernels reserve the extent all the same, and ignore the label or fail the whole region", ""},
    {"label.slot.flags", kWarning,
     "kernels ignore the flags and drop them at the next change; those of block windows are "
     "history",
     ""},
    {"label.slot.lbasize", kError,
     "kernels print a warning with a stack trace when the namespace is enabled, and panic if "
     "panic_on_warn is set",
     "label with an odd sector size"},
    {"label.slot.name", kError,
     "kernels copy 64 bytes and print them as a string: reading alt_name goes on into the memory "
     "behind it",
     "label name without an end"},
    {"label.slot.name_tail", kWarning, "kernels copy it at every change: it hides bytes", ""},
    {"label.slot.name_text", kWarning,
     "kernels show the bytes as they are in alt_name: terminals, logs and scripts may act on them",
     ""},
    {"label.slot.nlabel", kError,
     "kernels find no label for the first position, and refuse the whole region with ENODEV",
     "label of a set of no DIMMs"},
    {"label.slot.number", kWarning, "kernels ignore the label; its slot stays in use", ""},
    {"label.slot.position", kError,
     "kernels find no label for the first position, and refuse the whole region with ENODEV", ""},
    {"label.slot.rawsize", kError,
     "kernels ask for a resource of no bytes, whose end lies before its start",
     "label of no bytes"},
    {"label.slot.region", kWarning, "kernels up to 7.3 do not read labels of CXL regions", ""},
    {"label.slot.reserved", kWarning, "kernels ignore it; it hides bytes from every user", ""},
    {"label.slot.type", kWarning, "kernels up to 7.3 do not read CXL labels", ""},
    {"label.slot.type_guid", kError,
     "kernels find no label of the region's type, and refuse the whole region with ENODEV", ""},
    {"label.slot.updating", kWarning,
     "kernels use the label, and clear the mark at its next change", ""},
    {"label.slot.uuid", kError,
     "kernels cannot tell the namespace from one that has no uuid, and refuse to enable it with "
     "ENODEV",
     "label without a uuid"},
    {"label.slots.full", kWarning,
     "kernels cannot change any label: ENXIO. They themselves keep one slot free", ""},
    {"label.slots.many", kError, "kernels allocate memory and a device for each label",
     "labels without number"},
    {"labels.cookie", kWarning, "kernels ignore the label, but its space stays reserved", ""},
    {"labels.duplicate", kError, "kernels refuse the whole region with ENODEV",
     "one uuid in two labels"},
    {"labels.outside", kWarning, "kernels ignore the label, but its space stays reserved", ""},
    {"labels.uneven", kError,
     "kernels add up the sizes: stripes reach into the space of other namespaces", ""},
    {"vet.content", kNote, "kernels parse it when it is mounted; nothing here vets file systems",
     ""},
    {"vet.partial", kNote, "kernels read all of it", ""},
};

}  // namespace

absl::string_view NameOf(VetLevel level) {
  switch (level) {
    case VetLevel::kNote:
      return "note";
    case VetLevel::kWarning:
      return "warning";
    case VetLevel::kError:
      return "error";
  }
  return "";
}

absl::Span<const VetRule> VetRules() { return kRules; }

const VetRule* FindVetRule(absl::string_view reason) {
  const auto* const found = std::lower_bound(
      std::begin(kRules), std::end(kRules), reason,
      [](const VetRule& rule, absl::string_view wanted) { return rule.reason < wanted; });
  return found != std::end(kRules) && found->reason == reason ? found : nullptr;
}

}  // namespace nvdimmfs::tools
