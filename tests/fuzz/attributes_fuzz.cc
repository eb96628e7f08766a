// SPDX-License-Identifier: Apache-2.0
// Hostile sequences on a hostile image: reads and writes of attributes, control commands, I/O on
// namespaces and media errors, in any order. Each is answered or refused with errno, reason and
// sentence; whatever the tree has become, its outputs are sound, and a new start from the same
// bytes works. Labels that were sound, and that only attributes changed, are sound afterwards.
//
// The input: tests/fuzz/hostile_image.h, then steps: a byte for what is done, bytes that choose
// the device and its attribute, and what the step needs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "btt/btt_layer.h"
#include "core/commands/command.h"
#include "core/labels/label_area.h"
#include "core/listing/schema_listing.h"
#include "core/model/data_node.h"
#include "core/system/system.h"
#include "core/testing/fuzz_input.h"
#include "core/testing/silent_listener.h"
#include "tests/fuzz/hostile_image.h"
#include "tests/fuzz/outputs.h"
#include "tests/fuzz/written_text.h"

namespace nvdimmfs::fuzz {
namespace {

using core::Attribute;
using core::DataNode;
using core::Demand;
using core::Device;
using core::FuzzInput;

constexpr int kMostSteps = 48;

// The data files that exist.
class DataFiles final : public core::SilentListener {
 public:
  void DataAdded(absl::string_view path, const std::shared_ptr<DataNode>& node) override {
    Demand(files_.emplace(path, node).second, "a data file appears twice");
  }
  void DataRemoved(absl::string_view path) override {
    Demand(files_.erase(std::string(path)) == 1, "a data file goes that did not exist");
  }
  std::shared_ptr<DataNode> Choose(FuzzInput& input) const {
    if (files_.empty()) return nullptr;
    auto chosen = files_.begin();
    std::advance(chosen, input.Index(files_.size()));
    return chosen->second;
  }

 private:
  std::map<std::string, std::shared_ptr<DataNode>> files_;
};

class Sequence {
 public:
  explicit Sequence(FuzzInput& input) : input_(input), image_(HostileImage::Make(input)) {
    labels_are_ours_ = image_.sound;
    system_ = std::make_unique<core::System>(layer_, &files_);
    Start(*system_);
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.empty(); ++i) Step();
    JudgeOutputs(*system_);
    system_.reset();
    JudgeLabels();
    core::System again(layer_, nullptr);
    Start(again);
  }

 private:
  void Start(core::System& system) {
    system.set_bus_lister([](core::Bus& bus) { return core::ListInSchema1(bus, "x"); });
    const absl::Status added = system.AddBus(image_.Bus());
    Demand(added.ok(), added.message());
  }

  void Step() {
    const uint8_t what = input_.Byte() % 12;
    if (what < 8) {
      const auto devices = system_->Devices();
      Device& device = *devices[input_.Index(devices.size())];
      return what < 2   ? Show(device)
             : what < 6 ? Store(device, devices)
             : what < 7 ? Command(device)
                        : Create(device);
    }
    if (what == 11) return Poison();
    if (const auto file = files_.Choose(input_); file != nullptr) Transfer(*file, what);
  }

  // A file of the device that is there, and for which `wanted` holds; null if there is none.
  template <typename Wanted>
  const Attribute* Choose(const Device& device, Wanted wanted) {
    std::vector<const Attribute*> found;
    for (const Attribute& attribute : device.attributes())
      if (wanted(attribute) &&
          system_->WithLock([&] { return system_->ModeOf(device, attribute) != 0; }))
        found.push_back(&attribute);
    return found.empty() ? nullptr : found[input_.Index(found.size())];
  }

  void Show(Device& device) {
    const Attribute* const attribute =
        Choose(device, [](const Attribute& found) { return found.show != nullptr; });
    if (attribute == nullptr) return;
    if (const auto text = system_->Show(device, *attribute); !text.ok())
      JudgeRefusal(text.status());
  }

  void Store(Device& device, const std::vector<std::shared_ptr<Device>>& devices) {
    const Attribute* const attribute =
        Choose(device, [](const Attribute& found) { return found.store != nullptr; });
    std::vector<std::string> names;
    for (const auto& named : devices) names.push_back(named->name());
    const std::string text = WrittenText(input_, names);
    if (attribute == nullptr) return;
    if (const absl::Status status = system_->Store(device, *attribute, text); !status.ok())
      JudgeRefusal(status);
  }

  void Command(Device& device) {
    const Attribute* const attribute =
        Choose(device, [](const Attribute& found) { return found.command != nullptr; });
    core::Command command;
    command.nr = input_.Byte() % 16;
    command.may_write = input_.Byte() % 4 != 0;
    const absl::string_view piece = input_.Piece();
    std::vector<std::byte> buffer(std::max<size_t>(piece.size(), input_.Take<uint16_t>() % 8192));
    std::transform(piece.begin(), piece.end(), buffer.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    command.length = buffer.size();
    command.buffer = absl::MakeSpan(buffer);
    if (attribute == nullptr) return;
    labels_are_ours_ = false;
    const auto result = system_->RunCommand(device, *attribute, command);
    if (!result.ok()) return JudgeRefusal(result.status());
    Demand(*result >= 0 && static_cast<size_t>(*result) <= core::kLongestCommand,
           "the result of an ioctl");
  }

  void Create(Device& device) {
    const absl::Status status = system_->CreateAttribute(device, input_.Piece());
    if (!status.ok()) JudgeRefusal(status);
  }

  void Poison() {
    core::MemoryMedia& media = *image_.capacity[input_.Index(image_.capacity.size())];
    const uint64_t unit = input_.Take<uint32_t>() % (media.size() / 512);
    Demand(media.InjectPoison({unit * 512, 512}).ok(), "poison");
  }

  // Within the capacity: a refusal because of the place is a check forgotten.
  void Transfer(DataNode& file, uint8_t what) {
    if (file.size() == 0) return;  // dev/nmemN of a DIMM without labels
    const uint64_t offset = input_.Take<uint64_t>() % file.size();
    const size_t length =
        std::min<uint64_t>(input_.Take<uint16_t>(), file.size() - offset) / 512 * 512;
    std::vector<std::byte> bytes(length, std::byte{input_.Byte()});
    const DataNode::Access access(file);
    Demand(static_cast<bool>(access), "a file of the tree takes I/O");
    const uint64_t at = offset / 512 * 512;
    if (what != 8 && file.name().substr(0, 4) == "nmem") labels_are_ours_ = false;
    const absl::Status status = what == 8   ? file.media().Read(at, absl::MakeSpan(bytes))
                                : what == 9 ? file.media().Write(at, bytes)
                                            : file.media().Punch(at, length);
    if (status.ok()) return;
    JudgeRefusal(status);
    Demand(core::ReasonOf(status) != "media.range", status.message());
  }

  // Media errors are in the data alone, so labels cannot have suffered.
  void JudgeLabels() const {
    if (!labels_are_ours_) return;
    for (const auto& media : image_.labels) {
      const auto area = core::LabelArea::Open(media);
      Demand(area.ok(), "a label area that only attributes changed");
      Demand(area->findings().empty(),
             area->findings().empty() ? "" : area->findings()[0].sentence);
    }
  }

  FuzzInput& input_;
  const HostileImage image_;
  DataFiles files_;
  btt::BttLayer layer_;
  std::unique_ptr<core::System> system_;
  bool labels_are_ours_ = true;
};

}  // namespace
}  // namespace nvdimmfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nvdimmfs::core::FuzzInput input(data, size);
  nvdimmfs::fuzz::Sequence(input).Run();
  return 0;
}
