# shellcheck shell=bash
# What programs in node need: node-postgres and its cursors, those that are installed, else npm's, once, into POND_NODE_DIR
# (default: build/node of this checkout). Ends with 77 when they are not to be had. Sourced from this folder.
skip() { echo "skipped: $1"; exit 77; }
command -v node >/dev/null || skip "node is missing"
if ! node -e 'require("pg"); require("pg-cursor"); require("pg-query-stream")' 2>/dev/null; then
    command -v npm >/dev/null || skip "neither node-pg nor npm is there"
    node_dir=${POND_NODE_DIR:-../../build/node}
    mkdir -p "$node_dir"
    { # several tests may come at once
        flock 9
        if ! cmp -s package.json "$node_dir/package.json" || [ ! -d "$node_dir/node_modules/pg" ]; then
            cp package.json "$node_dir/"
            npm install --silent --no-audit --no-fund --no-package-lock --prefix "$node_dir" || skip "npm install failed"
        fi
    } 9>"$node_dir/lock"
    NODE_PATH=$(readlink -f "$node_dir/node_modules")
    export NODE_PATH
fi
