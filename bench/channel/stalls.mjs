// Runs nested requests again and again and fails on the first run that stalls, answers with another value or leaves an entry in a table:
//   node bench/channel/stalls.mjs [runs]
import { dial } from './dial.mjs';
import { far } from './far.mjs';
import { nestedRequest, tablesAreEmpty } from './nested.mjs';

const runs = Number(process.argv[2]) || 100;
const requests = 20_000;
// A hang guard, not a measure: a run takes about a second.
const guardMs = 60_000;

/** Sends `requests` requests, so many at a time, and comes back when both tables are empty. */
async function run(session, inFlight) {
  const control = session.open();
  const sender = session.open();
  let next = 0;
  const worker = async () => {
    while (next < requests) await nestedRequest(sender, next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  sender.close();
  await sender.closed;
  await tablesAreEmpty(session, control);
  control.close();
  await control.closed;
}

for (const inFlight of [64, 1000]) {
  for (let i = 1; i <= runs; i++) {
    const other = await far('tcp');
    const session = await dial('tcp', other.address);
    const guard = setTimeout(() => {
      console.error(`run ${i} with ${inFlight} in flight stalled or left an entry: ${JSON.stringify(session.stats)}`);
      process.exit(1);
    }, guardMs);
    await run(session, inFlight);
    if (session.stats.channels > 0) throw new Error(`run ${i}: ${session.stats.channels} channels left`);
    clearTimeout(guard);
    await session.close();
    await other.close();
  }
  console.log(
    `${runs} runs of 20,000 requests with ${inFlight} in flight: 0 stalls, every answer its own, both tables empty`,
  );
}
