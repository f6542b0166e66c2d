# Sourced. reference FIND_ARGUMENT...: the words of the files found, as --all must write them, by a
# pipeline that shares nothing with the program.
reference() {
  find "$@" -type f -exec sh -c '
    for f; do case $f in *.gz) gzip -dc -- "$f" ;; *) cat -- "$f" ;; esac; echo; done' sh {} + |
    tr 'A-Z' 'a-z' | tr -c 'a-z' '\n' |
    awk 'length($0) { n[$0]++ } END { for (w in n) print n[w], w }' | sort -k 1,1nr -k 2,2
}
