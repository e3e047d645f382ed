import type { ProfileName } from '@circuit/protocol';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestClient } from '../support/request.js';
import { idA, Rig } from '../support/rig.js';

let rig: Rig;
let client: TestClient;

beforeEach(async () => {
  rig = await Rig.open();
  client = rig.client();
});
afterEach(() => rig.close());

async function profile(name: ProfileName): Promise<string> {
  const asked = client.ask('profile', { name, ms: 50 });
  const told = await asked.next();
  const chunks: Uint8Array[] = [];
  if (told?.event.type === 'open') for await (const chunk of told.event.source) chunks.push(chunk);
  expect(await asked.result).toEqual({});
  return Buffer.concat(chunks).toString();
}

test('peek tells who the server is and how busy', async () => {
  const { kind, element, state } = await client.call('peek', { path: `/${idA}` });
  expect([kind, element]).toEqual(['server', 0]);
  expect(state).toMatchObject({
    Id: idA,
    Addr: 'circuit://127.0.0.1:4600',
    Name: 'host',
    Joined: expect.any(String) as string,
  });
  expect(state).toMatchObject({ Load: expect.any(Number) as number, LagMs: expect.any(Number) as number });
});

test('env is the environment of the server', async () => {
  expect((await client.call('env', {})).env).toContain(`PATH=${process.env['PATH'] ?? ''}`);
});

test('servers and ping name this server', async () => {
  expect((await client.call('servers', {})).members.map(({ id }) => id)).toEqual([idA]);
  expect(await client.call('ping', {})).toMatchObject({ id: idA, protocol: 1 });
});

test('rejoin asks the cluster', async () => {
  expect(await client.call('rejoin', { address: '127.0.0.1:4600' })).toEqual({ changed: false, members: 1 });
});

test('suicide is answered first', async () => {
  expect(await client.call('suicide', {})).toEqual({});
  await until('the end was asked for', () => rig.suicides === 1);
});

test('profiles are what the tools of the field read', async () => {
  expect(await profile('stack')).toMatch(/^stack\n[^]*memory/);
  expect(await profile('handles')).toContain('active');
  expect(JSON.parse(await profile('cpu'))).toHaveProperty('nodes');
  expect(JSON.parse(await profile('heap'))).toHaveProperty('snapshot');
});

test('a profile that nobody waits for is given up', async () => {
  const asked = client.ask('profile', { name: 'cpu', ms: 600_000 });
  await asked.next();
  asked.giveUp();
  await until('it is over', () => client.session.stats.channels === 1);
});
