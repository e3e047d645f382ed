import { ChannelSession, memoryPair, type Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { expect, test } from 'vitest';
import { Homecomings } from '../../src/home/homecomings.js';
import { liveObjects } from '../support/live-objects.js';

// Alone in its file: it counts what the process knows, and sessions of other tests may still be ending.
test('a session whose authentication cannot begin is known to nobody', async () => {
  const make = (): Session =>
    new ChannelSession(memoryPair()[0], 'listener', { auth: keyAuth({ identity: 'me', key: new Uint8Array(32) }) });
  const before = await liveObjects(Homecomings);
  for (let i = 0; i < 10; i++) expect(make).toThrow('key');
  expect(await liveObjects(Homecomings)).toBe(before);
});
