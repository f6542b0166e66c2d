#!/bin/sh
# compare_default.sh WORDCOUNT: the default input of this machine against an independent pipeline.
# Long; run by ./dev soak.
set -eu
export LC_ALL=C
. "$(cd "$(dirname "$0")" && pwd)/reference.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

reference /usr/share/doc '(' -name copyright -o -name 'changelog*' ')' > "$work/expected"
words=$(awk '{ n += $1 } END { print n + 0 }' "$work/expected")
for pes in 2 3; do
  "$1" --lamellar-num-pes $pes --all "$work/all" > "$work/out"
  if grep -q 'generate' "$work/out"; then
    echo "the default input is too small here: the generated text was counted, nothing to compare"
    exit 1
  fi
  cmp "$work/expected" "$work/all"
  grep -q "^totals: sent $words = executed $words = words $words;" "$work/out"
done
echo "default input: $words words, equal on 2 and 3 PEs"
