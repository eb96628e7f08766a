// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount.h"

#include "fs/mount/engine_model.h"
#include "fs/mount/serve.h"

namespace nvdimmfs::fs {

absl::Status Serve(core::Engine& engine, Tree& tree, const MountOptions& options,
                   std::function<void(absl::Status)> on_ready, std::function<void()> on_end) {
  EngineModel model(engine);
  return ServeModel(model, tree, options, std::move(on_ready), std::move(on_end));
}

}  // namespace nvdimmfs::fs
