#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The life of a mount: daemon and foreground, errors before the parent exits, signals, umount, mount(8), an ordinary
# user, options. Calls itself as `life_test.sh PROGRAM user DIRECTORY` for the ordinary user's part.
set -u
fake=$(readlink -f "$1")
if ! [ -r /dev/fuse ] || ! [ -w /dev/fuse ]; then
  echo "skipped: no /dev/fuse here"
  exit 0
fi
dir=${3:-$(mktemp -d /tmp/nvdimmfs_life.XXXXXX)}
mnt=$dir/mnt
failures=0
if [ "${2:-}" != user ]; then
  mkdir "$mnt"
  trap 'fusermount3 -qu "$mnt" 2>/dev/null; rm -rf "$dir"' EXIT
fi

check() { # NAME CONDITION...
  name=$1
  shift
  if "$@"; then echo "ok   $name"; else echo "FAIL $name"; failures=$((failures + 1)); fi
}
mounted() { [ -e "$mnt/devices/region0/size" ]; } # and it answers
not_mounted() { ! grep -q " $mnt fuse.nvdimmfs " /proc/mounts; }
wait_until() { # CONDITION...
  tries=200
  while ! "$@"; do
    [ $((tries -= 1)) -gt 0 ] || return 1
    sleep 0.1
  done
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# An ordinary user, through fusermount3.
user_part() {
  as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
  as_user "$dir/fake" 1048576 "$mnt"
  check "user: mounts" [ $? = 0 ]
  check "user: reads" [ "$(as_user cat "$mnt/devices/region0/size")" = 1048576 ]
  check "user: owns the nodes" [ "$(as_user stat -c %u "$mnt/dev/pmem0")" = 65534 ]
  check "user: root is kept out" sh -c "! cat $mnt/devices/region0/size 2>/dev/null"
  as_user dd if=/dev/zero of="$mnt/dev/pmem0" bs=64k count=16 oflag=direct status=none
  check "user: writes" [ $? = 0 ]
  as_user fusermount3 -u "$mnt"
  check "user: unmounts" wait_until not_mounted
}
if [ "${2:-}" = user ]; then
  # Runs in a namespace where all users may open /dev/fuse, as on an ordinary system.
  user_part
  echo "$failures failed"
  [ $failures = 0 ]
  exit
fi

# Daemon mode: usable when the parent returns, gone after umount.
"$fake" 1048576 "$mnt"
check "daemon: the parent succeeds" [ $? = 0 ]
check "daemon: usable at once" [ "$(cat "$mnt/devices/region0/size")" = 1048576 ]
check "source and type are in the list of mounts" grep -q "^1048576 $mnt fuse.nvdimmfs " /proc/mounts
umount "$mnt"
check "umount ends it" wait_until not_mounted

# A relative mount point, although the daemon leaves the directory.
(cd "$dir" && "$fake" 1048576 mnt)
check "relative mount point" [ -e "$mnt/dev/pmem0" ]
fusermount3 -u "$mnt"

# Errors reach the parent.
"$fake" 1048576 "$dir/none" 2>"$dir/err"
check "no mount point: the parent fails" [ $? != 0 ]
check "no mount point: and says why" grep -q "No such file" "$dir/err"
"$fake" -o nonsense 1048576 "$mnt" 2>"$dir/err"
check "unknown option: refused" [ $? != 0 ]
check "unknown option: named, with the known ones" grep -q "nonsense.*umask=" "$dir/err"
check "nothing is left mounted" not_mounted

# Signals unmount, even while files are open.
for signal in INT TERM HUP; do
  "$fake" -f 1048576 "$mnt" &
  daemon=$!
  wait_until mounted
  kill -$signal $daemon
  wait $daemon
  check "SIG$signal: ends with success" [ $? = 0 ]
  check "SIG$signal: unmounted" not_mounted
done
"$fake" -f -s 1048576 "$mnt" &
daemon=$!
wait_until mounted
exec 9<>"$mnt/dev/pmem0"
kill -TERM $daemon
check "an open file does not keep it alive" wait_until ended $daemon
exec 9>&-
check "unmounted although a file was open" not_mounted
wait $daemon

# auto_unmount.
"$fake" -f -o auto_unmount 1048576 "$mnt" &
daemon=$!
wait_until mounted
kill -KILL $daemon
check "auto_unmount: a killed daemon leaves no mount" wait_until not_mounted

# Options.
"$fake" -o ro,umask=077,uid=1,gid=2 1048576 "$mnt"
check "uid, gid and umask are in stat" [ "$(stat -c %u:%g:%a "$mnt/devices/region0/size")" = 1:2:400 ]
check "ro refuses writes" sh -c "! echo x 2>/dev/null > $mnt/devices/region0/uuid"
check "mounted ro" grep -q " $mnt fuse.nvdimmfs ro" /proc/mounts
umount "$mnt"

# A mount that libfuse refuses.
touch "$dir/file"
"$fake" 1048576 "$dir/file" 2>"$dir/err"
check "a file is not a mount point: the parent fails" [ $? != 0 ]
check "a file is not a mount point: and says why" grep -q "mount on $dir/file: " "$dir/err"

# mount(8). It sets PATH itself, so the program is named by its path; by type it works once installed.
if [ "$(id -u)" = 0 ]; then
  ln -s "$fake" "$dir/nvdimmfs"
  mount -t fuse -o nodev,noatime,nofail,_netdev "$dir/nvdimmfs#1048576" "$mnt"
  check "mount -t fuse program#source" wait_until mounted
  check "its options arrive" grep -q " $mnt fuse.nvdimmfs rw,.*nodev.*noatime" /proc/mounts
  umount "$mnt"
  PATH="$dir:$PATH" mount.fuse3 1048576 "$mnt" -t fuse.nvdimmfs -o rw,noexec
  check "mount.fuse3 -t fuse.nvdimmfs" wait_until mounted
  check "its options arrive too" grep -q " $mnt fuse.nvdimmfs rw,.*noexec" /proc/mounts
  umount "$mnt"
fi

# An ordinary user.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && [ -u "$(command -v fusermount3)" ]; then
  chmod 755 "$dir"
  cp "$fake" "$dir/fake" && chmod 755 "$dir/fake"
  chown 65534 "$mnt"
  mknod -m 666 "$dir/fuse" c 10 229
  unshare -m --propagation private sh -c "
    mount --bind '$dir/fuse' /dev/fuse && exec sh '$0' '$fake' user '$dir'" || failures=$((failures + 1))
fi

echo "$failures failed"
[ $failures = 0 ]
