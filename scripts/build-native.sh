#!/usr/bin/env bash
# Builds the native part of @circuit/channel for this machine. Needs gcc and Node's headers (NODE_INCLUDE, the `include/node`
# of a Node installation). What it makes for linux-x64 is committed: an install compiles nothing and runs no script.
set -euo pipefail
cd "$(dirname "$0")/../packages/channel/native"
include=${NODE_INCLUDE:-$(node -p 'require("path").resolve(process.execPath, "../../include/node")')}
folder=prebuilt/$(node -p 'process.platform + "-" + process.arch')
[ -f "$include/node_api.h" ] || { echo "no node_api.h in $include: set NODE_INCLUDE" >&2; exit 1; }
mkdir -p "$folder"
"${CC:-gcc}" -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -fstack-protector-strong \
  -Wl,-z,relro,-z,now,--build-id=none -s -I "$include" -o "$folder/descriptors.node" descriptors.c
sha256sum descriptors.c | cut -d' ' -f1 > "$folder/source.sha256"
echo "built packages/channel/native/$folder/descriptors.node ($(stat -c %s "$folder/descriptors.node") bytes)"
