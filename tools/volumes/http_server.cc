#include "tools/volumes/http_server.h"

#include <string>

#include "httplib.h"
#include "tools/volumes/protocol.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kLongestBody = 1 << 20;
constexpr int kThreads = 16;
constexpr char kMetricsType[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Without a length there is no body: some clients send none, and would wait for us to answer.
std::string BodyOf(const httplib::Request& request, const httplib::ContentReader& reader) {
  std::string body;
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
    return body;
  reader([&](const char* data, size_t length) {
    body.append(data, length);
    return body.size() <= kLongestBody;
  });
  return body;
}

}  // namespace

class HttpServer::Server : public httplib::Server {
 public:
  void Adopt(int socket) { svr_sock_ = socket; }
};

HttpServer::HttpServer(VolumeDriver& driver) : server_(std::make_unique<Server>()) {
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_payload_max_length(kLongestBody);
  server_->Post(".*", [&driver](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) {
    const Reply reply = Answer(driver, request.path, BodyOf(request, reader));
    response.status = reply.status;
    response.set_content(reply.body, kProtocolType);
  });
  server_->Get("/metrics", [&driver](const httplib::Request&, httplib::Response& response) {
    response.set_content(driver.Metrics(), kMetricsType);
  });
}

HttpServer::~HttpServer() = default;

bool HttpServer::Run(Descriptor socket) {
  server_->Adopt(socket.Release());
  return server_->listen_after_bind();
}

void HttpServer::Stop() { server_->stop(); }

}  // namespace nvdimmfs::volumes
