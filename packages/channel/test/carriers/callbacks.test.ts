import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { deferred } from '@circuit/base';
import { type ByteReader, bytePipe, type Session, type SessionOptions } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { keyAuth } from '@circuit/channel/auth';
import { dialHttp2, listenHttp2 } from '@circuit/channel/http2';
import { MemoryNetwork } from '@circuit/channel/dial';
import { dialWorker, listenWorker } from '@circuit/channel/message-port';
import { dialTcp, type Listener, listenTcp, type OnSession } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { dialUnix, listenUnix } from '@circuit/channel/unix';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket } from '@circuit/channel/websocket-listener';
import { settle, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { CutProxy } from '../support/cut-proxy.js';
import { works } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const psk = new Uint8Array(32).fill(7);

interface Options {
  readonly session: SessionOptions;
  readonly resume: boolean;
}

interface Way {
  listen(options: Options, onSession: OnSession): Promise<Listener>;
  dial(listener: Listener, options: Options): Promise<Session>;
}

const ways: Readonly<Record<string, Way>> = {
  tcp: {
    listen: (options, onSession) => listenTcp({ host, port: 0, ...options }, onSession),
    dial: (listener, options) => dialTcp({ host, port: portOf(listener), ...options }),
  },
  unix: {
    async listen(options, onSession) {
      const folder = await mkdtemp(join(tmpdir(), 'channel-'));
      scope.defer(() => rm(folder, { recursive: true }));
      return listenUnix({ path: join(folder, 's'), ...options }, onSession);
    },
    dial: ({ address }, options) => dialUnix({ path: 'path' in address ? address.path : '', ...options }),
  },
  tls: {
    listen: (options, onSession) => listenTls({ host, port: 0, pskFor: () => psk, ...options }, onSession),
    dial: (listener, options) =>
      dialTls({ host, port: portOf(listener), psk: { identity: 'me', key: psk }, ...options }),
  },
  websocket: {
    listen: (options, onSession) => listenWebSocket({ host, port: 0, ...options }, onSession),
    dial: (listener, options) => dialWebSocket({ url: `ws://${host}:${portOf(listener)}`, ...options }),
  },
  http2: {
    listen: (options, onSession) => listenHttp2({ host, port: 0, ...options }, onSession),
    dial: (listener, options) => dialHttp2({ url: `http://${host}:${portOf(listener)}`, ...options }),
  },
};

const rows = Object.entries(ways).flatMap(([name, way]) =>
  [false, true].map((resume) => ({ name, way, resume, with: resume ? 'with resume' : 'without resume' })),
);

/** What reaches the process as an uncaught exception, until the end of the test. */
function uncaughtExceptions(): unknown[] {
  const heard: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const hear = (error: unknown): void => void heard.push(error);
  process.on('uncaughtException', hear);
  scope.defer(() => {
    process.off('uncaughtException', hear);
    for (const listener of before) process.on('uncaughtException', listener);
  });
  return heard;
}

/** A key that a listener looks for until `find` is called. */
function lateKey(): { key: Uint8Array; keyFor: () => Promise<Uint8Array>; asked: () => boolean; find: () => void } {
  const key = new Uint8Array(32).fill(3);
  const found = deferred<Uint8Array>();
  let asked = false;
  const keyFor = (): Promise<Uint8Array> => {
    asked = true;
    return found.promise;
  };
  return { key, keyFor, asked: () => asked, find: () => found.resolve(key) };
}

test.each(rows)('$name $with: a listener that closes ends the sessions that have not proved their key', async ({
  way,
  resume,
}) => {
  const { key, keyFor, asked, find } = lateKey();
  const listener = scope.use(await way.listen({ resume, session: { auth: keyAuth({ keyFor }) } }, arrivals.take));
  const dialling = expect(
    way.dial(listener, { resume, session: { auth: keyAuth({ identity: 'me', key }) } }),
  ).rejects.toMatchObject({ code: 'peer-gone' });
  await until('the key to be asked for', asked);
  await listener.close();
  find();
  await dialling;
  expect(arrivals.sessions).toStrictEqual([]);
});

/** What waits for nobody to connect: `memory:` and `worker:`. Answers with the dial under way and what stops the listener. */
const inProcess: Readonly<
  Record<
    string,
    (take: OnSession, listening: SessionOptions, dialling: SessionOptions) => [Promise<unknown>, () => unknown]
  >
> = {
  memory(take, listening, dialling) {
    const network = new MemoryNetwork();
    const stop = network.listen('here', take, listening);
    return [network.dial('here', { session: dialling }), stop];
  },
  worker(take, listening, dialling) {
    const { port1, port2 } = new MessageChannel();
    scope.defer(() => port1.close());
    const listener = listenWorker(port2, take, { session: listening });
    return [dialWorker(port1, { session: dialling }).ready, () => listener.close()];
  },
};

test.each(
  Object.entries(inProcess),
)('%s: a listener that closes ends the sessions that have not proved their key', async (_name, begin) => {
  const { key, keyFor, asked, find } = lateKey();
  const [dialling, stop] = begin(
    arrivals.take,
    { auth: keyAuth({ keyFor }) },
    { auth: keyAuth({ identity: 'me', key }) },
  );
  const refusal = expect(dialling).rejects.toMatchObject({ code: 'peer-gone' });
  await until('the key to be asked for', asked);
  stop();
  await refusal;
  find();
  await settle();
  expect(arrivals.sessions).toStrictEqual([]);
});

test.each(rows)('$name $with: an onSession that throws ends that session and is an uncaught exception', async ({
  way,
  resume,
}) => {
  const heard = uncaughtExceptions();
  const faults = [new Error('no room'), new Error('no room either')];
  const left = [...faults];
  const options = { resume, session: { keepAliveMs: 0 } };
  const listener = scope.use(
    await way.listen(options, (session) => {
      const fault = left.shift();
      if (fault !== undefined) throw fault;
      arrivals.take(session);
    }),
  );
  for (let i = 0; i < faults.length; i++) {
    const failed = await way.dial(listener, options);
    expect(await failed.closed).toMatchObject({ code: 'peer-gone' });
  }
  expect(heard).toStrictEqual(faults);
  const dialled = await way.dial(listener, options);
  await works(dialled, await arrivals.get());
  await dialled.close();
});

test.each(rows)('$name $with: uncaught exceptions behind each read do the session no harm', async ({ way, resume }) => {
  const heard = uncaughtExceptions();
  const fault = new Error('uncaught');
  const options = { resume, session: { keepAliveMs: 0 } };
  const listener = scope.use(await way.listen(options, arrivals.take));
  const dialled = await way.dial(listener, options);
  const accepted = await arrivals.get();
  const throwBehind = (taken: Promise<unknown>): void => {
    void taken.then(() => {
      process.nextTick(() => {
        throw fault;
      });
    });
  };
  // As a turn of its own each: messages and bytes of a stream, what one read brings and what takes several.
  const parts = [10, 3000, 20_000, 10, 100_000, 20_000, 5000, 10].map((length) =>
    new Uint8Array(length).map((_, i) => (i * length) % 251),
  );
  for (const [from, to] of [
    [accepted, dialled],
    [dialled, accepted],
  ] as const) {
    const sender = from.open();
    const { receiver } = await to.accept();
    for (const part of parts) {
      const taken = take(receiver);
      throwBehind(taken);
      await sender.send(part);
      expect(Buffer.compare((await taken).value as Uint8Array, part)).toBe(0);
    }
    const { reader, writer } = bytePipe();
    await sender.send(reader);
    const bytes = (await take(receiver)).value as ByteReader;
    for (const part of parts) {
      const written = writer.write(part);
      const read: Uint8Array[] = [];
      for (let left = part.length; left > 0; ) {
        const taken = bytes.read();
        throwBehind(taken);
        const chunk = (await taken) as Uint8Array;
        read.push(chunk);
        left -= chunk.length;
      }
      await written;
      expect(Buffer.compare(Buffer.concat(read), part)).toBe(0);
    }
    writer.close();
    sender.close();
  }
  await works(dialled, accepted);
  expect(heard.length).toBeGreaterThan(30);
  expect(new Set(heard)).toStrictEqual(new Set([fault]));
});

test('an onState that throws does not keep a session from resuming and is an uncaught exception', async () => {
  const heard = uncaughtExceptions();
  let throwing = true;
  const resume = {
    onState: (state: string) => {
      if (throwing) throw new Error(state);
    },
  };
  const session = { keepAliveMs: 0 };
  const listener = scope.use(await listenTcp({ host, port: 0, session, resume }, arrivals.take));
  const proxy = scope.use(await CutProxy.before(portOf(listener)));
  const dialled = await dialTcp({ host, port: proxy.port, session, resume });
  const accepted = await arrivals.get();
  await works(dialled, accepted);
  proxy.cut();
  await works(dialled, accepted);
  expect(heard.map(String).sort()).toStrictEqual([
    'Error: away',
    'Error: away',
    'Error: connected',
    'Error: connected',
  ]);
  throwing = false;
  await Promise.all([dialled.close(), accepted.close()]);
});
