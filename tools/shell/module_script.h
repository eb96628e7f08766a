// SPDX-License-Identifier: Apache-2.0
// The text of the programs in module_program.h, one for all names.
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_SCRIPT_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_SCRIPT_H_

namespace nvdimmfs::tools {

// MODULES is "nfit|nd_pmem|...", BUS the one of them that comes and goes with its buses (LOADED is
// where the tree takes that, TREE its directory in the tree, DIRECTORY what is made of it); FOLDER
// is below /lib/modules/RELEASE, and REAL has the host's programs.
inline constexpr char kModuleScript[] = R"script(#!/bin/sh
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
program=${0##*/}

real() {
  if [ -x "REAL/$program" ]; then exec "REAL/$program" "$@"; fi
  echo "$program: the host has no such program, and in this shell only modules of persistent memory are known" >&2
  exit 127
}
# The module that a word names, in $name; false where it is none of ours.
ours() {
  case $1 in */*) [ ! -e "$1" ] || [ "$program" = insmod ] || return 1 ;; esac
  name=${1##*/}
  for suffix in .gz .xz .zst .ko; do name=${name%$suffix}; done
  while :; do case $name in *-*) name=${name%%-*}_${name#*-} ;; *) break ;; esac; done
  case $name in MODULES) ;; *) return 1 ;; esac
}
place() { echo "/lib/modules/$(uname -r)/FOLDER/$1.ko"; }
loaded() { [ "$1" != BUS ] || [ -e DIRECTORY ]; }
fail() { [ -n "$quiet" ] || echo "$program: $*" >&2; code=1; }
tell() { [ -z "$verbose" ] || echo "$*"; }
load() {
  if [ -e LOADED ]; then echo 1 >LOADED || { code=1; return; }; fi
  [ -e DIRECTORY ] || ln -s TREE DIRECTORY
}
unload() {
  if [ -e LOADED ]; then echo 0 >LOADED || { code=1; return; }; fi
  rm -f DIRECTORY
}

add() {
  if [ -n "$resolve" ]; then echo "$1"; return; fi
  if [ -n "$depends" ]; then echo "insmod $(place "$1") "; return; fi
  if loaded "$1"; then
    [ -z "$once" ] || fail "ERROR: could not insert '$1': Module already in kernel"
    return
  fi
  tell "insmod $(place "$1") "
  [ -n "$dry" ] || load
}
remove() {
  if ! loaded "$1"; then
    case $program in
      rmmod) fail "ERROR: Module $1 is not currently loaded" ;;
      *) [ -z "$once" ] || fail "FATAL: Module $1 is not in kernel." ;;
    esac
    return
  fi
  tell "rmmod $1"
  [ -n "$dry" ] || [ "$1" != BUS ] || unload
}
insert() {
  if loaded "$1"; then fail "ERROR: could not insert module $2: File exists"; else load; fi
}
# One line of modinfo: a field with its name, or only the value if one field was asked for.
show() {
  if [ -z "$field" ]; then printf "%-16s%s$end" "$1:" "$2"
  elif [ "$field" = "$1" ]; then printf "%s$end" "$2"; fi
}
inform() {
  show filename "$(place "$1")"
  show license "GPL v2"
  show description "$1, as nvdimmfs shows it"
  show name "$1"
  show vermagic "$(uname -r) SMP mod_unload "
}

code=0 quiet= verbose= dry= removing= all= depends= resolve= once= field= end='\n' unknown=
option() {
  case $program:$1 in
    *:--) words=1 ;;
    modprobe:-r | modprobe:--remove | modprobe:--remove-holders) removing=1 ;;
    modprobe:-a | modprobe:--all) all=1 ;;
    modprobe:-D | modprobe:--show-depends) depends=1 ;;
    modprobe:-R | modprobe:--resolve-alias) resolve=1 ;;
    modprobe:-n | modprobe:--dry-run | modprobe:--show) dry=1 ;;
    modprobe:-q | modprobe:--quiet) quiet=1 ;;
    modprobe:--first-time) once=1 ;;
    modprobe:-[CdSwt] | modprobe:--config | modprobe:--dirname | modprobe:--set-version | modprobe:--wait) value=1 ;;
    modprobe:-[ibfs] | modprobe:--ignore-install | modprobe:--ignore-remove | modprobe:--use-blacklist) ;;
    modprobe:--force* | modprobe:--syslog | modprobe:--*=*) ;;
    rmmod:-[fsw] | rmmod:--force | rmmod:--syslog | rmmod:--wait | insmod:-[fs] | insmod:--force | insmod:--syslog) ;;
    modinfo:-v | modinfo:--verbose) unknown=1 ;;
    *:-v | *:--verbose) verbose=1 ;;
    modinfo:-0 | modinfo:--null) end='\0' ;;
    modinfo:-a | modinfo:--author) field=author ;;
    modinfo:-d | modinfo:--description) field=description ;;
    modinfo:-l | modinfo:--license) field=license ;;
    modinfo:-p | modinfo:--parameters) field=parm ;;
    modinfo:-n | modinfo:--filename) field=filename ;;
    modinfo:-F | modinfo:--field) value=field ;;
    modinfo:--field=*) field=${1#*=} ;;
    modinfo:-[kb] | modinfo:--set-version | modinfo:--basedir) value=1 ;;
    modinfo:-m | modinfo:--modname | modinfo:--*=*) ;;
    *) unknown=1 ;;
  esac
}

# First all options, wherever they are, and what there is of ours.
count=0 of_ours= others= words= value=
for word; do
  if [ -n "$value" ]; then
    [ "$value" != field ] || field=$word
    value=
    continue
  fi
  case $words$word in
    --*) option "$word" ;;
    -?*)
      cluster=${word#-}
      while [ -n "$cluster" ]; do
        rest=${cluster#?} letter=${cluster%"${cluster#?}"}
        option "-$letter"
        if [ -n "$value" ] && [ -n "$rest" ]; then
          [ "$value" != field ] || field=$rest
          value= rest=
        fi
        cluster=$rest
      done
      ;;
    *)
      count=$((count + 1))
      if ours "$word"; then of_ours="$of_ours $count"; else others="$others $count"; fi
      ;;
  esac
done
# What follows the one module to load are its parameters.
case $program in
  insmod) single=1 ;;
  modprobe) [ -n "$removing$all$depends" ] || single=1 ;;
esac
if [ -n "$single" ]; then
  others=
  case "$of_ours " in " 1 "*) of_ours=" 1" ;; *) of_ours= ;; esac
fi
if [ -n "$unknown" ] || [ -z "$of_ours" ]; then real "$@"; fi

# Then one after the other; what is not ours stays, with the options.
number=0 left=$# words= value=
while [ "$left" -gt 0 ]; do
  word=$1 left=$((left - 1))
  shift
  if [ -n "$value" ]; then
    value=
  else
    case $words$word in
      --*) option "$word" ;;
      -?*)
        case $program:$word in
          modprobe:-*[CdSwt] | modinfo:-*[Fkb]) value=1 ;;
        esac
        ;;
      *)
        number=$((number + 1))
        if [ -n "$single" ] && [ "$number" -gt 1 ]; then continue; fi
        case "$of_ours " in
          *" $number "*)
            ours "$word"
            case $program in
              modinfo) inform "$name" ;;
              insmod) insert "$name" "$word" ;;
              rmmod) remove "$name" ;;
              *) if [ -n "$removing" ]; then remove "$name"; else add "$name"; fi ;;
            esac
            continue
            ;;
        esac
        ;;
    esac
  fi
  set -- "$@" "$word"
done
[ -n "$others" ] || exit $code
(real "$@") || code=$?
exit $code
)script";

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MODULE_SCRIPT_H_
