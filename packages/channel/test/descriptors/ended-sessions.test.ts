import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CircuitError } from '@circuit/base';
import type { Receiver, Sender, Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, takeDescriptor } from '@circuit/channel/descriptors';
import { until } from '@circuit/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { scopePerTest } from '../support/scope-per-test.js';
import { canPass, channel, fdsBackTo, openFds, unixPair } from './unix-pair.js';

const file = join(tmpdir(), `ended-${process.pid}`);
writeFileSync(file, '0123456789');
afterAll(() => rmSync(file));
const scope = scopePerTest();

const fresh = (): Descriptor => descriptorOf(openSync(file, 'r'));

/** Sends `count` messages with a descriptor each, all of which arrive; nobody receives them. */
async function passed(sender: Sender, from: Session, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await sender.send(fresh());
  await until('all to have arrived', () => from.stats.channels === 1);
}

async function next(receiver: Receiver): Promise<Descriptor> {
  return (await take(receiver)).value as Descriptor;
}

describe.skipIf(!canPass()).each(['dialler', 'listener'] as const)('descriptors that arrived at the %s', (side) => {
  let me: Session;
  let peer: Session;
  let sender: Sender;
  let receiver: Receiver;
  let before: number;

  beforeEach(async () => {
    const pair = await unixPair();
    scope.defer(() => pair.close());
    [me, peer] = side === 'dialler' ? [pair.dialled, pair.taken] : [pair.taken, pair.dialled];
    ({ sender, receiver } = await channel(peer, me));
    before = openFds();
  });

  test('were sent just before the other side closed the session', async () => {
    await sender.send(fresh());
    sender.close();
    await peer.close();
    await me.closed;
    closeSync(await takeDescriptor(await next(receiver)));
    await fdsBackTo(before);
  });

  test('are closed when this side aborts the session, but for those that it has received', async () => {
    await passed(sender, peer, 40);
    const [received, other] = [await next(receiver), await next(receiver)];
    me.abort(new CircuitError('denied', 'enough of it'));
    await fdsBackTo(before + 2);
    closeSync(await takeDescriptor(received));
    other.cancel();
    const late = await next(receiver);
    await expect(takeDescriptor(late)).rejects.toMatchObject({ code: 'denied', message: 'enough of it' });
    await fdsBackTo(before);
  });

  test('are closed when this side aborts the session, also in a channel that nobody has accepted', async () => {
    const hidden = peer.open();
    for (let i = 0; i < 10; i++) await hidden.send(fresh());
    await until('all to have arrived', () => peer.stats.channels === 2);
    me.abort();
    await fdsBackTo(before);
  });

  test.each<[string, (ending: Session) => unknown]>([
    ['aborts', (ending) => ending.abort()],
    ['closes', (ending) => ending.close()],
  ])('can be had when the other side %s the session; a cancel behind the end closes the others', async (_, end) => {
    await passed(sender, peer, 40);
    void end(peer);
    await me.closed;
    closeSync(await takeDescriptor(await next(receiver)));
    expect(openFds()).toBeGreaterThanOrEqual(before + 30);
    receiver.cancel();
    await fdsBackTo(before);
  });
});

test.skipIf(!canPass())(
  'of sessions that were dialled and have ended at most 1,024 are left, and the oldest go',
  async () => {
    const before = openFds();
    const left: Descriptor[] = [];
    for (let i = 0; i < 20; i++) {
      const pair = await unixPair();
      const { sender, receiver } = await channel(pair.taken, pair.dialled);
      await sender.send(Array.from({ length: 64 }, fresh));
      left.push(...((await take(receiver)).value as Descriptor[]));
      await until('all to have arrived', () => pair.taken.stats.channels === 1);
      await pair.close();
    }
    await fdsBackTo(before + 1024);
    await expect(takeDescriptor(left[0] as Descriptor)).rejects.toMatchObject({ code: 'limit' });
    for (const descriptor of left.slice(-1000)) closeSync(await takeDescriptor(descriptor));
    for (const descriptor of left) descriptor.cancel();
    await fdsBackTo(before);
  },
);
