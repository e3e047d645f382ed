import { createHash, randomBytes } from 'node:crypto';
import { deferred, seededRandom } from '@circuit/base';
import { bytePipe, type ByteReader, type Session, type SessionOptions } from '@circuit/channel';
import { ask, collect, openChannel, serve, take } from '@circuit/channel/conformance';
import type { Resume } from '@circuit/channel/resume';
import { dialTcp, type Listener, listenTcp } from '@circuit/channel/tcp';
import { dialTls, listenTls } from '@circuit/channel/tls';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { CutProxy } from '../support/cut-proxy.js';
import { checkNothingOpen } from '../support/nothing-open.js';
import { startProcess } from '../support/process.js';
import { portOf } from '../support/transports.js';

checkNothingOpen();

const psk = { identity: 'test', key: new Uint8Array(randomBytes(32)) };

interface Road {
  readonly a: Session;
  readonly b: Session;
  readonly proxy: CutProxy;
  readonly close: () => Promise<void>;
}

/** Two sessions with a proxy between them. */
async function connect(kind: 'tcp' | 'tls', resume: Resume, session: SessionOptions = {}): Promise<Road> {
  const arrived = deferred<Session>();
  const onSession = (one: Session): void => arrived.resolve(one);
  const host = '127.0.0.1';
  const listener: Listener = await (kind === 'tcp'
    ? listenTcp({ host, port: 0, resume, session }, onSession)
    : listenTls({ host, port: 0, pskFor: () => psk.key, resume, session }, onSession));
  const proxy = await CutProxy.before(portOf(listener));
  const a = await (kind === 'tcp'
    ? dialTcp({ host, port: proxy.port, resume, session })
    : dialTls({ host, port: proxy.port, psk, resume, session }));
  return {
    a,
    b: await arrived.promise,
    proxy,
    async close() {
      await Promise.all([a.close(), (await arrived.promise).close()]);
      await proxy.close();
      await listener.close();
    },
  };
}

for (const kind of ['tcp', 'tls'] as const) {
  test(`${kind}: requests with channels in them, a large stream and acknowledged sends survive thirty cuts`, async () => {
    const states: string[] = [];
    const { a, b, proxy, close } = await connect(kind, { onState: (state) => void states.push(state) });
    const random = seededRandom(7);
    const total = 48 * 1_048_576;
    const block = new Uint8Array(randomBytes(1_048_576));
    const requests = await openChannel(a, b);
    const serving = serve(requests.receiver, (value) => ({ value, stream: undefined }));
    const carrying = await openChannel<ByteReader>(b, a);
    const data = bytePipe();
    await carrying.sender.send(data.reader);
    const { value: incoming } = await take(carrying.receiver);
    const [sent, got] = [createHash('sha256'), createHash('sha256')];
    let moved = 0;
    const writing = (async () => {
      for (let at = 0; at < total; at += block.length) {
        sent.update(block);
        await data.writer.write(block);
      }
      data.writer.close();
    })();
    const reading = (async () => {
      for await (const chunk of incoming) {
        got.update(chunk);
        moved += chunk.length;
      }
    })();
    const acknowledged = await openChannel<number>(a, b);
    const taking = collect(acknowledged.receiver);
    let asked = 0;
    const cutting = new AbortController();
    const asking = (async () => {
      for (let i = 0; !cutting.signal.aborted || i < 300; i++) {
        const answers = await Promise.all([ask(requests.sender, i), ask(requests.sender, [i])]);
        expect(answers).toStrictEqual([
          { value: i, stream: undefined },
          { value: [i], stream: undefined },
        ]);
        await acknowledged.sender.send(i, { acknowledged: true });
        asked++;
      }
    })();
    for (let cut = 0; cut < 30; cut++) {
      const [had, askedBefore] = [moved, asked];
      const step = random.next() * 1_500_000;
      await until('something to happen', () => moved > Math.min(had + step, total - 1) || asked > askedBefore + 20);
      proxy.cut();
    }
    cutting.abort();
    await Promise.all([writing, reading, asking]);
    expect(moved).toBe(total);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    acknowledged.sender.close();
    expect(await taking).toStrictEqual([...Array(asked).keys()]);
    expect(states.filter((state) => state === 'connected').length).toBeGreaterThan(20);
    for (const { sender } of [requests, carrying]) sender.close();
    await serving;
    await collect(carrying.receiver);
    await until('both tables to be empty', () => a.stats.channels + b.stats.channels === 0);
    await close();
    expect(await Promise.all([a.closed, b.closed])).toStrictEqual([undefined, undefined]);
  });
}

test('without resume a cut fails everything at once, with it nothing', async () => {
  const plain = await connect('tcp', false);
  const { sender } = await openChannel(plain.a, plain.b);
  plain.proxy.cut();
  await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  expect(await plain.b.closed).toMatchObject({ code: 'peer-gone' });
  await plain.close();
});

// Time is what the next two are about, the system's own; by a clock of the test each moment is in sockets.test.ts and session-door.test.ts.
test('a connection that carries nothing any more is found by keep-alive and replaced', async () => {
  const road = await connect('tcp', true, { keepAliveMs: 40 });
  const { sender, receiver } = await openChannel<string>(road.a, road.b);
  await sender.send('before');
  expect((await take(receiver)).value).toBe('before');
  road.proxy.freeze();
  const sending = sender.send('behind', { acknowledged: true });
  road.proxy.thaw();
  expect((await take(receiver)).value).toBe('behind');
  await sending;
  expect(road.proxy.taken).toBeGreaterThan(1);
  sender.close();
  await collect(receiver);
  await road.close();
});

test('without a way back both sides give up when their time is over', async () => {
  const { a, b, proxy, close } = await connect('tcp', { timeMs: 300 });
  const { sender, receiver } = await openChannel(a, b);
  const waiting = receiver.receive().catch((error: unknown) => error);
  proxy.target = 1;
  proxy.cut();
  await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  expect(await waiting).toMatchObject({ code: 'peer-gone' });
  expect((await a.closed)?.message).toContain('away for 300 ms');
  expect((await b.closed)?.message).toContain('away for 300 ms');
  await close();
});

test('a listener that is killed and comes back knows no session: the dialler hears it at once', async () => {
  const first = await startProcess('resume-listener.ts', ['0']);
  const session = await dialTcp({ host: '127.0.0.1', port: Number(first.line), resume: { timeMs: 600_000 } });
  const sender = session.open<string>();
  expect(await ask(sender, 'who is there')).toBe('who is there');
  await first.kill();
  const asking = sender.send('and now', { returns: true }).then((answers) => answers.receive());
  const failed = asking.catch((error: unknown) => error);
  const second = await startProcess('resume-listener.ts', [first.line]);
  expect(await failed).toMatchObject({ code: 'peer-gone' });
  expect((await session.closed)?.message).toContain('no such session here');
  await second.kill();
});
