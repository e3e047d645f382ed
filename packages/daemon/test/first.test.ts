import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { idA, openKeepers, Rig } from './support/rig.js';

test('a process is made, read and waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'circuit-daemon-'));
  const keepers = await openKeepers(folder);
  const rig = await Rig.open({ keepers, folder });
  const client = rig.client();
  const path = `/${idA}/p`;
  const made = await client.call('mkproc', { path, cmd: { path: 'sh', args: ['-c', 'echo hello; exit 3'] } });
  expect(made.pid).toBeGreaterThan(1);
  const output = client.ask('output', { path, stream: 'stdout' });
  const told = await output.next();
  let text = '';
  if (told?.event.type === 'segment')
    for await (const chunk of told.event.source) text += Buffer.from(chunk).toString();
  expect(text).toBe('hello\n');
  expect(await output.result).toEqual({ offset: 6, ended: true });
  const state = await client.call('wait', { path, element: made.element });
  expect(state).toMatchObject({ Phase: 'exited', ExitCode: 3, Exit: 'exit status 3' });
  expect(await client.call('ls', { path: `/${idA}`, long: true })).toEqual({
    entries: [{ path, hasChildren: false, kind: 'proc', element: made.element }],
  });
  await rig.close();
  await keepers.shutdown();
  await rm(folder, { recursive: true });
});

test('a value goes through a channel', async () => {
  const rig = await Rig.open();
  const client = rig.client();
  const path = `/${idA}/c`;
  await client.call('mkchan', { path, capacity: 0 });
  const send = client.ask('send', { path, content: { type: 'value', value: 42 } });
  const recv = client.ask('recv', { path });
  const told = await recv.next();
  expect(told?.event).toEqual({ type: 'message', content: { type: 'value', value: 42 }, redelivered: false });
  await told?.ret.send({ type: 'acknowledged', bytes: 8 });
  told?.ret.close();
  expect(await recv.result).toEqual({ bytes: 8 });
  expect(await send.result).toEqual({ outcome: 'acknowledged', bytes: 8 });
  await rig.close();
});
