import { pipe } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

test.each([
  true,
  false,
])('a message that was taken by trySend and cannot be written any more ends its channel with the reason, never as if it had been all (closed behind it: %s)', async (closed) => {
  const pair = await connectMemory({ b: { limits: { windowBytes: 131_072, maxChannels: 2 } } });
  const { sender, receiver } = await openChannel(pair.a, pair.b);
  await sender.send(new Uint8Array(130_000));
  const { receiver: sent } = pipe();
  // It fits what the peer takes, and waits for credit.
  expect(sender.trySend([sent, new Uint8Array(60_000)])).toBe(true);
  if (closed) sender.close();
  const other = await openChannel(pair.a, pair.b);
  await take(receiver);
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'limit' });
  sender.close();
  await expect(sender.closed).rejects.toMatchObject({ code: 'limit' });
  other.sender.close();
  expect((await other.receiver.receive()).done).toBe(true);
  await until('nothing to be left', () => pair.a.stats.channels + pair.b.stats.channels === 0);
  await pair.close();
});
