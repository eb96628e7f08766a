// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/tree_page.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/event.h"
#include "core/base/kernel.h"
#include "core/system/tree_reference.h"
#include "tools/check/vet_rules.h"
#include "tools/docs/man_text.h"
#include "tools/docs/reasons.h"

namespace nvdimmfs::tools {
namespace {

using core::Attribute;
using core::TableReference;

// The pages are as old as the version that they are made with; mdoc wants a date.
constexpr absl::string_view kDate = ".Dd November 30, 2026\n";

constexpr absl::string_view kTreeHead = R"(.Dt NVDIMMFS-TREE 7
.Os
.Sh NAME
.Nm nvdimmfs-tree
.Nd the attribute files of a mount of nvdimmfs
.Sh DESCRIPTION
Every attribute file that the tree of
.Xr nvdimmfs 8
can have: its place, its permission bits, what it shows, what a write takes, and why a write is refused.
Names, modes, values and errnos are those of the kernel's
.Pa /sys/bus/nd ;
what is below a directory
.Pa x
only this program has.
An attribute is there only where the device has what it shows; its bits can differ from those here where
the device cannot do all of it.
A note in parentheses such as
.Pq 6.12 and later
names the kernels, of those that the option
.Cm kernel=
chooses from, that have an attribute or show it so.
.Pp
In paths, a single capital letter stands for a number, and a word in capitals for a name.
What a write takes is written so:
.Bl -tag -width NUMBER -compact
.It Ar NUMBER
Decimal; hexadecimal after 0x; octal after 0.
One newline may end it.
.It Ar BOOL
1, y, t or on; 0, n, f or off: the first one or two characters decide.
With
.Cm kernel=7.3
also e
.Pq enable
and d
.Pq disable .
.It Ar UUID
8-4-4-4-12 hexadecimal digits.
.It Ar DEVICE
The name of a device, such as region0.
.It Ar |
Separates alternatives; brackets are around what may be left out.
.El
.Pp
One
.Xr write 2
is one value.
Below
.Pa x ,
text is refused that is empty
.Pq Li command.empty ,
longer than 4096 bytes
.Pq Li command.length
or holds a NUL
.Pq Li command.nul .
Any write is refused where the source was opened read-only
.Pq Er EROFS , Li tree.read_only
or the device is gone
.Pq Er ENODEV , Li device.gone .
What the reasons mean is in
.Xr nvdimmfs-reasons 7 ;
the sentence of the last refusal is in
.Pa x/last_error .
)";

constexpr absl::string_view kEventsHead = R"(.Sh EVENTS
What should not happen, or not unnoticed, is an event: a line of
.Pa x/events
and of the log, and a count in
.Pa x/metrics .
The mount's
.Pa x/metrics
counts all of them, and that of a bus the events of each device and data file below it.
.Pp
A line of
.Pa x/events
is a number from 1, the time in UTC, the level, the name, the object
.Pq a device, a data file, an image, or - for the whole mount ,
a sentence, and in brackets the reason if there is more to it than the name.
The object is quoted as for a shell.
Events of the same name, object and reason within ten seconds of the first are one line, which ends with their number.
The latest 256 lines are kept; if older ones are gone, the first line is a # and their number.
.Xr poll 2
on an open file that was read to its end reports
.Dv POLLPRI
after a new line, and at most a second after a repetition; then read it again from offset 0.
.Pa x/events.json
has an object for each line, with
.Ql number , first , last , count , level , event , message_id , object , reason
and
.Ql sentence ,
and
.Ql {"gone":N}
for the lines that are gone.
.Pp
In the log, the name is in brackets before the reason.
In systemd's journal, the line also has the fields
.Ev MESSAGE_ID
and
.Ev NVDIMMFS_EVENT .
.Bl -tag -width Ds
)";

constexpr absl::string_view kReasonsHead = R"(.Dt NVDIMMFS-REASONS 7
.Os
.Sh NAME
.Nm nvdimmfs-reasons
.Nd why nvdimmfs refuses something, and what it finds and notes
.Sh DESCRIPTION
Each refusal of
.Xr nvdimmfs 8
and
.Xr nvdimmfs-volumes 8 ,
each finding of
.Nm nvdimmfs Cm check
and each line of the log ends with a reason, which stays the same over versions: scripts may match it.
An errno stands with those that a system call can return; the others are findings or notes.
.Nm nvdimmfs Cm help Ar reason
prints one of them.
.Bl -tag -width Ds
)";

constexpr absl::string_view kSeeAlso = R"(.Sh SEE ALSO
.Xr nvdimmfs 8 ,
.Xr nvdimmfs-volumes 8 ,
)";

// "EBUSY (claim.bound, claim.class), EINVAL (input.*)": each pattern under each errno that it has.
std::string RefusalText(absl::string_view patterns) {
  std::vector<std::string> errnos;
  std::vector<std::string> groups;
  for (const absl::string_view pattern : absl::StrSplit(patterns, ' ', absl::SkipEmpty())) {
    std::set<std::string> of_pattern;
    for (const Reason& reason : Reasons())
      if (IsNamedBy(reason, pattern))
        for (const absl::string_view word : absl::StrSplit(reason.errnos, ' ', absl::SkipEmpty()))
          if (word != "*") of_pattern.emplace(word);
    const std::string errno_text = absl::StrJoin(of_pattern, ", ");
    size_t at = 0;
    while (at < errnos.size() && errnos[at] != errno_text) ++at;
    if (at == errnos.size()) {
      errnos.push_back(errno_text);
      groups.emplace_back();
    }
    absl::StrAppend(&groups[at], groups[at].empty() ? "" : ", ", "`", pattern, "`");
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < errnos.size(); ++i)
    parts.push_back(absl::StrCat(errnos[i].empty() ? "the errno of the system call" : errnos[i],
                                 " (", groups[i], ")"));
  return absl::StrJoin(parts, ", ");
}

// Which kernels have the attribute so, as a line: "(6.12 and later)"; empty: all that can be shown.
std::string KernelLine(const Attribute& attribute) {
  const bool since_ever = attribute.since == core::kOldestKernel;
  const bool until_now = attribute.until == core::kNewestKernel;
  if (since_ever && until_now) return "";
  const absl::string_view since = core::KernelName(attribute.since);
  const absl::string_view until = core::KernelName(attribute.until);
  const std::string kernels = attribute.since == attribute.until ? absl::StrCat(since, " only")
                              : until_now                        ? absl::StrCat(since, " and later")
                              : since_ever                       ? absl::StrCat("up to ", until)
                                           : absl::StrCat(since, " to ", until);
  return absl::StrCat(ManText(absl::StrCat("(", kernels, ")")), "\n");
}

void AppendAttribute(const Attribute& attribute, absl::string_view shown_name, std::string& page) {
  absl::StrAppend(&page, ".It Pa ", ManArgument(shown_name), " No ",
                  absl::StrFormat("(%04o)", attribute.mode), "\n",
                  ManText(Sentence(attribute.summary)), "\n", KernelLine(attribute));
  if (attribute.grammar.empty()) return;
  if (attribute.grammar == core::Grammar::kNothing)
    absl::StrAppend(&page, ".br\nA write is refused: ");
  else
    absl::StrAppend(&page, ".br\nTakes: ", ManText(attribute.grammar), "\n",
                    attribute.refusals.empty() ? "" : ".br\nRefused with: ");
  if (!attribute.refusals.empty())
    absl::StrAppend(&page, ManText(RefusalText(attribute.refusals)), ".\n");
}

// mapping0, mapping1, ... are one entry.
bool IsNumbered(const Attribute& attribute, const Attribute& before) {
  const auto stem = [](absl::string_view name) {
    while (!name.empty() && absl::ascii_isdigit(name.back())) name.remove_suffix(1);
    return name;
  };
  return stem(attribute.name) == stem(before.name) && stem(attribute.name) != attribute.name &&
         attribute.summary == before.summary;
}

void AppendTable(const TableReference& table, std::string& page) {
  absl::StrAppend(&page, ".Ss ", table.title, "\n", ManText(table.description), "\n.Bd -literal\n",
                  table.kind->pattern(), "\n.Ed\n.Bl -tag -width Ds\n");
  const auto& attributes = table.attributes;
  for (size_t i = 0; i < attributes.size(); ++i) {
    size_t last = i;
    while (last + 1 < attributes.size() && IsNumbered(attributes[last + 1], attributes[i])) ++last;
    AppendAttribute(attributes[i],
                    last == i ? std::string(attributes[i].name)
                              : absl::StrCat(attributes[i].name, " ... ", attributes[last].name),
                    page);
    i = last;
  }
  absl::StrAppend(&page, ".El\n");
}

// What a kernel does with it, for what an image may hold.
std::string KernelText(const Reason& reason) {
  const VetRule* const rule = FindVetRule(reason.name);
  if (rule == nullptr) return "";
  const std::string defect =
      rule->defect.empty() ? "" : absl::StrCat(" (known as: ", rule->defect, ")");
  return absl::StrCat(".br\n", ManText(Sentence(absl::StrCat("On media, ", rule->kernel, defect))),
                      "\n");
}

}  // namespace

std::string TreePage() {
  std::string page = absl::StrCat(kDate, kTreeHead, ".Sh ATTRIBUTES\n");
  for (const TableReference& table : core::TreeReference()) AppendTable(table, page);
  absl::StrAppend(&page, kEventsHead);
  for (const core::EventKind& kind : core::EventKinds())
    absl::StrAppend(&page, ".It Li ", ManArgument(kind.name), " No (", core::NameOf(kind.level),
                    ")\n", ManText(Sentence(FindReason(kind.name)->meaning)),
                    "\n.br\nMESSAGE_ID=", kind.message_id, "\n");
  absl::StrAppend(&page, ".El\n", kSeeAlso, ".Xr nvdimmfs-reasons 7\n");
  return page;
}

std::string ReasonsPage() {
  std::string page = absl::StrCat(kDate, kReasonsHead);
  for (const Reason& reason : Reasons()) {
    const std::string errnos = ErrnoText(reason);
    absl::StrAppend(&page, ".It Li ", ManArgument(reason.name), "\n",
                    ManText(Sentence(reason.meaning)), "\n",
                    errnos.empty() ? "" : absl::StrCat("(", ManText(errnos), ")\n"), ".br\n",
                    ManText(Sentence(reason.advice)), "\n", KernelText(reason));
  }
  absl::StrAppend(&page, ".El\n", kSeeAlso, ".Xr nvdimmfs-tree 7\n");
  return page;
}

}  // namespace nvdimmfs::tools
