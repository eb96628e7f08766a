// SPDX-License-Identifier: Apache-2.0
// An in-memory source whose labels and namespaces are partly an input's: a sound one, made by this
// program, with the patches that the input asks for.
//
// The input begins with: the kind of source, one byte; the number of patches, one byte modulo 16;
// for each patch the place, one byte (0: the first DIMM's label area, 1: the last one's, others:
// what is written at the start of a namespace), its offset there, two bytes, its length and its
// bytes; then one byte of flags, ImageFlag.
#ifndef NVDIMMFS_TESTS_FUZZ_HOSTILE_IMAGE_H_
#define NVDIMMFS_TESTS_FUZZ_HOSTILE_IMAGE_H_

#include <memory>
#include <vector>

#include "core/media/memory_media.h"
#include "core/sources/bus_source.h"
#include "core/testing/fuzz_input.h"

namespace nvdimmfs::fuzz {

enum class ImageKind {
  kLabels12,
  kLabels11,
  kLabels21,
  kSet,        // two DIMMs in one interleave set
  kBlank,      // a label area of zeros
  kLabelless,  // no label area
  kFirmware,   // a DIMM of the Intel family, on a bus with scrub and error injection
};
inline constexpr size_t kImageKinds = 7;

enum ImageFlag : uint8_t {
  kWrongIndexSums = 1,  // patched label areas keep the checksums that they have
  kWrongBlockSums = 2,  // so do patched info blocks
};

struct HostileImage {
  // Makes it from the front of the input.
  static HostileImage Make(core::FuzzInput& input);

  // The bus over these bytes, as after a boot.
  core::BusSource Bus() const;

  ImageKind kind = ImageKind::kLabels12;
  bool sound = true;                                                 // nothing was patched
  std::vector<std::shared_ptr<core::MemoryMedia>> capacity, labels;  // of each DIMM
};

}  // namespace nvdimmfs::fuzz

#endif  // NVDIMMFS_TESTS_FUZZ_HOSTILE_IMAGE_H_
