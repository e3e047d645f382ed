import { ManualClock, until } from '@circuit/testkit';
import { bytePipe, memoryPair, ChannelSession } from '@circuit/channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callerOf } from '../../src/session/caller.js';
import type { TestClient } from '../support/request.js';
import { idA, Rig } from '../support/rig.js';

let rig: Rig;
let client: TestClient;
const path = `/${idA}/c`;

beforeEach(async () => {
  rig = await Rig.open({ limits: { maxRequestsInFlight: 50 } });
  client = rig.client();
});
afterEach(() => rig.close());

async function answerTo(value: unknown): Promise<unknown> {
  const channel = client.session.open();
  const answers = await channel.send(value, { returns: true });
  const answer = await answers.receive({ returns: false });
  channel.close();
  return answer.value;
}

test('bad requests hear why, and nobody else is disturbed', async () => {
  for (const value of [
    null,
    42,
    {},
    { verb: 'nonsense' },
    { verb: 'ls', body: { path: 'no-slash' } },
    { verb: 'peek', body: {} },
  ])
    expect(await answerTo(value)).toMatchObject({ type: 'failure', error: { code: 'invalid' } });
  expect(await client.call('ping', {})).toMatchObject({ id: idA });
});

test('the stream of a refused request is cancelled', async () => {
  const { reader, writer } = bytePipe();
  const asked = client.ask('send', { path, content: { type: 'bytes', source: reader } });
  await expect(asked.result).rejects.toMatchObject({ code: 'not-found' });
  await expect(writer.closed).rejects.toMatchObject({ code: 'not-found' });
});

test('each verb wants its right', async () => {
  const reader = rig.client('read');
  await client.call('mkchan', { path, capacity: 1 });
  expect(await reader.call('stat', { path })).toMatchObject({ Cap: 1 });
  for (const verb of ['scrub', 'close', 'recv'] as const)
    await expect(reader.call(verb, { path })).rejects.toMatchObject({ code: 'denied' });
  await expect(reader.call('env', {})).rejects.toMatchObject({ code: 'denied' });
});

test('requests in flight are bounded, and those beyond hear it', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const waiting = Array.from({ length: 50 }, () => client.ask('recv', { path }));
  await expect(client.ask('recv', { path }).result).rejects.toMatchObject({ code: 'limit', retryable: true });
  const other = rig.client();
  expect((await other.call('stat', { path })).Receivers).toHaveLength(50);
  for (const recv of waiting) recv.giveUp();
  await until('all are withdrawn', async () => (await other.call('stat', { path })).Receivers.length === 0);
});

test('a lost session withdraws everything that waits, asked with or without a return channel', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const other = rig.client();
  other.ask('recv', { path });
  const silent = other.session.open();
  await silent.send({ verb: 'recv', body: { path } });
  await until('two wait', async () => (await client.call('stat', { path })).Receivers.length === 2);
  other.session.abort();
  await until('nobody waits', async () => (await client.call('stat', { path })).Receivers.length === 0);
});

test('a verb on an element of another kind is a conflict', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  await expect(client.call('wait', { path })).rejects.toMatchObject({ code: 'conflict', detail: 'wrong-kind' });
});

test('a session that says nothing is dropped', async () => {
  const clock = new ManualClock();
  const other = await Rig.open({ clock });
  const [near, far] = memoryPair();
  const theirs = new ChannelSession(far, 'listener', { clock });
  other.server.sessions.serve(theirs, callerOf(theirs.peer, 'act'));
  near.start({ data: () => undefined, drained: () => undefined, closed: () => undefined });
  await clock.advance(9_999);
  expect(other.server.sessions.size).toBe(1);
  await clock.advance(1);
  expect(other.server.sessions.size).toBe(0);
  await other.close();
});

test('sessions are bounded', async () => {
  const small = await Rig.open({ limits: { maxSessions: 1 } });
  const first = small.client();
  await first.call('ping', {});
  await small.dial().closed;
  expect(await first.call('ping', {})).toMatchObject({ id: idA });
  await small.close();
});
