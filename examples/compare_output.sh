#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# compare_output.sh PAGE NAME COMMAND...: runs an example and compares what it prints with the page, the
# fenced block after the line <!-- output: NAME -->. Words have to be equal, numbers within 5 % or two
# units of the last digit shown; numbers of lines that begin with "time:" are free.
set -eu
page=$1 what=$2
shift 2

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
    most = x + 0; if (most < 0) most = -most
    return far > 0.05 * most && far > 2 * unit(x) + 1e-9
  }
  NR == FNR { expected[++n] = $0; next }
  {
    ++m
    free = $1 == "time:"
    fields = split(expected[m], want)
    wrong = m > n || fields != NF
    for (i = 1; i <= NF && !wrong; ++i) wrong = differ(want[i], $i)
    if (wrong) { print page ": expected \"" expected[m] "\", found \"" $0 "\""; bad = 1 }
  }
  END { if (m != n) { print page ": expected " n " lines, found " m + 0; bad = 1 } exit bad }' \
  "$shown" "$found"
