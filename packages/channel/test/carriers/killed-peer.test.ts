import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteReader, ByteWriter, Receiver, Sender } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { listen, type ListenOptions } from '@circuit/channel/dial';
import { requires } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { certificates } from '../support/certificates.js';
import { startProcess } from '../support/process.js';
import { startHaproxy } from '../support/proxy.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

interface Carrier {
  /** What the session says of itself; default: the name. */
  readonly carrier?: string;
  readonly address: string | ((folder: string) => string);
  readonly listen?: () => Promise<ListenOptions>;
  /** What the peer dials with; of a key the bytes are a list. */
  readonly dial?: () => Promise<object>;
  /** Puts itself in front of the listener at `url`; its own address. */
  readonly proxy?: (url: string) => Promise<string>;
}

const key = [...randomBytes(32)];

/** Certificates on both sides; over HTTP that of the listener alone. */
const encrypted = async (): Promise<ListenOptions> => ({ http: { tls: (await certificates()).server } });
const trusting = async (): Promise<object> => ({ http: { tls: { ca: (await certificates()).authority.cert } } });

/** Every carrier between processes. */
const carriers: Readonly<Record<string, Carrier>> = {
  tcp: { address: 'tcp://127.0.0.1:0' },
  unix: { address: (folder) => `unix:${join(folder, 's')}` },
  tls: {
    address: 'tls://127.0.0.1:0',
    listen: () => Promise.resolve({ tls: { pskFor: () => Uint8Array.from(key) } }),
    dial: () => Promise.resolve({ tls: { psk: { identity: 'doomed', key } } }),
  },
  'tls with certificates': {
    carrier: 'tls',
    address: 'tls://127.0.0.1:0',
    async listen() {
      const { authority, server } = await certificates();
      return { tls: { certificates: { ...server, ca: authority.cert, requestCert: true } } };
    },
    async dial() {
      const { authority, worker } = await certificates();
      return { tls: { certificates: { ...worker, ca: authority.cert } } };
    },
  },
  websocket: { address: 'ws://127.0.0.1:0/' },
  'websocket over tls': {
    carrier: 'websocket',
    address: 'wss://127.0.0.1:0/',
    listen: encrypted,
    dial: trusting,
  },
  http2: { address: 'http://127.0.0.1:0/' },
  'http2 over tls': { carrier: 'http2', address: 'https://127.0.0.1:0/', listen: encrypted, dial: trusting },
  'http2 through haproxy': {
    carrier: 'http2',
    address: 'http://127.0.0.1:0/',
    async proxy(url) {
      const server = `server one ${new URL(url).host} proto h2`;
      const proxy = scope.use(
        await startHaproxy((port) => `listen all\n  bind 127.0.0.1:${port} proto h2\n  ${server}\n`),
      );
      return `http://127.0.0.1:${proxy.port}/`;
    },
  },
};

describe.each(Object.entries(carriers))('%s', (name, { carrier = name, address, ...road }) => {
  test.skipIf(road.proxy !== undefined && !requires('haproxy'))(
    'a peer that is killed fails every open channel and stream with peer-gone, none with a clean end',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'channel-'));
      scope.defer(() => rm(folder, { recursive: true }));
      // Without keep-alive only the carrier itself can find out.
      const options = { session: { keepAliveMs: 0 }, ...(await road.listen?.()) };
      const place = typeof address === 'string' ? address : address(folder);
      const listener = scope.use(await listen(place, options, arrivals.take));
      const url = (await road.proxy?.(listener.url)) ?? listener.url;
      const peer = await startProcess('doomed-peer.ts', [url, JSON.stringify((await road.dial?.()) ?? {})]);
      scope.defer(() => peer.kill());
      const session = await arrivals.get();
      expect(session.peer.carrier).toBe(carrier);
      const { receiver } = await session.accept();
      const { input, output, back, from } = (await take(receiver)).value as {
        input: ByteReader;
        output: ByteWriter;
        back: Sender;
        from: Receiver;
      };
      expect((await input.read())?.length).toBe(10);
      const { ret } = await take(receiver);
      const own = session.open();
      const outcomes = Promise.allSettled([
        receiver.receive(),
        input.read(),
        from.receive(),
        session.accept(),
        back.closed,
        ret.closed,
        own.closed,
        output.closed,
        output.write(new Uint8Array(50_000_000)),
        own.send(new Uint8Array(10_000_000)),
      ]);
      await peer.kill();
      const killed = performance.now();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'peer-gone' } });
      }
      // A second is what is promised; usually it is heard within 3 ms.
      expect(performance.now() - killed).toBeLessThan(1000);
      expect(await session.closed).toMatchObject({ code: 'peer-gone' });
      expect(session.stats).toMatchObject({ channels: 0, unsentBytes: 0 });
    },
  );
});
