# What the sessions are told in. r COMMAND...: says and runs it, with what it prints and its exit code.
r() {
  echo "+ $*"
  out=$(timeout 60 "$@" 2>&1)
  code=$?
  [ -z "$out" ] || echo "$out"
  [ "$code" = 0 ] || echo "rc=$code"
}

# w VALUE FILE: writes an attribute.
w() {
  echo "+ echo $1 >$2"
  { echo "$1" >"$2"; } 2>/dev/null || echo "failed"
}

place=$(mktemp -d) && cd "$place" || exit
trap 'cd / && rm -rf "$place"' EXIT

