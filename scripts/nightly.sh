#!/usr/bin/env bash
# The repetitions that CI has no time for. Append its output, with date and machine, to bench/RESULTS.md when it tells something new.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run --silent build

echo '== all tests, 20 times'
for i in $(seq 20); do npx --no-install vitest run --reporter dot; done
echo '== the native part for arm64'
scripts/test-arm64.sh
echo "== fuzz of the frame decoder, the handshake, the session and the lane of descriptors, 10 minutes"
CIRCUIT_FUZZ_MS=600000 npx --no-install vitest run packages/channel/test/fuzz packages/channel/test/session packages/channel/test/wire
echo '== 1 GiB each way at once over every carrier'
CIRCUIT_LARGE_MIB=1024 npx --no-install vitest run --testTimeout 600000 packages/channel/test/conformance/node-streams.test.ts -t 'a large stream'
echo '== requests, 100 runs at 64 and 1,000 in flight'
node bench/channel/stalls.mjs 100
echo '== 10,000 processes that print one line and end'
node bench/keeper/run.mjs 10000
node bench/cluster/run.mjs --processes 10000
echo '== channels'
node bench/channel/run.mjs --rounds 5
