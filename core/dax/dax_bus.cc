// SPDX-License-Identifier: Apache-2.0
#include "core/dax/dax_bus.h"

#include "absl/strings/str_cat.h"
#include "core/model/bus_attributes.h"
#include "core/model/common_attributes.h"
#include "core/model/driver.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

constexpr Attribute kBusAttributes[] = {kAutoprobeAttribute, kProbeAttribute,
                                        kUeventTriggerAttribute};

}  // namespace

void DaxBus::Start() {
  engine().AssertLocked();
  engine().Register(shared_from_this());
  memory_ = MemoryBlocks::Make(engine());
}

void DaxBus::NoteRefusal(const Driver& driver, Device& device, const absl::Status& status) {
  engine().RecordRefusal(device, absl::StrCat("bind to ", driver.name()), status);
}

absl::Span<const Attribute> DaxBus::Table() { return kBusAttributes; }

}  // namespace nvdimmfs::core
