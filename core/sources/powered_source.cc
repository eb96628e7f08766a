// SPDX-License-Identifier: Apache-2.0
#include "core/sources/powered_source.h"

#include <map>
#include <memory>
#include <utility>

#include "core/base/status.h"
#include "core/media/striped_media.h"

namespace nvdimmfs::core {

absl::Status PutOnPower(BusSource& bus, PowerSupply& supply) {
  std::map<const Media*, std::shared_ptr<Media>> fed;  // by the Media that it replaces
  const auto feed = [&](std::shared_ptr<Media>& media) {
    if (media == nullptr) return;
    std::shared_ptr<Media>& line = fed[media.get()];
    if (line == nullptr) line = supply.Feed(media);
    media = line;
  };
  for (DimmSource& dimm : bus.dimms) {
    if (dimm.missing) continue;
    feed(dimm.capacity);
    feed(dimm.labels);
  }
  for (RegionSource& region : bus.regions) {
    const bool is_set = dynamic_cast<const StripedMedia*>(region.media.get()) != nullptr;
    if (is_set && region.granularity != 0) {
      ASSIGN_OR_RETURN(region.media,
                       StripeMappings(bus.dimms, region.mappings, region.granularity));
    } else {
      feed(region.media);
    }
  }
  return absl::OkStatus();
}

}  // namespace nvdimmfs::core
