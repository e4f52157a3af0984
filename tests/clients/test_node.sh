#!/usr/bin/env bash
# node-postgres and its cursors: those that are installed, else npm's, once, into POND_NODE_DIR (default: build/node of this checkout).
set -euo pipefail
cd "$(dirname "$0")"
skip() { echo "skipped: $1"; exit 77; }
command -v node >/dev/null || skip "node is missing"
if ! node -e 'require("pg"); require("pg-cursor"); require("pg-query-stream")' 2>/dev/null; then
    command -v npm >/dev/null || skip "neither node-pg nor npm is there"
    dir=${POND_NODE_DIR:-../../build/node}
    mkdir -p "$dir"
    if ! cmp -s package.json "$dir/package.json" || [ ! -d "$dir/node_modules/pg" ]; then
        cp package.json "$dir/"
        npm install --silent --no-audit --no-fund --no-package-lock --prefix "$dir" || skip "npm install failed"
    fi
    NODE_PATH=$(readlink -f "$dir/node_modules")
    export NODE_PATH
fi
exec node --test test_node.js
