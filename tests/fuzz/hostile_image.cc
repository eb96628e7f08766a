// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/hostile_image.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "btt/btt_layer.h"
#include "core/commands/bus_command_format.h"
#include "core/intel/firmware.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"
#include "core/system/system.h"
#include "core/testing/reseal.h"

namespace nvdimmfs::fuzz {
namespace {

using core::Demand;
using core::FuzzInput;
using core::MemoryMedia;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kDimmSize = 112 * kMiB, kAreaSize = 128 << 10;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kGranularity = 4096;
constexpr size_t kMostPatches = 16;

const core::LabelVersion* VersionOf(ImageKind kind) {
  switch (kind) {
    case ImageKind::kLabels11:
      return &core::LabelV1_1();
    case ImageKind::kLabels21:
      return &core::LabelV2_1();
    case ImageKind::kBlank:
    case ImageKind::kLabelless:
      return nullptr;
    default:
      return &core::LabelV1_2();
  }
}

// What is not zero in a DIMM's bytes, page by page.
struct SoundDimm {
  struct Page {
    uint64_t offset = 0;
    std::array<std::byte, kPage> bytes;
  };
  std::vector<Page> pages;
  std::vector<std::byte> labels;
  std::vector<uint64_t> starts;  // of the runs of such pages
};
using SoundImage = std::vector<SoundDimm>;

HostileImage EmptyImage(ImageKind kind) {
  HostileImage image{.kind = kind, .capacity = {}, .labels = {}};
  for (int i = 0; i < (kind == ImageKind::kSet ? 2 : 1); ++i) {
    image.capacity.push_back(std::make_shared<MemoryMedia>(kDimmSize));
    if (kind != ImageKind::kLabelless)
      image.labels.push_back(std::make_shared<MemoryMedia>(kAreaSize));
  }
  return image;
}

// One namespace of each mode.
void Provision(const HostileImage& image) {
  btt::BttLayer layer;
  core::System system(layer, nullptr);
  Demand(system.AddBus(image.Bus()).ok(), "the bus of a sound image");
  const auto region = system.Find("region0");
  Demand(region != nullptr, "a region");
  const uint64_t ways = image.capacity.size();
  int number = 0;
  for (const auto& [mode, mib] : {std::pair("raw", 16), std::pair("sector", 32),
                                  std::pair("fsdax", 16), std::pair("devdax", 16)}) {
    const std::string line = absl::StrCat("size=", mib * ways, "M mode=", mode, " name=ns", number,
                                          " uuid=11111111-2222-3333-4444-55555555550", number);
    ++number;
    for (const core::Attribute& attribute : region->attributes()) {
      if (attribute.name != "x/create") continue;
      const absl::Status made = system.Store(*region, attribute, line);
      Demand(made.ok(), absl::StrCat(line, ": ", made.message()));
    }
  }
}

SoundDimm Record(MemoryMedia& capacity, MemoryMedia* labels) {
  SoundDimm dimm;
  for (uint64_t at = 0; at < capacity.size(); at += kPage) {
    const auto page = capacity.bytes().subspan(at, kPage);
    if (std::all_of(page.begin(), page.end(), [](std::byte byte) { return byte == std::byte{0}; }))
      continue;
    if (dimm.pages.empty() || dimm.pages.back().offset + kPage != at) dimm.starts.push_back(at);
    dimm.pages.push_back({.offset = at, .bytes = {}});
    std::memcpy(dimm.pages.back().bytes.data(), page.data(), kPage);
  }
  if (labels != nullptr) dimm.labels.assign(labels->bytes().begin(), labels->bytes().end());
  return dimm;
}

// Made once: every input begins with a copy of it.
const SoundImage& SoundImageOf(ImageKind kind) {
  static auto& made = *new std::array<SoundImage, kImageKinds>;
  SoundImage& sound = made[static_cast<size_t>(kind)];
  if (!sound.empty()) return sound;
  const HostileImage image = EmptyImage(kind);
  if (const core::LabelVersion* const version = VersionOf(kind)) {
    for (const auto& labels : image.labels) {
      auto area = core::LabelArea::Open(labels);
      Demand(area.ok() && area->Initialise(*version).ok(), "a new label area");
    }
    Provision(image);
  }
  for (size_t i = 0; i < image.capacity.size(); ++i)
    sound.push_back(
        Record(*image.capacity[i], image.labels.empty() ? nullptr : image.labels[i].get()));
  return sound;
}

void CopyTo(const SoundImage& sound, const HostileImage& image) {
  for (size_t i = 0; i < sound.size(); ++i) {
    for (const SoundDimm::Page& page : sound[i].pages)
      std::memcpy(image.capacity[i]->bytes().data() + page.offset, page.bytes.data(), kPage);
    if (!sound[i].labels.empty())
      std::memcpy(image.labels[i]->bytes().data(), sound[i].labels.data(), sound[i].labels.size());
  }
}

void Put(absl::Span<std::byte> bytes, uint64_t at, absl::string_view piece) {
  if (at >= bytes.size()) return;
  piece = piece.substr(0, bytes.size() - at);
  if (!piece.empty()) std::memcpy(bytes.data() + at, piece.data(), piece.size());
}

bool IsInfoBlock(absl::Span<const std::byte> page) {
  const absl::string_view text(reinterpret_cast<const char*>(page.data()), page.size());
  return absl::StartsWith(text, "BTT_ARENA_INFO") || absl::StartsWith(text, "NVDIMM_");
}

}  // namespace

HostileImage HostileImage::Make(FuzzInput& input) {
  const auto kind = static_cast<ImageKind>(input.Index(kImageKinds));
  const SoundImage& sound = SoundImageOf(kind);
  HostileImage image = EmptyImage(kind);
  CopyTo(sound, image);
  std::vector<size_t> touched(image.labels.size());  // where the patches of each area end
  const size_t patches = input.Index(kMostPatches);
  for (size_t i = 0; i < patches; ++i) {
    const uint8_t place = input.Byte();
    const uint64_t offset = input.Take<uint16_t>();
    const absl::string_view piece = input.Piece();
    image.sound = image.sound && piece.empty();
    if (place < 2 && !image.labels.empty()) {
      const size_t dimm = place == 0 ? 0 : image.labels.size() - 1;
      Put(image.labels[dimm]->bytes(), offset, piece);
      touched[dimm] = std::max<size_t>(touched[dimm], offset + piece.size());
      continue;
    }
    const SoundDimm& first = sound.front();
    const uint64_t start = first.starts.empty() ? 0 : first.starts[place % first.starts.size()];
    Put(image.capacity[0]->bytes(), start + offset, piece);
  }
  const uint8_t flags = input.Byte();
  if (image.sound) return image;
  if ((flags & kWrongIndexSums) == 0)
    for (size_t i = 0; i < touched.size(); ++i)
      if (touched[i] != 0)
        core::ResealLabels(
            image.labels[i]->bytes(),
            kind == ImageKind::kLabels11 ? core::kLabelSizeV1_1 : core::kLabelSizeV1_2, touched[i]);
  if ((flags & kWrongBlockSums) == 0)
    for (const SoundDimm::Page& page : sound.front().pages)
      if (const auto bytes = image.capacity[0]->bytes().subspan(page.offset, kPage);
          IsInfoBlock(bytes))
        core::ResealInfoBlock(bytes);
  return image;
}

core::BusSource HostileImage::Bus() const {
  std::vector<core::DimmSource> dimms;
  for (size_t i = 0; i < capacity.size(); ++i) {
    core::DimmSource dimm{.description = absl::StrCat("dimm", i, ".img"),
                          .capacity = capacity[i],
                          .labels = labels.empty() ? nullptr : labels[i]};
    dimm.identity = {.handle = static_cast<uint32_t>(i + 1),
                     .vendor = 0x8086,
                     .device = 1,
                     .revision = 1,
                     .serial = static_cast<uint32_t>(0x123456 + i),
                     .interface_code = 0x301};
    if (kind == ImageKind::kLabels21) {
      dimm.labelling = true;
      dimm.new_labels = &core::LabelV2_1();
    }
    if (kind == ImageKind::kFirmware) {
      auto firmware = core::intel::Firmware::PowerOn(
          {.now = [] { return absl::UnixEpoch(); }, .store = nullptr});
      Demand(firmware.ok(), "firmware without a record");
      dimm.firmware = *std::move(firmware);
      dimm.label_transfer = dimm.firmware->label_transfer();
      dimm.test_controls = std::make_shared<core::TestControls>(static_cast<int>(i));
    }
    dimms.push_back(std::move(dimm));
  }
  core::BusSource bus = core::QemuBus(std::move(dimms));
  if (kind == ImageKind::kSet) {
    core::RegionSource& region = bus.regions.front();
    bus.regions.pop_back();
    region.spa.size = kDimmSize * capacity.size();
    region.mappings.clear();
    for (size_t i = 0; i < capacity.size(); ++i)
      region.mappings.push_back(
          {.dimm = i, .dpa = {0, kDimmSize}, .region_offset = i * kGranularity});
    region.granularity = kGranularity;
    region.media = core::StripeMappings(bus.dimms, region.mappings, kGranularity).value();
  }
  if (kind == ImageKind::kFirmware) {
    bus.scrubs = true;
    bus.scrub_time = absl::ZeroDuration();
    bus.families = 3;
    bus.functions = core::kAllBusFunctions;
  }
  return bus;
}

}  // namespace nvdimmfs::fuzz
