// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/syscall_table.h"

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

namespace nvdimmfs::hardening {
namespace {

using Kind = ArgumentTest::Kind;

constexpr uint32_t kForms = kLook | kStore;
constexpr uint32_t kAny = kForms | kServe | kKeep;
constexpr uint32_t kWriters = kStore | kServe | kDevice;

// An open(2) that can change nothing. O_TMPFILE contains O_DIRECTORY, which is harmless.
constexpr uint32_t kOpensForWriting =
    O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

constexpr ArgumentTest Is(uint32_t argument, uint32_t value) {
  return {.kind = Kind::kIs, .argument = argument, .value = value};
}
constexpr ArgumentTest HasNone(uint32_t argument, uint32_t bits) {
  return {.kind = Kind::kHasNone, .argument = argument, .value = bits};
}

#define CALL(call, ...) \
  SyscallRule { static_cast<uint32_t>(__NR_##call), #call, __VA_ARGS__ }

constexpr SyscallRule kRules[] = {
    // Bytes of open files.
    CALL(read, kAny),
    CALL(write, kAny),
    CALL(readv, kForms | kServe),
    CALL(writev, kAny),
    CALL(pread64, kForms | kServe),
    CALL(pwrite64, kWriters),
    CALL(preadv, kForms | kServe),
    CALL(pwritev, kWriters),
    CALL(preadv2, kForms | kServe),
    CALL(pwritev2, kWriters),
    CALL(lseek, kForms | kServe),
    CALL(fsync, kWriters),
    CALL(fdatasync, kWriters),
    CALL(sync_file_range, kWriters),
    CALL(syncfs, kServe | kKeep),
    CALL(fallocate, kWriters),
    CALL(ftruncate, kWriters),
    CALL(copy_file_range, kStore),
    CALL(fadvise64, kForms | kServe),
    CALL(close, kAny),
    CALL(close_range, kForms | kServe),
    CALL(dup, kForms | kServe),
    CALL(dup3, kForms | kServe),
    CALL(fcntl, kAny),
    CALL(flock, kForms | kServe),
    CALL(pipe2, kForms | kServe),
    CALL(fsetxattr, kWriters),
    CALL(fgetxattr, kForms | kServe),
    CALL(fremovexattr, kWriters),
    CALL(getxattr, kForms | kServe),
#ifdef __NR_dup2
    CALL(dup2, kForms | kServe),
#endif
    // Terminals accept input on behalf of their user.
    CALL(ioctl, kAny, Verdict::kRefuse, Is(1, TIOCSTI)),
    CALL(ioctl, kAny, Verdict::kRefuse, Is(1, TIOCLINUX)),
    CALL(ioctl, kAny),

    // Names. Landlock decides which, where the kernel has it.
    CALL(openat, kWriters | kKeep),
    CALL(openat, kLook, Verdict::kAllow, HasNone(2, kOpensForWriting)),
    CALL(unlinkat, kWriters),
    CALL(renameat, kWriters),
    CALL(renameat2, kWriters),
    CALL(fstat, kAny),
    CALL(newfstatat, kAny),
    CALL(statx, kAny),
    CALL(statfs, kAny),
    CALL(fstatfs, kAny),
    CALL(readlinkat, kForms | kServe),
    CALL(faccessat, kForms | kServe),
    CALL(faccessat2, kForms | kServe),
    CALL(getdents64, kForms | kServe),
    CALL(getcwd, kForms | kServe),
    CALL(chdir, kAny),
    CALL(fchdir, kForms | kServe),
    CALL(umask, kForms | kServe),
    CALL(inotify_init1, kForms | kServe),
    CALL(inotify_add_watch, kForms | kServe),
    CALL(inotify_rm_watch, kForms | kServe),
#ifdef __NR_open
    CALL(open, kWriters | kKeep),
    CALL(open, kLook, Verdict::kAllow, HasNone(1, kOpensForWriting)),
    CALL(unlink, kWriters),
    CALL(rename, kWriters),
    CALL(stat, kForms | kServe),
    CALL(lstat, kForms | kServe),
    CALL(readlink, kForms | kServe),
    CALL(access, kForms | kServe),
#endif

    // Memory. New code is only loaded for a device: libndctl.
    CALL(mmap, kDevice),
    CALL(mmap, kAny, Verdict::kAllow, HasNone(2, PROT_EXEC)),
    CALL(mprotect, kDevice),
    CALL(mprotect, kAny, Verdict::kAllow, HasNone(2, PROT_EXEC)),
    CALL(munmap, kAny),
    CALL(mremap, kAny),
    CALL(madvise, kAny),
    CALL(msync, kForms | kServe),
    CALL(mincore, kForms | kServe),
    CALL(mlock, kServe),
    CALL(mlock2, kServe),
    CALL(munlock, kForms | kServe),
    CALL(brk, kAny),
    CALL(memfd_create, kForms | kServe),

    // Threads, but no processes. The flags of clone3 cannot be seen by a filter: without it, the C
    // library uses clone.
    CALL(clone, kForms | kServe, Verdict::kAllow,
         ArgumentTest{.kind = Kind::kHasAll, .argument = 0, .value = CLONE_THREAD}),
    CALL(set_robust_list, kForms | kServe),
    CALL(get_robust_list, kForms | kServe),
    CALL(rseq, kForms | kServe),
    CALL(set_tid_address, kForms | kServe),
    CALL(futex, kAny),
    CALL(membarrier, kForms | kServe),
    CALL(sched_yield, kForms | kServe),
    CALL(sched_getaffinity, kForms | kServe),
    CALL(sched_setaffinity, kForms | kServe),
    CALL(sched_getparam, kForms | kServe),
    CALL(sched_getscheduler, kForms | kServe),
    CALL(getcpu, kForms | kServe),
    CALL(exit, kAny),
    CALL(exit_group, kAny),
    CALL(wait4, kForms | kServe),
    CALL(waitid, kForms | kServe),
    CALL(prctl, kServe, Verdict::kAllow, Is(0, PR_SET_IO_FLUSHER)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_SET_NAME)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_GET_NAME)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_GET_DUMPABLE)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_SET_NO_NEW_PRIVS)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_CAPBSET_READ)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_CAPBSET_DROP)),
    CALL(prctl, kForms | kServe, Verdict::kAllow, Is(0, PR_CAP_AMBIENT)),
    // A form gives up more once its sources are open.
    CALL(capset, kForms),
    CALL(capget, kForms | kServe),
    CALL(seccomp, kForms),
    CALL(landlock_create_ruleset, kForms),
    CALL(landlock_add_rule, kForms),
    CALL(landlock_restrict_self, kForms),
    CALL(getpid, kAny),
    CALL(gettid, kAny),
    CALL(getppid, kForms | kServe),
    CALL(getuid, kForms | kServe),
    CALL(geteuid, kAny),
    CALL(getgid, kForms | kServe),
    CALL(getegid, kForms | kServe),
    CALL(setsid, kServe),
    CALL(prlimit64, kForms | kServe, Verdict::kAllow,
         ArgumentTest{.kind = Kind::kIsNull, .argument = 2}),
    CALL(getrlimit, kForms | kServe),
    CALL(getrusage, kForms | kServe),
    CALL(sysinfo, kForms | kServe),
    CALL(uname, kForms | kServe),
    CALL(getrandom, kForms | kServe),

    // Signals, to this process alone.
    CALL(rt_sigaction, kAny),
    CALL(rt_sigprocmask, kAny),
    CALL(rt_sigreturn, kAny),
    CALL(rt_sigpending, kForms | kServe),
    CALL(rt_sigtimedwait, kForms | kServe),
    CALL(sigaltstack, kForms | kServe),
    CALL(restart_syscall, kAny),
    CALL(tgkill, kAny, Verdict::kAllow, ArgumentTest{.kind = Kind::kIsOwnProcess, .argument = 0}),

    // Time and waiting.
    CALL(clock_gettime, kAny),
    CALL(clock_getres, kForms | kServe),
    CALL(gettimeofday, kForms | kServe),
    CALL(nanosleep, kAny),
    CALL(clock_nanosleep, kAny),
    CALL(ppoll, kAny),
    CALL(pselect6, kForms | kServe),
    CALL(epoll_create1, kServe),
    CALL(epoll_ctl, kServe),
    CALL(epoll_pwait, kServe),
    CALL(eventfd2, kForms | kServe),
    CALL(timerfd_create, kServe),
    CALL(timerfd_settime, kServe),
#ifdef __NR_poll
    CALL(poll, kAny),
    CALL(select, kForms | kServe),
    CALL(time, kForms | kServe),
    CALL(pause, kForms | kServe),
#endif

    // The log's socket, and the keeper's.
    CALL(socket, kServe, Verdict::kAllow, Is(0, AF_UNIX)),
    CALL(connect, kServe),
    CALL(sendto, kServe | kKeep),
    CALL(sendmsg, kServe | kKeep),
    CALL(recvfrom, kServe | kKeep),
    CALL(recvmsg, kServe | kKeep),
    CALL(shutdown, kServe),

    // Passphrases.
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_GET_KEYRING_ID)),
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_LINK)),
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_UNLINK)),
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_SEARCH)),
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_DESCRIBE)),
    CALL(keyctl, kServe, Verdict::kAllow, Is(0, KEYCTL_READ)),

    CALL(io_uring_enter, kUring),
    CALL(io_uring_register, kUring),
    // libndctl.
    CALL(mkdirat, kDevice),

    // Refused without harm, except to the keeper: a library may try them.
    CALL(umount2, kKeep),
    CALL(umount2, kForms | kServe, Verdict::kRefuse),
    CALL(kill, kAny, Verdict::kRefuse),
    CALL(tkill, kAny, Verdict::kRefuse),
#ifdef __NR_fork
    CALL(fork, kAny, Verdict::kRefuse),
    CALL(vfork, kAny, Verdict::kRefuse),
#endif

    // Only an intruder makes these.
    CALL(execve, kAny, Verdict::kKill),
    CALL(execveat, kAny, Verdict::kKill),
    CALL(ptrace, kAny, Verdict::kKill),
    CALL(process_vm_readv, kAny, Verdict::kKill),
    CALL(process_vm_writev, kAny, Verdict::kKill),
    CALL(bpf, kAny, Verdict::kKill),
    CALL(perf_event_open, kAny, Verdict::kKill),
    CALL(userfaultfd, kAny, Verdict::kKill),
    CALL(init_module, kAny, Verdict::kKill),
    CALL(finit_module, kAny, Verdict::kKill),
    CALL(delete_module, kAny, Verdict::kKill),
    CALL(kexec_load, kAny, Verdict::kKill),
    CALL(kexec_file_load, kAny, Verdict::kKill),
    CALL(reboot, kAny, Verdict::kKill),
    CALL(mount, kAny, Verdict::kKill),
    CALL(move_mount, kAny, Verdict::kKill),
    CALL(pivot_root, kAny, Verdict::kKill),
    CALL(chroot, kAny, Verdict::kKill),
    CALL(setns, kAny, Verdict::kKill),
    CALL(unshare, kAny, Verdict::kKill),
    CALL(open_by_handle_at, kAny, Verdict::kKill),
    CALL(swapon, kAny, Verdict::kKill),
    CALL(swapoff, kAny, Verdict::kKill),
    CALL(settimeofday, kAny, Verdict::kKill),
    CALL(clock_settime, kAny, Verdict::kKill),
#ifdef __NR_iopl
    CALL(iopl, kAny, Verdict::kKill),
    CALL(ioperm, kAny, Verdict::kKill),
#endif
};

#undef CALL

}  // namespace

absl::Span<const SyscallRule> SyscallRules() { return kRules; }

}  // namespace nvdimmfs::hardening
