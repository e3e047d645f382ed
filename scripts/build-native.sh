#!/usr/bin/env bash
# Builds the native part of @circuit/channel into native/prebuilt or the folder that is named, for this machine or for ARCH, as
# Node says it (`ARCH=arm64 CC=aarch64-linux-gnu-gcc`, Debian's gcc-aarch64-linux-gnu). Needs gcc and Node's headers (NODE_INCLUDE,
# the `include/node` of a Node installation). What it makes for linux-x64 and linux-arm64 is committed: an install compiles
# nothing and runs no script. SANITIZE=address,undefined builds for a hunt after faults.
set -euo pipefail
target=$(realpath -m "${1:-$(dirname "$0")/../packages/channel/native/prebuilt}")
cd "$(dirname "$0")/../packages/channel/native"
include=${NODE_INCLUDE:-$(node -p 'require("path").resolve(process.execPath, "../../include/node")')}
folder=$target/$(node -p 'process.platform')-${ARCH:-$(node -p 'process.arch')}
[ -f "$include/node_api.h" ] || { echo "no node_api.h in $include: set NODE_INCLUDE" >&2; exit 1; }
mkdir -p "$folder"
sanitize=(-s)
[ -z "${SANITIZE:-}" ] || sanitize=(-g "-fsanitize=$SANITIZE" -fno-omit-frame-pointer)
"${CC:-gcc}" -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -fstack-protector-strong \
  -Wl,-z,relro,-z,now,--build-id=none "${sanitize[@]}" -I "$include" -o "$folder/circuit.node" *.c
cat *.c *.h | sha256sum | cut -d' ' -f1 > "$folder/source.sha256"
echo "built $folder/circuit.node ($(stat -c %s "$folder/circuit.node") bytes)"
