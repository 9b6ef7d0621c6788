#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# compare_output.sh PAGE NAME COMMAND...   runs an example and compares what it prints with the page:
#     the fenced block after the line <!-- output: NAME -->. Words have to be equal, numbers within
#     5 % or two units of the last digit shown; numbers of lines that begin with "time:" are free.
# compare_output.sh PAGE --excerpts FOLDER the blocks after <!-- from: FILE --> have to be lines of
#     FOLDER/FILE, in their order and without gaps; leading spaces do not count.
set -eu
page=$1 what=$2
shift 2

if [ "$what" = --excerpts ]; then
  awk -v folder="$1" '
    function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
    function look(   n, m, i, j, line, text) {
      while ((getline line < file) > 0) text[++n] = trim(line)
      close(file)
      for (i = 1; i + count - 1 <= n; ++i) {
        for (j = 1; j <= count && text[i + j - 1] == block[j]; ++j) ;
        if (j > count) { ++found; return }
      }
      print FILENAME ": line " start ": this is not in " file; bad = 1
    }
    /^<!-- from: / { file = folder "/" $3; next }
    file != "" && /^```/ {
      if (inside) { look(); file = ""; inside = 0 } else { inside = 1; count = 0; start = NR }
      next
    }
    inside { block[++count] = trim($0) }
    END { if (found + bad == 0) { print FILENAME ": no excerpts"; bad = 1 }
          print found + 0 " excerpts found"; exit bad }' "$page"
  exit
fi

found=$(mktemp) shown=$(mktemp)
trap 'rm -f "$found" "$shown"' EXIT
awk -v mark="<!-- output: $what -->" '
  $0 == mark { here = 1; next }
  here && /^```/ { if (inside) exit; inside = 1; next }
  inside { print }' "$page" >"$shown"
[ -s "$shown" ] || {
  echo "$page: no output of $what is shown"
  exit 1
}
"$@" >"$found"
cat "$found"
awk -v page="$page" '
  function is_number(s) { return s ~ /^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/ }
  function bare(s) { sub(/[,;:.)]+$/, "", s); sub(/^\(/, "", s); return s }
  function unit(s,   d) { d = index(s, "."); return d ? 10 ^ (d - length(s)) : 1 }
  function differ(a, b,   x, y, far, most) {
    if (a == b) return 0
    x = bare(a); y = bare(b)
    if (!is_number(x) || !is_number(y)) return 1
    if (free) return 0
    far = x - y; if (far < 0) far = -far
    most = x < 0 ? -x : x
    return far > 0.05 * most && far > 2 * unit(x) + 1e-9
  }
  NR == FNR { expected[++n] = $0; next }
  {
    ++m
    free = $1 == "time:"
    split(expected[m], want)
    fields = split(expected[m], want)
    wrong = m > n || fields != NF
    for (i = 1; i <= NF && !wrong; ++i) wrong = differ(want[i], $i)
    if (wrong) { print page ": expected \"" expected[m] "\", found \"" $0 "\""; bad = 1 }
  }
  END { if (m != n) { print page ": expected " n " lines, found " m + 0; bad = 1 } exit bad }' \
  "$shown" "$found"
