import { CircuitError } from '@circuit/base';
import { until } from '@circuit/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { open } from './open.js';
import { TestServer } from './test-server.js';

const clusters = open();
const cluster = (server: TestServer) => clusters.cluster(server);
afterEach(() => clusters.released());

const silent = { wait: () => new Promise<never>(() => undefined), mkchan: () => new Promise<never>(() => undefined) };

describe('a call', () => {
  test('rejects with the failure of the server', async () => {
    const server = new TestServer('Xa', {
      signal: () => {
        throw new CircuitError('conflict', 'it has ended', { detail: 'ended' });
      },
    });
    const proc = (await cluster(server)).walk('Xa/p').proc();
    await expect(proc.signal('TERM')).rejects.toMatchObject({
      code: 'conflict',
      message: 'it has ended',
      detail: 'ended',
    });
  });

  test('given up is withdrawn at the server', async () => {
    let gone: Promise<CircuitError> | undefined;
    const server = new TestServer('Xa', {
      wait: (_, reply) => {
        gone = reply.gone;
        return new Promise<never>(() => undefined);
      },
    });
    const stop = new AbortController();
    const waiting = (await cluster(server)).walk('Xa/p').proc().wait({ signal: stop.signal });
    await until('the request', () => gone !== undefined);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await gone;
  });

  test('with a fired signal sends nothing', async () => {
    const server = new TestServer('Xa', silent);
    const root = await cluster(server);
    await expect(root.walk('Xa/c').makeChan(1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(server.heard).toHaveLength(1);
  });

  test('that reads rejects with peer-gone when the session breaks, one that acts with outcome-unknown', async () => {
    const server = new TestServer('Xa', silent);
    const root = await cluster(server);
    const reading = root.walk('Xa/p').proc().wait();
    const acting = root.walk('Xa/c').makeChan(1);
    await until('both requests', () => server.heard.length === 3);
    server.kill();
    await expect(reading).rejects.toMatchObject({ code: 'peer-gone' });
    await expect(acting).rejects.toMatchObject({ code: 'outcome-unknown' });
    await expect(root.servers()).rejects.toMatchObject({ code: 'peer-gone' });
    expect(await root.closed).toMatchObject({ code: 'peer-gone' });
  });

  test('to a server behind the dialled one rejects likewise when that one dies', async () => {
    const far = new TestServer('Xb', silent);
    const root = await cluster(new TestServer('Xa').knows(far));
    const reading = root.walk('Xb/p').proc().wait();
    const acting = root.walk('Xb/c').makeChan(1);
    await until('both requests', () => far.heard.length === 2);
    far.kill();
    await expect(reading).rejects.toMatchObject({ code: 'peer-gone' });
    await expect(acting).rejects.toMatchObject({ code: 'outcome-unknown' });
    expect((await root.servers()).length).toBe(2);
  });

  test('rejects when this side closes', async () => {
    const server = new TestServer('Xa', silent);
    const root = await cluster(server);
    const reading = root.walk('Xa/p').proc().wait();
    await until('the request', () => server.heard.length === 2);
    await Promise.all([root.close(), expect(reading).rejects.toMatchObject({ code: 'peer-gone' })]);
    await expect(root.servers()).rejects.toMatchObject({ code: 'closed' });
  });

  test('refuses an answer that is none', async () => {
    const server = new TestServer('Xa', { servers: () => 'nobody' as never });
    await expect((await cluster(server)).servers()).rejects.toMatchObject({ code: 'protocol' });
  });

  test('of another version of the protocol is not made', async () => {
    const server = new TestServer('Xa', { ping: () => ({ id: 'Xa', protocol: 99, wallMs: 0 }) });
    await expect(server.connect()).rejects.toMatchObject({ code: 'unsupported' });
    await until('the session to end', () => server.sessions[0]?.stats.channels === 0);
  });
});
