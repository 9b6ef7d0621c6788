#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# launch.sh CCACHE COMPILER WORDS...: CMake's compiler launcher. Two compilations of the same headers
# give precompiled headers that differ byte by byte, and ccache, which looks at their bytes, would then
# know none of the units that use them. So it is told to look at FILE.gch.sum instead, which is made here
# of the contents of the headers.
export CCACHE_PCH_EXTSUM=1
out='' deps='' before=''
for word; do
  case $before in
  -o) out=$word ;;
  -MF) deps=$word ;;
  esac
  before=$word
done
case $out in
*.gch) "$@" || exit ;;
*) exec "$@" ;;
esac
rm -f "$out.sum"
[ -f "$deps" ] && command -v sha256sum >/dev/null || exit 0
# Sorted by contents: names are relative to the checkout, or not.
sed -e 's/^[^:]*: *//' -e 's/\\$//' "$deps" | tr -s ' ' '\n' | sed '/^$/d' | xargs sha256sum |
  cut -d ' ' -f 1 | sort -u | sha256sum >"$out.sum.new" && mv "$out.sum.new" "$out.sum"
