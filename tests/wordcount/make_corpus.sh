#!/bin/sh
# make_corpus.sh FOLDER: about 4 MB of text with everything that is awkward, the same every time.
set -eu
export LC_ALL=C
folder=$1
mkdir -p "$folder/deep/er/empty folder"

# text SEED WORDS: words of mixed case in lines. '@', '#' and '~' stand for bytes that not every
# awk can print.
text() {
  awk -v seed="$1" -v words="$2" '
    function below(limit) { seed = (seed * 16807) % 2147483647; return seed % limit }
    function word(  rank, n, w) {
      rank = below(2 ^ (1 + below(14)))
      n = 1 + rank % 7
      while (n-- > 0) { w = w substr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", 1 + rank % 36, 1)
                        rank = int(rank * 7 / 5) + n }
      return w
    }
    BEGIN {
      split(" |  |\t|, |. |-|0|_|\r\n|\n|@|#|~|\047|~#", separators, "|")
      while (words-- > 0) printf "%s%s", word(), separators[below(3) ? 1 : 1 + below(15)]
    }'
}
nuls_and_latin1() { tr '@#~' '\000\351\337'; }
utf8() { sed -e 's/@/\xe2\x82\xac/g' -e 's/#/\xc3\xa9/g' -e 's/~/\xf0\x9f\x98\x80/g'; }
letters() {
  awk -v n="$1" 'BEGIN { for (; n > 0; n -= 11) printf "%s", substr("abcdefghijk", 1, n) }'
}

text 1 150000 | nuls_and_latin1 > "$folder/mixed.txt"
text 2 60000 | sed 's/$/\r/' | utf8 > "$folder/crlf utf8.txt"
text 3 40000 | utf8 | gzip -n > "$folder/deep/utf8.txt.gz"
{ text 4 20000 | gzip -n; text 5 20000 | nuls_and_latin1 | gzip -n; } > "$folder/deep/er/two.gz"
text 6 3000 > "$folder/deep-sorted-before-the-folder"
: > "$folder/empty"
: | gzip -n > "$folder/empty text.gz"
letters 70001 > "$folder/no separator"
letters 5 > "$folder/no separator, next file"
{ printf 'before '; letters 3145728; printf ' after'; } > "$folder/long word"
{ letters 3145728; text 7 100; letters 2000000; } | gzip -n > "$folder/long words.gz"
printf 'dash' > "$folder/-dash"
ln -s mixed.txt "$folder/link to a file"
ln -s deep "$folder/link to a folder"
