import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import type { Pair } from '@circuit/channel/conformance';
import {
  ConnectionBudget,
  dialVia,
  type FarSideOptions,
  type GatewayOptions,
  serveGateway,
  type SocketAddress,
  startGateway,
  startReverseGateway,
} from '@circuit/channel/gateway';
import { ManualClock, settle, until } from '@circuit/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { checkNothingOpen } from '../support/nothing-open.js';
import { connectTcp } from '../support/transports.js';
import { dialPlain, digest, endOf, fate, type PlainServer, plainServer, readText } from './sockets.js';

checkNothingOpen();

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

const all: FarSideOptions = { mayDial: () => true, mayListen: () => true };

/** A session whose far side serves gateways. */
async function sides(far: FarSideOptions = all): Promise<Pair & { readonly serving: Promise<void> }> {
  const pair = await connectTcp();
  releases.push(() => pair.close());
  const serving = pair.b.accept().then(({ receiver }) => serveGateway(receiver, far));
  serving.catch(() => undefined);
  return { ...pair, serving };
}

interface Failure {
  readonly from: string;
  readonly error: CircuitError;
}

/** A gateway on this side of `session` to `to` on the other. */
async function forward(
  session: Session,
  to: SocketAddress,
  options: Partial<GatewayOptions> = {},
): Promise<{ readonly address: SocketAddress; readonly failures: Failure[]; readonly connections: () => number }> {
  const far = session.open();
  const failures: Failure[] = [];
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    dial: ({ signal }) => dialVia(far, to, { signal }),
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  releases.push(() => gateway.abort());
  return { address: gateway.address, failures, connections: () => gateway.connections };
}

async function server(onSocket: (socket: Socket) => void): Promise<PlainServer> {
  const made = await plainServer(onSocket);
  releases.push(() => made.close());
  return made;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gateway-'));
  releases.push(() => rm(path, { recursive: true }));
  return path;
}

const echo = (socket: Socket): void => void socket.pipe(socket);

describe('a gateway that listens here', () => {
  test('carries both directions, each closed on its own', async () => {
    const { a, b } = await sides();
    const heard: Promise<string>[] = [];
    const far = await server((socket) => {
      const request = readText(socket);
      heard.push(request);
      void request.then((text) => socket.end(`answer to ${text}`));
    });
    const { address, connections } = await forward(a, far.address);
    const client = await dialPlain(address);
    client.end('request');
    expect(await readText(client)).toBe('answer to request');
    expect(await Promise.all(heard)).toEqual(['request']);
    await until('nothing to be left', () => connections() === 0 && far.sockets.size === 0);
    await until(
      'the table to hold the channel of requests only',
      () => a.stats.channels === 1 && b.stats.channels === 1,
    );
  });

  test('carries 64 MiB each way at once, unchanged', async () => {
    const { a } = await sides();
    const far = await server(echo);
    const { address } = await forward(a, far.address);
    const client = await dialPlain(address);
    const received = digest(client);
    const block = randomBytes(1_048_576);
    for (let i = 0; i < 64; i++) {
      if (!client.write(block)) await new Promise((resolve) => client.once('drain', resolve));
    }
    client.end();
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256');
    for (let i = 0; i < 64; i++) hash.update(block);
    expect(await received).toEqual({ bytes: 67_108_864, sha256: hash.digest('hex') });
  });

  test('holds a client back whose far side does not read, while another is carried', async () => {
    const { a } = await sides();
    const far = await server((socket) => {
      if (far.sockets.size === 1) socket.pause();
      else echo(socket);
    });
    const { address, connections } = await forward(a, far.address);
    const client = await dialPlain(address);
    const block = Buffer.alloc(1_048_576);
    for (let i = 0; i < 64; i++) client.write(block);
    await until('the far socket to be there', () => far.sockets.size === 1);
    // Had the first not been held back, it would have got through as much by then.
    const other = await dialPlain(address);
    const received = digest(other);
    for (let i = 0; i < 64; i++) other.write(block);
    other.end();
    expect((await received).bytes).toBe(64 * 1_048_576);
    expect(client.writableLength).toBeGreaterThan(16 * 1_048_576);
    expect(a.stats.unsentBytes).toBeLessThan(2 * 1_048_576);
    const ended = endOf(client);
    client.resetAndDestroy();
    await ended;
    // Nobody hears of a reset without reading; behind unread bytes only a write tells it from an end.
    const cut = [...far.sockets].map((socket) => {
      socket.once('end', () => void socket.write('anybody there?'));
      return endOf(socket);
    });
    for (const end of await Promise.all(cut)) expect(end).toMatch(/EPIPE|ECONNRESET/);
    await until('the gateway to have let go of it', () => connections() === 0);
  });

  test('passes a reset on, both ways', async () => {
    const { a } = await sides();
    const ends: Promise<string>[] = [];
    const far = await server((socket) => {
      ends.push(endOf(socket));
      socket.write('hello');
    });
    const { address } = await forward(a, far.address);
    const [one, two] = [await dialPlain(address), await dialPlain(address)];
    const twoEnds = endOf(two);
    await until('both to be there', () => far.sockets.size === 2);
    one.resetAndDestroy();
    await until('the far socket to be gone', () => far.sockets.size === 1);
    expect(await Promise.race(ends)).toBe('ECONNRESET');
    for (const socket of far.sockets) socket.resetAndDestroy();
    expect(await twoEnds).toBe('ECONNRESET');
  });

  test('a refused dial and an unknown host reset the client and are told', async () => {
    const { a } = await sides();
    const gone = await plainServer(echo);
    await gone.close();
    const refused = await forward(a, gone.address);
    expect(await fate(refused.address)).toBe('ECONNRESET');
    expect(refused.failures).toMatchObject([{ error: { code: 'unreachable', message: /refused/ } }]);
  });

  test('an unknown host is told with its name', async () => {
    const { a } = await sides();
    const { address, failures } = await forward(a, { host: 'no-such-host.invalid', port: 80 });
    await fate(address);
    expect(failures[0]?.error.code).toBe('unreachable');
    expect(failures[0]?.error.message).toContain('tcp no-such-host.invalid:80');
  });

  test('an address that the far side does not allow is denied', async () => {
    const { a } = await sides({ mayDial: (address) => 'port' in address && address.port === 1 });
    const { address, failures } = await forward(a, { host: '127.0.0.1', port: 2 });
    await fate(address);
    expect(failures[0]?.error.code).toBe('denied');
  });

  test('one connection more than allowed is reset and told', async () => {
    const { a } = await sides();
    const far = await server(echo);
    const { address, failures, connections } = await forward(a, far.address, { maxConnections: 2 });
    const kept = [await dialPlain(address), await dialPlain(address)];
    await until('two to be carried', () => far.sockets.size === 2);
    expect(await fate(address)).toBe('ECONNRESET');
    expect(failures).toMatchObject([{ error: { code: 'limit' } }]);
    for (const client of kept) client.destroy();
    await until('room again', () => connections() === 0);
    const next = await dialPlain(address);
    next.end('x');
    expect(await readText(next)).toBe('x');
  });

  test('the far side bounds its connections too', async () => {
    const { a } = await sides({ ...all, budget: new ConnectionBudget(1) });
    const far = await server(echo);
    const { address, failures } = await forward(a, far.address);
    const first = await dialPlain(address);
    await until('the first to be carried', () => far.sockets.size === 1);
    expect(await fate(address)).toBe('ECONNRESET');
    expect(failures).toMatchObject([{ error: { code: 'limit' } }]);
    first.destroy();
  });

  test('a client that hangs up before the dial is done gives the dial up', async () => {
    const given = new Promise<AbortSignal>((resolve) => {
      void sides().then(async ({ a }) => {
        const { address } = await forward(
          a,
          { path: '/unused' },
          {
            dial: ({ signal }) => {
              resolve(signal as AbortSignal);
              return new Promise((_, reject) =>
                signal?.addEventListener('abort', () => reject(signal.reason as Error)),
              );
            },
          },
        );
        (await dialPlain(address)).on('error', () => undefined).resetAndDestroy();
      });
    });
    const signal = await given;
    await until('the dial to be given up', () => signal.aborted);
  });

  test('a dial that takes too long is given up and told', async () => {
    const { a } = await sides();
    const never: GatewayOptions['dial'] = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    const clock = new ManualClock();
    const { address, failures } = await forward(a, { path: '/unused' }, { dial: never, dialMs: 50, clock });
    const end = fate(address);
    await until('the dial to be under way', () => clock.pending === 1);
    await clock.advance(50);
    expect(await end).toBe('ECONNRESET');
    expect(failures).toMatchObject([{ error: { code: 'timeout' } }]);
  });

  test('the end of the session resets what it carried', async () => {
    const { a } = await sides();
    const far = await server(echo);
    const { address, failures } = await forward(a, far.address);
    const client = await dialPlain(address);
    await until('it to be carried', () => far.sockets.size === 1);
    client.write('x');
    await once(client, 'data');
    const ended = endOf(client);
    a.abort();
    expect(await ended).toBe('ECONNRESET');
    await until('the far socket to be gone', () => far.sockets.size === 0);
    expect(await fate(address)).toBe('ECONNRESET');
    expect(failures).toHaveLength(1);
  });

  test('close takes no more and lets what is open end by itself', async () => {
    const { a } = await sides();
    const far = await server(echo);
    const sender = a.open();
    const gateway = await startGateway({
      listen: { host: '127.0.0.1', port: 0 },
      dial: ({ signal }) => dialVia(sender, far.address, { signal }),
    });
    const client = await dialPlain(gateway.address);
    await until('it to be carried', () => far.sockets.size === 1);
    let open = true;
    const closed = gateway.close().then(() => (open = false));
    await expect(dialPlain(gateway.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await settle();
    expect(open).toBe(true);
    client.end('last words');
    expect(await readText(client)).toBe('last words');
    await closed;
    await gateway.close();
  });

  test('close resets what does not end by itself when the grace time is over', async () => {
    const { a } = await sides();
    const far = await server(() => undefined);
    const sender = a.open();
    const clock = new ManualClock();
    const gateway = await startGateway({
      listen: { host: '127.0.0.1', port: 0 },
      dial: ({ signal }) => dialVia(sender, far.address, { signal }),
      graceMs: 700,
      clock,
    });
    const ended = endOf(await dialPlain(gateway.address));
    await until('it to be carried', () => far.sockets.size === 1);
    const closed = gateway.close();
    await settle();
    await clock.advance(699);
    expect(gateway.connections).toBe(1);
    await clock.advance(1);
    await closed;
    expect(await ended).toBe('ECONNRESET');
    expect(gateway.connections).toBe(0);
  });

  test('carries from a socket file to a socket file; a file in use is a conflict', async () => {
    const { a } = await sides();
    const path = join(await folder(), 'near');
    const far = await server(echo);
    const farPath = join(await folder(), 'far');
    // The far socket file is itself a gateway, back to where it came from.
    const second = (await sides()).a.open();
    const back = await startGateway({
      listen: { path: farPath },
      dial: ({ signal }) => dialVia(second, far.address, { signal }),
    });
    releases.push(() => back.abort());
    const { address } = await forward(a, { path: farPath }, { listen: { path } });
    expect(address).toEqual({ path });
    const client = await dialPlain(address);
    client.end('through two');
    expect(await readText(client)).toBe('through two');
    await expect(forward(a, far.address, { listen: { path } })).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a gateway that listens on the far side', () => {
  test('carries what comes in over there to here', async () => {
    const { a, b } = await sides();
    const near = await server(echo);
    const failures: Failure[] = [];
    const gateway = await startReverseGateway({
      far: a.open(),
      listen: { host: '127.0.0.1', port: 0 },
      dial: async ({ signal }) => {
        const { dialSocket } = await import('@circuit/channel/gateway');
        return dialSocket(near.address, { signal });
      },
      onFailure: (failure) => failures.push(failure),
    });
    const client = await dialPlain(gateway.address);
    client.end('from afar');
    expect(await readText(client)).toBe('from afar');
    await near.close();
    releases.splice(releases.length - 1);
    expect(await fate(gateway.address)).toBe('ECONNRESET');
    expect(failures).toMatchObject([{ error: { code: 'unreachable' } }]);
    gateway.close();
    await gateway.closed;
    await until('the port to be closed', async () => {
      try {
        (await dialPlain(gateway.address)).destroy();
        return false;
      } catch {
        return true;
      }
    });
    await until('the table to be empty but for the requests', () => a.stats.channels === 1 && b.stats.channels === 1);
  });

  test('is denied where it is not allowed, and a port in use is a conflict', async () => {
    const near = await server(echo);
    const strict = await sides({ mayDial: () => true });
    const dial = (): never => {
      throw new Error('unused');
    };
    await expect(startReverseGateway({ far: strict.a.open(), listen: near.address, dial })).rejects.toMatchObject({
      code: 'denied',
    });
    const { a } = await sides();
    await expect(startReverseGateway({ far: a.open(), listen: near.address, dial })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('ends when the session does', async () => {
    const { a, b } = await sides();
    const gateway = await startReverseGateway({
      far: a.open(),
      listen: { host: '127.0.0.1', port: 0 },
      dial: () => Promise.reject(new Error('unused')),
    });
    b.abort();
    await expect(gateway.closed).rejects.toMatchObject({ code: 'peer-gone' });
  });
});

test('bytes from outside: malformed requests are refused by name and harm nothing', async () => {
  const { a } = await sides();
  const far = a.open();
  const strange = [
    null,
    7,
    {},
    { type: 'dial' },
    { type: 'dial', address: 5 },
    { type: 'run', address: { path: 'x' } },
  ];
  const addresses = [
    { host: 'h', port: 70_000 },
    { host: 'h\0', port: 1 },
    { path: 'x'.repeat(200) },
    { host: 'h', port: 0 },
  ];
  for (const request of [...strange, ...addresses.map((address) => ({ type: 'dial', address }))]) {
    const answers = await far.send(request, { returns: true });
    await expect(answers.receive()).rejects.toMatchObject({ code: 'invalid' });
  }
  const target = await server(echo);
  const { address } = await forward(a, target.address, {
    dial: ({ signal }) => dialVia(far, target.address, { signal }),
  });
  const client = await dialPlain(address);
  client.end('still there');
  expect(await readText(client)).toBe('still there');
});
