import { bytePipe, type ByteReader, type ByteWriter, pipe, type Receiver, relay, type Sender } from '@circuit/channel';
import { openChannel, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { homePair } from '../support/home-pair.js';
import { connectMemory, connectTcp } from '../support/transports.js';

const outcome = { pending: 'pending', done: 'done' } as const;

/** What has become of a promise: `pending`, `done`, or the code that it rejected with. */
function watch(promise: Promise<unknown>): { now: string } {
  const state: { now: string } = { now: outcome.pending };
  promise.then(
    () => (state.now = outcome.done),
    (error: unknown) => (state.now = (error as { code: string }).code),
  );
  return state;
}

const sides = [
  ['memory', true],
  ['memory', false],
  ['tcp', true],
  ['tcp', false],
] as const;

for (const [carrier, home] of sides) {
  const connect = carrier === 'memory' ? connectMemory : connectTcp;
  const name = `${carrier}${home ? '' : ', ends do not come home'}: `;
  const make = (): ReturnType<typeof homePair> => homePair({ a: { home }, b: { home } }, connect);

  test(`${name}what is sent to a receiver that went away is acknowledged and closed when it is taken there`, async () => {
    const pair = await make();
    const { sender, receiver } = pipe<number>();
    const far = await pair.forth<Receiver<number>>(receiver);
    const acks = [sender.send(1, { acknowledged: true }), sender.send(2, { acknowledged: true })].map(watch);
    await sender.send(3);
    sender.close();
    const closed = watch(sender.closed);
    await pair.back('all of it has gone there');
    expect([...acks, closed].map(({ now }) => now)).toStrictEqual(['pending', 'pending', 'pending']);
    expect(await far.receive()).toMatchObject({ value: 1 });
    await pair.back('one was taken');
    expect([...acks, closed].map(({ now }) => now)).toStrictEqual(['done', 'pending', 'pending']);
    expect([await far.receive(), await far.receive()]).toMatchObject([{ value: 2 }, { value: 3 }]);
    await sender.closed;
    expect([...acks, closed].map(({ now }) => now)).toStrictEqual(['done', 'done', 'done']);
    expect((await far.receive()).done).toBe(true);
    await pair.close();
  });

  test(`${name}what is sent by a sender that went away is acknowledged and closed when it is taken here`, async () => {
    const pair = await make();
    const { sender, receiver } = pipe<number>(8);
    const far = await pair.forth<Sender<number>>(sender);
    const sending = far.send(1, { acknowledged: true });
    const ack = watch(sending);
    far.close();
    const closed = watch(far.closed);
    await pair.back('all of it has come here');
    await pair.forth('and would have been acknowledged');
    expect([ack.now, closed.now]).toStrictEqual(['pending', 'pending']);
    expect(await receiver.receive()).toMatchObject({ value: 1 });
    await Promise.all([sending, far.closed]);
    await pair.close();
  });

  test(`${name}a byte stream that went away is closed when the far side has read it`, async () => {
    const pair = await make();
    const [up, down] = [bytePipe(), bytePipe()];
    const far = await pair.forth<{ up: ByteReader; down: ByteWriter }>({ up: up.reader, down: down.writer });
    await up.writer.write(new Uint8Array(5));
    up.writer.close();
    await far.down.write(new Uint8Array(7));
    far.down.close();
    const closed = [watch(up.writer.closed), watch(far.down.closed)];
    await pair.back('both have arrived');
    await pair.forth('and would have been confirmed');
    expect(closed.map(({ now }) => now)).toStrictEqual(['pending', 'pending']);
    expect((await far.up.read())?.length).toBe(5);
    expect((await down.reader.read())?.length).toBe(7);
    await Promise.all([up.writer.closed, far.down.closed]);
    await pair.close();
  });

  test(`${name}a receiver that went away and is cancelled there fails what was closed here, and what waits`, async () => {
    const pair = await make();
    const { sender, receiver } = pipe<number>();
    const [bytes] = [bytePipe()];
    const far = await pair.forth<{ r: Receiver<number>; b: ByteReader }>({ r: receiver, b: bytes.reader });
    const ack = sender.send(1, { acknowledged: true });
    ack.catch(() => undefined);
    sender.close();
    await bytes.writer.write(new Uint8Array(5));
    bytes.writer.close();
    far.r.cancel(new Error('not these'));
    far.b.cancel(new Error('nor those'));
    await expect(ack).rejects.toMatchObject({ code: 'aborted', message: 'not these' });
    await expect(sender.closed).rejects.toMatchObject({ code: 'aborted', message: 'not these' });
    await expect(bytes.writer.closed).rejects.toMatchObject({ code: 'aborted', message: 'nor those' });
    await pair.close();
  });

  test(`${name}a message that was passed on and is given up, or whose session ends, is in doubt`, async () => {
    const pair = await make();
    const { sender, receiver } = pipe<number>();
    await pair.forth<Receiver<number>>(receiver);
    const stop = new AbortController();
    const given = sender.send(1, { acknowledged: true, signal: stop.signal });
    const lost = sender.send(2, { acknowledged: true });
    await pair.forth('both have gone');
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'outcome-unknown' });
    await Promise.all([pair.kill(), expect(lost).rejects.toMatchObject({ code: 'outcome-unknown' })]);
    await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  });
}

test('a relay that changes the codec passes acknowledgements and the end on as they come', async () => {
  const [left, right] = [await connectMemory(), await connectMemory()];
  const one = await openChannel(left.a, left.b);
  const sender = right.a.open({ codec: 'json' });
  const { receiver } = await right.b.accept();
  relay(one.receiver, sender);
  const sending = one.sender.send(1, { acknowledged: true });
  const ack = watch(sending);
  one.sender.close();
  const closed = watch(one.sender.closed);
  const probe = await openChannel(right.a, right.b);
  await probe.sender.send('behind it', { acknowledged: false });
  await take(probe.receiver);
  expect([ack.now, closed.now]).toStrictEqual(['pending', 'pending']);
  expect(await take(receiver)).toMatchObject({ value: 1 });
  await Promise.all([sending, one.sender.closed]);
  probe.sender.close();
  expect((await probe.receiver.receive()).done).toBe(true);
  await Promise.all([left.close(), right.close()]);
});
