#!/bin/sh
# compare.sh WORDCOUNT [LAMELLAR_RUN]: the word count program against an independent pipeline, and
# its errors, with its PEs in one process, and in several where a launcher is given.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
. "$here/reference.sh"
program=$(realpath "$1")
launcher=${2:+$(realpath "$2")}
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

fail() {
  echo "FAILED: $*"
  failed=1
}

# run_command STATUS COMMAND...: its output in $work/out and $work/err.
run_command() {
  wanted=$1
  shift
  status=0
  "$@" > "$work/out" 2> "$work/err" || status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*: $(cat "$work/err")"
}

# run STATUS ARGUMENT...: the program by itself.
run() {
  wanted=$1
  shift
  run_command "$wanted" "$program" "$@"
}

# launch STATUS PES ARGUMENT...: as that many processes.
launch() {
  wanted=$1
  pes=$2
  shift 2
  run_command "$wanted" "$launcher" -n "$pes" "$program" "$@"
}

err_has() { grep -qF -e "$1" "$work/err" || fail "stderr does not say '$1': $(cat "$work/err")"; }
out_has() { grep -q -e "$1" "$work/out" || fail "stdout does not say '$1': $(cat "$work/out")"; }
same() { cmp "$1" "$2" || fail "$3"; }

# same_words PES MODE: after a run with --all on the corpus.
same_words() {
  same "$work/expected" "$work/all" "--all on $1 PEs $2"
  [ ! -s "$work/err" ] || fail "stderr is not empty: $(cat "$work/err")"
  if [ -z "$2" ]; then
    out_has "^totals: sent $words = executed $words = words $words;"
  else
    out_has "^totals: sent \([0-9]*\) = executed \1; words $words = counted $words;"
  fi
}

compare_all() {
  sh "$here/make_corpus.sh" "$work/corpus"
  reference "$work/corpus" > "$work/expected"
  words=$(awk '{ n += $1 } END { print n }' "$work/expected")
  awk '{ if (length($2) >= 3145728) n++ } END { exit n < 1 }' "$work/expected" ||
    fail "the reference has no long word"
  for pes in 1 2 3 5 8; do
    for mode in "" --combine; do
      run 0 --lamellar-num-pes $pes $mode --all "$work/all" "$work/corpus"
      same_words $pes "$mode"
    done
  done
  for pes in ${launcher:+2 5}; do
    for mode in "" --combine; do
      rm -f "$work/all"
      launch 0 $pes $mode --all "$work/all" "$work/corpus"
      same_words "$pes processes:" "$mode"
      out_has "on $pes PEs"
    done
  done
  awk 'NR <= 20 && length($2) <= 60 { printf "%12d  %s\n", $1, $2 }' "$work/expected" > "$work/top"
  sed -n '/^ *[0-9][0-9]*  [a-z]*$/p' "$work/out" > "$work/printed"
  same "$work/top" "$work/printed" "the most frequent words"
  grep -q "$(printf '\r')" "$work/out" && fail "a progress line without a terminal"
  return 0
}

# Files named one by one, in any order; one of them is where --all goes.
check_paths() {
  (cd "$work/corpus" &&
    "$program" --lamellar-num-pes 2 --all "$work/all" -- mixed.txt -dash > /dev/null) ||
    fail "files named after --"
  mkdir "$work/two"
  cp "$work/corpus/-dash" "$work/corpus/mixed.txt" "$work/two"
  reference "$work/two" > "$work/expected"
  same "$work/expected" "$work/all" "files named after --"
  run 0 --all "$work/two/mixed.txt" --lamellar-num-pes=3 "$work/two"
  same "$work/expected" "$work/two/mixed.txt" "--all onto its own input"
  mkdir "$work/wordless"
  printf '0 1\n2\351\000' > "$work/wordless/file"
  run 0 --lamellar-num-pes 2 --all "$work/all" "$work/wordless"
  [ ! -s "$work/all" ] || fail "words from nowhere"
  out_has '^totals: sent 0 = executed 0 = words 0; 0 different'
}

check_terminal() {
  command -v script > /dev/null || return 0
  script -qec "'$program' --lamellar-num-pes 2 '$work/corpus'" /dev/null < /dev/null > "$work/out"
  grep -q "$(printf '\r')" "$work/out" || fail "no progress line on a terminal"
}

# Everything that cannot be read is named, skipped and counted; the rest is counted, status 1.
check_broken_input() {
  mkdir "$work/good" "$work/bad"
  printf 'good words, good' > "$work/good/file"
  reference "$work/good" > "$work/expected"
  seq 1 40000 | sed 's/$/ bad/' | gzip -n > "$work/whole.gz"
  head -c 40000 "$work/whole.gz" > "$work/bad/cut.gz"
  size=$(wc -c < "$work/whole.gz")
  head -c $((size - 3)) "$work/whole.gz" > "$work/bad/cut at the end.gz"
  { head -c $((size - 8)) "$work/whole.gz"; printf 'abcd'; tail -c 4 "$work/whole.gz"; } \
    > "$work/bad/wrong sum.gz"
  echo 'bad bad' > "$work/bad/plain.gz"
  : > "$work/bad/nothing.gz"
  ln -s ../good/file "$work/bad/link"
  for pes in 1 3; do
    run 1 --lamellar-num-pes $pes --all "$work/all" "$work/good" "$work/bad" "$work/bad/link" \
      "$work/missing"
    same "$work/expected" "$work/all" "the words beside broken files"
    for name in bad/cut.gz "bad/cut at the end.gz" "bad/wrong sum.gz" bad/plain.gz \
      bad/nothing.gz bad/link missing; do
      err_has "wordcount: skipped '$work/$name': "
    done
    err_has 'wordcount: skipped in all: 7'
    [ "$(wc -l < "$work/err")" -eq 8 ] || fail "more was said: $(cat "$work/err")"
  done
  if [ -n "$launcher" ]; then
    launch 1 2 --all "$work/all" "$work/good" "$work/bad" "$work/bad/link" "$work/missing"
    same "$work/expected" "$work/all" "the words beside broken files, on 2 processes"
    err_has 'wordcount: skipped in all: 7'
    err_has 'ended with status 1'
    [ "$(wc -l < "$work/err")" -eq 9 ] || fail "more was said on 2 processes: $(cat "$work/err")"
  fi
  mkdir "$work/none"
  run 1 --lamellar-num-pes 2 "$work/none"
  err_has 'no input'
  run 1 --lamellar-num-pes 2 "$work/missing"
  err_has "skipped '$work/missing': No such file or directory"
  err_has 'no input'
}

# Root may read everything, so root tries it as nobody, where it can.
check_permissions() {
  mkdir "$work/closed"
  echo 'closed' > "$work/closed/file"
  chmod 0 "$work/closed"
  echo 'closed' > "$work/good/closed"
  chmod 0 "$work/good/closed"
  as=
  if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work"
    chown nobody "$work/closed" "$work/good/closed"
    as="setpriv --reuid=nobody --clear-groups --"
    $as "$program" --help > /dev/null 2>&1 || as=none
  fi
  if [ "$as" = none ]; then
    echo "note: no other user can run the program here; permissions not tried"
  else
    status=0
    $as "$program" --lamellar-num-pes 2 "$work/good" "$work/closed" > "$work/out" 2> "$work/err" ||
      status=$?
    [ $status -eq 1 ] || fail "status $status with files that are not readable"
    err_has "skipped '$work/good/closed': Permission denied"
    err_has "skipped '$work/closed': Permission denied"
    err_has 'wordcount: skipped in all: 2'
    out_has '^totals: sent 3 = executed 3 = words 3; 2 different'
  fi
  rm -rf "$work/good/closed" "$work/closed"
}

check_command_line() {
  run 2 --unknown "$work/good"
  err_has "unknown option '--unknown'"
  if [ -n "$launcher" ]; then
    launch 2 3 --unknown "$work/good"
    [ "$(grep -c "unknown option '--unknown'" "$work/err")" -eq 1 ] ||
      fail "3 processes said: $(cat "$work/err")"
    launch 0 3 --help
    [ "$(grep -c '^usage: wordcount' "$work/out")" -eq 1 ] || fail "3 processes: $(cat "$work/out")"
  fi
  run 2 -x
  err_has "unknown option '-x'"
  run 2 --all
  err_has "option '--all' needs a value"
  run 2 --top many "$work/good"
  err_has "option '--top' takes a number, not 'many'"
  run 0 --help
  out_has '^usage: wordcount'
  run 0 --top 1 --lamellar-num-pes 2 "$work/good"
  [ "$(grep -c '^ *[0-9][0-9]*  [a-z]*$' "$work/out")" -eq 1 ] || fail "--top 1"
  run 1 --lamellar-num-pes 2 --all "$work/no folder/all" "$work/good"
  err_has "cannot write --all '$work/no folder/all': No such file or directory"
  [ ! -s "$work/out" ] || fail "it counted before it looked at --all"
  if [ -e /dev/full ]; then
    run 1 --lamellar-num-pes 2 --all /dev/full "$work/good"
    err_has "cannot write --all '/dev/full': No space left on device"
  fi
}

compare_all
check_paths
check_terminal
check_broken_input
check_permissions
check_command_line
[ $failed -eq 0 ] && echo "the word count agrees with the pipeline in everything"
exit $failed
