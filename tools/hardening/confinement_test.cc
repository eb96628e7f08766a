// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/hardening/capability_set.h"
#include "tools/hardening/landlock_rules.h"
#include "tools/hardening/seccomp_filter.h"

namespace nvdimmfs::hardening {
namespace {

// Collected in the child and printed by the test.
class Wrongs {
 public:
  explicit Wrongs(int to) : to_(to) {}
  void Expect(bool right, const std::string& what) {
    if (right) return;
    const std::string line = what + "\n";
    [[maybe_unused]] const ssize_t n = write(to_, line.data(), line.size());
  }
  // `done` is a result of a system call that should have failed.
  void ExpectError(std::set<int> errors, long done, const std::string& what) {
    const int error = done < 0 ? errno : 0;
    Expect(errors.count(error) > 0, absl::StrCat(what, ": ", strerror(error)));
  }

 private:
  const int to_;
};

struct Ended {
  int status;
  std::string wrongs;
};

Ended InChild(const std::function<void(Wrongs&)>& run) {
  int ends[2];
  EXPECT_EQ(0, pipe(ends));
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    Wrongs wrongs(ends[1]);
    run(wrongs);
    _exit(0);
  }
  close(ends[1]);
  Ended ended = {};
  std::array<char, 512> piece;
  for (ssize_t n; (n = read(ends[0], piece.data(), piece.size())) > 0;)
    ended.wrongs.append(piece.data(), static_cast<size_t>(n));
  close(ends[0]);
  EXPECT_EQ(child, waitpid(child, &ended.status, 0));
  return ended;
}

void ExpectRight(const std::function<void(Wrongs&)>& run) {
  const Ended ended = InChild(run);
  EXPECT_EQ("", ended.wrongs);
  EXPECT_TRUE(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0)
      << "status " << ended.status;
}

// The lines of /proc/self/task/THREAD/status.
std::map<std::string, std::string> StatusOf(const std::string& thread) {
  std::ifstream file("/proc/self/task/" + thread + "/status");
  std::map<std::string, std::string> status;
  for (std::string line; std::getline(file, line);) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(":\t", 1));
    status.insert(parts);
  }
  return status;
}

class ConfinementTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanConfine()) GTEST_SKIP() << "a build with a sanitizer";
    setenv("NVDIMMFS_HARDEN", "on", 1);
    if (!HasSeccomp()) GTEST_SKIP() << "the kernel has no seccomp filters";
    char name[] = "/tmp/confinement_test.XXXXXX";
    folder_ = mkdtemp(name);
    for (const char* file : {"image", "secret"}) std::ofstream(In(file)) << file;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  std::string In(const std::string& name) const { return folder_ + "/" + name; }
  int Open(const std::string& name, int flags) const {
    return open(In(name).c_str(), flags | O_CLOEXEC, 0600);
  }

  std::string folder_;
};

TEST_F(ConfinementTest, AFormThatLooksCanOnlyRead) {
  ExpectRight([&](Wrongs& wrongs) {
    ConfineForm({});
    wrongs.Expect(Open("image", O_RDONLY) >= 0, "it cannot read");
    wrongs.ExpectError({EPERM}, Open("image", O_WRONLY), "open for writing");
    wrongs.ExpectError({EPERM}, Open("image", O_RDWR), "open for reading and writing");
    wrongs.ExpectError({EPERM}, Open("image", O_RDONLY | O_TRUNC), "truncate");
    wrongs.ExpectError({EPERM}, Open("new", O_RDONLY | O_CREAT), "create");
    wrongs.ExpectError({EPERM, ENOSYS}, unlink(In("image").c_str()), "remove");
    wrongs.ExpectError({EPERM, ENOSYS}, chmod(In("image").c_str(), 0777), "chmod");
    wrongs.ExpectError({EPERM, ENOSYS}, socket(AF_UNIX, SOCK_STREAM, 0), "make a socket");
    wrongs.ExpectError({EPERM, ENOSYS}, fork(), "fork");
    wrongs.ExpectError({EPERM, ENOSYS}, setuid(1), "setuid");
    wrongs.Expect(StatusOf(absl::StrCat(getpid()))["NoNewPrivs"] == "1", "no_new_privs");
    // Threads are still possible.
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    wrongs.Expect(ran, "no threads");
  });
}

TEST_F(ConfinementTest, AFormThatStartsAProgramIsKilled) {
  const Ended ended = InChild([](Wrongs& wrongs) {
    ConfineForm({.store = true});
    execl("/bin/true", "true", nullptr);
    wrongs.Expect(false, "execve returned");
  });
  EXPECT_EQ("", ended.wrongs);
  EXPECT_TRUE(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSYS) << ended.status;
}

TEST_F(ConfinementTest, AnOpenedFormOpensNothingElse) {
  if (LandlockVersion() == 0) GTEST_SKIP() << "the kernel has no Landlock";
  ExpectRight([&](Wrongs& wrongs) {
    ConfineForm({});
    const int image = Open("image", O_RDONLY);
    ConfineOpenedForm({});
    wrongs.Expect(OwnCapabilities() == 0, "it keeps capabilities");
    wrongs.ExpectError({EACCES}, Open("secret", O_RDONLY), "open another file");
    wrongs.Expect(open(absl::StrCat("/proc/self/fd/", image).c_str(), O_RDONLY) >= 0,
                  "it cannot open the image again");
    char byte;
    wrongs.Expect(pread(image, &byte, 1, 0) == 1 && byte == 'i', "it cannot read the image");
  });
}

TEST_F(ConfinementTest, AnOpenedFormMakesItsOutput) {
  ExpectRight([&](Wrongs& wrongs) {
    ConfineForm({.store = true});
    ConfineOpenedForm({.store = true}, In("picture"));
    const int part = Open("picture.part", O_WRONLY | O_CREAT | O_EXCL);
    wrongs.Expect(part >= 0 && rename(In("picture.part").c_str(), In("picture").c_str()) == 0,
                  "it cannot make its output");
    if (LandlockVersion() == 0) return;
    wrongs.ExpectError({EACCES}, open("/tmp/confinement_test.new", O_WRONLY | O_CREAT, 0600),
                       "a file elsewhere");
  });
}

TEST_F(ConfinementTest, TheEnvironmentTurnsItOffForForms) {
  ExpectRight([&](Wrongs& wrongs) {
    setenv("NVDIMMFS_HARDEN", "off", 1);
    ConfineForm({});
    wrongs.Expect(Open("image", O_RDWR) >= 0, "it is confined");
  });
}

TEST_F(ConfinementTest, EveryThreadOfADaemonIsConfined) {
  ExpectRight([&](Wrongs& wrongs) {
    int ends[2];
    if (pipe(ends) != 0) return;
    std::thread early([&] {
      char byte;
      [[maybe_unused]] const ssize_t n = read(ends[0], &byte, 1);
    });
    const int image = Open("image", O_RDWR);
    const auto confined = ConfineMount({.folders = {}});
    wrongs.Expect(confined.ok(), std::string(confined.status().message()));
    int threads = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      auto status = StatusOf(entry.path().filename());
      ++threads;
      wrongs.Expect(status["CapEff"] == "0000000000000000", "CapEff " + status["CapEff"]);
      wrongs.Expect(status["CapPrm"] == "0000000000000000", "CapPrm " + status["CapPrm"]);
      wrongs.Expect(status["NoNewPrivs"] == "1", "NoNewPrivs " + status["NoNewPrivs"]);
      wrongs.Expect(status["Seccomp"] == "2", "Seccomp " + status["Seccomp"]);
      if (geteuid() == 0)
        wrongs.Expect(status["CapBnd"] == "0000000000000000", "CapBnd " + status["CapBnd"]);
    }
    wrongs.Expect(threads == 2, absl::StrCat(threads, " threads"));
    [[maybe_unused]] ssize_t n = write(ends[1], "x", 1);
    early.join();
    wrongs.Expect(pwrite(image, "I", 1, 0) == 1, "it cannot write to the image");
    wrongs.Expect(open(absl::StrCat("/proc/self/fd/", image).c_str(), O_RDWR) >= 0,
                  "it cannot open the image again");
    if (LandlockVersion() == 0) return;
    wrongs.ExpectError({EACCES}, Open("secret", O_RDONLY), "open another file");
    wrongs.ExpectError({EACCES}, Open("new", O_WRONLY | O_CREAT), "make a file");
  });
}

TEST_F(ConfinementTest, ADaemonReplacesFilesWhereItSaysSo) {
  ExpectRight([&](Wrongs& wrongs) {
    const auto confined = ConfineMount({.folders = {folder_}});
    wrongs.Expect(confined.ok(), std::string(confined.status().message()));
    wrongs.Expect(Open("state.new", O_WRONLY | O_CREAT | O_EXCL) >= 0 &&
                      rename(In("state.new").c_str(), In("state").c_str()) == 0 &&
                      unlink(In("state").c_str()) == 0,
                  "it cannot replace a file");
  });
}

TEST_F(ConfinementTest, ADaemonKeepsTheRightToReopenAFileOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(0, chown(In("image").c_str(), 65534, 65534));
  ASSERT_EQ(0, chmod(In("image").c_str(), 0600));
  ExpectRight([&](Wrongs& wrongs) {
    const int image = Open("image", O_RDWR);
    const auto confined = ConfineMount({.folders = {}});
    wrongs.Expect(confined.ok() && absl::StrContains(*confined, "capabilities CAP_DAC_OVERRIDE"),
                  confined.value_or("refused"));
    wrongs.Expect(open(absl::StrCat("/proc/self/fd/", image).c_str(), O_RDWR) >= 0,
                  "it cannot open the image again");
  });
}

TEST_F(ConfinementTest, TheTextSaysWhatIsOn) {
  ExpectRight([&](Wrongs& wrongs) {
    const bool complete = CheckKernel().ok();
    const auto confined = ConfineMount({.folders = {}});
    wrongs.Expect(confined.ok() && absl::StartsWith(*confined, "confined: capabilities "),
                  confined.value_or("refused"));
    wrongs.Expect(absl::StrContains(*confined, "system calls filtered"), *confined);
    wrongs.Expect(complete == !absl::StrContains(*confined, "lacks"), *confined);
  });
}

}  // namespace
}  // namespace nvdimmfs::hardening
