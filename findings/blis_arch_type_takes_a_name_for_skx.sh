#!/bin/sh
# BLIS 0.9.0 takes BLIS_ARCH_TYPE as a number alone. Any name is read as 0 without a word, and 0 is skx, the kernels for
# Skylake-X, whatever the name says: "haswell", "zen3" and a spelling that means nothing all select AVX-512.
#
# Guess: a name selects the sub-configuration of that name, as BLIS's own messages and OpenBLAS's OPENBLAS_CORETYPE have
#   it; an unknown one is an error.
# Versions: BLIS 0.9.0 (Debian 12's libblis4-openmp 0.9.0-1). Nothing is multiplied.
# Seen: bli_arch_query_id() says 0 for every name, with no message and no error.
#
# Output:
#   haswell        skx
#   zen3           skx
#   skx            skx
#   no-such-kind   skx
#   3              haswell
#   6              zen3
#
# Why it matters: who measures BLIS beside another library names the kernels of the machine, and gets figures of others:
#   "BLIS configured for zen3" was Skylake-X's all along.

set -eu
version=0.9.0-1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
command -v apt-get > /dev/null || { echo "$0: needs Debian 12 with apt-get" >&2; exit 2; }
apt-get download -qq "libblis4-openmp=$version" 2> /dev/null ||
  { echo "$0: Debian's libblis4-openmp $version cannot be had (needs Debian 12, and apt-get update)" >&2; exit 2; }
dpkg-deb -x libblis4-openmp_*.deb .
library=$(find . -name 'libblis.so.4*' -type f | head -n 1)

cat > ask.py <<'EOF'
import ctypes
import sys

blis = ctypes.CDLL(sys.argv[1])
blis.bli_init()
blis.bli_arch_string.restype = ctypes.c_char_p
print(blis.bli_arch_string(blis.bli_arch_query_id()).decode())
EOF

seen=""
for kind in haswell zen3 skx no-such-kind 3 6; do
  name=$(BLIS_ARCH_TYPE=$kind python3 ask.py "$library")
  printf '%-14s %s\n' "$kind" "$name"
  seen="$seen $name"
done
[ "$seen" = " skx skx skx skx haswell zen3" ] || { echo "the behaviour has changed" >&2; exit 1; }
