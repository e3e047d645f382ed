import { deferred } from '@circuit/base';
import type { Authenticate, AuthenticationRequest } from '@circuit/channel/http2';
import type { Listener } from '@circuit/channel/tcp';
import { ManualClock, until } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { arrivalsPerTest } from '../support/arrivals.js';
import { makeAuthority } from '../support/certificates.js';
import { httpRoads, works } from '../support/http-roads.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { portOf } from '../support/transports.js';

const host = '127.0.0.1';
const session = { keepAliveMs: 0 };
const scope = scopePerTest();
const arrivals = arrivalsPerTest(scope);
const { refused, onRefused } = arrivals;

describe.each(httpRoads)('$name', ({ name, dial, listen }) => {
  async function start(authenticate: Authenticate, more: object = {}): Promise<Listener> {
    const options = { host, port: 0, path: '/in', authenticate, onRefused, session, ...more };
    return scope.use(await listen(options, arrivals.take));
  }

  const at = (listener: Listener, path = '/in', scheme = 'http'): string =>
    `${scheme}://${host}:${portOf(listener)}${path}`;

  test('the request is shown, and the identity that is answered is that of the session', async () => {
    const requests: AuthenticationRequest[] = [];
    const identity = { name: 'ada', rights: ['read'] };
    const listener = await start((request) => {
      requests.push(request);
      return Promise.resolve({ identity });
    });
    const dialled = await dial({ url: at(listener, '/in?token=7'), headers: { 'X-Token': 'secret' }, session });
    const accepted = await arrivals.get();
    expect(accepted.peer).toMatchObject({ carrier: name, identity, encrypted: false, local: true });
    expect(requests).toMatchObject([
      { method: name === 'http2' ? 'POST' : 'GET', path: '/in?token=7', headers: { 'x-token': 'secret' } },
    ]);
    expect(requests[0]?.remoteAddress).toBe(accepted.peer.address);
    expect(requests[0]?.peerCertificate).toBe(undefined);
    expect(dialled.peer).toMatchObject({ carrier: name, address: expect.stringMatching(/\/in$/) as string });
    await works(dialled, accepted);
    await dialled.close();
  });

  test('user and password of the address are sent and kept out of messages', async () => {
    const listener = await start(({ headers }) =>
      headers.authorization === `Basic ${Buffer.from('ada:p w').toString('base64')}`
        ? { identity: 'ada' }
        : { refuse: 401 },
    );
    const url = at(listener).replace('//', '//ada:p%20w@');
    const dialled = await dial({ url, session });
    expect(dialled.peer.address).not.toContain('ada');
    await dialled.close();
    await expect(dial({ url: url.replace('p%20w', 'wrong'), session })).rejects.toMatchObject({
      code: 'denied',
      message: expect.not.stringContaining('wrong') as string,
    });
  });

  test('a refusal is 401 with its challenge, or 403, and names status and address', async () => {
    const listener = await start(({ headers }) =>
      headers['x-who'] === undefined ? { refuse: 401, challenge: 'Basic realm="channels"' } : { refuse: 403 },
    );
    await expect(dial({ url: at(listener), session })).rejects.toMatchObject({
      code: 'denied',
      detail: 'HTTP 401',
      message: `dial ${name} ${at(listener, '/in', name === 'http2' ? 'http' : 'ws')}: refused with 401 (Basic realm="channels")`,
    });
    const dialled = dial({ url: at(listener), headers: { 'x-who': 'eve' }, session });
    await expect(dialled).rejects.toMatchObject({ code: 'denied', detail: 'HTTP 403' });
    expect(arrivals.sessions).toStrictEqual([]);
    expect(refused).toStrictEqual(['401: unauthorized', '403: forbidden']);
  });

  test('what authenticate throws is 500 without a word of it, and so is a challenge that is no header', async () => {
    const listener = await start(({ path }) => {
      if (path.endsWith('?thrown')) throw new Error('the database is at 10.0.0.7');
      return { refuse: 401, challenge: 'Basic\r\nX: y' };
    });
    for (const query of ['?thrown', '']) {
      await expect(dial({ url: at(listener, `/in${query}`), session })).rejects.toMatchObject({
        code: 'unreachable',
        detail: 'HTTP 500',
        message: expect.not.stringContaining('10.0.0.7') as string,
      });
    }
    expect(refused).toStrictEqual([
      '500: the database is at 10.0.0.7',
      '500: challenge "Basic\\r\\nX: y": characters that no header may have',
    ]);
  });

  test('an answer that is neither an identity nor a refusal with 401 or 403 is 500, and lets nobody in', async () => {
    const odd: unknown[] = [
      { refuse: 999 },
      { refuse: 101 },
      { refuse: 200 },
      { refuse: true },
      { refuse: 'bad' },
      { refuse: 401, challenge: 5 },
      { refuse: 500, identity: 'ada' },
      { identity: undefined },
      {},
      undefined,
      null,
      0,
      200,
      'ada',
    ];
    const left = [...odd];
    const listener = await start((() => left.shift()) as unknown as Authenticate);
    for (let i = 0; i < odd.length; i++) {
      await expect(dial({ url: at(listener), session })).rejects.toMatchObject({
        code: 'unreachable',
        detail: 'HTTP 500',
      });
    }
    expect(arrivals.sessions).toStrictEqual([]);
    expect(refused.length).toBe(odd.length);
    expect(refused[0]).toBe('500: authenticate refused with 999, want 401 or 403');
    expect(refused[7]).toBe('500: authenticate answered without an identity');
  });

  test('an onRefused that throws, or rejects, changes nothing in the answer and is called once', async () => {
    let called = 0;
    const faults = [
      () => {
        throw new Error('the log is full');
      },
      () => Promise.reject(new Error('the log is away')),
    ];
    const listener = await start(() => ({ refuse: 403 }), { onRefused: () => faults[called++]?.() });
    for (const count of [1, 2]) {
      await expect(dial({ url: at(listener), session })).rejects.toMatchObject({ code: 'denied', detail: 'HTTP 403' });
      expect(called).toBe(count);
    }
  });

  test('an answer that takes too long is 503, and the one that waits is told', async () => {
    const clock = new ManualClock();
    const asked = deferred<AbortSignal>();
    const hanging: Authenticate = ({ signal }) => {
      asked.resolve(signal);
      return new Promise(() => undefined);
    };
    const listener = await start(hanging, { authenticateMs: 3000, session: { keepAliveMs: 0, clock } });
    const dialling = dial({ url: at(listener), session });
    const outcome = expect(dialling).rejects.toMatchObject({
      code: 'unreachable',
      detail: 'HTTP 503',
      retryable: true,
    });
    const signal = await asked.promise;
    await clock.advance(2999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(signal.aborted).toBe(true);
    expect(refused).toStrictEqual(['503: authenticate: not done within 3000 ms']);
  });

  test('more requests than may wait for authenticate are answered by 503', async () => {
    const answers: (() => void)[] = [];
    const asking: Authenticate = () => new Promise((resolve) => answers.push(() => resolve({ identity: 1 })));
    const listener = await start(asking, { maxPending: 2 });
    const waiting = [dial({ url: at(listener), session }), dial({ url: at(listener), session })];
    await until('both to wait', () => answers.length === 2);
    await expect(dial({ url: at(listener), session })).rejects.toMatchObject({ detail: 'HTTP 503' });
    for (const answer of answers) answer();
    for (const dialled of await Promise.all(waiting)) await dialled.close();
    const later = dial({ url: at(listener), session });
    await until('the next to be asked', () => answers.length === 3);
    answers[2]?.();
    await (await later).close();
  });

  test('a path where nobody listens is not found, and a listener that is closed takes none', async () => {
    const listener = await start(() => ({ identity: 1 }));
    await expect(dial({ url: at(listener, '/elsewhere'), session })).rejects.toMatchObject({
      code: 'not-found',
      detail: 'HTTP 404',
    });
    const dialled = await dial({ url: at(listener), session });
    await listener.close();
    await listener.close();
    await expect(dial({ url: at(listener), session })).rejects.toMatchObject({ code: 'unreachable' });
    await works(dialled, await arrivals.get());
    await dialled.close();
  });

  test('over TLS the certificate of the client is shown, and a server that is not trusted is denied', async () => {
    const authority = await makeAuthority();
    scope.defer(() => authority.remove());
    const [server, client] = [await authority.issue('server'), await authority.issue('worker-7')];
    const listener = await start(
      ({ peerCertificate, authorized }) => ({ identity: [authorized, peerCertificate?.subject.CN] }),
      { tls: { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: false } },
    );
    const url = at(listener, '/in', 'https');
    const dialled = await dial({ url, tls: { ca: authority.cert, ...client }, session });
    const accepted = await arrivals.get();
    expect(accepted.peer).toMatchObject({ identity: [true, 'worker-7'], encrypted: true });
    expect(dialled.peer.encrypted).toBe(true);
    await works(dialled, accepted);
    await dialled.close();
    const anonymous = await dial({ url, tls: { ca: authority.cert }, session });
    expect((await arrivals.get(2)).peer.identity).toStrictEqual([undefined, undefined]);
    await anonymous.close();
    await expect(dial({ url, session })).rejects.toMatchObject({ code: 'denied' });
  });
});

test('a page of another site is refused by a WebSocket listener that does not name it', async () => {
  const [{ dial, listen }] = httpRoads as [(typeof httpRoads)[0]];
  const origins = ['https://app.example'];
  const options = { host, port: 0, onRefused, session, origins };
  const listener = scope.use(await listen(options, arrivals.take));
  const port = portOf(listener);
  const from = (origin: string): Promise<unknown> =>
    dial({ url: `ws://${host}:${port}`, headers: { origin }, session }).then((dialled) => dialled.close());
  await from('https://app.example');
  await from(`http://${host}:${port}`);
  for (const origin of ['https://evil.example', `http://${host}:1`, 'null']) {
    await expect(from(origin)).rejects.toMatchObject({ code: 'denied', detail: 'HTTP 403' });
  }
  expect(refused[0]).toBe(
    "403: pages of https://evil.example may not dial here; the listener's option origins can allow it",
  );
});
