#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The life of a mount by FUSE over io_uring: requested but not available, signals and the daemon's death with
# requests under way, a connection that is aborted, a single thread, an ordinary user.
set -u
fake=$(readlink -f "$1")
skip() { echo "skipped: $*"; exit 0; }
{ [ -r /dev/fuse ] && [ -w /dev/fuse ]; } || skip "no /dev/fuse here"
switch=/sys/module/fuse/parameters/enable_uring
[ -e $switch ] || skip "the kernel has no FUSE over io_uring"
{ [ -w $switch ] && [ "$(id -u)" = 0 ]; } || skip "only root can turn on FUSE over io_uring"
dir=$(mktemp -d /tmp/nvdimmfs_uring.XXXXXX)
mnt=$dir/mnt
failures=0
mkdir "$mnt"
# The setting is for the whole machine, so this test does not run with others that change it; it is restored.
exec 8<$switch
flock 8
before=$(cat $switch)
trap 'echo "$before" >$switch; umount -l "$mnt" "$dir/connections" 2>/dev/null; rm -rf "$dir"' EXIT

check() { # NAME CONDITION...
  name=$1
  shift
  if "$@"; then echo "ok   $name"; else echo "FAIL $name"; failures=$((failures + 1)); fi
}
mounted() { [ -e "$mnt/devices/region0/size" ]; }
not_mounted() { ! grep -q " $mnt fuse.nvdimmfs " /proc/mounts; }
wait_until() { # CONDITION...
  tries=200
  while ! "$@"; do
    [ $((tries -= 1)) -gt 0 ] || return 1
    sleep 0.1
  done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
by_uring() { # PID
  readlink "/proc/$1"/fd/* | grep -q 'anon_inode:\[io_uring\]'
}
start() { # OPTIONS...
  "$fake" -f "$@" 16777216 "$mnt" 2>"$dir/err" &
  daemon=$!
  wait_until mounted
}
# Eight programs that read and write as fast as they can, until they fail.
busy() {
  loads=
  for i in 0 1 2 3 4 5 6 7; do
    (
      while dd if="$mnt/dev/pmem0" of=/dev/null bs=64k iflag=direct 2>/dev/null &&
        dd if=/dev/zero of="$mnt/dev/pmem0" bs=4k count=100 oflag=direct,seek_bytes conv=notrunc \
          seek=$((i * 1048576)) 2>/dev/null && cat "$mnt/devices/region0/big" >/dev/null; do :; done
    ) 2>/dev/null &
    loads="$loads $!"
  done
  sleep 0.3
  for load in $loads; do kill -0 "$load" || failures=$((failures + 1)); done
}
wait_for_loads() {
  for load in $loads; do wait "$load" 2>/dev/null; done
}
loads_end() {
  for load in $loads; do wait_until ended "$load" || return 1; done
}

# Not offered: a note, and the mount works.
echo N >$switch
start -o uring
check "not offered: mounted all the same" mounted
check "not offered: not by io_uring" sh -c "! ls -l /proc/$daemon/fd | grep -q io_uring"
check "not offered: a note says what to do" grep -q -e "-o uring: .*enable_uring" "$dir/err"
umount "$mnt"
wait $daemon

# Offered, but not requested.
echo Y >$switch
start
check "not asked for: not by io_uring" sh -c "! ls -l /proc/$daemon/fd | grep -q io_uring"
umount "$mnt"
wait $daemon

# Requested and offered. Turning it off later does not affect existing mounts.
start -o uring
echo N >$switch
check "by io_uring" by_uring $daemon
check "nothing to note" [ ! -s "$dir/err" ]
busy
check "busy: still there" kill -0 $daemon
for load in $loads; do kill "$load"; done
wait_for_loads
wait_until umount "$mnt" 2>/dev/null
wait $daemon
check "umount ends it with success" [ $? = 0 ]
echo Y >$switch

# A single thread does everything.
start -s -o uring
check "-s: by io_uring" by_uring $daemon
busy
for load in $loads; do kill "$load"; done
wait_for_loads
check "-s: reads" [ "$(cat "$mnt/devices/region0/size")" = 16777216 ]
wait_until umount "$mnt" 2>/dev/null
wait $daemon
check "-s: umount ends it with success" [ $? = 0 ]

# Idle, it costs nothing: fields 14 and 15 are ticks of a hundredth of a second. A busy loop would use 50.
start -o uring
cpu() { awk '{ print $14 + $15 }' /proc/$daemon/stat; }
earlier=$(cpu)
sleep 0.5
check "idle: no CPU" [ $(($(cpu) - earlier)) -le 10 ]

# A signal while it is busy.
busy
kill -TERM $daemon
wait $daemon
check "SIGTERM while busy: ends with success" [ $? = 0 ]
check "SIGTERM while busy: unmounted" not_mounted
check "SIGTERM while busy: every caller got an answer" loads_end

# Its death while it is busy.
start -o uring
busy
kill -KILL $daemon
wait $daemon 2>/dev/null
check "SIGKILL while busy: every caller got an answer" loads_end
umount "$mnt"
check "SIGKILL while busy: can be unmounted" not_mounted

# A connection that root aborts.
start -o uring
busy
minor=$(awk -v m="$mnt" '$5 == m { split($3, d, ":"); print d[2] }' /proc/self/mountinfo)
mkdir "$dir/connections"
mount -t fusectl fusectl "$dir/connections"
abort() { echo 1 >"$dir/connections/$minor/abort"; }
check "abort while busy: aborted" abort
umount "$dir/connections"
check "abort while busy: every caller got an answer" loads_end
check "abort while busy: the daemon ends" wait_until ended $daemon
wait $daemon
umount "$mnt" 2>/dev/null
check "abort while busy: unmounted" not_mounted

# An ordinary user, through fusermount3.
if command -v setpriv >/dev/null && [ -u "$(command -v fusermount3)" ]; then
  chmod 755 "$dir"
  cp "$fake" "$dir/fake" && chmod 755 "$dir/fake"
  chown 65534 "$mnt"
  mknod -m 666 "$dir/fuse" c 10 229
  unshare -m --propagation private sh -c "
    as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups \"\$@\"; }
    mount --bind '$dir/fuse' /dev/fuse && as_user '$dir/fake' -o uring 1048576 '$mnt' &&
      as_user dd if=/dev/zero of='$mnt/dev/pmem0' bs=64k count=16 oflag=direct status=none &&
      [ \"\$(as_user cat '$mnt/devices/region0/size')\" = 1048576 ] && as_user fusermount3 -u '$mnt'"
  check "an ordinary user" [ $? = 0 ]
fi

echo "$failures failed"
[ $failures = 0 ]
