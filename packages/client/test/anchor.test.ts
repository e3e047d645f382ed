import { CircuitError } from '@circuit/base';
import { afterEach, describe, expect, test } from 'vitest';
import { type Chan, type Proc } from '../src/index.js';
import { open } from './open.js';
import { TestServer } from './test-server.js';

const clusters = open();
const cluster = (server: TestServer) => clusters.cluster(server);
afterEach(() => clusters.released());

describe('an anchor', () => {
  test('is walked to without a request', async () => {
    const server = new TestServer('Xa');
    const root = await cluster(server);
    const jobs = root.walk('XB/jobs').walk(['night', 'one']);
    expect(jobs.path).toBe('/Xb/jobs/night/one');
    expect(jobs.serverId).toBe('Xb');
    expect(root.serverId).toBe('Xa');
    expect(server.heard.map(({ verb }) => verb)).toEqual(['ping']);
  });

  test('refuses a malformed walk at once', async () => {
    const root = await cluster(new TestServer('Xa'));
    expect(() => root.walk('nobody/jobs')).toThrow(/begin with the id of a server/);
    expect(() => root.walk('Xa/../x')).toThrow(CircuitError);
  });

  test('gets a handle of what it holds', async () => {
    const server = new TestServer('Xa', {
      peek: ({ path }) => {
        if (path === '/Xa/p') return { kind: 'proc', element: 7, state: null };
        if (path === '/Xa/c') return { kind: 'chan', element: 8, state: { Cap: 3 } as never };
        if (path === '/Xa/d') return { kind: 'dns', element: 9, state: null };
        if (path === '/Xa') return { kind: 'server', element: 0, state: null };
        if (path === '/Xa/empty') return { kind: null, element: null, state: null };
        throw new CircuitError('not-found', 'no anchor');
      },
      wait: () => ({}) as never,
    });
    const root = await cluster(server);
    const proc = (await root.walk('Xa/p').get()) as Proc;
    expect(proc.kind).toBe('proc');
    await proc.wait();
    expect(server.heard.at(-1)).toEqual({ verb: 'wait', body: { path: '/Xa/p', element: 7 } });
    expect(await ((await root.walk('Xa/c').get()) as Chan).cap()).toBe(3);
    expect((await root.walk('Xa').get())?.kind).toBe('server');
    expect(await root.walk('Xa/empty').get()).toBeNull();
    expect(await root.walk('Xa/absent').get()).toBeNull();
    await expect(root.walk('Xa/d').get()).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('tells an unknown server from an absent anchor', async () => {
    const root = await cluster(new TestServer('Xa'));
    await expect(root.walk('Xdead/p').get()).rejects.toMatchObject({ code: 'not-found', detail: 'server' });
    await expect(root.walk('Xdead/p').makeChan(1)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('takes no elements outside of servers', async () => {
    const root = await cluster(new TestServer('Xa'));
    const outside = 'cannot create elements outside of servers';
    await expect(root.makeChan(1)).rejects.toThrow(outside);
    await expect(root.makeProc({ path: 'true', args: [] })).rejects.toThrow(outside);
    await expect(root.walk('Xa').makeChan(1)).rejects.toThrow(outside);
    await expect(root.scrub()).rejects.toThrow(outside);
  });

  test('is viewed page by page', async () => {
    const server = new TestServer('Xa', {
      ls: ({ after }) =>
        after === undefined
          ? { entries: [{ path: '/Xa/a', hasChildren: false }], next: '/Xa/a' }
          : { entries: [{ path: '/Xa/b', hasChildren: true }] },
    });
    const root = await cluster(server);
    const view = await root.walk('Xa').view();
    expect([...view].map(([name, anchor]) => [name, anchor.path])).toEqual([
      ['a', '/Xa/a'],
      ['b', '/Xa/b'],
    ]);
  });

  test('knows the address of its server once the cluster was viewed', async () => {
    const root = await cluster(new TestServer('Xa').knows(new TestServer('Xb')));
    expect(root.addr).toBe('circuit://xa:1');
    expect(root.walk('Xb/x').addr).toBeUndefined();
    expect([...(await root.view()).keys()]).toEqual(['Xa', 'Xb']);
    expect(root.walk('Xb/x').addr).toBe('circuit://xb:1');
  });

  test('of another server is served there, through the dialled one', async () => {
    const far = new TestServer('Xb', { mkchan: () => ({ element: 5 }), stat: () => ({ Cap: 2 }) as never });
    const root = await cluster(new TestServer('Xa').knows(far));
    const chan = await root.walk('Xb/c').makeChan(2);
    expect(await chan.stat()).toEqual({ Cap: 2 });
    expect(far.heard).toEqual([
      { verb: 'mkchan', body: { path: '/Xb/c', capacity: 2 } },
      { verb: 'stat', body: { path: '/Xb/c', element: 5 } },
    ]);
  });
});
