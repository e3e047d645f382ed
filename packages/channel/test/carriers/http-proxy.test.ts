import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bytePipe, type ByteReader, handlerSender, type Sender, type Session } from '@circuit/channel';
import { ask, readAll, take } from '@circuit/channel/conformance';
import { dialHttp } from '@circuit/channel/http';
import { type Authenticate, dialHttp2, listenHttp2 } from '@circuit/channel/http2';
import { dialWebSocket } from '@circuit/channel/websocket';
import { listenWebSocket, mountWebSocket } from '@circuit/channel/websocket-listener';
import { requires } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { makeAuthority } from '../support/certificates.js';
import { works } from '../support/http-roads.js';
import { type Proxy, startHaproxy, startNginx } from '../support/proxy.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const haproxy = test.skipIf(!requires('haproxy'));
const nginx = test.skipIf(!requires('nginx'));
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);

const basic = (pair: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
});

const ofAda: Authenticate = ({ headers }) =>
  headers.authorization === basic('ada:pw').authorization
    ? { identity: headers['x-forwarded-for'] === undefined ? 'ada' : 'ada, forwarded' }
    : { refuse: 401, challenge: 'Basic realm="ours"' };

/** haproxy in front of `port`: `protocol` is that of both sides. */
async function proxied(port: number, protocol: 'h1' | 'h2', more = ''): Promise<Proxy> {
  return scope.use(
    await startHaproxy(
      (own) => `userlist people
  user ada insecure-password pw
frontend in
  bind ${host}:${own} proto ${protocol}
  option forwardfor
  ${more}
  default_backend out
backend out
  server one ${host}:${port} proto ${protocol}
`,
    ),
  );
}

/** A request with the way to ask back. */
interface Inner {
  readonly number: number;
  readonly double: Sender<number>;
}

/** Nested requests, and a large stream each way at once. */
async function heavyWork(a: Session, b: Session): Promise<void> {
  const sender = a.open();
  const { receiver } = await b.accept();
  const questions = sender.send({ kind: 'nested' }, { returns: true });
  const { ret } = await take(receiver);
  // The answer holds a sender by which the side that asked asks on; each of these requests holds one by which it is asked back.
  const inner = handlerSender<Inner>(async ({ number, double }, answer) => {
    const doubled = await ask(double, number);
    double.close();
    await answer.send([number, doubled]);
  });
  await ret.send({ inner });
  const { inner: given } = (await take(await questions)).value as { inner: Sender<Inner> };
  for (let number = 0; number < 200; number++) {
    const double = handlerSender<number>(async (value, answer) => answer.send(value * 2));
    expect(await ask(given, { number, double })).toStrictEqual([number, number * 2]);
  }
  given.close();
  await given.closed;
  const size = 20_000_000;
  const [there, back] = [bytePipe(), bytePipe()];
  const handing = sender.send({ in: there.reader, out: back.writer });
  const { value } = await take(receiver);
  await handing;
  const { in: input, out: output } = value as {
    in: ByteReader;
    out: { write(b: Uint8Array): Promise<void>; close(): void };
  };
  const write = async (to: { write(b: Uint8Array): Promise<void>; close(): void }): Promise<void> => {
    for (let at = 0; at < size; at += 100_000) await to.write(new Uint8Array(100_000).fill(at / 100_000));
    to.close();
  };
  const [, , first, second] = await Promise.all([
    write(there.writer),
    write(output),
    readAll(input),
    readAll(back.reader),
  ]);
  for (const bytes of [first, second]) {
    expect(bytes.length).toBe(size);
    expect([bytes[0], bytes[100_000], bytes[size - 1]]).toStrictEqual([0, 1, (size / 100_000 - 1) & 255]);
  }
  sender.close();
  ret.close();
  expect((await receiver.receive()).done).toBe(true);
}

haproxy('a session over HTTP/2 passes haproxy, both ways, with nested requests and large streams', async () => {
  const listener = scope.use(await listenHttp2({ host, port: 0, authenticate: ofAda }, arrivals.take));
  const { port } = await proxied(portOf(listener), 'h2');
  const url = `http://${host}:${port}/`;
  await expect(dialHttp2({ url })).rejects.toMatchObject({
    code: 'denied',
    message: `dial http2 ${url}: refused with 401 (Basic realm="ours")`,
  });
  const dialled = await dialHttp2({ url, headers: basic('ada:pw') });
  const accepted = await arrivals.get();
  expect(accepted.peer.identity).toBe('ada, forwarded');
  await heavyWork(dialled, accepted);
  await heavyWork(accepted, dialled);
  await dialled.close();
  expect(await accepted.closed).toBe(undefined);
});

haproxy('one that dies behind haproxy takes nothing else with it', async () => {
  const listener = scope.use(await listenHttp2({ host, port: 0 }, arrivals.take));
  const { port } = await proxied(portOf(listener), 'h2');
  const url = `http://${host}:${port}/`;
  const staying = await dialHttp2({ url });
  const first = await arrivals.get();
  for (let i = 2; i < 12; i++) {
    const dialled = await dialHttp2({ url });
    const accepted = await arrivals.get(i);
    (i % 2 === 0 ? dialled : accepted).abort();
    expect(await (i % 2 === 0 ? accepted : dialled).closed).toMatchObject({ code: 'peer-gone' });
  }
  await works(staying, first);
  await staying.close();
});

haproxy.each(['h2', 'h1'] as const)(
  'basic auth at haproxy over %s: its 401 is a refusal, and behind it we ask again',
  async (protocol) => {
    const listener =
      protocol === 'h2'
        ? scope.use(await listenHttp2({ host, port: 0, authenticate: ofAda }, arrivals.take))
        : scope.use(await listenWebSocket({ host, port: 0, authenticate: ofAda }, arrivals.take));
    const { port } = await proxied(
      portOf(listener),
      protocol,
      'http-request auth realm theirs unless { http_auth(people) }',
    );
    const dial = protocol === 'h2' ? dialHttp2 : dialWebSocket;
    const url = `http://${host}:${port}/`;
    for (const headers of [{}, basic('ada:wrong')]) {
      await expect(dial({ url, headers })).rejects.toMatchObject({
        code: 'denied',
        detail: 'HTTP 401',
        message: expect.stringContaining('theirs') as string,
      });
      await expect(dialHttp({ url, headers })).rejects.toMatchObject({ code: 'denied', detail: 'HTTP 401' });
    }
    const dialled = await dial({ url, headers: basic('ada:pw') });
    const accepted = await arrivals.get();
    expect(accepted.peer.identity).toBe('ada, forwarded');
    await works(dialled, accepted);
    await dialled.close();
  },
);

haproxy('a WebSocket passes a proxy that speaks only HTTP/1, and the fall-back dial finds that way', async () => {
  const server = createServer();
  mountWebSocket(server, { path: '/deep/down', authenticate: ofAda }, arrivals.take);
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  scope.defer(() => void server.close());
  const { port } = await proxied((server.address() as AddressInfo).port, 'h1');
  const options = { url: `http://${host}:${port}/deep/down`, headers: basic('ada:pw') };
  const dialled = await dialWebSocket(options);
  await heavyWork(dialled, await arrivals.get());
  await dialled.close();
  const fallen = await dialHttp(options);
  expect(fallen.peer.carrier).toBe('websocket');
  await works(fallen, await arrivals.get(2));
  await fallen.close();
  await expect(dialHttp({ ...options, headers: {} })).rejects.toMatchObject({ code: 'denied', detail: 'HTTP 401' });
});

nginx('nginx over TLS, which holds HTTP/2 requests back, lets the fall-back through', async () => {
  const authority = await makeAuthority();
  scope.defer(() => authority.remove());
  const { cert, key } = await authority.issue('proxy');
  const listener = scope.use(await listenWebSocket({ host, port: 0, origins: 'any' }, arrivals.take));
  const proxy = scope.use(
    await startNginx(
      (own, folder) => `listen ${host}:${own} ssl http2;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    location / {
      proxy_pass http://${host}:${portOf(listener)};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }`,
      { 'cert.pem': cert, 'key.pem': key },
    ),
  );
  const url = `https://${host}:${proxy.port}/`;
  const dialled = await dialHttp({ url, tls: { ca: authority.cert }, deadlineMs: 10_000 });
  expect(dialled.peer).toMatchObject({ carrier: 'websocket', encrypted: true });
  await works(dialled, await arrivals.get());
  await dialled.close();
});
