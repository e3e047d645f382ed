import { type Carrier, ChannelSession, memoryPair } from '@circuit/channel';
import { channelConformance, type Connect } from '@circuit/channel/conformance';
import { afterAll, expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { closingPair } from '../support/closing-pair.js';

checkNothingOpen();

/** As much as a socket reads at once. */
const readBytes = 65_536;
let overwritten = 0;

/** `carrier`, whose chunks all come in the same memory. */
function reusing(carrier: Carrier): Carrier {
  const start = carrier.start.bind(carrier);
  const memory = new Uint8Array(readBytes);
  carrier.start = (events) =>
    start({
      ...events,
      data(chunk) {
        for (let at = 0; at < chunk.length; at += readBytes) {
          const part = chunk.subarray(at, at + readBytes);
          memory.set(part);
          events.data(memory.subarray(0, part.length));
          memory.fill(0xdb, 0, part.length);
          overwritten++;
        }
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
  console.log(`${overwritten} parts overwritten`);
  expect(overwritten).toBeGreaterThan(10_000);
});
