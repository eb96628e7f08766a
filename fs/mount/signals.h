// SPDX-License-Identifier: Apache-2.0
// What signals do to the process of a mount: each one is ignored or ends the mount cleanly.
//
// A mount whose process dies is left dead ("Transport endpoint is not connected"), so no signal
// that can be caught may kill it by default. kSignalRules is the table. Signals that report a fault
// of the program itself still end it with a core file; the same signals sent by kill(1) do not.
//
// It uses handlers, not a blocked mask: threads that libraries started earlier need no special
// treatment, and programs that this one runs get default signals.
#ifndef NVDIMMFS_FS_MOUNT_SIGNALS_H_
#define NVDIMMFS_FS_MOUNT_SIGNALS_H_

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace nvdimmfs::fs {

enum class SignalEffect {
  kIgnored,
  kEnds,        // the mount ends as by umount(8)
  kEndsIfSent,  // if another process sent it; raised by the program itself, it kills
  kAsEver,      // does nothing by default, or cannot be caught
};

struct SignalRule {
  int number;
  SignalEffect effect;
};

// Real-time signals are not in it: kIgnored.
inline constexpr SignalRule kSignalRules[] = {
    {SIGHUP, SignalEffect::kEnds},
    {SIGINT, SignalEffect::kEnds},
    {SIGQUIT, SignalEffect::kEnds},
    {SIGTERM, SignalEffect::kEnds},
    {SIGPWR, SignalEffect::kEnds},   // power fails
    {SIGXCPU, SignalEffect::kEnds},  // the next limit kills
    {SIGILL, SignalEffect::kEndsIfSent},
    {SIGTRAP, SignalEffect::kEndsIfSent},
    {SIGABRT, SignalEffect::kEndsIfSent},
    {SIGBUS, SignalEffect::kEndsIfSent},
    {SIGFPE, SignalEffect::kEndsIfSent},
    {SIGSEGV, SignalEffect::kEndsIfSent},
    {SIGSYS, SignalEffect::kEndsIfSent},
    {SIGPIPE, SignalEffect::kIgnored},  // standard error may be gone
    {SIGUSR1, SignalEffect::kIgnored},
    {SIGUSR2, SignalEffect::kIgnored},
    {SIGALRM, SignalEffect::kIgnored},
    {SIGVTALRM, SignalEffect::kIgnored},
    {SIGPROF, SignalEffect::kIgnored},
    {SIGIO, SignalEffect::kIgnored},
    {SIGXFSZ, SignalEffect::kIgnored},  // the store fails with EFBIG
#ifdef SIGSTKFLT
    {SIGSTKFLT, SignalEffect::kIgnored},
#endif
    // A stopped daemon would hang every program that looks at the mount.
    {SIGTSTP, SignalEffect::kIgnored},
    {SIGTTIN, SignalEffect::kIgnored},
    {SIGTTOU, SignalEffect::kIgnored},
    {SIGCHLD, SignalEffect::kAsEver},
    {SIGCONT, SignalEffect::kAsEver},
    {SIGURG, SignalEffect::kAsEver},
    {SIGWINCH, SignalEffect::kAsEver},
    {SIGKILL, SignalEffect::kAsEver},
    {SIGSTOP, SignalEffect::kAsEver},
};

// From now on, kIgnored signals are ignored, and kEndsIfSent ones end the mount once there is one
// (until then, they kill as usual). A process that is going to serve a mount calls it first, before
// it opens media.
void PrepareSignals();

// While it exists, it records signals that end the mount. They stay harmless after its end, since
// the last flush follows. One at a time.
class EndSignals {
 public:
  struct Sent {
    int number = 0;
    pid_t by = 0;  // 0: the kernel, or a process outside this PID namespace

    std::string Describe() const;  // "SIGTERM from systemd (pid 1)"
  };

  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  int descriptor() const { return event_; }  // readable once a signal has arrived
  // The first one that arrived. Any thread.
  static std::optional<Sent> first();

 private:
  int event_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_SIGNALS_H_
