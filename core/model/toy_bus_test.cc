// SPDX-License-Identifier: Apache-2.0
// A bus type that the model does not know, with devices and a driver of its own: lamps. Whatever a
// bus needs from the engine is in core/model.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/bus_attributes.h"
#include "core/model/bus_type.h"
#include "core/model/common_attributes.h"
#include "core/model/driver.h"
#include "core/model/engine.h"
#include "core/testing/silent_listener.h"

namespace nvdimmfs::core {
namespace {

constexpr DeviceKind kLampKind{"lamp", "devices/lampN"};

class LampBus final : public BusType {
 public:
  explicit LampBus(Engine& engine) : BusType(engine, "lamps") {}
  absl::Span<const Attribute> attributes() const override {
    static constexpr Attribute kTable[] = {kAutoprobeAttribute, kProbeAttribute};
    return kTable;
  }
};

class Lamp final : public Device {
 public:
  Lamp(Engine& engine, BusType& bus, std::string name, Device* parent = nullptr)
      : Device(engine, kLampKind, std::move(name), parent), bus_(bus) {}
  BusType* bus_type() const override { return &bus_; }
  std::string place() const override {
    return parent() == nullptr ? absl::StrCat("devices/", name()) : name();
  }

  bool broken = false;
  bool lit = false;
  std::string word;

 private:
  BusType& bus_;
};

Lamp& AsLamp(Device& device) { return static_cast<Lamp&>(device); }

absl::StatusOr<std::string> ShowLit(Device& device) { return AsLamp(device).lit ? "1\n" : "0\n"; }
absl::StatusOr<std::string> ShowWord(Device& device) { return AsLamp(device).word + "\n"; }
absl::Status StoreWord(Device& device, absl::string_view text) {
  AsLamp(device).word = std::string(text);
  return absl::OkStatus();
}
absl::Status StoreGo(Device& device, absl::string_view) {
  device.engine().UnregisterLater(device.shared_from_this());
  return absl::OkStatus();
}

constexpr Attribute kLampAttributes[] = {
    {.name = "lit", .show = ShowLit},
    {.name = "new", .since = Kernel::k6_12, .show = ShowLit},
    {.name = "old", .until = Kernel::k6_1, .show = ShowLit},
    {.name = "word", .mode = 0644, .show = ShowWord, .store = StoreWord},
    {.name = "x/word", .mode = 0600, .show = ShowWord, .store = StoreWord, .grammar = "a word"},
    {.name = "go", .mode = 0200, .store = StoreGo},
    kLastErrorAttribute};

constexpr Driver::Operations kSwitch = {
    .name = "switch",
    .module = "switch",
    .by_hand = true,
    .matches = [](const Device& device) { return device.kind() == kLampKind; },
    .probe =
        [](Device& device) {
          if (AsLamp(device).broken) return Refusal(EIO, "lamp.broken", "it is broken");
          AsLamp(device).lit = true;
          return absl::OkStatus();
        },
    .remove = [](Device& device) { AsLamp(device).lit = false; },
    .attributes = kDriverAttributes};

// Writes down what the tree is told.
class Listener final : public SilentListener {
 public:
  void DeviceAdded(const std::shared_ptr<Device>& device) override {
    events.push_back("+" + device->path());
  }
  void DeviceRemoved(const Device& device) override { events.push_back("-" + device.path()); }
  void LinkAdded(absl::string_view path, absl::string_view target) override {
    events.push_back(absl::StrCat("+", path, " > ", target));
  }
  void LinkRemoved(absl::string_view path) override { events.push_back(absl::StrCat("-", path)); }

  std::vector<std::string> events;
};

using Events = std::vector<std::string>;

class ToyBusTest : public testing::Test {
 protected:
  ToyBusTest() {
    engine.WithLock([&] {
      engine.Register(bus);
      driver = std::make_shared<Driver>(*bus, kSwitch);
      bus->AddDriver(driver);
      engine.Register(driver);
    });
    events() = {};
  }

  std::shared_ptr<Lamp> Add(const std::string& name, bool broken = false,
                            Device* parent = nullptr) {
    auto lamp = std::make_shared<Lamp>(engine, *bus, name, parent);
    lamp->broken = broken;
    engine.WithLock([&] {
      engine.Register(lamp);
      engine.AutoProbe(*lamp);
    });
    return lamp;
  }
  static const Attribute& Find(const Device& device, absl::string_view name) {
    for (const Attribute& attribute : device.attributes())
      if (attribute.name == name) return attribute;
    ADD_FAILURE() << device.name() << " has no " << name;
    return device.attributes()[0];
  }
  std::string Get(Device& device, absl::string_view name) {
    const auto text = engine.Show(device, Find(device, name));
    return text.ok() ? *text : Name(text.status());
  }
  std::string Set(Device& device, absl::string_view name, absl::string_view text) {
    return Name(engine.Store(device, Find(device, name), text));
  }
  // "19 driver.no_device": errno and reason.
  static std::string Name(const absl::Status& status) {
    return status.ok() ? "" : absl::StrCat(ErrnoOf(status), " ", ReasonOf(status));
  }
  static std::string Name(int error, absl::string_view reason) {
    return absl::StrCat(error, " ", reason);
  }
  Events& events() { return listener.events; }

  Listener listener;
  Engine engine{&listener, {{kLampKind.name(), kLampAttributes}}, Kernel::k7_3};
  std::shared_ptr<LampBus> bus = std::make_shared<LampBus>(engine);
  std::shared_ptr<Driver> driver;
};

TEST_F(ToyBusTest, ANewDeviceIsListedAndGivenToItsDriver) {
  const auto lamp = Add("lamp0");
  EXPECT_EQ(Get(*lamp, "lit"), "1\n");
  engine.WithLock([&] {
    EXPECT_EQ(bus->Find("lamp0"), lamp.get());
    EXPECT_EQ(lamp->driver(), driver.get());
  });
  EXPECT_EQ(events(), (Events{"+devices/lamp0", "+devices/lamp0/driver > bus/lamps/drivers/switch",
                              "+bus/lamps/drivers/switch/lamp0 > devices/lamp0"}));
}

TEST_F(ToyBusTest, BindingByHand) {
  const auto lamp = Add("lamp0");
  EXPECT_EQ(Set(*driver, "bind", "lamp0\n"), Name(EBUSY, "driver.bound"));
  EXPECT_EQ(Set(*driver, "bind", "lamp1"), Name(ENODEV, "driver.no_device"));
  EXPECT_EQ(Set(*driver, "unbind", "lamp0\n"), "");
  EXPECT_EQ(Get(*lamp, "lit"), "0\n");
  EXPECT_EQ(Set(*driver, "unbind", "lamp0"), Name(ENODEV, "driver.not_bound"));
  EXPECT_EQ(Set(*bus, "drivers_probe", "lamp0"), "");
  EXPECT_EQ(Get(*lamp, "lit"), "1\n");
}

TEST_F(ToyBusTest, ADriversRefusalIsKept) {
  const auto lamp = Add("lamp0", /*broken=*/true);
  EXPECT_EQ(Get(*lamp, "lit"), "0\n");
  EXPECT_NE(Get(*lamp, "x/last_error").find("it is broken"), std::string::npos);
  EXPECT_EQ(events(), Events{"+devices/lamp0"});
  EXPECT_EQ(Set(*driver, "bind", "lamp0"), Name(EIO, "lamp.broken"));
}

TEST_F(ToyBusTest, WithoutAutoprobeADeviceWaits) {
  EXPECT_EQ(Set(*bus, "drivers_autoprobe", "0\n"), "");
  const auto lamp = Add("lamp0");
  EXPECT_EQ(Get(*lamp, "lit"), "0\n");
  EXPECT_EQ(Set(*driver, "bind", "lamp0"), "");
  EXPECT_EQ(Get(*lamp, "lit"), "1\n");
}

TEST_F(ToyBusTest, ADeviceGoesAtTheEndOfTheWriteAfterItsChildren) {
  const auto lamp = Add("lamp0");
  const auto child = Add("bulb0", /*broken=*/false, lamp.get());
  events() = {};
  EXPECT_EQ(Set(*lamp, "go", "1"), "");
  EXPECT_EQ(events(), (Events{"-bus/lamps/drivers/switch/lamp0", "-devices/lamp0/driver",
                              "-bus/lamps/drivers/switch/bulb0", "-devices/lamp0/bulb0/driver",
                              "-devices/lamp0/bulb0", "-devices/lamp0"}));
  EXPECT_FALSE(lamp->lit || child->lit);
  EXPECT_EQ(Get(*lamp, "lit"), Name(ENODEV, "device.gone"));
  EXPECT_EQ(Set(*child, "word", "x"), Name(ENODEV, "device.gone"));
  engine.WithLock([&] { EXPECT_TRUE(bus->devices().empty()); });
}

TEST_F(ToyBusTest, AKernelsFileTakesAPageAndOursRefusesDoubtfulText) {
  const auto lamp = Add("lamp0");
  EXPECT_EQ(Set(*lamp, "word", std::string(5000, 'a')), "");
  EXPECT_EQ(Get(*lamp, "word").size(), 4097u);
  EXPECT_EQ(Set(*lamp, "word", absl::string_view("ab\0c", 4)), "");
  EXPECT_EQ(Get(*lamp, "word"), "ab\n");
  EXPECT_EQ(Set(*lamp, "x/word", std::string(5000, 'a')), Name(EINVAL, "command.length"));
  EXPECT_EQ(Set(*lamp, "x/word", absl::string_view("x\0y", 3)), Name(EINVAL, "command.nul"));
  EXPECT_EQ(Set(*lamp, "x/word", " \n# nothing\n"), Name(EINVAL, "command.empty"));
  EXPECT_EQ(Get(*lamp, "word"), "ab\n");
  EXPECT_EQ(Set(*lamp, "x/word", absl::string_view("cd\0", 3)), "");
  EXPECT_EQ(Get(*lamp, "word"), "cd\n");
  EXPECT_EQ(Set(*lamp, "lit", "1"), Name(EIO, "attribute.read_only"));
  EXPECT_EQ(Get(*lamp, "go"), Name(EIO, "attribute.write_only"));
}

TEST_F(ToyBusTest, AnAttributeBelongsToItsKernels) {
  const auto lamp = Add("lamp0");
  engine.WithLock([&] {
    EXPECT_EQ(engine.ModeOf(*lamp, Find(*lamp, "new")), 0444);
    EXPECT_EQ(engine.ModeOf(*lamp, Find(*lamp, "old")), 0);
  });
}

}  // namespace
}  // namespace nvdimmfs::core
