// SPDX-License-Identifier: Apache-2.0
// The Docker volume plugin protocol, version 1: requests to calls, and back. No sockets.
//
// It is lenient when it reads: a body may be empty; keys may be missing, null or of another type if
// that makes sense. It is strict when it answers: every answer is an object with "Err", which is ""
// or a sentence.
// Source: docs.docker.com/engine/extend/plugins_volume.
#ifndef NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_
#define NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/volumes/volume_driver.h"

namespace nvdimmfs::volumes {

inline constexpr char kProtocolType[] = "application/vnd.docker.plugins.v1.1+json";

inline constexpr char kReleaseCall[] = "/NvdimmfsVolumes.Release";

struct Reply {
  int status = 200;  // of HTTP: 400 not JSON, 404 no such call, 500 refused
  std::string body;
  std::string type = kProtocolType;
};

// The answer with HTTP `status` to a request that is not a call; `why` is its sentence.
std::string NotServed(int status, absl::string_view why);

// `path` is the request's: "/VolumeDriver.Create".
Reply Answer(VolumeDriver& driver, const std::string& path, const std::string& body);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_
