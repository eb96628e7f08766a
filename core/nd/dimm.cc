// SPDX-License-Identifier: Apache-2.0
#include "core/nd/dimm.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/event.h"
#include "core/base/input.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"
#include "core/nd/nd_numbers.h"

namespace nvdimmfs::core {
namespace {

uint16_t Swap(uint16_t value) { return __builtin_bswap16(value); }

// Whether a repair can fix any of the findings.
bool CallsForRepair(const LabelArea& labels) {
  const std::vector<Finding>& findings = labels.findings();
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    const LabelReason* reason = FindLabelReason(finding.reason);
    return reason != nullptr && reason->repair == LabelRepair::kMends;
  });
}

bool IsOfDamagedIndex(const Finding& finding) {
  const LabelReason* reason = FindLabelReason(finding.reason);
  return reason != nullptr && reason->repair == LabelRepair::kMends &&
         absl::StartsWith(finding.reason, "label.index.");
}

std::shared_ptr<Media> AreaOf(const DimmSource& source) {
  return source.labels != nullptr ? source.labels : std::make_shared<MemoryMedia>(0);
}

}  // namespace

Dimm::Dimm(NdBusType& nd, Device& bus, int id, DimmSource source, BusTraits traits)
    : NdDevice(nd, NdKind::kDimm, absl::StrCat("nmem", id), &bus),
      id_(id),
      source_(std::move(source)),
      traits_(traits),
      label_flag_(source_.labelling),
      label_media_(std::make_shared<LabelNodeMedia>(AreaOf(source_), name())),
      label_node_(std::make_shared<DataNode>(label_media_, DataNode::Options{.name = name()})) {}

std::string Dimm::unique_id() const {
  const DimmIdentity& identity = source_.identity;
  const uint32_t serial = __builtin_bswap32(identity.serial);
  if (!identity.manufacturing) return absl::StrFormat("%04x-%08x", Swap(identity.vendor), serial);
  return absl::StrFormat("%04x-%02x-%04x-%08x", Swap(identity.vendor),
                         identity.manufacturing->location, Swap(identity.manufacturing->date),
                         serial);
}

bool Dimm::can_activate() const {
  return (functions() & intel::kActivateBits) == intel::kActivateBits;
}

uint64_t Dimm::functions() const {
  const uint64_t labels = has_label_area() ? intel::kLabelBits : 0;
  if (!has_nfit()) return 0;
  if (firmware() == nullptr) return labels;
  return (firmware()->functions() & ~intel::kLabelBits) | labels;
}

DeviceNumber Dimm::number() const {
  return {engine().numbers()[kDimmMajor], static_cast<uint32_t>(id_)};
}

std::optional<DeviceLink> Dimm::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/char/", number().ToString()), path()};
}

std::string Dimm::uevent() const {
  return absl::StrCat(number().Variables(), "DEVNAME=", name(), "\n", NdDevice::uevent());
}

absl::Status Dimm::TestVerdict(uint64_t function) const {
  if (source_.test_controls == nullptr) return absl::OkStatus();
  const absl::Status verdict = source_.test_controls->Verdict(function);
  return verdict.ok() ? verdict : Annotate(verdict, name());
}

// A locked DIMM returns EACCES to the kernel. If the size command returns it, the data is locked
// but the labels are readable; if reading labels returns it, the DIMM is unusable.
absl::StatusOr<LabelArea> Dimm::ReadLabels() {
  engine().AssertLocked();
  const absl::Status size = TestVerdict(intel::kGetLabelSize);
  labels_locked_ = ErrnoOf(size) == EACCES;
  if (!labels_locked_) RETURN_IF_ERROR(size);
  absl::StatusOr<LabelArea> area = LabelArea::Open(source_.labels, *source_.new_labels);
  labels_locked_ = labels_locked_ || ErrnoOf(area.status()) == EACCES;
  return area;
}

absl::Status Dimm::CheckPresent() const {
  if (!source_.missing) return absl::OkStatus();
  return Refusal(ENXIO, "dimm.missing",
                 absl::StrCat(name(), ": ", source_.description, " is missing"));
}

absl::Status Dimm::Probe() {
  engine().AssertLocked();
  if (!has_label_area()) {
    if (!label_flag_) return absl::OkStatus();
    return Refusal(ENXIO, "dimm.no_labels", absl::StrCat(name(), ": has no label area"));
  }
  if (std::shared_ptr<DimmData> kept = shared_data_.lock(); kept != nullptr && users_ > 0) {
    data_ = std::move(kept);
    return absl::OkStatus();
  }
  absl::StatusOr<LabelArea> area = ReadLabels();
  if (!area.ok()) return area.status();
  auto data = std::make_shared<DimmData>(*std::move(area));
  for (const StoredLabel& stored : data->labels.labels()) {
    const auto dpa = MakeRange(stored.label.dpa, stored.label.rawsize);
    if (!dpa)
      return Refusal(
          EBUSY, "label.dpa.wraps",
          absl::StrCat(name(), ": label in slot ", stored.slot, " spans ", stored.label.rawsize,
                       " bytes from DPA ", FormatHex(stored.label.dpa),
                       ", past the end of the address space"));
    const absl::Status reserved = data->space.Reserve({*dpa, stored.label.uuid});
    if (!reserved.ok())
      return Annotate(reserved, absl::StrCat(name(), ": label in slot ", stored.slot));
  }
  if (data->labels.has_index()) label_flag_ = true;
  data_ = std::move(data);
  shared_data_ = data_;
  ReportLabels(data_->labels);
  if (const auto& findings = data_->labels.findings(); !findings.empty())
    set_last_error(LastError::OfNote(LinesOf(findings, LabelAdvice()), findings.front().reason));
  return absl::OkStatus();
}

std::string Dimm::LabelAdvice() const {
  engine().AssertLocked();
  const bool unread = data_ == nullptr;
  const bool repair = unread || CallsForRepair(data_->labels);
  const bool give_up = unread || data_->labels.verdict() != LabelVerdict::kFindings;
  // An image is a SOURCE by itself; for a device or memory, the user knows the SOURCE.
  std::string source = "SOURCE";
  if (absl::StartsWith(source_.description, "/") && !absl::StartsWith(source_.description, "/dev/"))
    source = ShellWord(absl::StrCat(
        source_.description, source_.label_file.empty() ? "" : ",labels=", source_.label_file));
  std::string advice = absl::StrCat("to see what is wrong: nvdimmfs check ", source);
  if (repair)
    absl::StrAppend(&advice, "; to repair it, unmount and: nvdimmfs check --repair ", source);
  if (give_up)
    absl::StrAppend(&advice,
                    "; to give its labels up and keep a copy, unmount and: nvdimmfs "
                    "init-labels --force ",
                    source);
  return advice;
}

absl::Status Dimm::AboutLabels(const absl::Status& refusal) const {
  if (refusal.ok()) return refusal;
  const absl::Status named = Annotate(refusal, absl::StrCat("labels of ", name()));
  return Refusal(ErrnoOf(named), ReasonOf(named),
                 absl::StrCat(named.message(), "; ", LabelAdvice()));
}

absl::Status Dimm::Reported(const absl::Status& change) const {
  if (absl::StartsWith(ReasonOf(change), "media.") && ErrnoOf(change) != EROFS)
    ReportRefusal(Event::kLabelWriteFailed, name(), change);
  return change;
}

// What the driver found when it read the labels.
void Dimm::ReportLabels(const LabelArea& labels) const {
  const std::vector<Finding>& findings = labels.findings();
  if (findings.empty() || quirks().labels_start_as_noise) return;
  const auto tell = [&](Event event, absl::string_view what, const Finding& finding) {
    Report(event, name(), finding.reason, absl::StrCat(what, ": ", finding.sentence));
  };
  if (!labels.has_index()) {
    tell(Event::kLabelsDamaged, "the label area is damaged, and no label is used",
         findings.front());
    return;
  }
  const auto of_index = std::find_if(findings.begin(), findings.end(), IsOfDamagedIndex);
  if (of_index != findings.end())
    tell(Event::kIndexLost, "one index block is damaged, and the other one is used", *of_index);
  const auto other = std::find_if_not(findings.begin(), findings.end(), IsOfDamagedIndex);
  if (other != findings.end()) tell(Event::kLabelsDamaged, "the labels have findings", *other);
}

void Dimm::Remove() {
  engine().AssertLocked();
  data_.reset();
}

absl::Status Dimm::EraseData() { return EraseContent(*source_.capacity); }

void Dimm::StartOverwrite() {
  engine().AssertLocked();
  label_media_->set_in_use(true);
  std::vector<std::shared_ptr<Media>> everything = {source_.capacity};
  if (has_label_area()) everything.push_back(source_.labels);
  const absl::Time end = firmware()->now() + firmware()->overwrite_time();
  overwrite_ = std::make_unique<Overwrite>(everything, [this, end](const absl::Status& status) {
    engine().After(std::max(end - firmware()->now(), absl::ZeroDuration()), *this,
                   [this, status] { FinishOverwrite(status); });
  });
}

void Dimm::FinishOverwrite(const absl::Status& status) {
  engine().AssertLocked();
  overwrite_.reset();
  absl::Status result = status;
  result.Update(firmware()
                    ->ChangeSecurity([](intel::Security& security) {
                      security.EndOverwrite();
                      return intel::kSuccess;
                    })
                    .status());
  if (!result.ok()) engine().RecordRefusal(*this, absl::StrCat("overwrite ", name()), result);
  label_media_->set_in_use(users_ > 0);
  // The labels that the driver has read no longer exist.
  if (driver() != nullptr) {
    engine().Unbind(*this);
    engine().Probe(*this);
  }
  engine().NotifyChanged(*this, "security");
}

void Dimm::ShowLabelArea() { engine().AddData(absl::StrCat("dev/", name()), label_node_); }

void Dimm::CountRegions(int more, bool with_labels) {
  engine().AssertLocked();
  regions_ += more;
  if (!with_labels) return;
  users_ += more;
  label_media_->set_in_use(users_ > 0);
}

void Dimm::Removed() {
  engine().AssertLocked();
  overwrite_.reset();
  label_node_->Close();
  engine().RemoveData(absl::StrCat("dev/", name()));
  nd().dimm_ids().Give(id_);
}

}  // namespace nvdimmfs::core
