#include "tools/volumes/http_server.h"

#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "httplib.h"
#include "tools/volumes/protocol.h"

namespace nvdimmfs::volumes {
namespace {

constexpr size_t kLongestBody = 1 << 20;
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

// A thread for each connection: one that is idle, or whose call waits for its volume, must not hold
// up the next one. What bounds them is the number of descriptors that a process may have.
class ThreadEach final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> serve) override {
    {
      const absl::MutexLock lock(&mutex_);
      ++running_;
    }
    std::thread([this, serve = std::move(serve)] {
      serve();
      const absl::MutexLock lock(&mutex_);
      --running_;
    }).detach();
  }
  void shutdown() override {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(+[](int* running) { return *running == 0; }, &running_));
  }

 private:
  absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

class HttpServer::Server : public httplib::Server {
 public:
  void Adopt(int socket) { svr_sock_ = socket; }
};

HttpServer::HttpServer(VolumeDriver& driver) : server_(std::make_unique<Server>()) {
  server_->new_task_queue = [] { return new ThreadEach; };
  server_->set_payload_max_length(kLongestBody);
  server_->Post(".*", [&driver](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) {
    const Reply reply = Answer(driver, request.path, BodyOf(request, reader));
    response.status = reply.status;
    response.set_content(reply.body, kProtocolType);
  });
  // What the library refuses by itself.
  server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) response.set_content(NotServed(response.status), kProtocolType);
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
