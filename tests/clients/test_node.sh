#!/usr/bin/env bash
# node-postgres and its cursors, driven by test_node.js.
set -euo pipefail
cd "$(dirname "$0")"
. ./node.sh
exec node --test test_node.js
