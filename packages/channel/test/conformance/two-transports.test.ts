import { bytePipe, type ByteReader, copy, pipe, relay, type Sender } from '@circuit/channel';
import { collect, openChannel, readAll, take } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory, connectTcp, connectUnix } from '../support/transports.js';

/** As if each side were a process of its own. */
const apart = { b: { home: false } };

test('a request with a stream crosses three sessions and three transports, and the answer comes all the way back', async () => {
  const [first, second, third] = [await connectMemory(apart), await connectTcp(apart), await connectUnix(apart)];
  const one = await openChannel(first.a, first.b);
  const two = await openChannel(second.a, second.b);
  const three = await openChannel(third.a, third.b);
  relay(one.receiver, two.sender);
  const copying = copy(three.sender, two.receiver);
  const [input, progress] = [bytePipe(), pipe<string>(4)];
  const asking = one.sender.send({ input: input.reader, progress: progress.sender }, { returns: true });
  await input.writer.write(new Uint8Array(200_000).fill(7));
  input.writer.close();
  const { value, ret } = await take(three.receiver);
  const job = value as { input: ByteReader; progress: Sender<string> };
  await job.progress.send('begun');
  const bytes = await readAll(job.input);
  await job.progress.send('done');
  job.progress.close();
  const details = pipe<number>(1);
  await ret.send({ length: bytes.length, details: details.receiver });
  await details.sender.send(42);
  details.sender.close();
  ret.close();
  expect(await collect(progress.receiver)).toStrictEqual(['begun', 'done']);
  const answers = await asking;
  const answer = (await take(answers)).value as { length: number; details: typeof details.receiver };
  expect(answer.length).toBe(200_000);
  expect(await collect(answer.details)).toStrictEqual([42]);
  expect((await answers.receive()).done).toBe(true);
  one.sender.close();
  expect(await copying).toBe(1);
  three.sender.close();
  expect(await collect(three.receiver)).toStrictEqual([]);
  for (const pair of [first, second, third]) await pair.close();
});

test('when the session in the middle dies, both outer ones hear of it and nothing stays in their tables', async () => {
  const [first, second] = [await connectMemory(apart), await connectTcp(apart)];
  const one = await openChannel<string>(first.a, first.b);
  const two = await openChannel<string>(second.a, second.b);
  relay(one.receiver, two.sender);
  const asking = await one.sender.send('question', { returns: true });
  const { ret } = await take(two.receiver);
  const waiting = one.sender.send('never taken', { acknowledged: true });
  second.b.abort();
  await expect(asking.receive()).rejects.toMatchObject({ code: 'peer-gone' });
  await expect(waiting).rejects.toMatchObject({ code: 'outcome-unknown' });
  await expect(one.sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  await expect(ret.send('too late')).rejects.toMatchObject({ code: 'aborted' });
  expect(first.a.stats.channels).toBe(0);
  for (const pair of [first, second]) await pair.close();
});
