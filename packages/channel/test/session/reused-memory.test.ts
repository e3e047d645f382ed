import { type Carrier, ChannelSession, memoryPair } from '@circuit/channel';
import { channelConformance, type Connect } from '@circuit/channel/conformance';
import { afterAll, expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { closingPair } from '../support/closing-pair.js';

checkNothingOpen();

let overwritten = 0;

/** `carrier`, whose chunks are overwritten as soon as the session says that it keeps no views into them. */
function reusing(carrier: Carrier): Carrier {
  const start = carrier.start.bind(carrier);
  carrier.start = (events) =>
    start({
      ...events,
      data(chunk) {
        const own = chunk.slice();
        const kept = events.data(own);
        if (kept === false) {
          own.fill(0xdb);
          overwritten++;
        }
        return kept;
      },
    });
  return carrier;
}

const connect: Connect = ({ a, b } = {}) => {
  const [left, right] = memoryPair();
  return Promise.resolve(
    closingPair(
      new ChannelSession(reusing(left), 'dialler', { keepAliveMs: 0, ...a }),
      new ChannelSession(reusing(right), 'listener', { keepAliveMs: 0, ...b }),
    ),
  );
};

// Whatever the suite sends arrives whole though the memory that it came in is gone.
channelConformance({ transport: 'memory that is used again', test, expect, connect });

afterAll(() => {
  console.log(`${overwritten} chunks overwritten`);
  expect(overwritten).toBeGreaterThan(10_000);
});
