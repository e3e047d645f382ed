// Runs nested requests again and again and fails on the first run that stalls or leaves an entry:
//   node bench/channel/stalls.mjs [runs]
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import * as probes from './probes.mjs';

const runs = Number(process.argv[2]) || 100;
// A hang guard, not a measure: a run takes a fraction of a second.
const guardMs = 60_000;

for (const inFlight of [64, 1000]) {
  for (let run = 1; run <= runs; run++) {
    const other = await far('tcp');
    const session = await dial('tcp', other.address);
    const guard = setTimeout(() => {
      console.error(`run ${run} with ${inFlight} in flight stalled: ${JSON.stringify(session.stats)}`);
      process.exit(1);
    }, guardMs);
    await probes.requests(session, inFlight, 20_000);
    clearTimeout(guard);
    await session.close();
    await other.close();
  }
  console.log(`${runs} runs of 20,000 requests with ${inFlight} in flight: 0 stalls`);
}
