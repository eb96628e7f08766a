// SPDX-License-Identifier: Apache-2.0
// A device model of one DIMM whose data and label area are on one media, so that a power cut stops
// both. For crash tests.
#ifndef NVDIMMFS_CORE_SERVICES_CUT_MODEL_H_
#define NVDIMMFS_CORE_SERVICES_CUT_MODEL_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/labels/label_area.h"
#include "core/media/media_slice.h"
#include "core/testing/faulty_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {

class CutModel : public ModelVerbs {
 public:
  static constexpr uint64_t kData = 64 << 20;
  static constexpr uint64_t kLabels = 128 << 10;

  // As after a boot.
  explicit CutModel(const std::shared_ptr<nvdimmfs::testing::FaultyMedia>& media) {
    DimmSource dimm{.description = "memory",
                    .capacity = *MediaSlice::Make(media, {0, kData}),
                    .labels = *MediaSlice::Make(media, {kData, kLabels})};
    dimm.identity = {.handle = 1, .vendor = 0x8086, .serial = 0x123456, .interface_code = 0x301};
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    Start(QemuBus(std::move(dimms)));
  }

  // Media with an empty label area of version 1.2.
  static std::shared_ptr<nvdimmfs::testing::FaultyMedia> Initialised() {
    auto media = std::make_shared<nvdimmfs::testing::FaultyMedia>(kData + kLabels);
    auto area = LabelArea::Open(*MediaSlice::Make(media, {kData, kLabels}));
    EXPECT_TRUE(area->Initialise(LabelV1_2()).ok());
    return media;
  }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_CUT_MODEL_H_
