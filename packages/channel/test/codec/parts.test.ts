import { json, messagePack } from '@circuit/channel';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

const most = 1_048_576;

const tagged = (tag: number, body: unknown): unknown => ({ tag, body });

/** A list in MessagePack of `count` times `part`. */
function list(count: number, part: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(5 + count * part.length);
  new DataView(bytes.buffer).setUint32(1, count);
  bytes[0] = 0xdd;
  for (let i = 0; i < count; i++) bytes.set(part, 5 + i * part.length);
  return bytes;
}

/** An extension whose data is a list of 100 empty objects: 102 parts. */
const hiding = [0xc7, 103, 6, 0xdc, 0, 100, ...new Array<number>(100).fill(0x80)];

// The list is a part itself.
const bodies: readonly [string, number, readonly number[]][] = [
  ['empty objects', most - 1, [0x80]],
  ['empty lists', most - 1, [0x90]],
  ['values of other types', Math.floor((most - 1) / 2), [0xd4, 6, 0x90]],
  ['lists in extensions', Math.floor((most - 1) / 102), hiding],
];

test.each(bodies)('MessagePack: as many %s as a message may hold, and no more', (_name, count, part) => {
  const codec = messagePack();
  expect(codec.decode(list(count, part), tagged)).toHaveLength(count);
  expect(() => codec.decode(list(count + 1, part), tagged)).toThrow('more than 1048576 lists, objects and other');
  expect(codec.decode(list(2, [0x07]), tagged)).toStrictEqual([7, 7]);
});

test('JSON: as many objects as a message may hold, and no more', () => {
  const codec = json();
  const body = (count: number): Uint8Array => new TextEncoder().encode(`[${new Array(count).fill('{}').join(',')}]`);
  expect(codec.decode(body(most - 1), tagged)).toHaveLength(most - 1);
  expect(() => codec.decode(body(most), tagged)).toThrow('more than 1048576 lists, objects and other');
});

test('extensions six hundred deep are refused', () => {
  const nested = (inner: Uint8Array): Uint8Array => {
    const outer = new Uint8Array(inner.length + 6);
    outer[0] = 0xc9;
    new DataView(outer.buffer).setUint32(1, inner.length);
    outer[5] = 6;
    outer.set(inner, 6);
    return outer;
  };
  let bytes: Uint8Array = Uint8Array.of(0x90);
  for (let depth = 0; depth < 600; depth++) bytes = nested(bytes);
  expect(() => messagePack().decode(bytes, tagged)).toThrow('nested deeper than 512');
});

test.each([
  'msgpack',
  'json',
])('%s: the sender hears that a message has too many parts, and its channel goes on', async (codec) => {
  const pair = await connectMemory();
  const sender = pair.a.open({ codec });
  const parts = Array.from({ length: most }, () => ({}));
  await expect(sender.send(parts)).rejects.toMatchObject({
    code: 'limit',
    message: expect.stringContaining('more than 1048576 lists, objects and other') as string,
  });
  await sender.send('the next');
  const { receiver } = await pair.b.accept();
  expect(await receiver.receive()).toMatchObject({ value: 'the next' });
  sender.close();
  expect((await receiver.receive()).done).toBe(true);
  await pair.close();
});
