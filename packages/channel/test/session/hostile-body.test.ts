import { expect, test } from 'vitest';
import * as dataFlag from '../../src/wire/data-flag.js';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { concat, data, frame, hello, open, RawPeer, varint } from '../support/raw-peer.js';

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const many = (count: number, ...bytes: number[]): number[] => Array.from({ length: count }, () => bytes).flat();

/** Sends `body` on a channel, in pieces if it is long, with references if there are some. */
function message(body: readonly number[], refs: readonly number[] = []): Uint8Array {
  const front = refs.length === 0 ? [] : [refs.length / 2, ...refs];
  const flags = refs.length === 0 ? 0 : dataFlag.refs;
  if (body.length <= 60_000) return data(1, body, flags, front);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += 60_000) {
    const last = at + 60_000 >= body.length;
    const first = at === 0 ? varint(body.length) : [];
    pieces.push(data(1, body.slice(at, at + 60_000), last ? 0 : dataFlag.more, first));
  }
  return concat(pieces);
}

/** MessagePack and JSON that is none, or that would take the process with it. */
const bodies: readonly [string, 'msgpack' | 'json', readonly number[]][] = [
  ['nothing at all', 'msgpack', []],
  ['an unused byte', 'msgpack', [0xc1]],
  ['a string cut short', 'msgpack', [0xa5, 0x61]],
  ['bytes behind the value', 'msgpack', [0x01, 0x02]],
  ['a list of four thousand million elements', 'msgpack', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['lists in lists that each claim thirty million elements', 'msgpack', many(100, 0xdd, 0x01, 0xff, 0xff, 0xff)],
  ['lists in lists that each claim what is left', 'msgpack', many(20_000, 0xdd, 0x00, 0x01, 0x00, 0x00)],
  ['a map of four thousand million entries', 'msgpack', [0xdf, 0xff, 0xff, 0xff, 0xff]],
  ['a string of four thousand million bytes', 'msgpack', [0xdb, 0xff, 0xff, 0xff, 0xff]],
  ['an extension of four thousand million bytes', 'msgpack', [0xc9, 0xff, 0xff, 0xff, 0xff, 0x05]],
  ['lists 600 deep', 'msgpack', [...many(600, 0x91), 0xc0]],
  ['lists a hundred thousand deep', 'msgpack', [...many(100_000, 0x91), 0xc0]],
  ['maps a hundred thousand deep', 'msgpack', [...many(100_000, 0x81, 0xa0), 0xc0]],
  ['extensions in extensions', 'msgpack', nestedExtensions(5_000)],
  ['a key named __proto__', 'msgpack', [0x81, 0xa9, ...utf8('__proto__'), 0x80]],
  ['a key that is a list', 'msgpack', [0x81, 0x90, 0x01]],
  ['an extension that nobody knows', 'msgpack', [0xd4, 0x32, 0x00]],
  ['the extension of timestamps', 'msgpack', [0xd6, 0xff, 0, 0, 0, 0]],
  ['a map extension of an odd list', 'msgpack', [0xc7, 2, 5, 0x91, 0x01]],
  ['a bigint that is none', 'msgpack', [0xc7, 3, 3, 0xa2, 0x31, 0x78]],
  ['a bigint of 5,000 digits', 'msgpack', [0xc8, 0x13, 0x8b, 3, 0xda, 0x13, 0x88, ...many(5000, 0x31)]],
  ['an error that is a number', 'msgpack', [0xd4, 7, 1]],
  ['a typed array of odd length', 'msgpack', [0xc7, 0x0f, 8, 0x92, 0xaa, ...utf8('Int16Array'), 0xc4, 1, 1]],
  ['a reference that did not come', 'msgpack', [0xd4, 0, 0]],
  ['a reference of no number', 'msgpack', [0xd4, 0, 0xc0]],
  ['no JSON', 'json', utf8('{"a":')],
  ['JSON of bad UTF-8', 'json', [0x22, 0xff, 0x22]],
  ['JSON lists 600 deep', 'json', [...many(600, 0x5b), ...many(600, 0x5d)]],
  ['JSON lists a million deep', 'json', many(1_000_000, 0x5b)],
  ['JSON objects a hundred thousand deep', 'json', utf8('{"a":'.repeat(100_000))],
  ['JSON with a key named __proto__', 'json', utf8('{"__proto__":{"polluted":1}}')],
  ['JSON with an escaped key named __proto__', 'json', utf8('{"\\u005f_proto__":{"polluted":1}}')],
  ['JSON with an unknown tag', 'json', utf8('{"$":[77,1]}')],
  ['JSON with a tag that is none', 'json', utf8('{"$":{}}')],
  ['JSON with bad base64', 'json', utf8('{"$":{"b":"*"}}')],
];

function nestedExtensions(depth: number): number[] {
  let body = [0xc0];
  const fronts: number[][] = [];
  let length = 1;
  for (let i = 0; i < depth; i++) {
    const front = [0xc9, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255, 6];
    fronts.push(front);
    length += front.length;
  }
  body = [...fronts.reverse().flat(), ...body];
  return body;
}

for (const [name, codec, body] of bodies) {
  test(`${codec}: ${name} ends that channel, not the session`, async () => {
    const peer = new RawPeer();
    await peer.feed(hello(), open(1, codec), open(3), message(body), data(3, [0x07]));
    const { receiver } = await peer.session.accept();
    const good = (await peer.session.accept()).receiver;
    const before = process.memoryUsage().rss;
    await expect(receiver.receive()).rejects.toMatchObject({
      code: 'protocol',
      message: expect.stringContaining('malformed message') as string,
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
    expect(await good.receive()).toMatchObject({ value: 7 });
    const cancel = (await peer.frames()).find((one) => one.type === frameType.cancel);
    expect(cancel?.id).toBe(1);
    expect(new TextDecoder().decode(cancel?.payload)).toContain('malformed message');
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
    await peer.feed(frame(frameType.close, 1), frame(frameType.close, 3));
    expect((await good.receive()).done).toBe(true);
    expect(peer.session.stats).toMatchObject({ channels: 0, unreadBytes: 0 });
    peer.session.abort();
  });
}

test('a body that names a reference twice, or leaves one out, ends the channel and refuses its ends', async () => {
  for (const body of [[0x92, 0xd4, 0, 0, 0xd4, 0, 0], [0xc0], [0xd4, 0, 1]]) {
    const peer = new RawPeer();
    await peer.feed(hello(), open(1), message(body, [refKind.sender, 3]));
    const { receiver } = await peer.session.accept();
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
    const answers = (await peer.frames()).map(({ type, id }) => [type, id]);
    expect(answers).toContainEqual([frameType.abort, 3]);
    expect(answers).toContainEqual([frameType.cancel, 1]);
    peer.session.abort();
  }
});

test('a message that does not decode is not acknowledged', async () => {
  const peer = new RawPeer();
  await peer.feed(hello(), open(1), data(1, [0xc1], dataFlag.ack));
  const { receiver } = await peer.session.accept();
  await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
  expect((await peer.frames()).map(({ type }) => type)).not.toContain(frameType.ack);
  peer.session.abort();
});
