# SPDX-License-Identifier: Apache-2.0
# Completion of bash for nvdimmfs. Forms, options and mount options are asked from the program, so that they are its own.

# The option words of --help; of an option that has them, "--labels TEXT:{auto,none}", the values.
_nvdimmfs_options() { # PROGRAM [FORM]
  "$@" --help 2>/dev/null | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr , '\n'
}
_nvdimmfs_values() { # OPTION PROGRAM [FORM]
  local option=$1
  shift
  "$@" --help 2>/dev/null | sed -n "s/^  \(-.,\)\?$option [A-Z]*:{\([^}]*\)}.*/\2/p" | tr , '\n'
}

# What follows the comma or the beginning: `-o ro,no<TAB>` completes the last option alone.
_nvdimmfs_mount_options() { # PROGRAM WORD
  local before='' known
  [[ $2 != *,* ]] || before=${2%,*},
  known=$("$1" -o '?' source mountpoint 2>&1 | sed -n 's/.*known are \(.*\) and those of mount(8).*/\1/p' | tr -d ,)
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "$known" -- "${2##*,}")
  compopt -o nospace
}

_nvdimmfs() {
  local program=$1 word=$2 previous=$3 forms form=()
  forms=$("$program" help 2>/dev/null | sed -n 's/.*FORM is one of: //p' | tr -d ,)
  if ((COMP_CWORD > 1)) && [[ " $forms " == *" ${COMP_WORDS[1]} "* ]]; then
    form=("${COMP_WORDS[1]}")
  fi
  COMPREPLY=()
  if [[ ${COMP_WORDS[1]} == help ]] && ((COMP_CWORD == 2)); then
    mapfile -t COMPREPLY < <(compgen -W "$forms" -- "$word")
    return
  fi
  if [[ $previous == -o ]]; then
    _nvdimmfs_mount_options "$program" "$word"
    return
  fi
  if [[ $previous == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nvdimmfs_values "$previous" "$program" "${form[@]}")" -- "$word")
    [[ ${#COMPREPLY[@]} -eq 0 ]] || return
  fi
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_nvdimmfs_options "$program" "${form[@]}")" -- "$word")
  elif ((COMP_CWORD == 1)); then
    # A source may be a file, too, which bash completes beside these.
    mapfile -t COMPREPLY < <(compgen -W "$forms help" -- "$word")
  fi
}
complete -o default -o bashdefault -F _nvdimmfs nvdimmfs
