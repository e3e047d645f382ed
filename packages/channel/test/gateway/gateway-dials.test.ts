import type { CircuitError } from '@circuit/base';
import { type ByteDuplex, bytePipe } from '@circuit/channel';
import { dialSocket, type GatewayOptions, startGateway, startReverseGateway } from '@circuit/channel/gateway';
import { ManualClock, until } from '@circuit/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { dialPlain, fate } from './sockets.js';

checkNothingOpen();

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function gateway(options: Omit<GatewayOptions, 'listen'>): ReturnType<typeof startGateway> {
  const made = await startGateway({ listen: { host: '127.0.0.1', port: 0 }, ...options });
  releases.push(() => made.abort());
  return made;
}

describe('a dial that does not listen to its signal', () => {
  test('is given up when its time is over; what it gives later is ended', async () => {
    const clock = new ManualClock();
    const failures: CircuitError[] = [];
    let give: (duplex: ByteDuplex) => void = () => undefined;
    const { address } = await gateway({
      dial: () => new Promise((resolve) => (give = resolve)),
      dialMs: 50,
      clock,
      onFailure: ({ error }) => failures.push(error),
    });
    const end = fate(address);
    await until('the dial to be under way', () => clock.pending === 1);
    await clock.advance(50);
    expect(await end).toBe('ECONNRESET');
    expect(failures).toMatchObject([{ code: 'timeout' }]);
    const [there, back] = [bytePipe(), bytePipe()];
    give({ reader: back.reader, writer: there.writer });
    await expect(there.reader.read()).rejects.toMatchObject({ code: 'timeout' });
    await expect(back.writer.closed).rejects.toMatchObject({ code: 'timeout' });
    expect(failures).toHaveLength(1);
  });

  test('is given up when the client hangs up', async () => {
    const failures: CircuitError[] = [];
    let dialled = false;
    const { address } = await gateway({
      dial() {
        dialled = true;
        return new Promise(() => undefined);
      },
      onFailure: ({ error }) => failures.push(error),
    });
    const client = await dialPlain(address);
    await until('the dial to be under way', () => dialled);
    client.resetAndDestroy();
    await until('it to be told', () => failures.length === 1);
    expect(failures).toMatchObject([{ code: 'peer-gone' }]);
  });
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('of the application');
    },
  ],
  ['rejects', () => Promise.reject(new Error('of the application'))],
])('an onFailure that %s harms nobody: a failed dial, one connection too many', async (_, onFailure) => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listen).on('uncaughtException', listen);
  try {
    let told = 0;
    const { address } = await gateway({
      dial: () => Promise.reject(new Error('nobody there')),
      onFailure() {
        told++;
        return onFailure();
      },
      maxConnections: 1,
    });
    await Promise.all([fate(address), fate(address), fate(address)]);
    expect(await fate(address)).toBe('ECONNRESET');
    expect(told).toBe(4);
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', listen).off('uncaughtException', listen);
  }
});

describe('what cannot work is `invalid` before anything is begun', () => {
  const dial = (): Promise<ByteDuplex> => Promise.reject(new Error('unused'));
  const listen = { host: '127.0.0.1', port: 0 };

  test.each<[string, object, RegExp]>([
    ['a port below 0', { listen: { host: '127.0.0.1', port: -1 }, dial }, /port is -1: give 0 to 65535/],
    ['no port', { listen: { host: '127.0.0.1' }, dial }, /port is absent/],
    [
      'a path of 200 bytes',
      { listen: { path: 'x'.repeat(200) }, dial },
      /path is "x+: give a path of at most 100 bytes/,
    ],
    ['no address', { listen: 5, dial }, /an address is 5: give/],
    ['a dial that is no function', { listen, dial: 5 }, /dial of type number, want a function/],
    ['a time below 0', { listen, dial, dialMs: -1 }, /dialMs: -1/],
    ['a number of connections that is none', { listen, dial, maxConnections: Number.NaN }, /maxConnections NaN/],
  ])('%s', async (_, options, message) => {
    await expect(startGateway(options as GatewayOptions)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  test('the same of a reverse gateway, and of a dial of a socket', async () => {
    const reverse = { listen, dial: 5 } as unknown as Parameters<typeof startReverseGateway>[0];
    await expect(startReverseGateway(reverse)).rejects.toMatchObject({ code: 'invalid' });
    await expect(dialSocket({ host: '127.0.0.1', port: 70_000 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(dialSocket({ path: 'x'.repeat(200) })).rejects.toMatchObject({ code: 'invalid' });
  });
});
