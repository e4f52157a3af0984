#!/bin/sh
# usage: test_examples.sh BIN EXAMPLES NAME...
# Runs the examples named against the server that PG* name, and compares what they print.
set -u
bin=$1 examples=$2
shift 2
failed=0
for name in "$@"; do
    out=$("$bin/example_$name" 2>&1) || { echo "$name ended with $?"; failed=1; }
    if ! printf '%s\n' "$out" | diff -u "$examples/$name.expected" -; then
        echo "$name printed something else"
        failed=1
    fi
done
exit $failed
