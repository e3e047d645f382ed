import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stampOf } from '../../src/session/caller.js';
import { TestClient } from '../support/request.js';
import { idA, idB, Rig } from '../support/rig.js';

let a: Rig;
let b: Rig;

beforeEach(async () => {
  a = await Rig.open({ id: idA, limits: { proofMs: 20 } });
  b = await Rig.open({ id: idB, limits: { proofMs: 20 } });
  a.link(b);
});
afterEach(async () => {
  await a.close();
  await b.close();
});

test('a request for another server is spliced through, with its streams and answers', async () => {
  const client = a.client('act', idB);
  const path = `/${idB}/c`;
  expect(await client.call('ping', {})).toMatchObject({ id: idB });
  await client.call('mkchan', { path, capacity: 0 });
  const send = client.ask('send', { path, content: { type: 'value', value: { deep: [1] } } });
  const recv = client.ask('recv', { path });
  const told = await recv.next();
  expect(told?.event.content).toEqual({ type: 'value', value: { deep: [1] } });
  await told?.ret.send({ type: 'acknowledged', bytes: 1 });
  told?.ret.close();
  expect((await send.result).outcome).toBe('acknowledged');
});

test('a client that gives up through a relay is withdrawn at the owner', async () => {
  const client = a.client('act', idB);
  const path = `/${idB}/c`;
  await client.call('mkchan', { path, capacity: 0 });
  const recv = client.ask('recv', { path });
  await until('it waits', async () => (await client.call('stat', { path })).Receivers.length === 1);
  expect((await client.call('stat', { path })).Receivers[0]?.Who).toContain('memory');
  recv.giveUp();
  await until('it is gone', async () => (await client.call('stat', { path })).Receivers.length === 0);
  const other = a.client('act', idB);
  other.ask('recv', { path });
  await until('it waits', async () => (await client.call('stat', { path })).Receivers.length === 1);
  other.session.abort();
  await until('it is gone', async () => (await client.call('stat', { path })).Receivers.length === 0);
});

test('the owner grants the right of the client, not that of the relay', async () => {
  const reader = a.client('read', idB);
  expect(await reader.call('ls', { path: `/${idB}` })).toEqual({ entries: [] });
  await expect(reader.call('mkchan', { path: `/${idB}/c`, capacity: 0 })).rejects.toMatchObject({ code: 'denied' });
});

test('the owner grants no more than the relay has', async () => {
  a.link(b, 'read');
  await expect(a.client('act', idB).call('mkchan', { path: `/${idB}/c`, capacity: 0 })).rejects.toMatchObject({
    code: 'denied',
  });
});

test("a client's own stamp is refused", async () => {
  const session = a.dial('read');
  const channel = session.open({ origin: stampOf({ right: 'act', address: 'elsewhere' }) });
  await expect(channel.closed).rejects.toMatchObject({ code: 'denied' });
  expect(await new TestClient(session).call('ping', {})).toMatchObject({ id: idA });
});

test('a malformed stamp of a server is refused', async () => {
  const session = a.link(b);
  for (const origin of ['x', '{}', '{"right":"all","address":"x"}', '[]']) {
    const channel = session.open({ origin: Buffer.from(origin) });
    await expect(channel.closed).rejects.toMatchObject({ code: 'invalid' });
  }
});

test('unknown servers and targets that are none are told', async () => {
  const unknown = a.dial().open({ target: 'Xcccccccccccccccc' });
  await expect(unknown.closed).rejects.toMatchObject({
    code: 'not-found',
    message: 'no server Xcccccccccccccccc in this cluster',
  });
  await expect(a.dial().open({ target: 'nonsense' }).closed).rejects.toMatchObject({ code: 'invalid' });
});

test('a stamped channel goes no further than one server', async () => {
  b.link(a);
  const session = a.link(b);
  const channel = session.open({ target: idA, origin: stampOf({ right: 'act', address: 'x' }) });
  await expect(channel.closed).rejects.toMatchObject({ code: 'not-found' });
});

test('a lost server fails the requests that it was serving', async () => {
  const link = a.link(b);
  const client = a.client('act', idB);
  await client.call('mkchan', { path: `/${idB}/c`, capacity: 0 });
  const recv = client.ask('recv', { path: `/${idB}/c` });
  await until('it waits', async () => (await client.call('stat', { path: `/${idB}/c` })).Receivers.length === 1);
  link.abort();
  await expect(recv.result).rejects.toMatchObject({ code: expect.stringMatching(/aborted|peer-gone/) as string });
});
