import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CircuitError } from '@circuit/base';
import type { Pair } from '@circuit/channel/conformance';
import { openChannel } from '@circuit/channel/conformance';
import {
  dialSocket,
  dialVia,
  serveGateway,
  type SocketAddress,
  startGateway,
  startReverseGateway,
} from '@circuit/channel/gateway';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { describeEach, everyTransport } from '../support/every-transport.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { dialPlain, digest, endOf, fate, type PlainServer, plainServer, readText } from './sockets.js';

const scope = scopePerTest();

/** Where a gateway listens and what it reaches, in a folder of the test's own. */
const places: Readonly<Record<string, (folder: string, name: string) => SocketAddress>> = {
  'TCP addresses': () => ({ host: '127.0.0.1', port: 0 }),
  'socket files': (folder, name) => ({ path: join(folder, name) }),
};

interface Carrying {
  /** Where a client comes in. */
  readonly address: SocketAddress;
  readonly failures: { readonly error: CircuitError }[];
}

/** A gateway over `pair` from `listen` to `to`; whatever it listens on or dials `there` the far side does. */
type Way = (pair: Pair, listen: SocketAddress, to: SocketAddress) => Promise<Carrying>;

const ways: Readonly<Record<string, Way>> = {
  async 'from here to there'({ a, b }, listen, to) {
    const { sender, receiver } = await openChannel(a, b);
    serveGateway(receiver, { mayDial: () => true }).catch(() => undefined);
    const failures: Carrying['failures'] = [];
    const gateway = await startGateway({
      listen,
      dial: ({ signal }) => dialVia(sender, to, { signal }),
      onFailure: (failure) => failures.push(failure),
    });
    scope.defer(() => gateway.abort());
    return { address: gateway.address, failures };
  },
  async 'from there to here'({ a, b }, listen, to) {
    const { sender, receiver } = await openChannel(a, b);
    serveGateway(receiver, { mayListen: () => true }).catch(() => undefined);
    const failures: Carrying['failures'] = [];
    const gateway = await startReverseGateway({
      far: sender,
      listen,
      dial: ({ signal }) => dialSocket(to, { signal }),
      onFailure: (failure) => failures.push(failure),
    });
    scope.defer(async () => {
      gateway.close();
      await gateway.closed;
    });
    return { address: gateway.address, failures };
  },
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gateway-'));
  scope.defer(() => rm(path, { recursive: true }));
  return path;
}

async function server(onSocket: Parameters<typeof plainServer>[0], place: SocketAddress): Promise<PlainServer> {
  const made = await plainServer(onSocket, place);
  scope.defer(() => made.close());
  return made;
}

const bytes = randomBytes(3_000_001);
const expected = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };

describeEach(everyTransport, (_transport, connect) => {
  const pair = async (): Promise<Pair> => {
    const made = await connect();
    scope.defer(() => made.close());
    return made;
  };

  for (const [way, open] of Object.entries(ways)) {
    for (const [kind, place] of Object.entries(places)) {
      test(`${way}, ${kind}: all bytes arrive unchanged, and an answer behind the end of what was asked`, async () => {
        const own = await folder();
        const asked: unknown[] = [];
        const target = await server(
          (socket) => {
            void digest(socket).then((heard) => {
              asked.push(heard);
              socket.end(bytes);
            });
          },
          place(own, 'target'),
        );
        const { address } = await open(await pair(), place(own, 'front'), target.address);
        const clients = [await dialPlain(address), await dialPlain(address)];
        const answers = clients.map((client) => digest(client));
        for (const client of clients) client.end(bytes);
        expect(await Promise.all(answers)).toStrictEqual([expected, expected]);
        expect(asked).toStrictEqual([expected, expected]);
        await until('no connection to be left', () => target.sockets.size === 0);
      });

      test(`${way}, ${kind}: a dial that is refused ends the client's connection and is told`, async () => {
        const own = await folder();
        const gone = await plainServer(() => undefined, place(own, 'target'));
        await gone.close();
        const { address, failures } = await open(await pair(), place(own, 'front'), gone.address);
        if ('port' in address) expect(await fate(address)).toBe('ECONNRESET');
        else {
          // A socket file has no reset.
          const client = await dialPlain(address);
          scope.defer(() => void client.destroy());
          expect(await readText(client)).toBe('');
        }
        expect(failures).toMatchObject([{ error: { code: 'unreachable' } }]);
      });
    }

    test(`${way}: a reset passes, whoever it is from`, async () => {
      const place: SocketAddress = { host: '127.0.0.1', port: 0 };
      const ends: Promise<string>[] = [];
      const target = await server((socket) => {
        ends.push(endOf(socket));
        socket.write('hello');
      }, place);
      const { address } = await open(await pair(), place, target.address);
      const [one, two] = [await dialPlain(address), await dialPlain(address)];
      const twoEnds = endOf(two);
      await until('both to be there', () => target.sockets.size === 2);
      one.resetAndDestroy();
      expect(await Promise.race(ends)).toBe('ECONNRESET');
      await until('one to be left', () => target.sockets.size === 1);
      for (const socket of target.sockets) socket.resetAndDestroy();
      expect(await twoEnds).toBe('ECONNRESET');
    });
  }
});
