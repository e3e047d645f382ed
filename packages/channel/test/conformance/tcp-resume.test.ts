import { channelConformance } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { CutTransport } from '../support/cut-transport.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();

const seed = Number(process.env.CIRCUIT_SEED ?? 1);
const transport = new CutTransport(seed);

channelConformance({ transport: `tcp, resuming, cut with seed ${seed}`, test, expect, connect: transport.connect });

test('what went before was cut all along', () => {
  console.log(`${transport.cuts} cuts in ${transport.pairs} pairs of sessions`);
  expect(transport.cuts).toBeGreaterThan(1000);
});
