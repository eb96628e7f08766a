#include "fs/mount.h"

#include "fs/serve.h"
#include "fs/system_model.h"

namespace nvdimmfs::fs {

absl::Status Serve(core::System& system, Tree& tree, const MountOptions& options,
                   std::function<void(absl::Status)> on_ready, std::function<void()> on_end) {
  SystemModel model(system);
  return ServeModel(model, tree, options, std::move(on_ready), std::move(on_end));
}

}  // namespace nvdimmfs::fs
