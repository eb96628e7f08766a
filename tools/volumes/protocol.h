// The Docker volume plugin protocol, version 1: requests to calls, and back. No sockets.
//
// Lenient in what it reads: a body may be empty, keys may be missing, null or of another type where
// that has a meaning. Strict in what it says: every answer is an object with "Err", which is "" or
// a sentence.
// Source: docs.docker.com/engine/extend/plugins_volume.
#ifndef NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_
#define NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_

#include <string>

#include "tools/volumes/volume_driver.h"

namespace nvdimmfs::volumes {

inline constexpr char kProtocolType[] = "application/vnd.docker.plugins.v1.1+json";

struct Reply {
  int status = 200;  // of HTTP: 400 no JSON, 404 no such call, 500 refused
  std::string body;
};

// `path` is the request's: "/VolumeDriver.Create".
// The body of an answer with `status` to what is no call of the protocol.
std::string NotServed(int status);

Reply Answer(VolumeDriver& driver, const std::string& path, const std::string& body);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_PROTOCOL_H_
