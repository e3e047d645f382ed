#!/usr/bin/env bash
# The repetitions that CI has no time for: scripts/nightly.sh [PART ...]
# Each part runs whatever became of those before it; at the end stands which of them failed, and the exit code is 1 if any did. A
# bench fails where a goal is missed, also those of which bench/RESULTS.md says so; append there what tells something new, with date and machine.
# On two processors with others at work: growth 2 s, gateway 20 s, links and memory 1 min each, stalls 3 to 4, keeper 4, cluster 3; reckoned from shorter
# runs: large 5 min, fuzz 25, channels 20; not measured: tests and arm64. Alone they take a half to a fifth, but for what goes by time.
set -euo pipefail
cd "$(dirname "$0")/.."
export CIRCUIT_TEST_ALL=1
all=(tests arm64 fuzz large stalls memory growth keeper cluster channels gateway links)
# A hang guard for each part, not a measure.
guard=6h

tests() { # all tests, 20 times
  local failed=0
  for run in $(seq 20); do
    npx --no-install vitest run --reporter dot || { failed=$((failed + 1)) && echo "run $run failed"; }
  done
  echo "all tests: $failed of 20 runs failed"
  [ "$failed" -eq 0 ]
}

arm64() { # the native part for arm64, under emulation
  scripts/test-arm64.sh
}

fuzz() { # the frame decoder, the handshake, the session, resume and the lane of descriptors, 10 minutes each
  CIRCUIT_FUZZ_MS=600000 npx --no-install vitest run packages/channel/test/{fuzz,session/fuzz.test.ts,wire}
}

large() { # 1 GiB each way at once over every carrier
  CIRCUIT_LARGE_MIB=1024 npx --no-install vitest run --testTimeout 600000 packages/channel/test/conformance/node-streams.test.ts -t 'a large stream'
}

stalls() { # nested requests, 100 runs at 64 and 1,000 in flight
  node bench/channel/stalls.mjs 100
}

memory() { # what channels leave behind
  node --expose-gc bench/channel/memory.mjs
}

growth() { # what one operation costs beside n that wait
  node bench/channel/growth.mjs
}

keeper() { # 10,000 processes that print one line and end
  node bench/keeper/run.mjs 10000
}

cluster() { # a cluster of three daemons, and 10,000 such processes in it
  node bench/cluster/run.mjs --processes 10000
}

channels() { # every carrier, and the libraries it is compared with
  [ -d bench/peers/node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --prefix bench/peers
  if ! command -v nats-server >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nats-server >/dev/null
  fi
  node bench/channel/run.mjs --rounds 5 --peers
}

gateway() { # the gateway beside the raw stream, over loopback
  node bench/channel/gateway.mjs 128 5
}

links() { # the same over links of limited speed between network namespaces
  node bench/channel/gateway.mjs 128 3 1 2.5 10
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")
for part in "${parts[@]}"; do
  [[ " ${all[*]} " == *" $part "* ]] || { echo "nightly: no part $part; there are ${all[*]}" >&2 && exit 2; }
done
scripts/install-test-tools.sh
npm run --silent build

running=
trap '[ -z "$running" ] || kill "$running"; exit 130' INT TERM
export -f "${all[@]}"
outcomes=()
code=0
for part in "${parts[@]}"; do
  echo "== $part"
  began=$SECONDS
  # A shell of its own: an error ends the part and nothing else.
  timeout "$guard" bash -euo pipefail -c "$part" &
  running=$!
  if wait "$running"; then outcome=passed; else outcome="failed ($?)" && code=1; fi
  running=
  outcomes+=("$part: $outcome, $((SECONDS - began)) s")
done
echo '== nightly'
printf '%s\n' "${outcomes[@]}"
exit "$code"
