import { bytePipe, type ByteReader, type ByteWriter } from '@circuit/channel';
import { openChannel, type Pair, take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { pumpBytes } from '../../src/local/pump.js';
import type { RawReader } from '../../src/local/raw.js';
import { InBytes } from '../../src/session/in-bytes.js';
import { OutBytes } from '../../src/session/out-bytes.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { connectMemory } from '../support/transports.js';

const scope = scopePerTest();

/** What a page does with both, for which nothing is spliced. */
function pumpAsInPage(from: InBytes, to: OutBytes): Promise<void> {
  const reader: RawReader = {
    readNow: (options) => from.readNow(options),
    cancelNow: (reason) => from.cancelNow(reason),
    relay: () => from.relay(),
    relayDone: () => from.relayDone(),
  };
  return pumpBytes(reader, to);
}

const ways = [
  ['as it comes', pumpBytes],
  ['as in a page', pumpAsInPage],
] as const;

async function pairOf(): Promise<Pair> {
  const pair = await connectMemory({ a: { home: false }, b: { home: false } });
  scope.defer(() => pair.a.abort());
  scope.defer(() => pair.b.abort());
  return pair;
}

/** A stream that comes in by one session and one that goes on by another, with their far ends. */
async function streams(): Promise<{
  writer: ByteWriter;
  from: InBytes;
  to: OutBytes;
  reader: ByteReader;
}> {
  const [first, second] = [await pairOf(), await pairOf()];
  const [come, onward] = [bytePipe(), bytePipe()];
  const incoming = await openChannel(first.a, first.b);
  await incoming.sender.send(come.reader);
  const outgoing = await openChannel(second.b, second.a);
  await outgoing.sender.send(onward.writer);
  const { value: from } = await take(incoming.receiver);
  const { value: to } = await take(outgoing.receiver);
  if (!(from instanceof InBytes) || !(to instanceof OutBytes)) throw new Error('no halves of streams');
  return { writer: come.writer, from, to, reader: onward.reader };
}

test.each(
  ways,
)('bytes and their end are passed on %s, and are taken when the far side has taken them', async (_how, pass) => {
  const { writer, from, to, reader } = await streams();
  void pass(from, to);
  for (let i = 0; i < 300; i++) await writer.write(Uint8Array.of(i));
  writer.close();
  let taken = false;
  void writer.closed.then(() => (taken = true));
  for (let i = 0; i < 20; i++) await settle();
  expect(taken).toBe(false);
  const bytes: number[] = [];
  for await (const chunk of reader) bytes.push(...chunk);
  expect(bytes).toStrictEqual(Array.from({ length: 300 }, (_, i) => i % 256));
  await writer.closed;
});

test.each(
  ways,
)('what is passed on %s to a closed stream goes nowhere, and its writer hears of it', async (_how, pass) => {
  const { writer, from, to, reader } = await streams();
  to.close();
  void pass(from, to);
  await writer.write(Uint8Array.of(1)).catch(() => undefined);
  await expect(writer.closed).rejects.toMatchObject({ code: 'closed' });
  await expect(reader.read()).resolves.toBeUndefined();
});

test.each(ways)('an abort and a cancel are passed on %s', async (_how, pass) => {
  const one = await streams();
  void pass(one.from, one.to);
  await one.writer.write(Uint8Array.of(1));
  one.writer.abort(new Error('enough written'));
  await expect(one.reader.read().then(() => one.reader.read())).rejects.toMatchObject({
    code: 'aborted',
    message: 'enough written',
  });
  const other = await streams();
  void pass(other.from, other.to);
  other.reader.cancel(new Error('enough read'));
  await expect(other.writer.closed).rejects.toMatchObject({ code: 'aborted', message: 'enough read' });
});
