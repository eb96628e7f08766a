// SPDX-License-Identifier: Apache-2.0
#include "core/media/overwrite.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPiece = 1 << 20;

// Zeros over `length` bytes at `offset`, durable once the media is flushed.
absl::Status ZeroPiece(Media& media, uint64_t offset, uint64_t length) {
  static const std::vector<std::byte> zeros(kPiece);
  const auto data = absl::MakeConstSpan(zeros).first(length);
  RETURN_IF_ERROR(media.WriteThrough(offset, data));
  return media.Drain();
}

}  // namespace

Overwrite::Overwrite(std::vector<std::shared_ptr<Media>> media,
                     std::function<void(absl::Status)> done)
    : media_(std::move(media)), done_(std::move(done)), thread_([this] { Run(); }) {}

Overwrite::~Overwrite() {
  stopped_ = true;
  thread_.join();
}

void Overwrite::Run() {
  absl::Status status;
  for (const auto& media : media_) status.Update(Zero(*media));
  if (!stopped_) done_(status);
}

absl::Status Overwrite::Zero(Media& media) {
  for (uint64_t offset = 0; offset < media.size() && !stopped_; offset += kPiece)
    RETURN_IF_ERROR(ZeroPiece(media, offset, std::min(kPiece, media.size() - offset)));
  return media.Flush();
}

absl::Status EraseContent(Media& media) {
  const absl::Status punched = media.Punch(0, media.size());
  if (!punched.ok()) {
    if (ErrnoOf(punched) != EOPNOTSUPP) return punched;
    for (uint64_t offset = 0; offset < media.size(); offset += kPiece)
      RETURN_IF_ERROR(ZeroPiece(media, offset, std::min(kPiece, media.size() - offset)));
  }
  return media.Flush();
}

}  // namespace nvdimmfs::core
