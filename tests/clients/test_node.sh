#!/usr/bin/env bash
# node-postgres: installs it once into POND_NODE_DIR (default: build/node of this checkout), then runs test_node.js.
set -euo pipefail
cd "$(dirname "$0")"
command -v node >/dev/null && command -v npm >/dev/null || { echo "skipped: node or npm is missing"; exit 77; }
dir=${POND_NODE_DIR:-../../build/node}
mkdir -p "$dir"
if ! cmp -s package.json "$dir/package.json" || [ ! -d "$dir/node_modules/pg" ]; then
    cp package.json "$dir/"
    npm install --silent --no-audit --no-fund --no-package-lock --prefix "$dir" || { echo "skipped: npm install failed"; exit 77; }
fi
NODE_PATH=$(readlink -f "$dir/node_modules") exec node --test test_node.js
