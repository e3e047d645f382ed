import { CircuitError } from '@circuit/base';
import type { Entry } from '@circuit/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { open } from './open.js';
import { TestServer } from './test-server.js';

const clusters = open();
const cluster = (server: TestServer) => clusters.cluster(server);
afterEach(() => clusters.released());

/** A server that answers every listing with `paths`, two to a page. */
function holding(id: string, paths: readonly string[]): TestServer {
  return new TestServer(id, {
    ls: ({ after }) => {
      const from = after === undefined ? 0 : paths.indexOf(after) + 1;
      const entries = paths.slice(from, from + 2).map((path): Entry => ({ path, hasChildren: false }));
      const next = from + 2 < paths.length ? paths[from + 1] : undefined;
      return { entries, ...(next === undefined ? {} : { next }) };
    },
  });
}

async function paths(listing: AsyncIterable<Entry>): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of listing) found.push(path);
  return found;
}

describe('a listing', () => {
  test('of the root shows the servers', async () => {
    const root = await cluster(new TestServer('Xb').knows(new TestServer('Xa')));
    expect(await paths(root.list('/'))).toEqual(['/Xa', '/Xb']);
  });

  test('of a pattern asks every server that can match, in tree order', async () => {
    const far = holding('Xa', ['/Xa/1', '/Xa/1/2', '/Xa/3']);
    const near = holding('Xb', ['/Xb/x']).knows(far);
    const root = await cluster(near);
    expect(await paths(root.list('/...'))).toEqual(['/Xa', '/Xa/1', '/Xa/1/2', '/Xa/3', '/Xb', '/Xb/x']);
    expect(far.heard.map(({ body }) => body)).toEqual([{ path: '/...' }, { path: '/...', after: '/Xa/1/2' }]);
  });

  test('of one level asks nobody but the one who knows the servers', async () => {
    const far = holding('Xa', []);
    const root = await cluster(holding('Xb', []).knows(far));
    expect(await paths(root.list('/*'))).toEqual(['/Xa', '/Xb']);
    expect(far.heard).toEqual([]);
  });

  test('of a pattern below one server asks that one alone', async () => {
    const far = holding('Xa', ['/Xa/1']);
    const near = holding('Xb', []).knows(far);
    expect(await paths((await cluster(near)).list('/XA/*'))).toEqual(['/Xa/1']);
    expect(near.heard.map(({ verb }) => verb)).toEqual(['ping']);
  });

  test('names a server that fails and goes on, or rejects', async () => {
    const dead = new TestServer('Xa', {
      ls: () => {
        throw new CircuitError('unreachable', 'link down');
      },
    });
    const root = await cluster(holding('Xb', ['/Xb/x']).knows(dead));
    const failed: string[] = [];
    const onFailure = (id: string, { code }: CircuitError): void => void failed.push(`${id} ${code}`);
    expect(await paths(root.list('/*/*', { onFailure }))).toEqual(['/Xb/x']);
    expect(failed).toEqual(['Xa unreachable']);
    await expect(paths(root.list('/*/*'))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('refuses a malformed pattern at once', async () => {
    const root = await cluster(new TestServer('Xa'));
    expect(() => root.list('no-slash')).toThrow(CircuitError);
  });
});
