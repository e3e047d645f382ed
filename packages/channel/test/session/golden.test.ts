import { readFileSync } from 'node:fs';
import { bytePipe, pipe } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { concat, frame, hex, parseFrames, RawPeer, unhex } from '../support/raw-peer.js';

interface Golden {
  readonly comment: string;
  readonly vectors: Readonly<Record<string, { readonly hex: string; readonly note: string }>>;
}

const golden = JSON.parse(readFileSync(new URL('../golden/frames.json', import.meta.url), 'utf8')) as Golden;

function vector(name: string): Uint8Array {
  const found = golden.vectors[name];
  if (found === undefined) throw new Error(`no vector ${name}`);
  return unhex(found.hex);
}

/** The frames that a peer has heard since, as hex; of a long one the first 24 bytes. */
async function heard(peer: RawPeer): Promise<string[]> {
  return (await peer.frames()).map(({ type, id, payload }) => hex(frame(type, id, payload)).slice(0, 2 * maxShown));
}

const maxShown = 80;

test('a dialler says exactly the golden frames', async () => {
  const peer = new RawPeer('dialler', { home: false });
  expect(await heard(peer)).toStrictEqual([hex(vector('hello'))]);
  await peer.feed(vector('hello'));
  const sender = peer.session.open({ target: 'greet', origin: Uint8Array.of(7, 8) });
  await sender.send('hi');
  const [answers, bytes] = [await sender.send({ n: 1 }, { returns: true }), bytePipe()];
  await sender.send([pipe().sender, pipe().receiver, bytes.reader, bytePipe().writer]);
  const acknowledged = sender.send('ack?', { acknowledged: true });
  await bytes.writer.write(Uint8Array.of(1, 2, 3));
  bytes.writer.close();
  await settle();
  expect(await heard(peer)).toStrictEqual(
    ['open', 'data', 'data return', 'data references', 'data acknowledged', 'bytes', 'close stream'].map((name) =>
      hex(vector(name)),
    ),
  );
  answers.cancel(new Error('no'));
  sender.abort(new Error('stop'));
  await expect(acknowledged).rejects.toMatchObject({ code: 'outcome-unknown' });
  await peer.feed(vector('ping'));
  expect(await heard(peer)).toStrictEqual(['cancel', 'abort', 'pong'].map((name) => hex(vector(name))));
  await peer.feed(vector('done'), frame(0x06, 5), frame(0x08, 7, [0, 0, 0]));
  const closing = peer.session.close();
  expect((await heard(peer)).at(-1)).toBe(hex(vector('goaway')));
  peer.hangUp();
  await closing;
});

test('a message in pieces and one that is given up are the golden frames', async () => {
  const peer = new RawPeer('dialler');
  await peer.feed(vector('hello'));
  const sender = peer.session.open();
  void sender.send(new Uint8Array(70_000));
  const [first, second] = (await peer.frames()).slice(-2);
  expect(hex(frame(first?.type ?? 0, 1, first?.payload)).startsWith(hex(vector('data first piece')))).toBe(true);
  expect(hex(frame(second?.type ?? 0, 1, second?.payload)).startsWith(hex(vector('data last piece')))).toBe(true);
  const stop = new AbortController();
  const given = sender.send(new Uint8Array(1_000_000), { signal: stop.signal });
  await peer.frames();
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  expect(await heard(peer)).toStrictEqual([hex(vector('drop'))]);
  peer.session.abort();
});

test('a listener answers the golden frames with the golden frames', async () => {
  const peer = new RawPeer('listener');
  await peer.feed(...['hello', 'open', 'data', 'data return', 'data references', 'data acknowledged'].map(vector));
  await peer.frames();
  const { receiver, target, origin } = await peer.session.accept();
  expect([target, origin]).toStrictEqual(['greet', Uint8Array.of(7, 8)]);
  expect(await receiver.receive()).toMatchObject({ value: 'hi' });
  const asked = await receiver.receive();
  expect(asked).toMatchObject({ value: { n: 1 } });
  await receiver.receive();
  expect(await receiver.receive()).toMatchObject({ value: 'ack?' });
  expect(await heard(peer)).toStrictEqual([hex(vector('ack'))]);
  await peer.feed(
    frame(0x03, 1, [0, ...new Uint8Array(65_000).fill(0xc0).fill(0xc5, 0, 1).fill(0xfd, 1, 2).fill(0xe5, 2, 3)]),
  );
  await receiver.receive();
  await peer.feed(
    frame(0x03, 1, [0, ...new Uint8Array(65_000).fill(0xc0).fill(0xc5, 0, 1).fill(0xfd, 1, 2).fill(0xe5, 2, 3)]),
  );
  await receiver.receive();
  expect(await heard(peer)).toStrictEqual([]);
  await peer.feed(
    frame(0x03, 1, [0, ...new Uint8Array(65_000).fill(0xc0).fill(0xc5, 0, 1).fill(0xfd, 1, 2).fill(0xe5, 2, 3)]),
  );
  await receiver.receive();
  expect(await heard(peer)).toStrictEqual([hex(vector('credit'))]);
  await peer.feed(vector('close'));
  expect((await receiver.receive()).done).toBe(true);
  expect(await heard(peer)).toStrictEqual([hex(vector('done'))]);
  peer.session.abort();
});

test('a listener that sends home what it got says so in the golden frames', async () => {
  const peer = new RawPeer('listener');
  await peer.feed(...['hello', 'open', 'data references'].map(vector));
  const { receiver } = await peer.session.accept();
  const { value } = await receiver.receive();
  const back = peer.session.open();
  await peer.frames();
  await back.send(value);
  const said = (await heard(peer)).join('');
  expect(said).toBe(hex(concat([vector('home'), vector('data home')])));
  peer.session.abort();
});

/** What a listener makes of a transcript: everything that came out of it, and what it answered. */
async function outcome(reads: readonly Uint8Array[]): Promise<unknown> {
  const peer = new RawPeer('listener');
  for (const read of reads) peer.carrier.events?.data(read);
  await settle();
  const { receiver, target } = await peer.session.accept();
  const values: unknown[] = [];
  const streams: Uint8Array[] = [];
  for (let result = receiver.tryReceive(); result?.done === false; result = receiver.tryReceive()) {
    if (!Array.isArray(result.value)) {
      values.push(result.value);
      continue;
    }
    const reader = result.value[2] as ReturnType<typeof bytePipe>['reader'];
    for (let chunk = reader.tryRead(); chunk; chunk = reader.tryRead()) streams.push(chunk);
  }
  await settle();
  const answers = concat(peer.carrier.written);
  peer.session.abort();
  return {
    target,
    values,
    stream: hex(concat(streams)),
    answers: parseFrames(answers).map(({ type, id }) => [type, id]),
  };
}

test('a transcript cut at any byte, read byte by byte, or in one read gives the same', async () => {
  const transcript = concat(
    [
      'hello',
      'open',
      'data',
      'data return',
      'data references',
      'bytes',
      'data acknowledged',
      'close stream',
      'ping',
      'close',
    ].map(vector),
  );
  const whole = await outcome([transcript]);
  expect(whole).toMatchObject({ target: 'greet', stream: '010203' });
  expect(await outcome([...transcript].map((byte) => Uint8Array.of(byte)))).toStrictEqual(whole);
  for (let cut = 1; cut < transcript.length; cut++) {
    expect(await outcome([transcript.slice(0, cut), transcript.slice(cut)])).toStrictEqual(whole);
  }
});

test('a thousand frames in one read are a thousand messages', async () => {
  const peer = new RawPeer('listener');
  await peer.feed(vector('hello'), vector('open'), ...Array<Uint8Array>(1000).fill(vector('data')));
  const { receiver } = await peer.session.accept();
  for (let i = 0; i < 1000; i++) expect(receiver.tryReceive()).toMatchObject({ value: 'hi' });
  expect(receiver.tryReceive()).toBe(undefined);
  peer.session.abort();
});
