// The protocol over HTTP on a unix socket. The only file that includes the HTTP library.
#ifndef NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_
#define NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_

#include <memory>

#include "tools/volumes/descriptor.h"
#include "tools/volumes/volume_driver.h"

namespace nvdimmfs::volumes {

// POST: a call of the protocol, whatever the content type. GET /metrics: OpenMetrics.
// Thread rules: Stop from any thread.
class HttpServer {
 public:
  // `driver` must outlive this.
  explicit HttpServer(VolumeDriver& driver);
  ~HttpServer();

  // Serves until Stop; `socket` listens already. False where it cannot be served.
  bool Run(Descriptor socket);
  void Stop();

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_HTTP_SERVER_H_
