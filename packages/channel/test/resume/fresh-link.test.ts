import { ManualClock } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { FreshLink } from '../../src/resume/fresh-link.js';
import { encodeStep } from '../../src/resume/handshake.js';
import type { Carrier, CarrierEvents } from '../../src/session/carrier.js';

/** A link whose peer is the test, and what its carrier was told. */
function fresh(): { link: FreshLink; events: CarrierEvents; ended: string[]; clock: ManualClock } {
  const told: CarrierEvents[] = [];
  const ended: string[] = [];
  const carrier: Carrier = {
    peer: { carrier: 'script', address: 'peer' },
    bufferedBytes: 0,
    schedule: (run) => queueMicrotask(run),
    start: (events) => void told.push(events),
    write: () => undefined,
    end: () => void ended.push('end'),
    destroy: () => void ended.push('destroy'),
  };
  const clock = new ManualClock();
  return { link: new FreshLink(carrier, clock, 10_000, undefined), events: told[0] as CarrierEvents, ended, clock };
}

test('a connection that nobody has taken over holds 1 MiB of what its peer says, and is dropped at one byte more', async () => {
  const { link, events, ended, clock } = fresh();
  const step = encodeStep({ step: 'proof', received: 0, proof: new Uint8Array(32) });
  events.data(step);
  events.data(new Uint8Array(65_536));
  await link.step(true);
  // Behind a whole step it is no fault of its own.
  for (let left = 1_048_576 - 65_536; left > 0; left -= 65_536) events.data(new Uint8Array(Math.min(left, 65_536)));
  expect([link.open, ended]).toStrictEqual([true, []]);
  events.data(Uint8Array.of(0));
  expect([link.open, ended]).toStrictEqual([false, ['destroy']]);
  events.closed();
  expect(clock.pending).toBe(0);
});

test('what was said before somebody takes a connection over counts no more, and all of it arrives', async () => {
  const { link, events, ended } = fresh();
  const step = encodeStep({ step: 'proof', received: 0, proof: new Uint8Array(32) });
  events.data(step);
  events.data(new Uint8Array(1_000_000));
  await link.step(true);
  let bytes = 0;
  link.handOver({ data: (chunk) => void (bytes += chunk.length), drained: () => undefined, closed: () => undefined });
  events.data(new Uint8Array(2_000_000));
  expect([link.open, ended, bytes]).toStrictEqual([true, [], 3_000_000]);
});
