import { bytePipe, type ByteReader, type ByteWriter } from '@circuit/channel';
import { openChannel, type Pair, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { InBytes } from '../../src/session/in-bytes.js';
import { OutBytes } from '../../src/session/out-bytes.js';
import { spliceBytes as spliceInPage } from '../../src/session/page-splice-bytes.js';
import { spliceBytes } from '../../src/session/splice-bytes.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { connectMemory } from '../support/transports.js';

const scope = scopePerTest();
const ways = [
  ['in Node', spliceBytes],
  ['in a page', spliceInPage],
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

test.each(ways)('bytes and their end are passed on %s', async (_where, splice) => {
  const { writer, from, to, reader } = await streams();
  void splice(from, to);
  for (let i = 0; i < 300; i++) await writer.write(Uint8Array.of(i));
  writer.close();
  const bytes: number[] = [];
  for await (const chunk of reader) bytes.push(...chunk);
  expect(bytes).toStrictEqual(Array.from({ length: 300 }, (_, i) => i % 256));
  await writer.closed;
});

test.each(
  ways,
)('what is to be passed on to a closed stream %s is cancelled and goes nowhere', async (_where, splice) => {
  const { writer, from, to, reader } = await streams();
  to.close();
  void splice(from, to);
  await expect(writer.closed).rejects.toMatchObject({ code: 'closed' });
  await expect(reader.read()).resolves.toBeUndefined();
});

test.each(ways)('an abort and a cancel go through %s', async (_where, splice) => {
  const one = await streams();
  void splice(one.from, one.to);
  await one.writer.write(Uint8Array.of(1));
  one.writer.abort(new Error('enough written'));
  await expect(one.reader.read().then(() => one.reader.read())).rejects.toMatchObject({
    code: 'aborted',
    message: 'enough written',
  });
  const other = await streams();
  void splice(other.from, other.to);
  other.reader.cancel(new Error('enough read'));
  await expect(other.writer.closed).rejects.toMatchObject({ code: 'aborted', message: 'enough read' });
});
